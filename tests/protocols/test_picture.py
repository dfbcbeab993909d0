"""What is known of a device: the last value of each point, how far it may be trusted, and where it was going."""

import math

import pytest

from protocols.known import Known
from protocols.moment import SECOND
from protocols.picture import Picture
from protocols.quality import Quality
from tests.fixtures.stories import GAS, MONO, at, gas_reading, marked

METHANE = GAS.by_name["methane"].index
CO = GAS.by_name["co"].index
VALVE = GAS.by_name["valve"].index


def picture() -> Picture:
    """Of a gas alarm that was never heard."""
    return Picture(GAS, MONO)


def known(one: Picture, index: int = METHANE) -> Known:
    """What is known of a point that was heard."""
    found = one.known(index)
    assert found is not None
    return found


def test_absent_point_keeps_its_last_value() -> None:
    one = picture()
    one.update(gas_reading(0, methane=7.0), at(0))
    one.update(gas_reading(2, methane=None, co=3.0), at(2))
    assert (known(one).value, known(one).heard) == (7.0, at(0).mono)
    assert known(one, CO).value == 3.0


def test_nothing_is_known_before_something_was_heard() -> None:
    one = picture()
    assert (one.known(METHANE), one.trusted(METHANE), one.heard, one.silent_for(at(9))) == (
        None,
        None,
        None,
        9 * SECOND,
    )
    assert one.slope_per_minute(METHANE) == 0.0


def test_device_is_heard_again() -> None:
    one = picture()
    one.lose()
    one.update(gas_reading(5), at(5))
    assert (one.lost, one.silent_for(at(7))) == (False, 2 * SECOND)


def test_missing_value_that_is_bad_is_known_as_such_and_not_trusted() -> None:
    one = picture()
    one.update(gas_reading(0, methane=6.0), at(0))
    one.update(gas_reading(2, methane=None, fault=1.0), at(2))
    assert math.isnan(known(one).value)
    assert known(one).quality is Quality.BAD_SENSOR_FAULT
    assert one.trusted(METHANE) == Known(6.0, Quality.GOOD, at(0).wall, at(0).mono)


def test_text_is_not_a_value() -> None:
    one = picture()
    one.update(gas_reading(0, methane="high"), at(0))
    assert known(one).quality is Quality.BAD_TYPE


MEASURED = [quality for quality in Quality if not quality.is_bad and quality is not Quality.UNCERTAIN_UNDER_TEST]


@pytest.mark.parametrize("quality", Quality, ids=lambda quality: quality.name)
def test_what_was_measured_is_what_stands_before_a_blindness(quality: Quality) -> None:
    one = picture()
    one.update(marked(gas_reading(0, methane=8.0), quality, "methane"), at(0))
    assert (one.trusted(METHANE) is not None) is (quality in MEASURED or quality is Quality.BAD_OVER_RANGE)


@pytest.mark.parametrize("quality", Quality, ids=lambda quality: quality.name)
def test_only_a_good_value_is_proof(quality: Quality) -> None:
    one = picture()
    one.update(marked(gas_reading(0), quality, "methane"), at(0))
    assert one.is_proof(METHANE) is (quality is Quality.GOOD)


def test_value_of_a_lost_device_is_no_proof() -> None:
    one = picture()
    one.update(gas_reading(0), at(0))
    one.lose()
    assert not one.is_proof(METHANE)


def test_value_that_is_a_minute_older_than_the_last_message_is_no_proof() -> None:
    one = picture()
    one.update(gas_reading(0), at(0))
    one.update(gas_reading(60, methane=None), at(60))
    assert one.is_proof(METHANE)
    one.update(gas_reading(61, methane=None), at(61))
    assert not one.is_proof(METHANE)


# -- order and clocks -----------------------------------------------------------------------------------------------


def test_older_sample_is_taken_in_doubt_and_changes_no_trend() -> None:
    one = picture()
    one.update(gas_reading(10, methane=6.0), at(10))
    one.update(gas_reading(8, methane=0.0), at(11))
    assert (known(one).value, known(one).quality) == (0.0, Quality.UNCERTAIN_CLOCK)
    trusted = one.trusted(METHANE)
    assert trusted is not None
    assert trusted.value == 6.0


def test_bad_quality_of_an_older_sample_stays_bad() -> None:
    one = picture()
    one.update(gas_reading(10), at(10))
    one.update(gas_reading(8, fault=1.0), at(11))
    assert known(one).quality is Quality.BAD_SENSOR_FAULT


