"""Set values: where a rule has no limit of its own, the site says what its station was set to (H2-07, H2-08)."""

from typing import NamedTuple, TypeAlias

from alarms.rule import AlarmRule, Condition
from protocols.profile.model import Point


class SetValues(NamedTuple):
    """What a point of a device was set to, in the point's unit: from where on its value is too high, or too low."""

    point: str
    high: float
    low: float


Sets: TypeAlias = tuple[SetValues, ...]
"""Of one device, each point once."""

_PERCENT = 0.01


def with_set_values(rule: AlarmRule, point: Point, sets: Sets) -> AlarmRule | None:
    """The rule at a point, with limits in the place of set values; ``None`` where it needs some that the site does not
    say: such a rule watches nothing there, and the site is refused."""
    if all(condition.set is None for one in rule.any for condition in one.of or (one,)):
        return rule
    known = next((one for one in sets if one.point == point.name), None)
    if known is None:
        return None
    return rule.model_copy(update={"any": tuple(_set(one, point, known) for one in rule.any)})


def _set(condition: Condition, point: Point, known: SetValues) -> Condition:
    if condition.of is not None:
        return condition.model_copy(update={"of": tuple(_set(one, point, known) for one in condition.of)})
    if condition.set is None:
        return condition
    value = known.high if condition.set == "high" else known.low
    percent = abs(value) * _PERCENT
    return condition.model_copy(
        update={
            "set": None,
            "unit": point.unit,
            "limit": None if condition.kind == "fall" else value,
            "deadband": condition.deadband * percent,
            "by": None if condition.by is None else condition.by * percent,
        }
    )
