"""Roll-ups in InfluxDB: mean, minimum, maximum and number of the values of each minute and hour, in places of their
own.

What a window holds is asked from the raw values once it is over, or a while after something came late, and written.
Doing it again overwrites the same series and time: a window may be done any number of times, and nothing is added up.

Continuous queries exist in 1.x alone and tasks in 2.x alone; this needs a server that answers InfluxQL, as all do.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence

from telemetry.errors import StoreError, StoreRefused, StoreUnavailable
from telemetry.influx import InfluxWriter
from telemetry.influx_api import Class
from telemetry.influx_query import InfluxQuery
from telemetry.influx_rollup_lines import HOUR, MINUTE, ask_fields, ask_summary, points, summary_lines
from telemetry.influx_rollup_windows import Piece
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_state import InfluxState

log = logging.getLogger("telemetry.influx")

_SECOND = 10**9
_CLASSES: dict[int, Class] = {MINUTE: "1m", HOUR: "1h"}
_ANSWER_S = 300.0
"""Nobody waits for it but this thread: an hour of 18 million values took a server 50 s of CPU."""
_STATEMENTS = 20
"""Of one request about a few devices; of all devices one is asked at a time, for its answer is thousands of rows."""
_AGAIN = 60 * _SECOND
"""A window whose server is away is tried again after this time, one that is refused after ten times of it."""
_LOOK_S = 5.0
"""Between two looks whether something is due."""
_REST_S = 1.0
"""At least, after each piece of work: 60 a minute at the most. A server that is slow rests as long as it worked."""
_REST_MAX_S = 60.0
_END_S = 1.5
"""A program that is stopped waits so long for the server."""


class Roller:
    """Rolls up what waits. Not thread-safe but for `interrupt`."""

    def __init__(self, settings: InfluxSettings, state: InfluxState) -> None:
        """Raises `StoreRefused` if a file of a secret is unreadable. The server is not asked for anything yet."""
        self._state = state
        self._query = InfluxQuery(settings.model_copy(update={"timeout_s": max(settings.timeout_s, _ANSWER_S)}))
        self._writers = {step: InfluxWriter(settings, what) for step, what in _CLASSES.items()}

    def step(self, now: int) -> bool:
        """Roll up one piece of what is due at ``now`` (UTC ns); whether there was one.

        Raises `StoreUnavailable` or `StoreRefused`; what was tried waits for a while then, and others come first.
        """
        piece = self._state.take(now)
        if piece is None:
            return False
        try:
            self._roll(piece)
        except StoreError as error:
            self._state.put_off(piece.windows, now + (_AGAIN if isinstance(error, StoreUnavailable) else 10 * _AGAIN))
            raise
        self._state.rolled(piece.windows)
        return True

    def interrupt(self) -> None:
        """From any thread: a `step` that waits for the server raises `StoreUnavailable` now."""
        self._query.interrupt()
        for writer in self._writers.values():
            writer.interrupt()

    def close(self) -> None:
        """Close the connections."""
        self._query.close()
        for writer in self._writers.values():
            writer.close()

    def _roll(self, piece: Piece) -> None:
        (rows,) = self._query.ask([ask_fields(piece.kind)])
        fields = points(rows)
        together = _STATEMENTS if piece.devices else 1
        for first in range(0, len(fields), together):
            lines = list(self._summaries(piece, fields[first : first + together]))
            refused = self._writers[piece.step].write(lines)
            if refused:
                log.warning("InfluxDB: %d of %d roll-ups were refused: %s", len(refused), len(lines), refused[0].reason)

    def _summaries(self, piece: Piece, fields: Sequence[str]) -> Iterator[str]:
        asked = [ask_summary(piece.kind, field, piece.step, piece.span, piece.devices) for field in fields]
        for field, rows in zip(fields, self._query.ask(asked), strict=True):
            yield from summary_lines(piece.kind, field, rows)


class RollUps:
    """A thread that rolls up, and rests, so that neither the writing of raw values nor the server waits for it."""

    def __init__(self, settings: InfluxSettings, state: InfluxState, now: Callable[[], int | None]) -> None:
        """``now``: UTC ns, or ``None`` where nobody knows: then nothing is due. Raises as `Roller`."""
        self.roller = Roller(settings, state)
        self._now = now
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failures = 0

    def keep_running(self) -> None:
        """Start the thread, also anew if a fault of ours has ended it."""
        if self._thread is None or not (self._thread.is_alive() or self._stop.is_set()):
            self._thread = threading.Thread(target=self._run, name="influx roll-ups", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread; an answer that is not there is not waited for. What was under way is done again."""
        self._stop.set()
        if self._thread is not None:
            for _ in range(int(_END_S * 20)):
                # More than once: a request that began just now was not there to be broken off.
                self.roller.interrupt()
                self._thread.join(0.05)
                if not self._thread.is_alive():
                    break
        self.roller.close()

    def _run(self) -> None:
        rest_s = _LOOK_S
        while not self._stop.wait(rest_s):
            rest_s = self._turn()

    def _turn(self) -> float:
        """One piece of work; for how long to rest, s."""
        begin = self._now()
        if begin is None:
            return _LOOK_S
        try:
            worked = self.roller.step(begin)
        except StoreError as error:
            return self._failed(error)
        if not worked:
            return _LOOK_S
        if self._failures:
            log.info("InfluxDB: minutes and hours are rolled up again")
        self._failures = 0
        took_s = ((self._now() or begin) - begin) / _SECOND
        return min(max(took_s, _REST_S), _REST_MAX_S)

    def _failed(self, error: StoreError) -> float:
        """Told at 1, 2, 4, 8 ... in a row."""
        self._failures += 1
        if self._failures & (self._failures - 1) == 0 and not self._stop.is_set():
            what = "are refused" if isinstance(error, StoreRefused) else "wait"
            log.warning("InfluxDB: the roll-ups of minutes and hours %s, raw values go on: %s", what, error)
        return min(max(_LOOK_S * self._failures, getattr(error, "retry_after_s", 0.0)), _REST_MAX_S)
