"""Carbon monoxide: exposure timers, what they close, and that they start no fan (S20)."""

from gas_parts import Bench
from products import valve
from products.co_exposure import CoExposure

FRESH = (False, (0, 0, 0))
MINUTE = 60000


def alarms_after(ppm, limit_minutes=300):
    """Minutes of ``ppm`` until the alarm, in steps of 0.1; ``None``: never."""
    one = CoExposure(FRESH)
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


def test_what_is_kept_of_a_timer_changes_by_eighths_and_not_with_every_sample():
    one = CoExposure(FRESH)
    seen = []
    for turn in range(75 * 60):
        one.sample(1000, 55.0 if turn % 2 else 45.0, True)
        seen.append(one.steps)
    assert set(seen) == {(0, 0, 0)}
    seen = []
    for _ in range(75 * 60):
        one.sample(1000, 55.0, True)
        if one.steps not in seen:
            seen.append(one.steps)
    assert [steps[0] for steps in seen] == list(range(9))


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
