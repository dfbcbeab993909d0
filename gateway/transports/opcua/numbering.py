"""The sequence numbers of one subscription (Part 4, 7.21): what came, what never did, and what may be forgotten."""

from collections.abc import Sequence
from typing import NamedTuple

MOST_ASKED_AGAIN = 20
"""Messages that are asked for after a gap, the newest; a server keeps few (Part 4, 5.13.1.1)."""
_LARGEST = 2**32 - 1


class Missed(NamedTuple):
    """``numbers``: what the server may still have, the oldest first. ``is_gone``: it has not all of it."""

    numbers: list[int]
    is_gone: bool


class Numbering:
    """Numbers rise by one from ``first``, which is 1 for a new subscription, to 4294967295, and begin again at 1."""

    def __init__(self, first: int = 1) -> None:
        self._expected = first
        self._to_acknowledge: list[int] = []

    def missed(self, number: int, held: Sequence[int], *, is_told: bool) -> Missed | None:
        """A message came; what never did before it, ``None`` for nothing.

        ``held``: what the server says that it can tell again, nothing where it does not say. ``is_told``: there is data
        in it; a sign of life has the number that the next data will have.
        """
        expected = self._expected
        self._expected = number + is_told
        if is_told:
            self._to_acknowledge.append(number)
        count = (number - expected) % _LARGEST
        if not count:
            return None
        newest = [(expected + step - 1) % _LARGEST + 1 for step in range(max(0, count - MOST_ASKED_AGAIN), count)]
        asked = [one for one in newest if one in held] if held else newest
        return Missed(asked, len(asked) < count)

    def taken(self, number: int) -> None:
        """It was told again."""
        self._to_acknowledge.append(number)

    def to_acknowledge(self) -> list[int]:
        """What the server may forget; each is given once."""
        numbers, self._to_acknowledge = self._to_acknowledge, []
        return numbers
