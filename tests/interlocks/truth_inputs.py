"""The inputs of the truth tables: what a detector may say, by what it measures."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import msgspec

from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Origin, Reading

Values: TypeAlias = Mapping[str, float | None]
_NONE: Mapping[str, float] = MappingProxyType({})
LATE_S = 100


class Input(NamedTuple):
    """``before`` and ``then``: what the device says until the input and from it on, beside what is quiet; ``then`` =
    ``None``: it says nothing any more. ``mark``: the quality of ``point`` (empty: of all). ``lasts``: whether it is
    followed through the closed hours. ``reported``: what a person reports, and the area."""

    then: Values | None
    before: Values = _NONE
    mark: Quality | None = None
    point: str = ""
    late: bool = False
    lasts: bool = False
    reported: tuple[str, str] | None = None


REQUIRED = (
    "ok", "level 1", "level 2", "over-range", "warm-up", "fault", "lost", "lost while rising", "under test", "late",
)  # fmt: skip
"""Each table tells what comes of each of these, at every place."""

REPORTED = ("ok", "works damage", "odour", "fire seen", "works damage elsewhere", "works damage near by")
"""Of what people report: it has no level and no quality, and is never lost."""

GAS = {
    "ok": Input({"methane": 4.9}),
    "below": Input({"methane": 9.9}),
    "pre-alarm": Input({"methane": 10.0}),
    "below level 1": Input({"methane": 24.9}),
    "level 1": Input({"methane": 25.0}),
    "alarm bit": Input({"alarm": 1.0}),
    "below 35": Input({"methane": 34.9}),
    "35": Input({"methane": 35.0}),
    "below level 2": Input({"methane": 49.9}),
    "level 2": Input({"methane": 50.0}),
    "over-range": Input({"methane": 100.1}),
    "over-range lock": Input({"over_range": 1.0}),
    "over-range by quality": Input({"methane": 3.0}, mark=Quality.BAD_OVER_RANGE, point="methane"),
    "over-range bit alone": Input({"methane": None, "over_range": 1.0}),
    "warm-up": Input({"warm_up": 1.0}, lasts=True),
    "warm-up at level 1": Input({"warm_up": 1.0, "methane": 30.0}),
    "warm-up at level 2": Input({"warm_up": 1.0, "methane": 60.0}),
    "expired": Input({"expired": 1.0}, lasts=True),
    "expired at level 1": Input({"expired": 1.0, "methane": 30.0}),
    "clock in doubt at level 1": Input({"methane": 30.0}, mark=Quality.UNCERTAIN_CLOCK),
    "fault": Input({"fault": 1.0}, {"methane": 4.9}, lasts=True),
    "fault while rising": Input({"fault": 1.0}, {"methane": 5.0}),
    "lost": Input(None, {"methane": 4.9}, lasts=True),
    "lost while rising": Input(None, {"methane": 5.0}),
    "under test": Input({"methane": 60.0, "alarm": 1.0}, mark=Quality.UNCERTAIN_UNDER_TEST, lasts=True),
    "late": Input({"methane": 60.0, "alarm": 1.0, "over_range": 1.0}, late=True),
}
"""Methane in %LEL, and the board's own bits."""


def number(point: str, ok: float, level_1: float, level_2: float, over: float) -> dict[str, Input]:
    """A measured value, of which only this point of the board is touched; it has no bits of its own."""
    return {
        "ok": Input({point: ok}),
        "level 1": Input({point: level_1}),
        "level 2": Input({point: level_2}),
        "over-range": Input({point: over}),
        "over-range by quality": Input({point: ok}, mark=Quality.BAD_OVER_RANGE, point=point),
        "warm-up": Input({point: ok}, mark=Quality.UNCERTAIN_WARM_UP, point=point),
        "warm-up at level 2": Input({point: level_2}, mark=Quality.UNCERTAIN_WARM_UP, point=point),
        "fault": Input({point: ok}, mark=Quality.BAD_SENSOR_FAULT, point=point),
        "fault at level 2": Input({point: level_2}, mark=Quality.BAD_SENSOR_FAULT, point=point),
        "lost": Input({point: None}, {point: ok}),
        "lost while rising": Input({point: None}, {point: level_1 * 0.9}),
        "under test": Input({point: level_2}, mark=Quality.UNCERTAIN_UNDER_TEST, point=point),
        "late": Input({point: level_2}, late=True),
    }


def flag(point: str, *, on: float = 1.0, beside: Mapping[str, float] = _NONE) -> dict[str, Input]:
    """A contact that is on or off, so both levels are one, and nothing rises. ``beside``: what is told with it."""
    off: Values = {**beside, point: 1.0 - on}
    said: Values = {**beside, point: on}
    return {
        "ok": Input(off, off),
        "level 1": Input(said, off),
        "level 2": Input(said, off),
        "over-range": Input(said, off, mark=Quality.BAD_OVER_RANGE, point=point),
        "warm-up": Input(said, off, mark=Quality.UNCERTAIN_WARM_UP, point=point),
        "clock in doubt": Input(said, off, mark=Quality.UNCERTAIN_CLOCK, point=point),
        "fault": Input(off, off, mark=Quality.BAD_SENSOR_FAULT, point=point),
        "lost": Input({**beside, point: None}, off),
        "lost while rising": Input({**beside, point: None}, off),
        "under test": Input(said, off, mark=Quality.UNCERTAIN_UNDER_TEST, point=point),
        "late": Input(said, off, late=True),
    }


def reports(area: str, near: str) -> dict[str, Input]:
    """What people report at an area, or at another; no device says anything but what is quiet."""
    said = {
        "works damage": ("works-damage", area),
        "odour": ("odour", area),
        "fire seen": ("fire-seen", area),
        "works damage near by": ("works-damage", near),
        "works damage elsewhere": ("works-damage", "elsewhere"),
    }
    return {"ok": Input({}), **{name: Input({}, reported=one) for name, one in said.items()}}


Say: TypeAlias = Callable[..., Reading]
"""Makes a reading of a device: its second, device and origin, ``heard`` where it comes later, and values."""


def tell(
    say: Say, given: Input, profile: Profile, device: str, second: float, origin: Origin, **feedback: float
) -> list[Reading]:
    """What the device of an input says at one second, once it began; ``feedback``: what it reports of what it moves."""
    quiet = say(second, device, **feedback)
    if given.then is None:
        return [] if origin is Origin.LIVE else [quiet]
    said = {**feedback, **given.then}
    if given.late:
        return [say(second - LATE_S, device, origin, heard=second, **said), quiet]
    told = _marked(say(second, device, origin, **said), given, profile)
    return [told] if origin is Origin.LIVE else [quiet, told]


def _marked(reading: Reading, given: Input, profile: Profile) -> Reading:
    if given.mark is None:
        return reading
    marks = [
        int(given.mark) if value is not None and given.point in ("", point.name) else before
        for point, value, before in zip(profile.points, reading.values, reading.quality, strict=True)
    ]
    return msgspec.structs.replace(reading, quality=tuple(marks))
