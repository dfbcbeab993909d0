"""From an entry of the journal to its line: readings, and annotations of what happened."""

from protocols.reading import decode_reading
from telemetry.annotation import KINDS, Annotate, annotation_line
from telemetry.letters import READING
from telemetry.line_protocol import LineEncoder, Unwritable
from telemetry.sink import UNDECODABLE, SeriesOf


class EntryLines:
    """Lines of the entries of one journal. Not thread-safe: it belongs to the thread that writes."""

    def __init__(self, series_of: SeriesOf, annotate: Annotate | None) -> None:
        """``annotate``: ``None`` where nothing is drawn over the charts."""
        self._readings = LineEncoder(series_of)
        self._annotate = annotate
        self.kinds = {READING} if annotate is None else {READING, *KINDS}

    def line(self, kind: str, body: bytes, position: int) -> str | None:
        """One line without its end, or ``None`` when there is nothing to write. ``kind``: one of `kinds`.

        Raises `Unwritable` for a body that is none of its kind, or has no line.
        """
        try:
            if kind == READING:
                return self._readings.line(decode_reading(body))
            annotation = self._annotate(kind, body) if self._annotate else None
        except UNDECODABLE as error:
            raise Unwritable(f"{'not a reading' if kind == READING else f'not readable as {kind}'}: {error}") from None
        return None if annotation is None else annotation_line(annotation, position)
