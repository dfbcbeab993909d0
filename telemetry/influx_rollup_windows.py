"""Which minutes and hours wait to be rolled up again, in the small SQLite file beside an InfluxDB.

A window is named when a line of it was written, in the commit of the cursor, and forgotten when its summary is stored:
a crash between the two does it again, with the same result. One that waits is not named twice; one that is being rolled
up is. Where many devices of a kind have the same window it waits once, for all of them.

The caller holds a lock, and opens the transactions.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from telemetry.influx_rollup_lines import HOUR, MINUTE

log = logging.getLogger("gengfu.telemetry")

MOST_WINDOWS = 100_000
"""Some 6 MB; a week of minutes of ten kinds of devices. What comes beyond is left out, and told."""
EVERY_DEVICE = ""
_APART = 20
"""So many devices of a kind and a window wait by themselves: few have something late, all have something new."""
GRACE = {MINUTE: 30 * 10**9, HOUR: 300 * 10**9}
"""Ns after the end of a window, or after the first line that came late, for more to come."""
_TOGETHER = {MINUTE: 10 * MINUTE, HOUR: HOUR}
"""The span of one piece of work: an hour of raw values is much for a server, and so are the minutes of all devices."""

_INSERT = "INSERT INTO roll_up VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_JOIN = "DELETE FROM roll_up WHERE step = ? AND kind = ? AND start = ? AND device != ''"
_REMOVE = "DELETE FROM roll_up WHERE step = ? AND kind = ? AND start = ? AND device = ?"
_PUT_OFF = "UPDATE roll_up SET due = ? WHERE step = ? AND kind = ? AND start = ? AND device = ?"
_FIRST = "SELECT step, kind, start FROM roll_up WHERE due <= :now OR due > :too_far ORDER BY due LIMIT 1"
_NEIGHBOURS = """
SELECT step, kind, start, device FROM roll_up
WHERE step = :step AND kind = :kind AND start >= :begin AND start < :end AND (due <= :now OR due > :too_far)
ORDER BY start
"""

Touched = Mapping[tuple[str, int], set[str]]
"""As `telemetry.influx_rollup_lines.touched` answers."""
_Key = tuple[int, str, int]


class Window(NamedTuple):
    """``step``: `MINUTE` or `HOUR`. ``start``: UTC ns. ``device``: or `EVERY_DEVICE` of the kind."""

    step: int
    kind: str
    start: int
    device: str

    @property
    def key(self) -> _Key:
        """Whose devices are counted together."""
        return self.step, self.kind, self.start


class Piece(NamedTuple):
    """What is rolled up together: windows of one step and kind. No ``devices``: all of the kind."""

    step: int
    kind: str
    span: tuple[int, int]
    devices: tuple[str, ...]
    windows: tuple[Window, ...]


class Rows(Protocol):
    """What a statement answered, or how many rows it changed."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class Database(Protocol):
    """A connection to the SQLite file, as far as it is needed here."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Rows: ...
    def executemany(self, sql: str, parameters: Any, /) -> Rows: ...


class Windows:
    """Those that wait. `fresh`, `insert` (in the transaction) and `keep` (behind it) belong together."""

    def __init__(self, database: Database, most: int = MOST_WINDOWS) -> None:
        self._database = database
        self._most = most
        # Durable and not being rolled up; those of an earlier run are found when they are named again.
        self._known: dict[_Key, set[str]] = {}
        self._left_out = 0
        self.count: int = database.execute("SELECT count(*) FROM roll_up").fetchone()[0]

    def fresh(self, lines: Touched) -> list[Window]:
        """The windows of these lines that do not wait yet; none where there is no room for them."""
        new: dict[_Key, set[str]] = {}
        for (kind, minute), devices in lines.items():
            for step in GRACE:
                key = step, kind, minute // step * step
                known = self._known.get(key, set())
                if EVERY_DEVICE not in known and not devices <= known:
                    new[key] = (new.get(key) or known) | devices
        found = [
            Window(*key, device)
            for key, devices in new.items()
            for device in (devices - self._known.get(key, set()) if len(devices) <= _APART else (EVERY_DEVICE,))
        ]
        if self.count + len(found) <= self._most:
            return found
        self._tell(len(found))
        return []

    def insert(self, windows: Sequence[Window], now: int) -> int:
        """How many more wait; ``now``: UTC ns."""
        more = self._change(_INSERT, [(*one, _due(one, now)) for one in windows])
        return more - self._change(_JOIN, [one.key for one in windows if one.device == EVERY_DEVICE])

    def keep(self, windows: Sequence[Window], more: int) -> None:
        """They are durable."""
        self.count += more
        for one in windows:
            known = self._known.setdefault(one.key, set())
            if one.device == EVERY_DEVICE:
                known.clear()
            known.add(one.device)

    def take(self, now: int) -> Piece | None:
        """What has waited longest of that which is due, with its neighbours; ``None``: nothing is."""
        # A time that no window could have been given: the clock was wrong when it was named.
        times = {"now": now, "too_far": now + 2 * HOUR}
        first = self._database.execute(_FIRST, times).fetchone()
        if first is None:
            return None
        step, kind, start = first
        begin = start // _TOGETHER[step] * _TOGETHER[step]
        place = {"step": step, "kind": kind, "begin": begin, "end": begin + _TOGETHER[step]}
        rows = self._database.execute(_NEIGHBOURS, times | place).fetchall()
        windows = tuple(map(Window._make, rows))
        for one in windows:
            self._known.get(one.key, set()).discard(one.device)
        devices = {one.device for one in windows}
        is_all = EVERY_DEVICE in devices or len(devices) > _APART
        span = windows[0].start, windows[-1].start + step
        return Piece(step, kind, span, () if is_all else tuple(sorted(devices)), windows)

    def remove(self, windows: Iterable[Window]) -> int:
        """How many less wait: those that were not named again while they were rolled up."""
        gone = [one for one in windows if one.device not in self._known.get(one.key, ())]
        for one in gone:
            if not self._known.get(one.key, True):
                del self._known[one.key]
        return self._change(_REMOVE, gone)

    def put_off(self, windows: Iterable[Window], until: int) -> None:
        """They are due at ``until``, UTC ns."""
        self._database.executemany(_PUT_OFF, [(until, *one) for one in windows])

    def _change(self, statement: str, rows: Sequence[Sequence[object]]) -> int:
        """How many rows it changed."""
        return self._database.executemany(statement, rows).rowcount if rows else 0

    def _tell(self, more: int) -> None:
        """At 1, 2, 4, 8 ..."""
        before, self._left_out = self._left_out, self._left_out + more
        if self._left_out.bit_length() > before.bit_length():
            log.error(
                "InfluxDB: %d minutes and hours wait to be rolled up, which is the most; %d more were left out since "
                "the start. Look above for why they wait",
                self.count,
                self._left_out,
            )


def _due(window: Window, now: int) -> int:
    # At the latest a step from now: what a device's clock puts into the future is not waited for.
    return min(max(window.start + window.step, now), now + window.step) + GRACE[window.step]
