"""Generic board: a product is a table of inputs. It measures and reports; it has no output to command (S15).

Points, names and codes are those of the profiles ``gengfu/smart-bin`` and ``gengfu/hydrogen-node``.
"""

import struct

import kv

from products.inputs import Input, StimulusError, amount, switch

# In profile order. Number: (name, decimals, at start, noise, lowest, highest output of the transmitter, jump that is
# reported at once or None). The noise and the jumps are chosen by us; 0.2 vol% of hydrogen is 5 %LEL.
# Flag: (name,). Counter: (name, input, fall): counts falls of the input by more than that (S17: an emptied bin).
PRODUCTS = {
    "smart-bin": (
        ("fill", 0, 35.0, 0.4, 0.0, 100.0, 10.0),
        ("weight", 1, 12.0, 0.1, -1.0, 500.0, None),
        ("temperature", 1, 26.0, 0.2, -40.0, 125.0, 5.0),
        ("tilt", 0, 2.0, 0.4, 0.0, 180.0, 15.0),
        ("lid_open",),
        ("fire",),
        ("fault",),
        ("battery", 0, 88.0, 0.0, 0.0, 100.0, None),
        ("collections", "fill", 30.0),
    ),
    "hydrogen-node": (
        ("h2_1", 2, 0.02, 0.01, -0.2, 4.5, 0.2),
        ("h2_2", 2, 0.01, 0.01, -0.2, 4.5, 0.2),
        ("h2_3", 2, 0.03, 0.01, -0.2, 4.5, 0.2),
        ("h2_4", 2, 0.01, 0.01, -0.2, 4.5, 0.2),
        ("pressure_trailer", 2, 18.5, 0.02, -1.0, 33.0, 1.0),
        ("pressure_low_bank", 2, 41.2, 0.03, -1.0, 66.0, 1.0),
        ("pressure_high_bank", 2, 82.7, 0.05, -1.0, 120.0, 1.0),
        ("pressure_dispenser", 2, 0.3, 0.02, -1.0, 120.0, 5.0),
        ("temperature_gas", 1, -12.5, 0.2, -60.0, 165.0, 10.0),
        ("temperature_room", 1, 24.0, 0.2, -60.0, 165.0, 5.0),
        ("flame",),
        ("esd",),
        ("break_away",),
        ("fault",),
        ("warm_up",),
        ("fan_running",),
        ("compressor_running",),
    ),
}


class Board:
    """One board of a product of `PRODUCTS`; the interface of `products.gas_alarm.GasAlarm`."""

    commands = ()

    def __init__(self, product: str, store, noise, now: int, *, warm_up_ms: int = 2000):
        self.profile = "gengfu/" + product
        self._rows = PRODUCTS[product]
        self._store = store
        self._noise = noise
        self._started = now
        self._warm_up_ms = warm_up_ms
        self.store_errors = 0
        self.jumps = {row[0]: row[6] for row in self._rows if len(row) == 7 and row[6] is not None}
        self.watched = tuple(row[0] for row in self._rows if len(row) != 7)
        self._inputs = {row[0]: Input(*row[2:6]) for row in self._rows if len(row) == 7}
        self._flags = {row[0]: False for row in self._rows if len(row) == 1}
        self._counters = {row[0]: self._restore(row[0]) for row in self._rows if len(row) == 3}
        self._highest = {}
        self.sample(now)

    def sample(self, now: int) -> None:
        """Read the inputs and count."""
        if "warm_up" in self._flags:
            self._flags["warm_up"] = now - self._started < self._warm_up_ms
        self._values = {}
        for row in self._rows:
            if len(row) == 7:
                self._values[row[0]] = self._inputs[row[0]].read(now, self._noise)
            elif len(row) == 3:
                self._count(*row)

    def snapshot(self) -> dict:
        """The last sample: point name -> float, int (counters) or bool (flags)."""
        values = {}
        for row in self._rows:
            name = row[0]
            if name in self._inputs:
                values[name] = round(self._values[name], row[1])
            else:
                values[name] = self._flags[name] if name in self._flags else self._counters[name]
        return values

    def command(self, _name: str, _now: int) -> bool:
        """This board obeys nothing."""
        return False

    def stimulate(self, words: list, now: int) -> None:
        """One line from the rig. Raises `StimulusError`."""
        if words[0] == "lid" and len(words) == 2 and "lid_open" in self._flags:
            self._flags["lid_open"] = switch(words[1], "open", "closed")
        elif words[0] == "set" and len(words) in (3, 4):
            self._set(words[1], words[2:], now)
        elif len(words) in (2, 3):
            self._set(words[0], words[1:], now)
        else:
            raise StimulusError("no such stimulus for this board")

    def _set(self, point: str, words: list, now: int) -> None:
        if point in self._inputs:
            seconds = amount(words[1], 0.0, 86400.0) if len(words) == 2 else 0.0
            self._inputs[point].move(now, amount(words[0]), seconds)
        elif point in self._flags and point != "warm_up" and len(words) == 1:
            if words[0] in ("on", "off"):
                self._flags[point] = words[0] == "on"
            else:
                self._flags[point] = amount(words[0], 0, 1) != 0
        else:
            raise StimulusError(f"point {point!r} cannot be set")

    def _count(self, name: str, source: str, fall: float) -> None:
        value = self._values[source]
        highest = self._highest.get(source, value)
        if highest - value > fall:
            self._counters[name] += 1
            self._highest[source] = value
            try:
                self._store.put(name, struct.pack("<I", self._counters[name]))
            except OSError:
                self.store_errors += 1
        else:
            self._highest[source] = max(highest, value)

    def _restore(self, name: str) -> int:
        try:
            record = self._store.get(name)
        except kv.Corrupt:
            record = None
        return struct.unpack("<I", record)[0] if record and len(record) == 4 else 0
