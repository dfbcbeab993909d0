"""Fire in a bin: absolute + rise + lost-after-heat (S24), with the figures of the rules SB-03 and SB-04 [P].

What stands is kept in flash: a board that starts again in a burning bin, or finds its sensor burnt, must not forget. A
record that cannot be read counts as a bin that was hot. Nothing here opens a lid or runs a compactor.

A sensor that burns may read cold before it is lost: nothing ends by one sample, only by values that stand.
"""

from products.limit import Stretch
from products.record import Record

RISE_K = 8.0
RISE_WINDOW_MS = 120000
RISE_FROM_CEL = 45.0
LOST_FROM_CEL = 55.0
DEAD_BAND_K = 10.0
# The next sample confirms a rise and a loss (BF-2: within 10 s); smoke and the absolute limit need no second look.
CONFIRM_MS = 5000
# How long good values must stand before a cause or the heat is over, and for how long a first look waits for its
# second; chosen by us. The gateway's rule waits longer, and its case is closed by a person (S17).
OVER_MS = 60000
RECALL_MS = 30000
# Chosen by us: a rise worth watching closely, the spacing of the temperatures kept, the end of «was hot».
SUSPECT_K = 3.0
SPACING_MS = 10000
COOLED_K = 5.0

# Codes of the point «fire_cause».
NONE = 0
SMOKE = 1
HOT = 2
RISE = 3
LOST = 4

_HEATED = 16


class _Confirmed:
    """Something seen twice, `CONFIRM_MS` apart; what is seen between the two takes nothing away."""

    def __init__(self):
        self._first = self._last = None

    def step(self, now: int, seen: bool) -> bool:
        if not seen:
            return False
        first, last = self._first, self._last
        if first is None or last is None or now - last > RECALL_MS:
            first = now
        self._first, self._last = first, now
        return now - first >= CONFIRM_MS


class FireWatch:
    """``cause``: why there is fire (`NONE`: there is none); the first cause stands until all of them have been gone
    for `OVER_MS`.

    ``limit``: Cel of the absolute limit. ``suspicious``: worth sampling faster.
    """

    def __init__(self, store, limit: float):
        self._record = Record(store, "fire")
        held = self._record.value
        flags = held[0] if held is not None and len(held) == 1 and held[0] & 15 <= LOST else None
        unknown = self._record.corrupt or (flags is None and held is not None)
        self.cause = NONE if flags is None else flags & 15
        self._heated = unknown or (flags is not None and flags & _HEATED != 0)
        self._limit = limit
        self._kept = []
        self._rising, self._losing = _Confirmed(), _Confirmed()
        # A sample speaks for `CONFIRM_MS`: a board that does not sample sees nothing end.
        self._cool, self._cold = Stretch(CONFIRM_MS), Stretch(CONFIRM_MS)
        self.suspicious = False

    @property
    def store_errors(self) -> int:
        """Writes that the flash refused."""
        return self._record.errors

    @property
    def refused(self) -> bool:
        """The flash does not hold what stands."""
        return self._record.refused

    def step(self, now: int, temperature: float | None, smoke: bool) -> None:
        """Judge one sample; ``temperature`` in Cel, ``None``: the sensor gives no valid value."""
        rise = 0.0 if temperature is None else self._rise(now, temperature)
        rising = temperature is not None and rise >= RISE_K and temperature >= RISE_FROM_CEL
        self._heat(now, temperature, rise)
        cause = self._cause(now, temperature, smoke, rising)
        cool = temperature is not None and temperature < self._limit - DEAD_BAND_K
        cool_ms = self._cool.step(now, cool and not smoke and not rising)
        if cause != NONE:
            self.cause = self.cause or cause
        elif cool_ms >= OVER_MS:
            self.cause = NONE
        self.suspicious = self.cause != NONE or self._heated or rise >= SUSPECT_K
        self._record.keep(bytes((self.cause + self._heated * _HEATED,)), now)

    def _cause(self, now: int, temperature: float | None, smoke: bool, rising: bool) -> int:
        has_risen = self._rising.step(now, rising)
        is_lost = self._losing.step(now, temperature is None and self._heated)
        if smoke:
            return SMOKE
        if temperature is not None and temperature >= self._limit:
            return HOT
        if has_risen:
            return RISE
        return LOST if is_lost else NONE

    def _heat(self, now: int, temperature: float | None, rise: float) -> None:
        """Whether a loss of the sensor would now be a sign of fire."""
        hot = temperature is not None and (temperature >= LOST_FROM_CEL or rise >= RISE_K)
        cold = temperature is not None and temperature < LOST_FROM_CEL - COOLED_K and not hot
        cold_ms = self._cold.step(now, cold)
        if hot:
            self._heated = True
        elif cold_ms >= OVER_MS:
            self._heated = False

    def _rise(self, now: int, temperature: float) -> float:
        """Highest rise to ``temperature``, K in two minutes. Of a longer gap the mean: somewhere in it the rise was
        at least that."""
        kept = self._kept
        while len(kept) > 1 and now - kept[1][0] >= RISE_WINDOW_MS:
            kept.pop(0)
        highest = 0.0
        for at, before in kept:
            share = min(1.0, RISE_WINDOW_MS / (now - at)) if now > at else 1.0
            highest = max(highest, (temperature - before) * share)
        if not kept or now - kept[-1][0] >= SPACING_MS:
            kept.append((now, temperature))
        return highest