@pytest.mark.parametrize("ahead", [6.0, 3600.0, 9 * 31_557_600.0])
def test_stamp_in_the_future_does_not_cast_doubt_on_what_follows(ahead: float) -> None:
    one = picture()
    one.update(gas_reading(ahead, methane=0.0), at(0))
    one.update(gas_reading(2, methane=60.0), at(2))
    assert (known(one).value, known(one).quality) == (60.0, Quality.GOOD)
    one.update(gas_reading(1, methane=0.0), at(3))
    assert known(one).quality is Quality.UNCERTAIN_CLOCK, "the stamp that counts is the one that was right"


def test_wall_clock_of_the_gateway_that_went_back_does_not_cast_doubt_on_what_follows() -> None:
    one = picture()
    one.update(gas_reading(0, methane=0.0), at(0))
    back = at(2)._replace(wall=at(2).wall - 7200 * SECOND)
    one.update(gas_reading(2 - 7200, methane=60.0), back)
    assert (known(one).value, known(one).quality) == (60.0, Quality.GOOD)


# -- warm-up -------------------------------------------------------------------------------------------------------


def test_warm_up_longer_than_the_profile_allows_is_a_fault() -> None:
    one = picture()
    for second in range(0, 181, 20):
        one.update(gas_reading(second, warm_up=1.0), at(second))
        assert known(one).quality is Quality.UNCERTAIN_WARM_UP
    one.update(gas_reading(181, methane=9.0, warm_up=1.0), at(181))
    assert (known(one).value, known(one).quality) == (9.0, Quality.BAD_SENSOR_FAULT)
    one.update(gas_reading(200), at(200))
    one.update(gas_reading(210, warm_up=1.0), at(210))
    assert known(one).quality is Quality.UNCERTAIN_WARM_UP


# -- trend ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [-3.0, 0.0, 0.5, 6.0])
@pytest.mark.parametrize("period", [0.05, 2.0, 20.0])
def test_slope_is_the_rise_per_minute(rate: float, period: float) -> None:
    one = picture()
    for number in range(int(70 / period)):
        second = number * period
        one.update(gas_reading(second, methane=50.0 + rate * second / 60), at(second))
    assert one.slope_per_minute(METHANE) == pytest.approx(rate, abs=1e-9)


def test_slope_looks_back_one_minute_from_the_last_sample() -> None:
    one = picture()
    for second in range(0, 60, 2):
        one.update(gas_reading(second, methane=float(second)), at(second))
    for second in range(60, 130, 2):
        one.update(gas_reading(second, methane=60.0), at(second))
    assert one.slope_per_minute(METHANE) == 0.0


def test_one_sample_has_no_slope() -> None:
    one = picture()
    one.update(gas_reading(0, methane=30.0), at(0))
    assert one.slope_per_minute(METHANE) == 0.0


def test_slope_is_not_lost_over_a_value_without_bound() -> None:
    one = picture()
    for second, value in enumerate((1.0, math.inf, 1.0 + 2 / 60, 1.0 + 3 / 60)):
        one.update(gas_reading(second, methane=value), at(second))
    assert one.slope_per_minute(METHANE) == pytest.approx(1.0)


def test_slope_runs_on_monotonic_time() -> None:
    one = picture()
    for second in range(0, 60, 2):
        step = 7200 * SECOND if second > 30 else 0
        one.update(gas_reading(second, methane=second / 60), at(second)._replace(wall=at(second).wall + step))
    assert one.slope_per_minute(METHANE) == pytest.approx(1.0)


# -- what was stored before ------------------------------------------------------------------------------------------


def test_recalled_reading_stands_before_a_blindness_and_is_nothing_more() -> None:
    one = picture()
    one.recall(gas_reading(-100, methane=8.0))
    assert (one.known(METHANE), one.heard) == (None, None)
    trusted = one.trusted(METHANE)
    assert trusted is not None
    assert trusted.value == 8.0


def test_recalled_reading_does_not_overtake_a_younger_one() -> None:
    one = picture()
    one.update(gas_reading(0, methane=1.0), at(0))
    one.recall(gas_reading(-100, methane=8.0))
    trusted = one.trusted(METHANE)
    assert trusted is not None
    assert trusted.value == 1.0


def test_a_reading_is_ordinary_while_all_is_good_before_and_after_it() -> None:
    one = picture()
    told = [gas_reading(2.0 * number) for number in range(6)]
    told[2] = marked(told[2], Quality.UNCERTAIN_EXPIRED, "methane")
    assert [one.update(reading, at(2.0 * number)) for number, reading in enumerate(told)] == [
        False,  # nothing was known before
        True,
        False,
        False,  # the value before it was not good
        True,
        True,
    ]


def test_an_older_reading_and_one_after_a_loss_are_not_ordinary() -> None:
    one = picture()
    for seconds in (0.0, 2.0):
        one.update(gas_reading(seconds), at(seconds))
    assert not one.update(gas_reading(1.0, heard=4.0), at(4.0))
    one.lose()
    assert not one.update(gas_reading(6.0), at(6.0))
