"""Judges of one picture: is it so, has it gone, or can nobody tell?

`Judgement.HOLD` is the third answer: a value inside the dead band, an absent one, or one that is not good. It
neither raises nor clears (S3).
"""

from collections.abc import Callable, Collection, Sequence
from enum import Enum
from typing import TypeAlias

from protocols.picture import Picture
from protocols.quality import Quality


class Judgement(Enum):
    """What a condition says of a picture."""

    ACTIVE = "active"
    CLEAR = "clear"
    HOLD = "hold"


Judge: TypeAlias = Callable[[Picture, int], Judgement]
"""Of what is known, at a time (mono ns)."""


def hold(_picture: Picture, _mono: int) -> Judgement:
    """Nobody can tell from readings."""
    return Judgement.HOLD


def any_of(judges: Sequence[Judge]) -> Judge:
    """Active if one is, clear if all are."""
    if len(judges) == 1:
        return judges[0]

    def judge(picture: Picture, mono: int) -> Judgement:
        found = [one(picture, mono) for one in judges]
        if Judgement.ACTIVE in found:
            return Judgement.ACTIVE
        return Judgement.HOLD if Judgement.HOLD in found else Judgement.CLEAR

    return judge


class AllOf:
    """Active if all are, clear if one is."""

    def __init__(self, judges: Sequence[Judge]) -> None:
        self.judges = tuple(judges)

    def __call__(self, picture: Picture, mono: int) -> Judgement:
        """Each is asked, whatever the others say: some remember what they saw."""
        found = [one(picture, mono) for one in self.judges]
        if Judgement.CLEAR in found:
            return Judgement.CLEAR
        return Judgement.HOLD if Judgement.HOLD in found else Judgement.ACTIVE


def high(index: int, limit: float, gone: float) -> Judge:
    """At or above ``limit``; gone below ``gone``."""

    def judge(picture: Picture, _mono: int) -> Judgement:
        known = picture.known(index)
        if known is None or known.quality is Quality.UNCERTAIN_UNDER_TEST:
            return Judgement.HOLD
        if known.value >= limit:
            return Judgement.ACTIVE
        return clear_if_trusted(picture, index) if known.value < gone else Judgement.HOLD

    return judge


def low(index: int, limit: float, gone: float) -> Judge:
    """At or below ``limit``; gone above ``gone``."""

    def judge(picture: Picture, _mono: int) -> Judgement:
        known = picture.known(index)
        if known is None or known.quality is Quality.UNCERTAIN_UNDER_TEST:
            return Judgement.HOLD
        if known.value <= limit:
            return Judgement.ACTIVE
        return clear_if_trusted(picture, index) if known.value > gone else Judgement.HOLD

    return judge


def flag(index: int, *, alone: bool) -> Judge:
    """``alone``: nothing else could say that it is clear, so a flag that was never heard does not."""
    unheard = Judgement.HOLD if alone else Judgement.CLEAR

    def judge(picture: Picture, _mono: int) -> Judgement:
        known = picture.known(index)
        if known is None:
            return unheard
        if known.quality is Quality.UNCERTAIN_UNDER_TEST:
            return Judgement.HOLD
        return Judgement.ACTIVE if known.value else clear_if_trusted(picture, index)

    return judge


def equals(index: int, codes: Collection[float]) -> Judge:
    """One of the codes."""

    def judge(picture: Picture, _mono: int) -> Judgement:
        known = picture.known(index)
        if known is None or known.quality is Quality.UNCERTAIN_UNDER_TEST:
            return Judgement.HOLD
        return Judgement.ACTIVE if known.value in codes else clear_if_trusted(picture, index)

    return judge


def mismatch(index: int, flag_index: int, limit: float, below: float) -> Judge:
    """The flag is set and the value is < ``below``, or it is not set and the value is >= ``limit``; of trusted values
    only, so that none of another quality raises it."""

    def judge(picture: Picture, _mono: int) -> Judgement:
        known, told = picture.known(index), picture.known(flag_index)
        if known is None or told is None or not (picture.is_proof(index) and picture.is_proof(flag_index)):
            return Judgement.HOLD
        differs = known.value < below if told.value else known.value >= limit
        return Judgement.ACTIVE if differs else Judgement.CLEAR

    return judge


def over_range(index: int) -> Judge:
    """Above the measuring range."""

    def judge(picture: Picture, _mono: int) -> Judgement:
        known = picture.known(index)
        if known is None:
            return Judgement.HOLD
        if known.quality is Quality.BAD_OVER_RANGE:
            return Judgement.ACTIVE
        return clear_if_trusted(picture, index)

    return judge


def blind_rising(index: int, limit: float, slope: float) -> Judge:
    """Blind, and it was at or above ``limit`` or rose by ``slope`` (units per minute) before."""

    def judge(picture: Picture, _mono: int) -> Judgement:
        if not is_blind(picture, index):
            return clear_if_trusted(picture, index)
        last = picture.trusted(index)
        if last is None:
            return Judgement.HOLD
        rising = last.value >= limit or picture.slope_per_minute(index) >= slope
        return Judgement.ACTIVE if rising else Judgement.HOLD

    return judge


def blind(index: int) -> Judge:
    """Bad or lost."""

    def judge(picture: Picture, _mono: int) -> Judgement:
        return Judgement.ACTIVE if is_blind(picture, index) else clear_if_trusted(picture, index)

    return judge


def lost(index: int) -> Judge:
    """Not heard."""

    def judge(picture: Picture, _mono: int) -> Judgement:
        return Judgement.ACTIVE if picture.is_lost(index) else clear_if_trusted(picture, index)

    return judge


def is_blind(picture: Picture, index: int) -> bool:
    """Whether the point cannot be seen now: its device is lost, it alone is not sent any more, or its value is bad
    (over range is seen)."""
    known = picture.known(index)
    if picture.is_lost(index):
        return True
    return known is not None and known.quality.is_bad and known.quality is not Quality.BAD_OVER_RANGE


def clear_if_trusted(picture: Picture, index: int) -> Judgement:
    """Clear on a value that proves it, else hold (S3)."""
    return Judgement.CLEAR if picture.is_proof(index) else Judgement.HOLD
