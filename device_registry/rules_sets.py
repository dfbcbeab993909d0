"""Set values: where the alarm rules have no limit of their own, the site says what its station was set to."""

from collections.abc import Iterator

from device_registry.problem import Problem
from device_registry.site import DevicePart, SetValuesPart
from protocols.profile.model import Point, Profile

SET_ROLES = frozenset({"bank-pressure"})
"""Roles of points that the shipped rules know no limit for."""


def check_sets(part: DevicePart, profile: Profile | None) -> Iterator[Problem]:
    """Each such point needs them, and no other has any."""
    if profile is None:
        return
    path = f"device[{part.id}].set_values"
    points = {point.name: point for point in profile.points if point.role in SET_ROLES}
    for name, point in points.items():
        if name not in part.set_values:
            told = f"{name} = {{ high = ..., low = ... }} ({point.unit})"
            yield path, f"the station's set values of {name!r} are missing, and there is no default: add {told}"
        else:
            yield from _values(f"{path}.{name}", point, part.set_values[name])
    for name in part.set_values.keys() - points.keys():
        yield f"{path}.{name}", f"{part.profile} has no point {name!r} that takes set values: remove it"


def _values(path: str, point: Point, given: SetValuesPart) -> Iterator[Problem]:
    if not point.low <= given.low < given.high <= point.high:
        between = f"{point.low:g} <= low < high <= {point.high:g}"
        yield path, f"low = {given.low:g}, high = {given.high:g}: must be {between} ({point.unit})"
