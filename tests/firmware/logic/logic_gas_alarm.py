"""The gas alarm as its operator meets it: levels, delays, hands, blindness. Times are those of the given clock."""

from gas_parts import Bench
from products import valve
from products.gas_channel import LEVEL_2, OFF_MS, OVER_RANGE, judge, low_of


def test_level_of_every_value_after_every_level():
    limits = (25.0, 50.0)
    never, long = (0, 0), (OFF_MS, OFF_MS)
    # value: level after 0, 1 and 2 when it has stood below the low limits for long; when not, the level before is the
    # least.
    rows = {
        0.0: (0, 0, 0),
        24.9: (0, 0, 0),
        25.0: (1, 1, 1),
        49.9: (1, 1, 1),
        50.0: (2, 2, 2),
        112.0: (2, 2, 2),
    }
    for value, levels in rows.items():
        for before in (0, 1, 2):
            assert judge(value, before, limits, long) == levels[before], (value, before)
            assert judge(value, before, limits, never) == max(levels[before], before), (value, before)
    assert judge(22.0, 2, limits, (0, OFF_MS)) == 1
    assert judge(22.0, 2, limits, (OFF_MS - 1, OFF_MS - 1)) == 2


def test_dead_band_is_a_fifth_of_a_low_limit_and_five_at_most():
    assert [low_of(limit) for limit in (10.0, 25.0, 50.0)] == [8.0, 20.0, 45.0]


def test_level_1_can_be_lowered_and_never_raised():
    for wanted, alarms_at in ((10.0, 10.0), (25.0, 25.0), (40.0, 25.0)):
        bench = Bench(level_1=wanted)
        assert not bench.gas(alarms_at - 0.1)["alarm"]
        assert bench.gas(alarms_at)["alarm"]


def test_levels_rise_and_fall_with_their_dead_band():
    bench = Bench(trip_after=60)
    for value, seconds, level in (
        (24, 1, 0),
        (26, 0.1, 1),
        (20, 90, 1),
        (51, 0.1, 2),
        (45, 90, 2),
        (44.9, 60, 2),
        (44.9, 0.1, 1),
        (20, 90, 1),
        (19.9, 60, 1),
        (19.9, 0.1, 0),
        (24, 1, 0),
    ):
        seen = bench.gas(float(value), seconds)
        assert (seen["alarm_level"], seen["alarm"]) == (level, level > 0), value


def test_level_1_closes_after_its_delay_and_not_before():
    bench = Bench()
    bench.gas(30.0)
    bench.shows(alarm=True, trip_latched=False)
    bench.run(14.7)
    bench.shows(valve=valve.OPEN, trip_latched=False)
    bench.run(0.2)
    bench.shows(valve=valve.MOVING, trip_latched=True, valve_cause=valve.BY_TRIP)
    bench.run(0.4)
    bench.shows(valve=valve.CLOSED)
    bench.gas(1.0, 61)
    bench.shows(alarm=False, valve=valve.CLOSED, trip_latched=True)


def test_from_gas_to_output_it_takes_the_delay_and_at_most_one_sample():
    for value, trip_after, delay_ms in (
        (30.0, 15.0, 15000),
        (30.0, 0.0, 0),
        (30.0, 0.25, 250),
        (30.0, 60.0, 60000),
        (55.0, 15.0, 5000),
        (105.0, 15.0, 5000),
        (55.0, 2.0, 2000),
        (55.0, 0.0, 0),
    ):
        for offset in range(0, 100, 10):
            bench = Bench(trip_after=trip_after)
            bench.run(1.0 + offset / 1000)
            bench.now = 2000
            bench.alarm.sample(bench.now)
            gas_at = bench.now + offset
            bench.parts.methane.value = value
            bench.until(lambda one=bench: one.parts.valve_coil.level)
            took = bench.now - gas_at
            assert delay_ms - 100 <= took <= delay_ms + 100, (value, trip_after, offset, took)


def test_board_that_stood_still_does_not_count_its_absence_as_delay():
    bench = Bench()
    bench.parts.methane.value = 30.0
    bench.now += 60000
    bench.alarm.sample(bench.now)
    bench.shows(alarm=True, valve=valve.OPEN)


def test_over_range_stands_until_it_is_confirmed_on_site():
    bench = Bench()
    bench.gas(101.0)
    bench.shows(over_range=True, alarm=True, alarm_level=OVER_RANGE)
    assert not bench.alarm.confirm_over_range()
    bench.gas(2.0, 61)
    bench.shows(over_range=True, alarm_level=OVER_RANGE, valve=valve.CLOSED, trip_latched=True)
    assert bench.alarm.confirm_over_range()
    bench.run(0.1)
    bench.shows(over_range=False, alarm=False, alarm_level=0, valve=valve.CLOSED, trip_latched=True)


