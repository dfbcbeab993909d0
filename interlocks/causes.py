"""Whether a cause of a matrix stands, judged on pictures of the zone's detectors.

Causes are 1-out-of-n. A value is taken at any quality (S3); a detector under bump test trips nothing (S8). These
few comparisons are written apart from those of the alarms on purpose: neither may disarm the other.
"""

from collections.abc import Callable, Mapping

from interlocks.matrix import Cause, When
from interlocks.zone import Member, Zone
from protocols.limits import in_unit_of
from protocols.picture import Picture
from protocols.profile.model import Point
from protocols.quality import Quality

Pictures = Mapping[str, Picture]
Stands = Callable[[Pictures], bool]
SAYS_NOT_NO = frozenset(
    (
        Quality.UNCERTAIN_WARM_UP,
        Quality.UNCERTAIN_UNDER_TEST,
        Quality.UNCERTAIN_STALE,
        Quality.UNCERTAIN_EXPIRED,
    )
)


def bind(cause: Cause, zone: Zone) -> Stands:
    """The cause over all members of the zone."""
    tests = [test for when in cause.when for test in _bind_when(when, zone)]
    return lambda pictures: any(test(pictures) for test in tests)


def _bind_when(when: When, zone: Zone) -> list[Stands]:
    found = [(member, point) for member, point in _detector_points(zone) if _matches(when, member, point)]
    if when.kind == "all-lost":
        return [_all_lost(found)] if found and not zone.staffed else []
    return [_bind_point(when, member, point) for member, point in found]


def _detector_points(zone: Zone) -> list[tuple[Member, Point]]:
    """All points of the zone's own devices; the next device up the line stands elsewhere, and lends its valve only."""
    return [(member, point) for member in zone.members if not member.upstream for point in member.profile.points]


def _matches(when: When, member: Member, point: Point) -> bool:
    gas = member.profile.file.point[point.index].gas
    return point.role == when.role and (not when.species or (gas is not None and gas.species in when.species))


def _bind_point(when: When, member: Member, point: Point) -> Stands:
    device, index = member.device, point.index
    if when.kind == "flag":
        return lambda pictures: _value(pictures[device], index) == 1.0
    if when.kind == "over-range":
        return lambda pictures: _quality(pictures[device], index) is Quality.BAD_OVER_RANGE
    assert when.limit is not None
    assert when.unit is not None
    limit = in_unit_of(member.profile, point, when.limit, when.unit)
    if when.kind == "high":
        return lambda pictures: (_value(pictures[device], index) or 0.0) >= limit
    assert when.slope is not None
    slope = in_unit_of(member.profile, point, when.slope, when.unit)
    return lambda pictures: _blind_rising(pictures[device], index, limit, slope)


def _value(picture: Picture, index: int) -> float | None:
    known = picture.known(index)
    return None if known is None or known.quality is Quality.UNCERTAIN_UNDER_TEST else known.value


def _quality(picture: Picture, index: int) -> Quality | None:
    known = picture.known(index)
    return None if known is None else known.quality


def is_blind(picture: Picture, index: int) -> bool:
    """Not heard (its device, or this point alone), or bad in another way than over range."""
    quality = _quality(picture, index)
    is_bad = quality is not None and quality.is_bad and quality is not Quality.BAD_OVER_RANGE
    return is_bad or picture.is_lost(index)


def _blind_rising(picture: Picture, index: int, limit: float, slope: float) -> bool:
    if not is_blind(picture, index):
        return False
    last = picture.trusted(index)
    return last is not None and (last.value >= limit or picture.slope_per_minute(index) >= slope)


def _all_lost(found: list[tuple[Member, Point]]) -> Stands:
    return lambda pictures: not any(_is_seen(pictures[member.device], point.index) for member, point in found)


def _is_seen(picture: Picture, index: int) -> bool:
    """Whether the detector may say «no gas» (S7): neither blind, nor warming up, under test or past its life."""
    return not is_blind(picture, index) and _quality(picture, index) not in SAYS_NOT_NO


def all_good(zone: Zone, pictures: Pictures) -> bool:
    """Whether every gas point of the zone is seen, good and fresh; false where there is none (S16)."""
    points = [(pictures[one.device], index) for one in zone.members if not one.upstream for index in one.inputs]
    return bool(points) and all(picture.is_proof(index) for picture, index in points)
