"""Second tries for dead letters: the body is decoded with the site as it is now, or the line is sent again.

A letter is removed after the server's 204. A crash between the two leaves it, and the next try overwrites the same
series and time: nothing is lost, nothing is there twice.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from telemetry.entry_lines import EntryLines
from telemetry.influx import Refused
from telemetry.letters import LINE, Letter, Refusal, Replayed
from telemetry.line_protocol import Unwritable

BATCH = 500
"""Letters of one request and of one transaction: at 64 KiB each, 32 MB of memory at the most."""

MOST_AT_ONCE = 5_000
"""Letters of one call: somebody waits for the answer."""


class LineWriter(Protocol):
    """`telemetry.influx.InfluxWriter`."""

    def write(self, lines: Sequence[str]) -> list[Refused]:
        """Store the lines and return those that were refused; all others are stored then."""


class LetterBox(Protocol):
    """`telemetry.influx_state.InfluxState`, as far as it keeps letters."""

    def letters(self, after: int = 0, limit: int = 1000) -> list[Letter]:
        """Those beyond an id, oldest first."""

    def some_letters(self, ids: Sequence[int]) -> list[Letter]:
        """Those of the ids that are there, oldest first."""

    def settle(self, stored: Sequence[int], refused: Sequence[Refusal]) -> None:
        """Remove what is stored, write down why the others were refused; durable when it returns."""


class _Tried(NamedTuple):
    stored: list[int]
    refused: list[Refusal]


class Replay:
    """Tries letters again, in batches. One at a time: it belongs to the thread that calls it."""

    def __init__(self, box: LetterBox, lines: EntryLines, writer: LineWriter) -> None:
        self._box = box
        self._lines = lines
        self._writer = writer

    def some(self, ids: Sequence[int]) -> Replayed:
        """Try these. What the writer raises leaves the batch that was under way, and what follows, as it was."""
        wanted = sorted(set(ids))
        stored, refused, found = 0, list[Refusal](), 0
        for first in range(0, len(wanted), BATCH):
            letters = self._box.some_letters(wanted[first : first + BATCH])
            tried = self._try(letters)
            stored += len(tried.stored)
            refused += tried.refused
            found += len(letters)
        return Replayed(stored, refused, len(wanted) - found, None)

    def beyond(self, after: int, most: int = MOST_AT_ONCE) -> Replayed:
        """Try up to ``most`` beyond an id, oldest first. Raises as `some`."""
        stored, refused, left = 0, list[Refusal](), most
        while letters := self._box.letters(after, min(BATCH, left)):
            tried = self._try(letters)
            stored += len(tried.stored)
            refused += tried.refused
            after = letters[-1].id
            left -= len(letters)
            if not left:
                break
        has_more = bool(self._box.letters(after, 1))
        return Replayed(stored, refused, 0, after if has_more else None)

    def _try(self, letters: Sequence[Letter]) -> _Tried:
        refused: list[Refusal] = []
        lines: dict[int, str] = {}
        silent: list[int] = []
        for letter in letters:
            try:
                line = self._line(letter)
            except Unwritable as error:
                refused.append(Refusal(letter.id, str(error)))
            else:
                if line is None:
                    silent.append(letter.id)
                else:
                    lines[letter.id] = line
        ids = list(lines)
        again = [Refusal(ids[one.line], one.reason) for one in self._writer.write(list(lines.values()))]
        taken = [*silent, *(lines.keys() - {one.id for one in again})]
        tried = _Tried(taken, [*refused, *again])
        self._box.settle(*tried)
        return tried

    def _line(self, letter: Letter) -> str | None:
        if letter.kind != LINE:
            return self._lines.line(letter.kind, letter.data, letter.position or 0)
        try:
            return letter.data.decode()
        except UnicodeDecodeError as error:
            raise Unwritable(f"not a line: {error}") from None
