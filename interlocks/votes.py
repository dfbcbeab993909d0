"""Votes of a cause over its inputs, and how they degrade when inputs fail (safety rule S7).

An input says yes, says no, or has failed; a failed one never counts as «no». Each failed input lowers by one how many
must say yes, never below one: 2oo2 and 2oo3 become 1oo1 and 1oo2, then 1oo1. Inputs that a vote counts on and a zone
does not have are failed. Where all failed there is nothing to vote on: the lost rule of the matrix holds.
"""

from collections import Counter
from enum import IntEnum
from typing import Literal

Vote = Literal["1ooN", "1oo1", "1oo2", "2oo2", "2oo3"]

_NEEDED: dict[Vote, int] = {"1ooN": 1, "1oo1": 1, "1oo2": 1, "2oo2": 2, "2oo3": 2}
_INPUTS: dict[Vote, int] = {"1ooN": 0, "1oo1": 1, "1oo2": 2, "2oo2": 2, "2oo3": 3}


class Say(IntEnum):
    """What an input says; of those that count as one, the highest."""

    NO = 0
    FAILED = 1
    YES = 2


class Ruling(IntEnum):
    """What comes of a vote."""

    NO_TRIP = 0
    TRIP = 1
    LOST = 2
    """Every input has failed: the vote trips nothing, and the lost rule holds."""


def judge(vote: Vote, *, yes: int, no: int, failed: int) -> Ruling:
    """The ruling on so many inputs."""
    failed += max(0, _INPUTS[vote] - yes - no - failed)
    if not yes and not no:
        return Ruling.LOST
    return Ruling.TRIP if yes >= max(1, _NEEDED[vote] - failed) else Ruling.NO_TRIP


class Ballot:
    """What the devices of a cause say. ``voices``: the name under which each device votes; those on one board, bus or
    supply have the same, and are one. A device that has said nothing yet has failed."""

    def __init__(self, vote: Vote, voices: dict[str, str]) -> None:
        self._vote = vote
        self._voices = voices
        self._said = dict.fromkeys(voices, Say.FAILED)

    def say(self, device: str, said: Say) -> None:
        """The device says this from now on."""
        self._said[device] = said

    @property
    def ruling(self) -> Ruling:
        """What comes of what is said now."""
        joined: dict[str, Say] = {}
        for device, said in self._said.items():
            voice = self._voices[device]
            joined[voice] = max(said, joined.get(voice, Say.NO))
        count = Counter(joined.values())
        return judge(self._vote, yes=count[Say.YES], no=count[Say.NO], failed=count[Say.FAILED])

    @property
    def is_unanimous(self) -> bool:
        """Whether everybody says no."""
        return all(said is Say.NO for said in self._said.values())
