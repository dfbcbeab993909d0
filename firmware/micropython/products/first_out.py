"""First-out: which cause this node saw first since a person last cleared it, kept in flash.

The station's own list is the truth; this is the order seen from here. It ends by a person at the board alone, and only
when no cause stands. A record that cannot be read is shown as `UNKNOWN`, not as «nothing happened».
"""

from products.record import Record

# Codes of the point «first_out».
NONE = 0
H2_HIGH = 1
H2_HIGH_HIGH = 2
H2_OVER_RANGE = 3
FLAME = 4
ESD = 5
BREAK_AWAY = 6
OVER_PRESSURE = 7
SENSOR_LOST = 8
UNKNOWN = 9

NAMES = (
    "none",
    "h2-high",
    "h2-high-high",
    "h2-over-range",
    "flame",
    "esd",
    "break-away",
    "over-pressure",
    "sensor-lost",
    "unknown",
)
# Of causes first seen in the same sample: what may have led to the others comes before what follows from them.
PRECEDENCE = (FLAME, H2_OVER_RANGE, H2_HIGH_HIGH, BREAK_AWAY, OVER_PRESSURE, H2_HIGH, ESD, SENSOR_LOST)
# Channels are counted from 1; 0 where a cause has none.
MOST_CHANNELS = 4


class FirstOut:
    """``code``: one of the above; ``channel``: which of the four sensors of its kind."""

    def __init__(self, store):
        self._record = Record(store, "first-out")
        held = self._record.value
        self.code, self.channel = NONE, 0
        if held is not None and len(held) == 2 and held[0] <= UNKNOWN and held[1] <= MOST_CHANNELS:
            self.code, self.channel = held
        elif held is not None or self._record.corrupt:
            self.code = UNKNOWN

    @property
    def store_errors(self) -> int:
        """Writes that the flash refused."""
        return self._record.errors

    @property
    def refused(self) -> bool:
        """The flash does not hold it."""
        return self._record.refused

    def observe(self, now: int, causes: list) -> None:
        """Take the causes (code, channel) that stand now; the first of them ever seen stays."""
        if self.code == NONE and causes:
            self.code, self.channel = min(causes, key=_rank)
        self._record.keep(bytes((self.code, self.channel)), now)

    def clear(self, causes: list) -> str:
        """A person at the board clears it; what became of that."""
        if causes:
            standing = ", ".join([told(code, channel) for code, channel in causes])
            return f"first-out not cleared: {standing} still stands"
        if not self._record.keep(bytes((NONE, 0))):
            return "first-out not cleared: the flash does not take it"
        before = told(self.code, self.channel)
        self.code, self.channel = NONE, 0
        return f"first-out cleared, it was {before}"


def told(code: int, channel: int) -> str:
    """A cause in words."""
    return f"{NAMES[code]} {channel}" if channel else NAMES[code]


def _rank(cause: tuple) -> tuple:
    return PRECEDENCE.index(cause[0]), cause[1]
