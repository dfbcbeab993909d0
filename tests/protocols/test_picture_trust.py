"""What a picture takes from values that are in doubt, from flags that stand, and from late readings."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.moment import SECOND
from protocols.picture import PATIENCE_NS, Patience, Picture
from protocols.quality import Quality
from protocols.reading import Reading
from tests.fixtures.stories import GAS, MONO, QUIET, at, gas_reading, marked, own_state, varied

METHANE = GAS.by_name["methane"].index
CO = GAS.by_name["co"].index
PATIENCE = Patience(5 * SECOND, 30 * SECOND)
DOUBTED = [quality for quality in Quality if quality.severity == "uncertain"]


def picture() -> Picture:
    """Of a gas alarm that was never heard."""
    return Picture(GAS, MONO)


def part(second: float, **values: float) -> Reading:
    """A reading of these points and no others."""
    return gas_reading(second, **(dict.fromkeys(QUIET) | values))


def quality(one: Picture, index: int = METHANE) -> Quality:
    """Of what is known of a point."""
    known = one.known(index)
    assert known is not None
    return known.quality


def trusted(one: Picture) -> float:
    """What stands before a blindness."""
    found = one.trusted(METHANE)
    assert found is not None
    return found.value


# -- values in doubt (S3) -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", DOUBTED, ids=lambda one: one.name)
def test_value_in_doubt_does_not_lower_what_stood_before(reason: Quality) -> None:
    one = picture()
    one.update(gas_reading(0, methane=12.0), at(0))
    one.update(marked(gas_reading(2, methane=0.0), reason), at(2))
    assert trusted(one) == 12.0


@pytest.mark.parametrize(
    ("mark", "known_as"), [(Quality.BAD_MISSING, Quality.BAD_MISSING), (Quality.GOOD, Quality.GOOD)]
)
def test_point_that_is_sent_as_no_value_is_bad_and_one_that_is_not_sent_stays(mark: Quality, known_as: Quality) -> None:
    one = picture()
    one.update(gas_reading(0, methane=12.0), at(0))
    absent = gas_reading(2, methane=None)
    marks = tuple(int(mark) if index == METHANE else before for index, before in enumerate(absent.quality))
    one.update(msgspec.structs.replace(absent, quality=marks), at(2))
    assert (quality(one), trusted(one)) == (known_as, 12.0)


def test_value_in_doubt_raises_what_stood_before_and_a_good_one_lowers_it() -> None:
    one = picture()
    one.update(gas_reading(0, methane=2.0), at(0))
    one.update(gas_reading(2, methane=12.0, warm_up=1.0), at(2))
    assert trusted(one) == 12.0
    one.update(gas_reading(4, methane=1.0), at(4))
    assert trusted(one) == 1.0


def test_over_range_lock_with_a_falsely_low_value_does_not_lower_what_stood_before() -> None:
    one = picture()
    one.update(gas_reading(0, methane=60.0), at(0))
    one.update(gas_reading(2, methane=0.0, over_range=1.0), at(2))
    assert trusted(one) == 60.0


def test_recalled_value_in_doubt_does_not_lower_what_stood_before() -> None:
    one = picture()
    one.update(gas_reading(0, methane=12.0), at(0))
    one.recall(gas_reading(2, methane=0.0, warm_up=1.0))
    assert trusted(one) == 12.0


@given(st.lists(st.tuples(st.floats(0, 20), st.booleans()), min_size=1, max_size=30))
def test_trend_is_never_lower_than_that_of_the_good_values_alone(samples: list[tuple[float, bool]]) -> None:
    mixed, good = picture(), picture()
    for number, (value, is_good) in enumerate(samples):
        second = number * 2.0
        mixed.update(gas_reading(second, methane=value, warm_up=0.0 if is_good else 1.0), at(second))
        if is_good:
            good.update(gas_reading(second, methane=value), at(second))
    assert mixed.slope_per_minute(METHANE) >= good.slope_per_minute(METHANE)


def test_rise_during_the_warm_up_is_a_rise() -> None:
    one = picture()
    for second in range(0, 60, 2):
        one.update(gas_reading(second, methane=second / 20, warm_up=1.0), at(second))
    assert one.slope_per_minute(METHANE) == pytest.approx(3.0)


def test_every_older_value_of_a_backlog_is_doubted() -> None:
    one = picture()
    one.update(gas_reading(20, methane=12.0), at(20))
    for second in (10, 12, 14, 19):
        one.update(gas_reading(second, heard=20, methane=0.0), at(20.1))
        assert quality(one) is Quality.UNCERTAIN_CLOCK
    assert trusted(one) == 12.0


def test_older_values_of_a_backlog_make_no_trend() -> None:
    one = picture()
    one.update(gas_reading(10, methane=1.0), at(10))
    one.update(gas_reading(20, methane=1.0), at(20))
    one.update(gas_reading(15, heard=22, methane=50.0), at(22))
    assert (one.slope_per_minute(METHANE), trusted(one)) == (0.0, 50.0)


def test_order_is_judged_for_each_point_alone() -> None:
    one = picture()
    one.update(part(20, methane=12.0), at(20))
    one.update(part(10, methane=0.0, co=3.0), at(21))
    assert (quality(one), quality(one, CO)) == (Quality.UNCERTAIN_CLOCK, Quality.GOOD)


# -- flags that stand -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flag", "reason"),
    [
        ("fault", Quality.BAD_SENSOR_FAULT),
        ("warm_up", Quality.UNCERTAIN_WARM_UP),
        ("expired", Quality.UNCERTAIN_EXPIRED),
        ("over_range", Quality.BAD_OVER_RANGE),
    ],
)
def test_flag_sent_once_tells_of_values_sent_alone_until_it_is_sent_cleared(flag: str, reason: Quality) -> None:
    one = picture()
    one.update(part(0, **{flag: 1.0}), at(0))
    for second in (2, 4):
        one.update(part(second, methane=1.0), at(second))
        assert quality(one) is reason
    one.update(part(6, **{flag: 0.0}), at(6))
    one.update(part(8, methane=1.0), at(8))
    assert quality(one) is Quality.GOOD


@pytest.mark.parametrize("reason", DOUBTED, ids=lambda one: one.name)
def test_flag_in_doubt_clears_nothing(reason: Quality) -> None:
    one = picture()
    one.update(part(0, fault=1.0), at(0))
    one.update(marked(part(2, fault=0.0), reason), at(2))
    one.update(part(4, methane=1.0), at(4))
    assert quality(one) is Quality.BAD_SENSOR_FAULT


@pytest.mark.parametrize(("older", "expected"), [(0.0, Quality.BAD_SENSOR_FAULT), (1.0, Quality.GOOD)])
def test_older_flag_neither_clears_nor_sets(older: float, expected: Quality) -> None:
    one = picture()
    one.update(part(10, fault=1.0 - older), at(10))
    one.update(part(5, fault=older), at(11))
    one.update(part(12, methane=1.0), at(12))
    assert quality(one) is expected


def test_test_gas_stays_test_gas_while_a_flag_stands() -> None:
    one = picture()
    one.update(part(0, over_range=1.0), at(0))
    one.update(marked(part(2, methane=60.0), Quality.UNCERTAIN_UNDER_TEST), at(2))
    assert quality(one) is Quality.UNCERTAIN_UNDER_TEST


def test_flag_sent_under_test_tells_nothing() -> None:
    one = picture()
    one.update(marked(part(0, fault=1.0), Quality.UNCERTAIN_UNDER_TEST), at(0))
    one.update(part(2, methane=1.0), at(2))
    assert quality(one) is Quality.GOOD


def test_over_range_that_stands_is_not_hidden_by_a_fault_sent_later() -> None:
    one = picture()
    one.update(part(0, over_range=1.0), at(0))
    one.update(part(2, methane=0.0, fault=1.0), at(2))
    assert quality(one) is Quality.BAD_OVER_RANGE


def test_flag_of_a_recalled_reading_stands() -> None:
    one = picture()
    one.recall(part(-10, fault=1.0))
    one.update(part(0, methane=1.0), at(0))
    assert quality(one) is Quality.BAD_SENSOR_FAULT


def test_recalled_flag_that_is_older_than_the_one_known_tells_nothing() -> None:
    one = picture()
    one.update(part(0, fault=0.0), at(0))
    one.recall(part(-10, fault=1.0))
    one.update(part(2, methane=1.0), at(2))
    assert quality(one) is Quality.GOOD


def test_reading_that_is_shorter_than_the_profile_is_taken() -> None:
    one = picture()
    one.update(part(0, fault=1.0), at(0))
    short = Reading("gas:1", GAS.id, at(2).wall, at(2).wall, part(2).origin, (1.0,), (0,))
    one.update(short, at(2))
    assert quality(one) is Quality.BAD_SENSOR_FAULT


# -- points that fall silent ----------------------------------------------------------------------------------------


def test_each_life_safety_point_is_lost_by_itself() -> None:
    one = picture()
    one.update(gas_reading(0), at(0))
    one.update(gas_reading(4, methane=None), at(4))
    assert not one.find_silent(PATIENCE, at(4.9))
    assert one.next_look(PATIENCE) == at(5).mono
    assert one.find_silent(PATIENCE, at(5))
    assert (one.is_lost(METHANE), one.is_lost(CO), one.lost, one.is_proof(METHANE)) == (True, False, False, False)
    one.update(gas_reading(6), at(6))
    assert not one.is_lost(METHANE)
    assert one.is_proof(METHANE)


def test_point_that_was_never_sent_is_lost_after_the_grace() -> None:
    one = picture()
    for second in range(0, 30, 2):
        one.update(gas_reading(second, methane=None), at(second))
        assert not one.find_silent(PATIENCE, at(second))
    one.update(gas_reading(30, methane=None), at(30))
    assert one.find_silent(PATIENCE, at(30))
    assert one.is_lost(METHANE)


def test_point_of_a_device_that_came_back_is_lost_until_it_is_sent() -> None:
    one = picture()
    one.update(gas_reading(0), at(0))
    one.lose()
    one.update(gas_reading(2, methane=None), at(2))
    assert (one.is_lost(METHANE), one.is_lost(CO)) == (True, False)


# -- late readings (S9) ---------------------------------------------------------------------------------------------


def test_late_row_counts_after_a_while_and_then_at_once() -> None:
    one = picture()
    one.lose()
    first, second = gas_reading(-300, methane=1.0), gas_reading(-299, methane=2.0)
    one.note_late(first, at(0))
    one.note_late(second, at(1))
    assert one.next_look(PATIENCE) == at(0).mono + PATIENCE_NS
    assert one.late_due(at(4.9)) == ()
    assert one.late_due(at(5)) == (second,)
    one.note_late(first, at(6))
    assert one.late_due(at(6)) == (first,)


def test_late_row_counts_by_stamp_and_by_arrival() -> None:
    one = picture()
    one.lose()
    newest, last = gas_reading(-300), gas_reading(-4000)
    one.note_late(newest, at(0))
    one.note_late(last, at(1))
    assert one.late_due(at(5)) == (newest, last)


def test_late_word_of_the_board_itself_overtakes_no_late_value() -> None:
    one = picture()
    one.lose()
    measured = gas_reading(-300, methane=62.0)
    for reading in (own_state(-302), measured, own_state(-299)):
        one.note_late(reading, at(0))
    assert one.late_due(at(5)) == (measured,)


def test_late_row_of_a_clock_that_stands_still_counts_by_its_last() -> None:
    one = picture()
    one.lose()
    for methane in (0.0, 62.0):
        one.note_late(gas_reading(-300, methane=methane), at(0))
    assert [reading.values[METHANE] for reading in one.late_due(at(5))] == [62.0]


def test_late_row_of_a_device_that_is_heard_waits_for_its_silence() -> None:
    one = picture()
    one.update(gas_reading(0), at(0))
    one.note_late(gas_reading(-300), at(4))
    assert not one.find_silent(PATIENCE, at(4.9))
    assert one.late_due(at(4.9)) == ()
    assert one.find_silent(PATIENCE, at(5))
    assert len(one.late_due(at(5))) == 1


def test_fresh_reading_ends_a_late_row() -> None:
    one = picture()
    one.lose()
    one.note_late(gas_reading(-300), at(0))
    assert one.late_due(at(5))
    one.note_late(gas_reading(-299), at(6))
    one.update(gas_reading(7), at(7))
    one.lose()
    assert one.late_due(at(60)) == ()
    one.note_late(gas_reading(-298), at(61))
    assert one.late_due(at(61)) == ()


def test_late_value_that_counts_is_doubted_and_its_device_stays_lost() -> None:
    one = picture()
    one.update(gas_reading(0, methane=12.0), at(0))
    one.lose()
    one.doubt(gas_reading(100, methane=0.0), at(200))
    assert (quality(one), trusted(one), one.lost, one.is_proof(METHANE)) == (
        Quality.UNCERTAIN_CLOCK,
        12.0,
        True,
        False,
    )


def test_late_flag_that_counts_sets_and_does_not_clear() -> None:
    one = picture()
    one.update(gas_reading(0), at(0))
    one.lose()
    one.doubt(part(-100, fault=1.0), at(200))
    one.doubt(part(300, fault=0.0), at(400))
    one.update(part(500, methane=1.0), at(500))
    assert quality(one) is Quality.BAD_SENSOR_FAULT


def test_point_heard_only_in_late_readings_is_lost_when_its_device_comes_back() -> None:
    one = picture()
    one.update(gas_reading(0), at(0))
    one.lose()
    one.doubt(gas_reading(-100), at(200))
    one.update(gas_reading(300, methane=None), at(300))
    assert (one.is_lost(METHANE), one.is_lost(CO)) == (True, False)


def test_point_watched_since_the_change_of_a_lost_devices_profile_is_no_proof_until_it_is_sent() -> None:
    before = Picture(varied({"methane": {"role": "other", "life_safety": False}}), at(0).mono)
    before.update(gas_reading(0, methane=8.0), at(0))
    before.lose()
    after = before.carried(GAS)
    after.update(gas_reading(2, methane=None), at(2))
    assert after.is_lost(METHANE)
    assert not after.is_proof(METHANE)
    after.update(gas_reading(4, methane=1.0), at(4))
    assert after.is_proof(METHANE)
