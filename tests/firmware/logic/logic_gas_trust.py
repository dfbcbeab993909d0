"""What a gas alarm makes of odd samples, dips, breaks and silence: nothing of it ends an alarm (S1, S3)."""

from gas_parts import Bench, Parts
from products import self_test, valve
from products.gas_channel import LEVEL_1, LEVEL_2


def test_clean_air_after_level_2_ends_both_levels_at_once():
    bench = Bench(trip_after=60)
    bench.gas(60.0, 1)
    assert bench.gas(1.0, 60)["alarm_level"] == 2
    assert bench.gas(1.0, 0.1)["alarm_level"] == 0


def test_gas_that_dips_closes_after_its_delay_all_the_same():
    """One odd sample, a loop that breaks through zero, a cloud that swings: none of it ends a level."""
    for high, high_s, low, low_s, trip_after, delay_s in (
        (60.0, 3.9, 18.0, 0.1, 15.0, 5),
        (60.0, 0.1, 18.0, 3.9, 15.0, 5),
        (45.0, 50.0, 19.0, 0.1, 60.0, 60),
        (30.0, 14.0, 1.0, 1.0, 15.0, 15),
    ):
        bench = Bench(trip_after=trip_after)
        bench.run(5)
        began = bench.now
        while bench.now - began < 300000 and not bench.parts.valve_coil.seen:
            for value, seconds in ((high, high_s), (low, low_s)):
                bench.parts.methane.value = value
                end = bench.now + seconds * 1000
                while bench.now < end and not bench.parts.valve_coil.seen:
                    bench.run(0.1)
        assert abs(bench.now - began - delay_s * 1000) <= 100, (high, low, bench.now - began)


def test_minute_of_clean_air_begins_anew_with_every_sample_that_is_none():
    def above(bench):
        bench.gas(20.0)

    def below_zero(bench):
        bench.gas(-0.6)

    def lost(bench):
        bench.parts.methane.fault = 1
        bench.run(0.1)
        bench.parts.methane.fault = 0

    def not_a_number(bench):
        bench.gas(float("nan"))

    for odd in (above, below_zero, lost, not_a_number):
        bench = Bench(trip_after=60)
        bench.gas(26.0)
        bench.gas(1.0, 59)
        odd(bench)
        bench.gas(1.0, 59)
        bench.shows(alarm=True)
        bench.run(2)
        bench.shows(alarm=False)


def test_value_below_zero_clears_and_releases_nothing_and_the_noise_of_zero_does():
    for value, clears in ((-0.6, False), (-0.5, True), (0.0, True)):
        bench = Bench()
        bench.gas(101.0, 10)
        bench.gas(value, 300)
        assert bench.alarm.confirm_over_range() == clears, value
        bench.run(0.1)
        bench.shows(alarm=not clears)
        bench.parts.iron.move("open")
        bench.run(0.1)
        bench.shows(trip_latched=not clears)


def test_board_that_stood_still_between_two_clean_samples_has_not_seen_a_clean_minute():
    bench = Bench(trip_after=60)
    bench.gas(26.0)
    bench.gas(1.0)
    for _ in range(50):
        bench.now += 60000
        bench.alarm.sample(bench.now)
    bench.shows(alarm=True)


def test_confirmed_over_range_leaves_the_level_its_minute():
    bench = Bench()
    bench.gas(101.0)
    bench.gas(2.0, 10)
    assert bench.alarm.confirm_over_range()
    bench.run(0.1)
    bench.shows(over_range=False, alarm_level=LEVEL_2)
    bench.run(50)
    bench.shows(alarm_level=0)


def test_lost_sensor_is_a_fault_without_a_value_and_keeps_the_alarm():
    bench = Bench()
    bench.gas(30.0)
    bench.parts.methane.fault = 1
    seen = bench.run(0.1)
    assert (seen["methane"], seen["fault"], seen["alarm"], seen["co_fault"]) == (None, True, True, False)
    bench.run(120)
    bench.shows(alarm=True)
    bench.parts.methane.fault = 0
    bench.gas(1.0, 61)
    bench.shows(fault=False, alarm=False)


