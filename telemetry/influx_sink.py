"""The consumer of the journal that fills InfluxDB, with its cursor, dead letters and roll-ups in a small SQLite file.

The cursor moves after the server's 204. A crash between the two sends the batch again, which changes nothing:
the same series and time are overwritten.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path

from telemetry.annotation import Annotate
from telemetry.entry_lines import EntryLines
from telemetry.influx import InfluxWriter, Refused
from telemetry.influx_rollup import RollUps
from telemetry.influx_rollup_lines import touched
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_state import InfluxState
from telemetry.letters import LINE, MOST_AT_ONCE, Aside, Letter, Replayed
from telemetry.line_protocol import Unwritable
from telemetry.replay import Replay
from telemetry.sink import Consumed, DeadLetter, SeriesOf, StoredItem, cursor_behind


class InfluxSink:
    """`telemetry.sink.Sink` for InfluxDB. One thread consumes; any thread may see to the dead letters."""

    def __init__(
        self,
        settings: InfluxSettings,
        series_of: SeriesOf,
        state: Path,
        annotate: Annotate | None = None,
        now: Callable[[], int | None] = lambda: None,
    ) -> None:
        """``state``: the SQLite file. ``annotate``: what happened, beside what was measured; without it such entries
        are skipped. ``now``: UTC ns, for the letters and the roll-ups; where nobody knows it, nothing is rolled up. The
        server is not asked for anything yet."""
        self._settings = settings
        self._batch_lines = settings.batch_lines
        self._series_of = series_of
        self._annotate = annotate
        self._lines = EntryLines(series_of, annotate)
        self._writer = InfluxWriter(settings)
        self._state = InfluxState(state, now)
        self._replaying = threading.Lock()
        self.roll_ups = RollUps(settings, self._state, now) if settings.roll_ups else None
        self._touched: dict[tuple[str, int], set[str]] = {}

    def cursor(self) -> dict[int, int]:
        """As `telemetry.sink.Sink.cursor`."""
        return self._state.cursor()

    def consume(self, items: Iterable[StoredItem]) -> Consumed:
        """As `telemetry.sink.Sink.consume`; ``stored`` counts the lines the server took.

        Raises `StoreUnavailable` (call again with the same batch) or `StoreRefused` (an operator must act first).
        """
        batch = list(items)
        if not batch:
            return Consumed(0, 0, 0)
        self._touched = {}
        wanted = [item for item in batch if item[2] in self._lines.kinds]
        dead: list[Aside] = []
        stored = 0
        for first in range(0, len(wanted), self._batch_lines):
            stored += self._write(wanted[first : first + self._batch_lines], dead)
        self._state.advance(cursor_behind(batch), dead, self._touched)
        if self.roll_ups is not None:
            self.roll_ups.keep_running()
        return Consumed(stored, len(batch) - len(wanted), len(dead))

    def dead_letters(self, limit: int = 1000) -> list[DeadLetter]:
        """Bodies that are none of their kind, entries that have no line, and lines the server refused; oldest first."""
        return [letter.dead for letter in self._state.letters(limit=limit)]

    def dead_letter_count(self) -> int:
        """How many letters are set aside."""
        return self._state.dead_letter_count()

    @property
    def dropped_letters(self) -> int:
        """How many were refused while there was no room for letters; they are in the journal until its retention."""
        return self._state.dropped_letters

    @property
    def windows_waiting(self) -> int:
        """How many minutes and hours wait to be rolled up; asks memory, not the file."""
        return self._state.windows_waiting()

    def letters(self, after: int = 0, limit: int = 1000) -> list[Letter]:
        """Those beyond an id, oldest first."""
        return self._state.letters(after, limit)

    def delete_letter(self, letter: int) -> Letter | None:
        """What was deleted; ``None`` for an id that names none."""
        found = self._state.some_letters([letter])
        self._state.settle([letter], [])
        return found[0] if found else None

    def replay(self, ids: Sequence[int]) -> Replayed:
        """Try these letters again, on a connection of its own; the consumer is not kept waiting for the server.

        Raises `StoreUnavailable` (what was not stored is kept) or `StoreRefused` (an operator must act first).
        """
        with self._replaying, closing(InfluxWriter(self._settings)) as writer:
            return self._replay(writer).some(ids)

    def replay_beyond(self, after: int, most: int = MOST_AT_ONCE) -> Replayed:
        """Try up to ``most`` letters beyond an id again, oldest first. As `replay`."""
        with self._replaying, closing(InfluxWriter(self._settings)) as writer:
            return self._replay(writer).beyond(after, most)

    def waits_s(self) -> float:
        """As `telemetry.sink.Sink.waits_s`."""
        return self._writer.waits_s()

    def interrupt(self) -> None:
        """As `telemetry.sink.Sink.interrupt`."""
        self._writer.interrupt()

    def close(self) -> None:
        """Close the connections and the state file."""
        if self.roll_ups is not None:
            self.roll_ups.close()
        self._writer.close()
        self._state.close()

    def _replay(self, writer: InfluxWriter) -> Replay:
        lines = _Noting(writer, self._state) if self.roll_ups is not None else writer
        return Replay(self._state, EntryLines(self._series_of, self._annotate), lines)

    def _note(self, lines: list[str]) -> None:
        if self.roll_ups is not None:
            for window, devices in touched(lines).items():
                self._touched.setdefault(window, set()).update(devices)

    def _write(self, items: list[StoredItem], dead: list[Aside]) -> int:
        """How many lines the server took; what has no line, and what the server refused, goes to ``dead``.

        Each reading is gone before the next one comes: thousands at a time do not stay in the processor's cache. An
        entry may have hundreds of lines: they do not wait for those of thousands of others.
        """
        lines: list[str] = []
        places: list[StoredItem] = []
        stored = 0
        for item in items:
            position, partition, kind, body = item
            try:
                made = self._lines.lines(kind, body, position)
            except Unwritable as error:
                dead.append(Aside(partition, position, str(error), kind, body))
                continue
            lines += made
            places += [item] * len(made)
            if len(lines) >= self._batch_lines:
                stored += self._send(lines, places, dead)
                lines, places = [], []
        return stored + self._send(lines, places, dead)

    def _send(self, lines: list[str], places: list[StoredItem], dead: list[Aside]) -> int:
        """How many lines the server took. ``places``: the entry of each."""
        refused = self._writer.write(lines)
        self._note(lines)
        for one in refused:
            position, partition, _, _ = places[one.line]
            dead.append(Aside(partition, position, one.reason, LINE, lines[one.line].encode()))
        return len(lines) - len(refused)


class _Noting:
    """A writer that names the windows of what it wrote: before the letter is gone, or the next try does it again."""

    def __init__(self, writer: InfluxWriter, state: InfluxState) -> None:
        self._writer = writer
        self._state = state

    def write(self, lines: Sequence[str]) -> list[Refused]:
        refused = self._writer.write(lines)
        self._state.advance({}, [], touched(lines))
        return refused
