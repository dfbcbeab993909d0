"""UnknownDevices: who was heard and is not registered, for a person to adopt. Nothing is created by itself."""

from collections import OrderedDict
from typing import NamedTuple


class Heard(NamedTuple):
    """How often and when (UTC ns) an unknown id was heard, and from which address last."""

    device: str
    messages: int
    first_at: int
    last_at: int
    peer: str


class UnknownDevices:
    """At most ``limit`` ids; the one that was silent the longest goes first.

    ``total`` counts every message, also of ids that fell out: a flood of made-up ids stays visible.
    """

    def __init__(self, limit: int = 1_000) -> None:
        self._limit = limit
        self._heard: OrderedDict[str, Heard] = OrderedDict()
        self.total = 0

    def __len__(self) -> int:
        return len(self._heard)

    def heard(self, device: str, at: int, peer: str) -> None:
        """A message of an id that is not registered came at ``at`` (UTC ns)."""
        self.total += 1
        before = self._heard.pop(device, None)
        messages, first_at = (before.messages, before.first_at) if before is not None else (0, at)
        self._heard[device] = Heard(device, messages + 1, first_at, at, peer)
        if len(self._heard) > self._limit:
            self._heard.popitem(last=False)

    def adopted(self, device: str) -> None:
        """It is registered now, or a person dismissed it."""
        self._heard.pop(device, None)

    def items(self) -> list[Heard]:
        """The last heard first."""
        return list(reversed(self._heard.values()))
