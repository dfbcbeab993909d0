"""How old the detector is: hours under power, and years since it was made once the date is known.

CJJ/T 146: five years at home, three in business (setting ``life-years``). An expired detector measures and alarms on.

Record «life», little-endian: hours under power, date of manufacture (s since 1970, 0: not known), four bytes each. It
is written once an hour at most; a reset costs the hour that had begun. Where nobody entered a date, the first date that
the board learns counts as that of manufacture. A record that cannot be read makes the detector expired until a
person enters its date: nobody can vouch for its age.
"""

import struct

import kv

HOUR_MS = 3600000
YEAR_HOURS = 8766
DAY_S = 86400


class Life:
    """``expired``, ``days_left`` (whole days, not below 0). ``store_errors`` counts refusals of the flash."""

    def __init__(self, store, now: int, years: float):
        self._store = store
        self._limit_days = years * YEAR_HOURS / 24
        self._hour_at = now
        self._today = 0
        self.store_errors = 0
        try:
            record = store.get("life")
        except kv.Corrupt:
            record = b""
        self.known = record is None or len(record) == 8
        self.hours, self.made = struct.unpack("<II", record) if record and self.known else (0, 0)

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
        """Count the hours."""
        if now - self._hour_at >= HOUR_MS:
            self._hour_at += HOUR_MS
            self.hours += 1
            self._keep()

    def tell_date(self, utc: int) -> None:
        """Today's date, s since 1970, whenever the board has a clock."""
        self._today = utc
        if not self.made and self.known:
            self.set_made(utc)

    def set_made(self, utc: int) -> None:
        """The date of manufacture, from the label; by a person at the board."""
        self.made = utc
        self.known = True
        self._keep()

    def _keep(self) -> None:
        if not self.known:
            return
        try:
            self._store.put("life", struct.pack("<II", self.hours, self.made))
        except OSError:
            self.store_errors += 1
