"""Ordinary readings: which they are, told at a glance, and what is kept of them."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.moment import SECOND
from protocols.ordinary import MOST_KINDS, Kinds, band_of, kinds_of
from protocols.picture import Patience, Picture
from protocols.quality import Quality
from protocols.reading import Reading, Value
from tests.fixtures.stories import GAS, MONO, QUIET, at, gas_reading, marked, varied

METHANE, CO, VALVE = (GAS.by_name[name].index for name in ("methane", "co", "valve"))
PATIENCE = Patience(5 * SECOND, 30 * SECOND)
WITH_TEXT = varied({"firmware": {"type": "text", "unit": "", "range": None}})


def told(reading: Reading) -> tuple[float, ...] | None:
    """What the ordinary readings of the same points make of it."""
    like = kinds_of(GAS).like(reading)
    return None if like is None else like.numbers(reading)


def test_ordinary_reading_gives_the_numbers_of_the_points_it_has() -> None:
    reading = gas_reading(0, methane=2.5)
    like = kinds_of(GAS).like(reading)
    assert like is not None
    assert dict(zip(like.points, like.numbers(reading) or (), strict=True)) == {
        GAS.by_name[name].index: value for name, value in (QUIET | {"methane": 2.5}).items()
    }


@pytest.mark.parametrize(
    "change",
    [
        {"methane": math.nan},
        {"methane": math.inf},
        {"methane": "high"},
        {"methane": 101.0},
        {"fault": 1.0},
        {"warm_up": 1.0},
        {"over_range": 1.0},
        {"expired": 1.0},
        {"fan": 77.0},
    ],
    ids=str,
)
def test_anything_else_is_not_ordinary(change: dict[str, Any]) -> None:
    assert told(gas_reading(0, **change)) is None


@pytest.mark.parametrize("flag", sorted({rule.point for rule in GAS.quality_rules}))
def test_a_flag_that_marks_values_is_not_ordinary_even_where_none_of_them_was_sent(flag: int) -> None:
    values = tuple(1.0 if index == flag else None for index in range(len(GAS.points)))
    assert told(msgspec.structs.replace(gas_reading(0), values=values)) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "high"])
def test_what_is_no_finite_number_is_not_ordinary_whatever_its_quality(value: Value) -> None:
    reading = gas_reading(0)
    values = tuple(value if index == CO else one for index, one in enumerate(reading.values))
    assert told(msgspec.structs.replace(reading, values=values)) is None


@pytest.mark.parametrize("quality", [one for one in Quality if one], ids=lambda one: one.name)
def test_one_value_that_is_not_good_is_enough(quality: Quality) -> None:
    assert told(marked(gas_reading(0), quality, "co")) is None


def test_reading_of_another_number_of_points_is_not_ordinary() -> None:
    reading = gas_reading(0)
    short = msgspec.structs.replace(reading, values=reading.values[:-1], quality=reading.quality[:-1])
    assert told(short) is None
    whole = msgspec.structs.replace(reading, values=(0.0,) * len(reading.values))
    full = kinds_of(GAS).like(whole)
    assert full is not None
    assert full.numbers(whole) == whole.values
    assert full.numbers(short) is None
    assert full.numbers(msgspec.structs.replace(whole, values=whole.values[:-1])) is None


@given(st.sets(st.integers(0, len(GAS.points) - 1), max_size=4))
def test_only_readings_with_the_same_points_are_like_it(flipped: set[int]) -> None:
    reading = gas_reading(0)
    like = kinds_of(GAS).like(reading)
    assert like is not None
    values = tuple(
        one if index not in flipped else 0.0 if one is None else None for index, one in enumerate(reading.values)
    )
    other = msgspec.structs.replace(reading, values=values)
    assert (like.numbers(other) is not None) is (not flipped)


def test_texts_are_passed_over() -> None:
    kinds = kinds_of(WITH_TEXT)
    index = WITH_TEXT.by_name["firmware"].index

    def reading(text: Value, **values: Any) -> Reading:
        found = gas_reading(0, **values)
        return msgspec.structs.replace(
            found, values=tuple(text if at == index else one for at, one in enumerate(found.values))
        )

    like = kinds.like(reading("1.0"))
    assert like is not None
    assert index not in like.points
    assert like.numbers(reading("1.1")) == like.numbers(reading(None)) == like.numbers(reading("1.0"))
    assert like.numbers(reading(None, uptime=3.0)) is None


def test_sets_of_points_that_are_remembered_are_bounded() -> None:
    kinds = Kinds(GAS)
    for number in range(1, MOST_KINDS * 3):
        bits = (float(number >> bit & 1) or None for bit in range(len(GAS.points)))
        like = kinds.like(msgspec.structs.replace(gas_reading(0), values=tuple(bits)))
        assert like is not None
    assert len(kinds._kinds) == MOST_KINDS


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        ((1.0, 0.0, 1.0), True),
        ((None, None, 1.0), True),
        ((4.9, 0.0, 0.0), True),
        ((5.0, 0.0, 1.0), False),
        (("5", 0.0, 1.0), False),
        ((1.0, 1.0, 1.0), False),
        ((1.0, 0.0, None), False),
    ],
    ids=str,
)
def test_band_holds_below_the_lowest_limit_without_a_flag_and_with_what_is_needed(
    values: tuple[Value, ...], holds: bool
) -> None:
    assert band_of([(0, 7.0), (0, 5.0), (0, 9.0)], [1], [2]).holds(values) is holds


# -- what a picture keeps of them -----------------------------------------------------------------------------------


def calm_picture(**values: Any) -> Picture:
    """Of a gas alarm that was heard twice."""
    one = Picture(GAS, MONO)
    for seconds in (0.0, 2.0):
        one.update(gas_reading(seconds, **values), at(seconds))
    assert one.is_calm
    return one


def test_what_ordinary_readings_said_is_known_point_by_point_when_somebody_looks() -> None:
    one = calm_picture()
    for seconds in (4.0, 6.0):
        assert one.update(gas_reading(seconds, methane=seconds), at(seconds))
    known = one.known(METHANE)
    assert known is not None
    assert (known.value, known.at, known.heard) == (6.0, at(6).wall, at(6).mono)
    assert one.trusted(METHANE) == known


def test_what_an_ordinary_reading_does_not_say_stays_as_old_as_it_is() -> None:
    one = calm_picture()
    assert one.update(gas_reading(4, co=None), at(4))
    assert one.next_look(PATIENCE) == at(2).mono + PATIENCE.after
    known = one.known(CO)
    assert known is not None
    assert known.heard == at(2).mono


def test_each_point_is_as_fresh_as_the_device_after_a_reading_that_has_all() -> None:
    one = calm_picture(alarm_level=0.0, co_alarm=0.0)
    assert one.next_look(PATIENCE) == at(2).mono + PATIENCE.after
    assert not one.find_silent(PATIENCE, at(7)._replace(mono=at(7).mono - 1))
    assert one.find_silent(PATIENCE, at(7))


def test_what_ordinary_readings_said_is_carried_to_another_profile() -> None:
    one = calm_picture()
    one.update(gas_reading(4, methane=4.0), at(4))
    known = one.carried(WITH_TEXT).known(METHANE)
    assert known is not None
    assert known.value == 4.0


def test_only_a_reading_of_the_same_points_is_taken_at_a_glance() -> None:
    one = calm_picture()
    assert one.ordinary(gas_reading(4)) is not None
    assert one.ordinary(gas_reading(4, co=None)) is None
    assert one.ordinary(gas_reading(1)) is None, "older than what is known"


def test_a_late_reading_that_waits_is_weighed_against_the_next_one() -> None:
    one = calm_picture()
    one.note_late(gas_reading(-100, heard=3), at(3))
    assert not one.is_calm
    assert one.ordinary(gas_reading(4)) is None
    one.update(gas_reading(4), at(4))
    one.lose()
    assert one.late_due(at(60)) == ()
