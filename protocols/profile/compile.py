"""From a profile file that passed the rules to the `Profile` of the hot path."""

import math
from types import MappingProxyType

from protocols.gas import GasBasis
from protocols.profile.model import Point, Profile, QualityRule, plain_of
from protocols.profile.schema import GasPart, PointPart, ProfileFile
from protocols.quality import Quality

QUALITY_WORDS = {
    f"{quality.severity}:{quality.reason}" if quality.reason else quality.severity: quality for quality in Quality
}
"""``bad:over-range`` and so on, to the code."""


def compile_profile(file: ProfileFile) -> Profile:
    """Compile a file. It must have passed `protocols.profile.rules`: names are looked up without asking."""
    points = tuple(_point(index, part) for index, part in enumerate(file.point))
    by_name = MappingProxyType({point.name: point for point in points})
    rules = tuple(
        QualityRule(
            point=by_name[part.point].index,
            equals=float(part.equals),
            affects=tuple(by_name[name].index for name in part.affects),
            quality=QUALITY_WORDS[part.quality],
        )
        for part in file.quality
    )
    return Profile(
        id=profile_id(file),
        kind=file.profile.kind,
        file=file,
        points=points,
        quality_rules=rules,
        by_name=by_name,
        by_senml=MappingProxyType({point.senml: point for point in points}),
        plain=tuple(plain_of(point) for point in points),
    )


def profile_id(file: ProfileFile) -> str:
    """``vendor/model``."""
    return f"{file.profile.vendor}/{file.profile.model}"


def gas_basis(part: GasPart | None) -> GasBasis | None:
    """The basis of a gas point."""
    if part is None:
        return None
    return GasBasis(part.species, part.lfl_basis, part.lfl_vol_percent, part.calibration_gas)


def _point(index: int, part: PointPart) -> Point:
    low, high = part.range or (-math.inf, math.inf)
    return Point(
        index=index,
        name=part.name,
        type=part.type,
        unit=part.unit,
        role=part.role,
        life_safety=part.life_safety,
        final_element=part.final_element,
        senml=part.senml or part.name,
        low=low - part.slack,
        high=high,
        gas=gas_basis(part.gas),
        codes=frozenset(float(state.code) for state in part.state),
    )
