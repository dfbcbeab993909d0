"""How old the detector is: hours under power, and years since it was made once the date is known.

CJJ/T 146: five years at home, three in business (setting ``life-years``). An expired detector measures and alarms on.

Record «life», little-endian: hours under power, date of manufacture (s since 1970, 0: not known), four bytes each. It
is written once an hour at most. A run counts its hours from the half: short ones are counted as often too long as too
short. Where nobody entered a date, the earliest date that the board learns counts as that of manufacture: one that was
false must not end the ageing. It is kept as an odd second, a label's is a midnight. A record that cannot be read makes
the detector expired until a person enters its date: nobody can vouch for its age.
"""

import struct

from products.record import Record

HOUR_MS = 3600000
YEAR_HOURS = 8766
DAY_S = 86400
LATEST = 0xFFFFFFFF


class Life:
    """``expired``, ``days_left`` (whole days, not below 0)."""

    def __init__(self, store, now: int, years: float):
        self._limit_days = years * YEAR_HOURS / 24
        self._hour_at = now - HOUR_MS // 2
        self._today = 0
        self._record = Record(store, "life")
        held = self._record.value
        self.known = not self._record.corrupt if held is None else len(held) == 8
        self.hours, self.made = struct.unpack("<II", held) if held and self.known else (0, 0)

    @property
    def refused(self) -> bool:
        """The flash does not take the hours or the date."""
        return self._record.refused

    @property
    def days_left(self) -> int:
        """Whole days until the end of life; 0 when it is over, or when the age is not known."""
        if not self.known:
            return 0
        used = self.hours / 24
        if self.made and self._today:
            used = max(used, (self._today - self.made) / DAY_S)
        return max(int(self._limit_days - used), 0)

    @property
    def expired(self) -> bool:
        """The end of life is reached, or nobody knows the age."""
        return self.days_left == 0

    def step(self, now: int) -> None:
        """Count the hours. What the flash refused is tried again each second."""
        has_hour = now - self._hour_at >= HOUR_MS
        if has_hour:
            self._hour_at += HOUR_MS
            self.hours += 1
        if has_hour or self.refused:
            self._keep(now)

    def tell_date(self, utc: int) -> None:
        """Today's date, s since 1970, whenever the board has a clock. One that no record can hold is none."""
        if not 0 < utc <= LATEST:
            return
        self._today = utc
        if self.known and (not self.made or (self.made % DAY_S and utc < self.made)):
            self.set_made(utc | 1)

    def set_made(self, utc: int) -> None:
        """The date of manufacture, from the label; by a person at the board."""
        self.made = utc
        self.known = True
        self._keep()

    def _keep(self, now: int | None = None) -> None:
        if self.known:
            self._record.keep(struct.pack("<II", self.hours, self.made), now)
