"""When a reading was made: UTC of this start and of those before it, all in whole milliseconds.

A reading carries milliseconds since its start. Its UTC time is found when it is sent, by the difference between UTC and
those milliseconds; that of each start is kept in flash. Milliseconds are integers: a microcontroller's float has 24
bits, which is two minutes at the UTC of today.

A clock that *stepped* is not believed for `STEADY_MS`: readings then go out with their age instead, which the gateway
counts from its own clock. So neither a step forward nor back puts a reading in another order than it was made in. Drift
is followed, slower than time goes by, and only beyond `DRIFT_MS`: some ports tell whole seconds.
"""

import struct

import kv
import version

STEP_MS = 2000
DRIFT_MS = 1000
STEADY_MS = 600000
# A clock that flaps must not wear out the flash.
SAVE_EVERY_MS = 600000
REMEMBERED = 16
# 2025-01-01 and 2100-01-01: what is outside was never set, or set wrong.
EARLIEST_MS = 1735689600000
LATEST_MS = 4102444800000

_ENTRY = "<Iq"
_RECORD = "clock"


class Clock:
    """``utc_ms()`` gives milliseconds since 1970, ``None`` while the port's clock is not set."""

    def __init__(self, store, boot: int, emit, utc_ms):
        self._store = store
        self._boot = boot
        self._emit = emit
        self._utc_ms = utc_ms
        self._offset = None
        self._stepped_at = None
        self._saved_at = 0
        self._looked_at = 0
        self._starts = self._load()

    def look(self, now: int) -> None:
        """Compare the port's clock with ``now`` (ms since start). Call it with every sample."""
        utc = self._utc_ms()
        if utc is not None:
            self.set(now, utc)

    def set(self, now: int, utc_ms: int) -> None:
        """It is ``utc_ms`` at ``now``: from the port, or from a gateway or a person on a board without a clock."""
        if not EARLIEST_MS <= utc_ms < LATEST_MS:
            return
        self._offset = self._follow(now, utc_ms - now)
        self._looked_at = now
        known = self._starts.get(self._boot)
        if known is None or (abs(self._offset - known) >= STEP_MS and now - self._saved_at >= SAVE_EVERY_MS):
            self._save(now)

    def is_steady(self, now: int) -> bool:
        """Whether UTC is known and has not stepped lately."""
        if self._offset is None:
            return False
        return self._stepped_at is None or now - self._stepped_at >= STEADY_MS

    def utc_at(self, boot: int, at: int, now: int) -> int | None:
        """UTC ms of the instant ``at`` (ms since the start ``boot``); ``None`` where it is not known."""
        if boot == self._boot:
            offset = self._offset if self.is_steady(now) else None
        else:
            offset = self._starts.get(boot)
        return None if offset is None else at + offset

    def _follow(self, now: int, offset: int) -> int:
        """The difference to go on with, where ``offset`` is what the port's clock says."""
        if self._offset is None:
            return offset
        away = offset - self._offset
        if abs(away) >= STEP_MS:
            self._stepped_at = now
            self._emit("clock", step_ms=away)
            return offset
        if abs(away) <= DRIFT_MS:
            return self._offset
        most = max((now - self._looked_at) // 10, 0)
        return self._offset + max(-most, min(most, away))

    def _load(self) -> dict:
        try:
            record = self._store.get(_RECORD) or b""
        except kv.Corrupt:
            record = b""
        size = struct.calcsize(_ENTRY)
        entries = [struct.unpack(_ENTRY, record[at : at + size]) for at in range(0, len(record) - size + 1, size)]
        return {boot: offset for boot, offset in entries if boot != self._boot}

    def _save(self, now: int) -> None:
        self._saved_at = now
        self._starts.pop(self._boot, None)
        while len(self._starts) >= REMEMBERED:
            # A start is numbered one higher than the one before it.
            self._starts.pop(min(self._starts))
        self._starts[self._boot] = self._offset
        record = b"".join(struct.pack(_ENTRY, boot, self._starts[boot]) for boot in sorted(self._starts))
        try:
            self._store.put(_RECORD, record)
        except OSError as error:
            self._emit("error", message=f"clock: the flash refuses it: {error}")


def is_told(utc_ms: int) -> bool:
    """Whether a gateway's time may be believed: one whose own clock was never set must not set ours, and the end of
    life of a detector hangs on it."""
    return version.BUILT_MS <= utc_ms < LATEST_MS


def set_port(port, utc_ms: int) -> None:
    """Set the clock of ``port`` (`hal`) where it is not set, or off: to the nearest second, so that one which tells
    whole seconds is never more than one away."""
    known, nearest = port.utc(), (utc_ms + 500) // 1000
    if known is None or abs(int(known) - nearest) > 2:
        port.set_utc(nearest)


def seconds(milliseconds: int) -> str:
    """Decimal text in seconds, as SenML writes times."""
    sign = "-" if milliseconds < 0 else ""
    whole, rest = divmod(abs(milliseconds), 1000)
    text = f"{sign}{whole}.{rest:03d}"
    return text.rstrip("0").rstrip(".")
