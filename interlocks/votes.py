"""Votes of a cause over its inputs, and how they degrade when inputs fail (safety rule S7).

An input says yes, says no, or has failed; a failed one never counts as «no». Each failed input lowers by one how many
must say yes, never below one: 2oo2 and 2oo3 become 1oo1 and 1oo2, then 1oo1. Inputs that a vote counts on and a zone
does not have are failed; 1ooN and 2ooN count on those that are there. Where all failed there is nothing to vote on: the
lost rule of the matrix holds.
"""

from collections import Counter
from enum import IntEnum
from typing import Literal

Vote = Literal["1ooN", "2ooN", "1oo1", "1oo2", "2oo2", "2oo3"]

_NEEDED: dict[Vote, int] = {"1ooN": 1, "2ooN": 2, "1oo1": 1, "1oo2": 1, "2oo2": 2, "2oo3": 2}
_INPUTS: dict[Vote, int] = {"1ooN": 0, "2ooN": 0, "1oo1": 1, "1oo2": 2, "2oo2": 2, "2oo3": 3}


class Say(IntEnum):
    """What an input says; of those that count as one, the highest."""

    UNHEARD = -1
    """Nothing yet since the start: it counts as soon as it is heard, or given up (S10)."""
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
    supply have the same, and are one. ``lasts_ns``: how long a yes counts after it was said for the last time."""

    def __init__(self, vote: Vote, voices: dict[str, str], lasts_ns: int = 0) -> None:
        self._vote = vote
        self._voices = voices
        self._lasts_ns = lasts_ns
        self._said = dict.fromkeys(voices, Say.UNHEARD)
        self._yes: set[str] = set()
        self._yes_at: dict[str, int] = {}
        self._ruling: Ruling | None = None

    def say(self, device: str, said: Say) -> None:
        """The device says this from now on."""
        if self._said[device] is not said:
            self._said[device] = said
            self._ruling = None
            if said is Say.YES:
                self._yes.add(device)
            else:
                self._yes.discard(device)

    def ruling_at(self, mono: int) -> Ruling:
        """What comes of what is said now, and of each yes that lasts still. To be asked after each change, so that a
        yes is seen that lasts only a moment."""
        if self._lasts_ns and (self._yes or self._yes_at):
            self._remember(mono)
        if self._ruling is None:
            self._ruling = self._rule()
        return self._ruling

    def _remember(self, mono: int) -> None:
        kept = {device: at for device, at in self._yes_at.items() if mono - at <= self._lasts_ns}
        kept |= dict.fromkeys(self._yes, mono)
        if kept.keys() != self._yes_at.keys():
            self._ruling = None
        self._yes_at = kept

    def _rule(self) -> Ruling:
        joined: dict[str, Say] = {}
        for device, said in self._said.items():
            voice = self._voices[device]
            counted = Say.YES if device in self._yes_at else said
            joined[voice] = max(counted, joined.get(voice, Say.UNHEARD))
        count = Counter(joined.values())
        return judge(self._vote, yes=count[Say.YES], no=count[Say.NO], failed=count[Say.FAILED])

    @property
    def is_unanimous(self) -> bool:
        """Whether everybody says no."""
        return all(said is Say.NO for said in self._said.values())
