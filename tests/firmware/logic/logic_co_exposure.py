"""Carbon monoxide: exposure timers, what they close, and that they start no fan (S20)."""

from gas_parts import Bench
from products import valve
from products.co_exposure import ROWS, STEPS, CoExposure

FRESH = (False, (0, 0, 0))
MINUTE = 60000


def alarms_after(ppm, limit_minutes=300):
    """Minutes of ``ppm`` until the alarm, in steps of 0.1; ``None``: never."""
    one = CoExposure(FRESH)
    one.sample(0, 0.0, True)
    for tenth in range(limit_minutes * 10):
        one.sample(MINUTE // 10, ppm, True)
        if one.alarm:
            return (tenth + 1) / 10
    return None


def test_minutes_of_every_limit():
    rows = {0.0: None, 30.0: None, 49.9: None, 50.0: 75, 70.0: 75, 99.9: 75, 100.0: 15, 299.9: 15, 300.0: 1, 1000.0: 1}
    for ppm, minutes in rows.items():
        assert alarms_after(ppm) == minutes, ppm


def test_timer_counts_down_while_below_and_not_without_a_value():
    one = CoExposure(FRESH)
    one.sample(10 * MINUTE, 120.0, True)
    one.sample(4 * MINUTE, 20.0, True)
    one.sample(60 * MINUTE, None, True)
    one.sample(8 * MINUTE, 120.0, True)
    assert not one.alarm
    one.sample(MINUTE, 120.0, True)
    assert one.alarm


def test_value_that_is_not_trusted_runs_up_and_not_down():
    one = CoExposure(FRESH)
    one.sample(10 * MINUTE, 120.0, False)
    one.sample(60 * MINUTE, 20.0, False)
    one.sample(5 * MINUTE, 120.0, False)
    assert one.alarm
    one.sample(60 * MINUTE, 3.0, False)
    assert one.alarm


def test_alarm_ends_after_ten_minutes_of_clean_air_in_a_row():
    one = CoExposure((True, (0, 0, 0)))
    one.sample(9 * MINUTE, 39.0, True)
    one.sample(1000, 41.0, True)
    one.sample(9 * MINUTE, 39.0, True)
    one.sample(1000, None, True)
    one.sample(9 * MINUTE, 39.0, True)
    assert one.alarm
    one.sample(MINUTE, 39.0, True)
    assert not one.alarm


def test_alarm_closes_gas_at_once_sounds_and_starts_no_fan():
    bench = Bench()
    bench.parts.co.value = 320.0
    bench.run(59)
    bench.shows(co_alarm=False, valve=valve.OPEN, co=320)
    bench.run(1)
    assert bench.parts.valve_coil.level
    bench.run(5)
    bench.shows(co_alarm=True, alarm=False, trip_latched=True, valve=valve.CLOSED, valve_cause=valve.BY_CO)
    assert bench.parts.buzzer.seen.count(True) > 0
    assert bench.parts.fan_relay.seen == []


def test_warm_up_and_age_let_the_timers_run_up_and_not_down():
    for settings in ({"warm_up": 180}, {"life_years": 0}):
        bench = Bench(**settings)
        bench.parts.co.value = 320.0
        bench.run(50)
        bench.parts.co.value = 3.0
        bench.run(50)
        bench.parts.co.value = 320.0
        bench.run(10)
        bench.shows(co_alarm=True)


def test_over_range_of_the_sensor_counts_as_the_highest_value():
    bench = Bench()
    bench.parts.co.value = 10.0
    bench.parts.co.over = True
    bench.run(60)
    bench.shows(co_alarm=True)


def test_dead_sensor_is_its_own_fault_and_leaves_the_gas_channel_alone():
    bench = Bench()
    bench.parts.co.fault = 4
    seen = bench.run(0.1)
    assert (seen["co"], seen["co_fault"], seen["fault"], seen["methane"]) == (None, True, False, 1.2)


def alarms_within(minutes, ppm, every_s, over=False):
    """Whether a board that restarts every so many seconds alarms."""
    bench = Bench()
    bench.parts.co.value = ppm
    bench.parts.co.over = over
    for _ in range(minutes * 60 // every_s):
        bench.run(every_s)
        bench.reset()
        if bench.alarm.co.alarm:
            return True
    return False


def test_board_that_restarts_again_and_again_alarms_no_later_than_one_that_does_not():
    for minutes, ppm, every_s in ((1, 900.0, 5), (1, 300.0, 1), (15, 290.0, 60), (15, 120.0, 7), (75, 60.0, 30)):
        assert alarms_within(minutes, ppm, every_s), (ppm, every_s)
    assert not alarms_within(75, 49.0, 30)


def test_start_in_high_air_counts_as_most_of_its_time_and_one_odd_sample_does_not_alarm():
    for ppm, over in ((300.0, False), (10.0, True)):
        bench = Bench()
        bench.parts.co.value = ppm
        bench.parts.co.over = over
        bench.reset()
        bench.run(7)
        bench.shows(co_alarm=False)
        bench.run(1)
        bench.shows(co_alarm=True)
        bench.run(5)
        bench.shows(valve=valve.CLOSED)
    for later in (3.0, 299.0):
        bench = Bench()
        bench.parts.co.value = 900.0
        bench.reset()
        bench.parts.co.value = later
        bench.run(120)
        bench.shows(co_alarm=False)
    bench = Bench()
    bench.run(1)
    bench.parts.co.value = 900.0
    bench.run(50)
    bench.shows(co_alarm=False)


def test_sensor_that_dies_in_an_exposure_lets_its_timers_run_on():
    bench = Bench()
    bench.run(1)
    bench.parts.co.value = 290.0
    bench.run(14 * 60, step=1000)
    bench.parts.co.value = 0.0
    bench.run(0.1)
    bench.parts.co.fault = 4
    bench.run(50, step=1000)
    bench.shows(co_alarm=False, co_fault=True)
    bench.run(20, step=1000)
    bench.shows(co_alarm=True, valve=valve.MOVING)
    quiet = Bench()
    quiet.run(1)
    quiet.parts.co.fault = 4
    quiet.run(100 * 60, step=1000)
    quiet.shows(co_alarm=False, co_fault=True)


def test_alarm_does_not_end_on_values_below_zero_or_across_a_standstill():
    one = CoExposure((True, (0, 0, 0)))
    for _ in range(30):
        one.sample(MINUTE, -1.0, True)
    assert one.alarm
    bench = Bench()
    bench.parts.co.value = 320.0
    bench.run(61)
    bench.parts.co.value = 3.0
    for _ in range(20):
        bench.now += MINUTE
        bench.alarm.sample(bench.now)
    bench.shows(co_alarm=True)


def test_fan_is_not_started_while_the_alarm_stands():
    bench = Bench()
    bench.parts.co.value = 320.0
    bench.run(61)
    assert not bench.alarm.command("start-fan", bench.now)
    bench.run(1)
    assert bench.parts.fan_relay.seen == []
    bench.parts.co.value = 3.0
    bench.run(601)
    bench.shows(co_alarm=False)
    assert bench.alarm.command("start-fan", bench.now)


def test_fan_that_runs_when_the_alarm_comes_is_left_to_run():
    bench = Bench()
    bench.alarm.command("start-fan", bench.now)
    bench.parts.fan_proof.level = True
    bench.parts.co.value = 320.0
    bench.run(70)
    bench.shows(co_alarm=True)
    assert bench.parts.fan_relay.seen == [True]


def test_alarm_and_exposure_outlive_a_reset():
    bench = Bench()
    bench.parts.co.value = 120.0
    bench.run(14 * 60, step=1000)
    bench.reset()
    bench.run(3 * 60, step=1000)
    bench.shows(co_alarm=True)
    bench.parts.co.value = 3.0
    bench.reset()
    bench.shows(co_alarm=True)
    # When the timers have run down, too: the alarm has its own ten minutes.
    bench.run(300, step=1000)
    bench.reset()
    bench.shows(co_alarm=True)
    bench.run(601, step=1000)
    bench.shows(co_alarm=False)


def test_alarm_that_finds_a_jammed_valve_pulses_it_in_series_with_a_minute_of_rest():
    bench = Bench()
    bench.parts.iron.jammed = True
    bench.parts.co.value = 400.0
    bench.until(lambda: bench.parts.valve_coil.level)
    start, pulses = bench.now, []
    while bench.now - start < 170000:
        before = bench.parts.valve_coil.seen.count(True)
        bench.run(0.1)
        if bench.parts.valve_coil.seen.count(True) > before:
            pulses.append((bench.now - start) // 1000)
    assert pulses == [10, 20, 30, 40, 110, 120, 130, 140, 150], pulses


def test_fan_is_not_started_in_an_exposure_nor_for_ten_clean_minutes_after_it():
    bench = Bench()
    bench.run(1)
    bench.parts.co.value = 900.0
    bench.run(55)
    assert not bench.alarm.command("start-fan", bench.now)
    bench.parts.co.value = 3.0
    bench.run(599, step=1000)
    assert not bench.alarm.command("start-fan", bench.now)
    bench.run(3, step=1000)
    assert bench.alarm.command("start-fan", bench.now)


def test_fan_is_not_started_on_a_value_of_carbon_monoxide_that_nobody_can_trust():
    def lost(bench):
        bench.parts.co.fault = 4

    def silent(bench):
        bench.parts.co.value = None

    for settings, spoil in (({}, lost), ({}, silent), ({"warm_up": 60}, None), ({"life_years": 0}, None)):
        bench = Bench(**settings)
        if spoil is not None:
            spoil(bench)
        bench.run(1)
        assert not bench.alarm.command("start-fan", bench.now), (settings, spoil)
        bench.run(1)
        assert bench.parts.fan_relay.seen == []


def test_what_is_kept_of_a_timer_changes_by_eighths_and_not_with_every_sample():
    one = CoExposure(FRESH)
    seen = []
    for turn in range(75 * 60):
        one.sample(1000, 45.0 if turn % 2 else 55.0, True)
        if one.steps not in seen:
            seen.append(one.steps)
    assert seen == [(1, 0, 0)]
    seen = []
    for _ in range(75 * 60):
        one.sample(1000, 55.0, True)
        if one.steps not in seen:
            seen.append(one.steps)
    assert [steps[0] for steps in seen] == list(range(1, 9))


def test_what_is_kept_is_never_less_than_what_has_passed_and_falls_with_it():
    one = CoExposure(FRESH)
    for minute in range(200):
        one.sample(MINUTE, 120.0 if minute < 10 else 45.0, True)
        for (_, limit_ms), step, passed in zip(ROWS, one.steps, one._passed):  # noqa: B905 - MicroPython
            assert step * limit_ms // STEPS >= passed
            assert step * limit_ms // STEPS <= passed + 1.5 * limit_ms / STEPS
    assert max(one.steps) <= 1
    one.sample(10 * MINUTE, 3.0, True)
    assert one.steps == (0, 0, 0)


def test_person_does_not_reset_a_trip_while_the_alarm_stands():
    bench = Bench()
    bench.parts.co.value = 320.0
    bench.run(62)
    bench.parts.co.value = 3.0
    bench.parts.iron.move("open")
    bench.run(0.1)
    assert bench.parts.valve_coil.level
    bench.run(600)
    bench.shows(co_alarm=False, valve=valve.CLOSED, trip_latched=True)
    bench.parts.iron.move("open")
    bench.run(1)
    bench.shows(trip_latched=False, valve=valve.OPEN)
