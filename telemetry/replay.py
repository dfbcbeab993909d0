"""Second tries for dead letters: the body is decoded with the site as it is now, or the line is sent again.

A letter is removed after the server's 204. A crash between the two leaves it, and the next try overwrites the same
series and time: nothing is lost, nothing is there twice.
"""

from collections.abc import Sequence
from typing import Protocol

from telemetry.entry_lines import EntryLines
from telemetry.influx import Refused
from telemetry.letters import (
    LINE,
    MOST_AT_ONCE,
    Letter,
    LetterPages,
    Refusal,
    Replayed,
    Tried,
    replay_beyond,
    replay_some,
)
from telemetry.line_protocol import Unwritable


class LineWriter(Protocol):
    """`telemetry.influx.InfluxWriter`."""

    def write(self, lines: Sequence[str]) -> list[Refused]:
        """Store the lines and return those that were refused; all others are stored then."""


class LetterBox(LetterPages, Protocol):
    """`telemetry.influx_state.InfluxState`, as far as it keeps letters."""

    def settle(self, stored: Sequence[int], refused: Sequence[Refusal]) -> None:
        """Remove what is stored, write down why the others were refused; durable when it returns."""


class Replay:
    """Tries letters again, in batches. One at a time: it belongs to the thread that calls it."""

    def __init__(self, box: LetterBox, lines: EntryLines, writer: LineWriter) -> None:
        self._box = box
        self._lines = lines
        self._writer = writer

    def some(self, ids: Sequence[int]) -> Replayed:
        """As `telemetry.letters.replay_some`."""
        return replay_some(self._box, ids, self._try)

    def beyond(self, after: int, most: int = MOST_AT_ONCE) -> Replayed:
        """As `telemetry.letters.replay_beyond`."""
        return replay_beyond(self._box, after, most, self._try)

    def _try(self, letters: Sequence[Letter]) -> Tried:
        refused: list[Refusal] = []
        lines: list[str] = []
        owners: list[int] = []
        for letter in letters:
            try:
                made = self._lines_of(letter)
            except Unwritable as error:
                refused.append(Refusal(letter.id, str(error)))
            else:
                lines += made
                owners += [letter.id] * len(made)
        again = {owners[one.line]: one.reason for one in self._writer.write(lines)}
        refused += [Refusal(*one) for one in again.items()]
        kept = {one.id for one in refused}
        tried = Tried([letter.id for letter in letters if letter.id not in kept], refused)
        self._box.settle(*tried)
        return tried

    def _lines_of(self, letter: Letter) -> Sequence[str]:
        """None where it has nothing to write."""
        if letter.kind != LINE:
            return self._lines.lines(letter.kind, letter.data, letter.position or 0)
        try:
            return (letter.data.decode(),)
        except UnicodeDecodeError as error:
            raise Unwritable(f"not a line: {error}") from None