def test_lost_while_high_or_rising_trips_and_lost_while_quiet_does_not():
    for before, seconds, trips in ((4.9, 0.1, False), (5.0, 0.1, True), (1.2, 0.1, False)):
        bench = Bench()
        bench.gas(before, 300 if before == 4.9 else seconds)
        bench.parts.methane.fault = 4
        seen = bench.run(16)
        assert (seen["trip_latched"], seen["alarm"]) == (trips, False), before
    for steady, trips in ((5.0, True), (4.9, False)):
        parts = Parts()
        parts.methane.value = steady
        bench = Bench(parts=parts)
        bench.run(300)
        parts.methane.fault = 4
        assert bench.run(16)["trip_latched"] == trips, steady
    bench = Bench()
    for step in range(30):
        bench.gas(1.0 + step * 0.1, 1)
    bench.parts.methane.fault = 4
    assert bench.run(16)["trip_latched"]


def test_rise_of_one_percent_a_minute_is_a_rise():
    for per_minute, trips in ((1.0, True), (0.8, False)):
        bench = Bench()
        bench.gas(0.5, 300)
        while bench.parts.methane.value < 4.9:
            bench.gas(bench.parts.methane.value + per_minute / 600)
        bench.parts.methane.fault = 1
        bench.run(16)
        bench.shows(trip_latched=trips)


def test_blindness_closes_after_ten_seconds_and_no_later_than_gas():
    for trip_after, delay_ms in ((60.0, 10000), (15.0, 10000), (5.0, 5000), (0.0, 0)):
        bench = Bench(trip_after=trip_after)
        bench.gas(22.0, 60)
        bench.parts.methane.fault = 1
        took = bench.until(lambda one=bench: one.parts.valve_coil.level)
        assert delay_ms <= took <= delay_ms + 100, (trip_after, took)


def test_loop_that_breaks_through_zero_is_lost_while_high():
    for last in (-1.0, 0.0, 2.0):
        bench = Bench()
        bench.gas(15.0, 4)
        bench.gas(last)
        bench.parts.methane.fault = 1
        bench.run(12)
        bench.shows(valve=valve.CLOSED, trip_latched=True)


def test_sensor_that_stays_below_zero_is_lost_and_closes_after_gas():
    for value in (-0.6, -2.4, -1e9):
        for before, closes in ((24.0, True), (1.2, False)):
            bench = Bench()
            bench.gas(before, 30)
            bench.gas(value, 9.9)
            bench.shows(fault=False, valve=valve.OPEN)
            bench.run(0.1)
            bench.shows(fault=True)
            bench.run(11)
            bench.shows(trip_latched=closes, valve=valve.CLOSED if closes else valve.OPEN)
            assert bench.parts.lamp_yellow.level
            bench.gas(1.2, 10.1)
            bench.shows(fault=False)


def test_whiff_on_a_zero_that_has_drifted_or_its_calibration_closes_nothing():
    for drift, act in (
        (-0.6, lambda bench: bench.gas(0.4, 3)),
        (-0.9, lambda bench: bench.gas(0.1, 9)),
        (-3.0, lambda bench: bench.gas(0.3, 3)),
        (-2.0, lambda bench: bench.alarm.calibrate_zero(bench.now)),
        (-2.0, lambda bench: bench.gas(0.2, 60)),
    ):
        bench = Bench()
        bench.gas(0.0, 60)
        bench.gas(drift, 60)
        bench.shows(fault=True)
        act(bench)
        bench.run(1)
        assert not bench.alarm.gas.elevated, drift
        bench.gas(drift, 30)
        bench.shows(trip_latched=False, valve=valve.OPEN)


def test_gas_on_a_zero_that_has_drifted_is_a_rise_once_the_sensor_counts_as_found():
    for value, seconds, is_elevated in ((3.0, 9.9, False), (3.0, 10.1, True), (5.0, 0.1, True)):
        bench = Bench()
        bench.gas(-0.6, 60)
        bench.gas(value, seconds)
        assert bench.alarm.gas.elevated == is_elevated, (value, seconds)


def test_noise_across_the_end_of_zero_is_calm_and_what_is_not_sound_never():
    for warm_up, is_elevated in ((0, False), (120, True)):
        bench = Bench(warm_up=warm_up)
        bench.gas(6.0, 1)
        for _ in range(305):
            bench.gas(-0.3)
            bench.gas(-0.6)
        bench.shows(trip_latched=False, fault=False)
        assert bench.alarm.gas.elevated == is_elevated, warm_up


def test_self_test_fails_on_a_sensor_that_stays_below_zero():
    bench = Bench()
    bench.gas(-0.6, 11)
    bench.alarm.command("self-test", bench.now)
    bench.run(3.1)
    bench.shows(self_test=self_test.FAILED)


