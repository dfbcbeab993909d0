"""From an entry of the journal to its lines: readings, annotations of what happened, and how the gateway itself is."""

from collections.abc import Sequence

from protocols.reading import decode_reading
from telemetry.annotation import KINDS, Annotate, annotation_line
from telemetry.health import HEALTH, decode_health
from telemetry.health_lines import health_lines
from telemetry.letters import READING
from telemetry.line_protocol import LineEncoder, Unwritable
from telemetry.sink import UNDECODABLE, SeriesOf


class EntryLines:
    """Lines of the entries of one journal. Not thread-safe: it belongs to the thread that writes."""

    def __init__(self, series_of: SeriesOf, annotate: Annotate | None) -> None:
        """``annotate``: ``None`` where nothing is drawn over the charts."""
        self._readings = LineEncoder(series_of)
        self._series_of = series_of
        self._annotate = annotate
        self.kinds = {READING, HEALTH} if annotate is None else {READING, HEALTH, *KINDS}

    def lines(self, kind: str, body: bytes, position: int) -> Sequence[str]:
        """The lines without their ends; none when there is nothing to write. ``kind``: one of `kinds`.

        Raises `Unwritable` for a body that is none of its kind, or has no line.
        """
        try:
            if kind == READING:
                line = self._readings.line(decode_reading(body))
                return () if line is None else (line,)
            if kind == HEALTH:
                return tuple(health_lines(decode_health(body), self._series_of))
            annotation = self._annotate(kind, body) if self._annotate else None
        except UNDECODABLE as error:
            raise Unwritable(f"{'not a reading' if kind == READING else f'not readable as {kind}'}: {error}") from None
        return () if annotation is None else (annotation_line(annotation, position),)