def test_sensor_that_says_over_range_locks_at_any_value():
    bench = Bench()
    bench.parts.methane.over = True
    bench.gas(3.0)
    bench.shows(over_range=True, alarm=True)
    assert not bench.alarm.confirm_over_range()
    bench.parts.methane.over = False
    bench.run(0.1)
    bench.shows(over_range=True)


def test_over_range_is_not_confirmed_on_a_value_nobody_can_trust():
    bench = Bench()
    bench.gas(101.0)
    bench.parts.methane.fault = 1
    bench.run(0.1)
    assert not bench.alarm.confirm_over_range()
    bench.parts.methane.fault = 0
    bench.gas(1.0)
    bench.reset(warm_up=60)
    assert not bench.alarm.confirm_over_range()
    bench.run(60)
    assert bench.alarm.confirm_over_range()


def test_person_who_opens_after_the_gas_is_gone_has_reset_the_trip():
    bench = Bench()
    bench.gas(55.0, 10)
    bench.gas(1.0, 61)
    bench.shows(valve=valve.CLOSED, trip_latched=True)
    bench.parts.iron.move("open")
    bench.run(0.1)
    bench.shows(valve=valve.OPEN, trip_latched=False, valve_cause=valve.NOBODY)
    pulses = bench.parts.valve_coil.seen.count(True)
    bench.run(300)
    assert bench.parts.valve_coil.seen.count(True) == pulses


def test_valve_opened_while_gas_stands_is_closed_at_once():
    bench = Bench()
    bench.gas(30.0, 20)
    bench.parts.iron.move("open")
    bench.run(0.1)
    assert bench.parts.valve_coil.level
    bench.shows(valve=valve.MOVING, trip_latched=True, valve_cause=valve.BY_TRIP)
    bench.run(0.5)
    bench.shows(valve=valve.CLOSED)


def test_valve_opened_on_a_value_nobody_can_trust_stays_latched_and_is_closed_by_the_next_start():
    bench = Bench()
    bench.gas(55.0, 10)
    bench.gas(1.0, 600)
    for sensor in (bench.parts.methane, bench.parts.co):
        sensor.fault = 4
        bench.run(0.1)
        bench.parts.iron.move("open")
        bench.run(30)
        bench.shows(valve=valve.OPEN, trip_latched=True)
        sensor.fault = 0
        bench.run(30)
        bench.shows(valve=valve.OPEN, trip_latched=True)
        bench.reset()
        assert bench.parts.valve_coil.level
        bench.run(1)
        bench.shows(valve=valve.CLOSED, trip_latched=True)


def test_valve_opened_before_the_minute_of_clean_air_is_over_is_closed_at_once():
    bench = Bench()
    bench.gas(55.0, 10)
    bench.gas(1.0, 50)
    bench.parts.iron.move("open")
    bench.run(0.1)
    assert bench.parts.valve_coil.level
    bench.shows(trip_latched=True)


def test_trip_is_latched_when_it_is_due_at_a_valve_that_somebody_else_closed_first():
    for value, due_s in ((60.0, 5), (30.0, 15)):
        bench = Bench()
        bench.run(1)
        bench.alarm.command("close-valve", bench.now)
        bench.run(1)
        bench.gas(value, due_s - 0.2)
        bench.shows(valve=valve.CLOSED, valve_cause=valve.BY_COMMAND, trip_latched=False)
        bench.run(0.3)
        bench.shows(valve=valve.CLOSED, valve_cause=valve.BY_COMMAND, trip_latched=True)
        assert bench.parts.valve_coil.seen.count(True) == 1
        # Opened without power: it closes again.
        bench.gas(1.0, 70)
        bench.parts.iron.move("open")
        bench.reset()
        bench.run(1)
        bench.shows(valve=valve.CLOSED, trip_latched=True)


def test_gateway_that_closes_before_the_trip_is_named_as_its_cause():
    bench = Bench()
    bench.gas(55.0, 3)
    assert bench.alarm.command("close-valve", bench.now)
    bench.shows(valve=valve.MOVING, valve_cause=valve.BY_COMMAND)
    bench.run(60)
    bench.shows(valve=valve.CLOSED, valve_cause=valve.BY_COMMAND, trip_latched=True)