def test_noise_that_crosses_below_zero_is_lost_by_the_side_on_which_it_is_more_often():
    for values, is_lost in (((-0.6, -0.6, -0.4), True), ((-0.6, -0.4, -0.4), False), ((-0.6, 3.0), False)):
        bench = Bench()
        bench.gas(24.0, 1)
        for turn in range(600):
            bench.gas(values[turn % len(values)])
            if turn > 400:
                bench.shows(fault=is_lost)


def test_warm_up_and_a_board_that_stood_still_lose_no_sensor_below_zero():
    bench = Bench(warm_up=60)
    bench.gas(-0.6, 60)
    bench.shows(fault=False)
    bench.run(11)
    bench.shows(fault=True)
    other = Bench()
    other.gas(-0.6)
    other.now += 60000
    other.run(0.1)
    other.shows(fault=False)


def test_drift_below_zero_is_mended_by_a_new_zero():
    bench = Bench()
    bench.gas(-2.0, 60)
    bench.shows(fault=True)
    bench.alarm.calibrate_zero(bench.now)
    bench.run(11)
    bench.shows(fault=False, methane=0.0)


def test_flapping_loop_closes_whatever_it_shows_in_between():
    bench = Bench()
    bench.gas(20.0, 30)
    for _ in range(2):
        bench.parts.methane.fault = 1
        bench.run(5)
        bench.parts.methane.fault = 0
        bench.gas(0.5)
    bench.run(1)
    bench.shows(trip_latched=True, valve=valve.CLOSED, alarm=False, fault=False)


def test_sensor_lost_a_minute_after_the_gas_was_gone_is_a_fault_alone():
    for seconds, trips in ((60, True), (61, False)):
        bench = Bench()
        bench.gas(6.0, 300)
        bench.gas(4.9, seconds)
        bench.parts.methane.fault = 1
        bench.run(30)
        bench.shows(trip_latched=trips, fault=True)


def test_blindness_ends_after_a_minute_of_low_values_and_a_person_may_open():
    bench = Bench()
    bench.gas(22.0, 1)
    bench.parts.methane.fault = 1
    bench.run(12)
    bench.parts.methane.fault = 0
    for value, seconds, stays_open in ((21.0, 120, False), (1.0, 59, False), (1.0, 2, True)):
        bench.gas(value, seconds)
        bench.parts.iron.move("open")
        bench.run(1)
        bench.shows(valve=valve.OPEN if stays_open else valve.CLOSED, trip_latched=not stays_open)


def test_warm_up_raises_and_trips_and_never_lowers():
    bench = Bench(warm_up=60)
    bench.gas(40.0)
    bench.shows(warm_up=True, alarm=True)
    bench.gas(1.0, 10)
    bench.shows(warm_up=True, alarm=True, alarm_level=LEVEL_1)
    bench.run(10)
    bench.shows(trip_latched=True, valve=valve.CLOSED)
    bench.run(40)
    bench.shows(warm_up=False, alarm=True, trip_latched=True)
    bench.run(60)
    bench.shows(alarm=False, trip_latched=True)


def test_sensor_without_a_value_is_a_fault_when_warm_up_is_over_and_not_before():
    bench = Bench(warm_up=30)
    bench.parts.methane.value = bench.parts.co.value = None
    bench.run(29.9)
    bench.shows(fault=False, co_fault=False, methane=None, co=None)
    bench.run(0.1)
    bench.shows(fault=True, co_fault=True, warm_up=False)
    other = Bench(warm_up=30)
    other.parts.methane.fault = 1
    other.run(0.1)
    other.shows(fault=True, warm_up=True)


def test_number_that_is_none_is_a_fault_and_not_a_value():
    nan, inf = float("nan"), float("inf")
    for odd in (nan, inf, -inf):
        bench = Bench()
        for name in ("methane", "co", "temperature", "supply"):
            getattr(bench.parts, name).value = odd
        seen = bench.run(1)
        assert [seen[name] for name in ("methane", "co", "temperature", "supply")] == [None] * 4
        assert (seen["fault"], seen["co_fault"], seen["alarm"], seen["co_alarm"]) == (True, True, False, False)
        assert seen["valve"] == valve.OPEN
        bench.parts.co.value = 3.0
        bench.gas(30.0, 16)
        bench.shows(methane=30.0, co=3, trip_latched=True)
