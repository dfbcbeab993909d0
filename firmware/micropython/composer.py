"""From a snapshot to the bytes that wait, and from those to the pack that is sent.

MicroPython's dicts have no order: the points are those of the first snapshot, by name. Bytes written by a firmware with
other points are another owner's, and are not read.
"""

import compact
import senml


class Composer:
    """``names``: the points of the product and of the board itself."""

    def __init__(self, device: str, profile: str, names):
        self._device = device
        self._names = tuple(sorted(names))
        self.owner = f"{device} {profile} " + " ".join(self._names)

    def body(self, values: dict) -> bytes:
        """What waits of a snapshot."""
        return compact.encode([values[name] for name in self._names])

    def message(self, entry, base_time: str, undated: bool) -> bytes:
        """The SenML pack of an entry of the `backlog`."""
        found = compact.decode(entry.body)
        values = {name: found[at] for at, name in enumerate(self._names)}
        return senml.timed_pack(self._device, entry.boot, entry.seq, values, base_time, undated)