def test_standing_gas_pulses_a_jammed_valve_in_series_with_a_minute_of_rest():
    bench = Bench()
    bench.parts.iron.jammed = True
    bench.gas(55.0)
    bench.until(lambda: bench.parts.valve_coil.level)
    start, pulses = bench.now, []
    while bench.now - start < 240000:
        before = bench.parts.valve_coil.seen.count(True)
        bench.run(0.1)
        if bench.parts.valve_coil.seen.count(True) > before:
            pulses.append((bench.now - start) // 1000)
    assert pulses == [10, 20, 30, 40, 110, 120, 130, 140, 150, 220, 230, 240], pulses
    bench.shows(valve=valve.FAULT, trip_latched=True)
    bench.parts.iron.jammed = False
    bench.run(15)
    bench.shows(valve=valve.CLOSED)


def test_no_name_but_the_three_commands_does_anything():
    bench = Bench()
    bench.alarm.command("close-valve", bench.now)
    bench.run(1)
    before = dict(bench.alarm.snapshot())
    for name in ("open-valve", "open", "stop-fan", "reset", "mute", "calibrate", "confirm", "", "close-valve "):
        assert not bench.alarm.command(name, bench.now)
    assert bench.alarm.snapshot() == before


def test_no_row_of_gas_hands_and_commands_ever_energizes_anything_but_the_closing_coil():
    """There is one output to the valve. Energized on a pulse valve it closes; so nothing but a cause may do it."""
    bench = Bench()
    for _ in range(20):
        bench.press()
        bench.alarm.command("self-test", bench.now)
        bench.alarm.command("start-fan", bench.now)
        bench.parts.iron.move("between")
        bench.run(1)
        bench.parts.iron.move("open")
        bench.gas(24.9, 5)
        bench.parts.methane.fault = 0
        bench.gas(1.0, 120)
    assert bench.parts.valve_coil.seen == []


def test_nfpa_sensor_is_told_on_the_basis_of_the_profile():
    bench = Bench(lfl_basis="nfpa")
    seen = bench.gas(22.01)
    assert (seen["methane"], seen["alarm"]) == (25.0, True)
    bench.gas(88.2)
    bench.shows(over_range=True)


def test_lpg_has_a_profile_and_a_point_of_its_own():
    bench = Bench(gas="lpg")
    seen = bench.gas(30.0)
    assert bench.alarm.profile == "gengfu/lpg-alarm"
    assert bench.alarm.jumps == {"lpg": 5.0}
    assert (seen["lpg"], seen["alarm"], "methane" in seen) == (30.0, True, False)


def test_level_2_is_level_2():
    bench = Bench()
    bench.gas(50.0)
    bench.shows(alarm_level=LEVEL_2)


def test_every_watched_point_and_jump_is_shown():
    bench = Bench()
    seen = bench.alarm.snapshot()
    assert [name for name in bench.alarm.watched if name not in seen] == []
    assert [name for name in bench.alarm.jumps if name not in seen] == []
    assert (seen["temperature"], seen["supply"], seen["co"]) == (24.5, 12.01, 3)


def in_gas(bench):
    bench.gas(26.0)


def in_blindness(bench):
    bench.gas(6.0)
    bench.parts.methane.fault = 1


def in_over_range(bench):
    bench.gas(101.0, 10)


def in_carbon_monoxide(bench):
    bench.parts.co.value = 320.0
    bench.run(61)


def with_a_jammed_valve(bench):
    bench.parts.iron.jammed = True
    bench.alarm.command("close-valve", bench.now)


def with_a_fan(bench):
    bench.alarm.command("start-fan", bench.now)


def with_a_full_flash(bench):
    def put(_name, _value):
        raise OSError(28)

    bench.store.put = put
    bench.gas(6.0)


def test_board_must_not_restart_while_something_stands_closes_runs_or_is_not_kept():
    for act in (
        in_gas,
        in_blindness,
        in_over_range,
        in_carbon_monoxide,
        with_a_jammed_valve,
        with_a_fan,
        with_a_full_flash,
        with_gas_below_the_alarm,
    ):
        bench = Bench()
        bench.run(1)
        assert not bench.alarm.must_not_restart
        act(bench)
        bench.run(0.1)
        assert bench.alarm.must_not_restart, act


def tripped_long_ago(bench):
    bench.gas(60.0, 10)
    bench.gas(1.0, 70)


def with_gas_below_the_alarm(bench):
    bench.gas(6.0)


def test_board_is_in_alarm_while_a_cause_a_trip_or_gas_stands():
    acts = (in_gas, in_blindness, in_over_range, in_carbon_monoxide, tripped_long_ago, with_gas_below_the_alarm)
    for act in acts:
        bench = Bench()
        bench.run(1)
        assert not bench.alarm.in_alarm
        act(bench)
        bench.run(0.1)
        assert bench.alarm.in_alarm, act


def test_board_must_not_restart_before_the_closing_pulse_is_over():
    bench = Bench()
    bench.alarm.command("close-valve", bench.now)
    for _ in range(4):
        assert bench.alarm.must_not_restart
        bench.run(0.1)
    # Read closed; the pulse is still on.
    bench.shows(valve=valve.CLOSED)
    assert bench.parts.valve_coil.level
    assert bench.alarm.must_not_restart
    bench.run(0.2)
    assert not bench.alarm.must_not_restart
