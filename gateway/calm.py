"""Calm: lets an ordinary reading of a device through at a glance, where nobody who judges it has to look closer.

Alarms and interlocks each tell that for themselves, on what each knows: neither can speak for the other.
"""

from collections.abc import Sequence
from typing import Protocol

from protocols.moment import Moment
from protocols.ordinary import Numbers
from protocols.reading import Reading


class Follower(Protocol):
    """Who judges a device: its alarms, and each interlock that it is a member of."""

    def passes(self, reading: Reading, now: Moment) -> Numbers | None:
        """The numbers of a reading that changes nothing; ``None`` for one that has to be judged. Changes nothing."""

    def note(self, reading: Reading, numbers: Numbers, now: Moment) -> None:
        """Take in a reading that passes with all."""


class Calm:
    """One device at one origin."""

    __slots__ = ("_first", "_others")

    def __init__(self, first: Follower, others: Sequence[Follower]) -> None:
        self._first = first
        self._others = others

    def lets_through(self, reading: Reading, now: Moment) -> bool:
        """Whether it changes nothing, and was taken in; else nothing is done."""
        numbers = self._first.passes(reading, now)
        if numbers is None:
            return False
        for other in self._others:
            if other.passes(reading, now) is None:
                return False
        self._first.note(reading, numbers, now)
        for other in self._others:
            other.note(reading, numbers, now)
        return True
