"""What the loss of a device is worth in a group is what the most pressing of its rules says (S6).

A device of which something was known that must not get lost in a group is announced by itself.
"""

from typing import Any

import pytest

from alarms.blindness import Losses
from alarms.engine import AlarmEngine, Watched
from alarms.rule import AlarmRule
from protocols.quality import Quality
from protocols.reading import Origin
from tests.fixtures.alarm_stories import RULES, only
from tests.fixtures.stories import GAS, at, gas_reading, marked, varied

LOW = RULES["BL-02"].model_copy(update={"id": "XX-01", "priority": "low"})
KITCHEN = "commercial-kitchen"


@pytest.mark.parametrize(
    ("rules", "rank"),
    [({"XX-01": LOW, **only("BL-02", "CK-04", "BL-01")}, 3), ({"XX-01": LOW}, 1), (only("CK-04", "BL-01"), 1)],
)
def test_rank_is_that_of_the_most_pressing_rule_that_says_no_more_than_that_it_is_lost(
    rules: dict[str, AlarmRule], rank: int
) -> None:
    engine = AlarmEngine(rules, [Watched(one, GAS, KITCHEN, 60.0) for one in ("gas:1", "gas:2")], at(0))
    losses = Losses()
    assert [losses.rank(engine.group_of(one, Origin.LIVE), KITCHEN) for one in ("gas:1", "gas:2")] == [rank, rank]


def why(engine: AlarmEngine) -> tuple[str, ...]:
    """Why the device is told of singly when its line is lost now; asked twice, as for many devices of a line."""
    engine.lost("gas:1", at(100))
    losses, group = Losses(), engine.group_of("gas:1", Origin.LIVE)
    reasons = losses.why_singly(group, KITCHEN)
    assert losses.why_singly(group, KITCHEN) == reasons
    return reasons


def told(*readings: tuple[float, dict[str, Any]], rules: dict[str, AlarmRule] = RULES) -> AlarmEngine:
    engine = AlarmEngine(rules, [Watched("gas:1", GAS, KITCHEN, 60.0)], at(0))
    for seconds, values in readings:
        engine.observe(gas_reading(seconds, **values), at(seconds))
    return engine


@pytest.mark.parametrize(
    ("readings", "reasons"),
    [
        ([(2, {})], ()),
        ([(2, {"methane": 4.9})], ()),
        ([(2, {"methane": 5.0})], ("level",)),  # half of the 10 %LEL of CK-01
        ([(2, {"co": 12.0})], ("level",)),  # half of the 24 ppm of CO-04
        ([(2, {"methane": 1.0}), (62, {"methane": 1.9})], ()),
        ([(2, {"methane": 1.0}), (62, {"methane": 2.0})], ("rising",)),  # 1 %LEL/min, as BL-01 has it
        ([(2, {"methane": 103.0, "over_range": 1.0})], ("alarm", "level", "over-range")),
        ([(2, {"warm_up": 1.0})], ("warm-up",)),
        ([(2, {"methane": 55.0}), (60, {})], ("alarm",)),  # latched; the value itself has gone
        ([(2, {"methane": None, "co": None})], ()),  # the board alone was heard
    ],
)
def test_of_whom_something_is_known_is_told_singly(
    readings: list[tuple[float, dict[str, Any]]], reasons: tuple[str, ...]
) -> None:
    assert why(told(*readings)) == reasons


def test_the_loss_itself_is_no_reason_to_be_told_singly() -> None:
    engine = told((2, {}))
    engine.lost("gas:1", at(10))
    while (due := engine.due()) is not None and due <= at(300).mono:
        engine.tick(at((due - at(0).mono) / 1e9))
    standing = {one.rule for one in engine.records() if one.state.stands}
    assert (standing, why(engine)) == ({"BL-02"}, ())


def test_a_limit_of_another_point_of_the_same_role_says_nothing_of_a_level() -> None:
    """Per cent of the explosive limit are no ppm: CK-01 speaks of methane alone."""
    both = varied({"co": {"role": GAS.by_name["methane"].role}})
    engine = AlarmEngine(only("CK-01"), [Watched("gas:1", both, KITCHEN, 60.0)], at(0))
    engine.observe(gas_reading(2, co=900.0), at(2))
    assert why(engine) == ()
    engine.observe(gas_reading(102, methane=6.0), at(102))
    assert why(engine) == ("level",)


def test_a_doubtful_value_counts_as_well_as_a_good_one() -> None:
    engine = told((2, {}), rules=only("CK-01"))
    engine.observe(marked(gas_reading(4, methane=6.0), Quality.UNCERTAIN_CLOCK, "methane"), at(4))
    assert "level" in why(engine)
