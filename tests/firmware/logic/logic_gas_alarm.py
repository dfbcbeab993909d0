"""The gas alarm as its operator meets it: levels, delays, hands, blindness. Times are those of the given clock."""

from gas_parts import Bench
from products import valve
from products.gas_channel import LEVEL_1, LEVEL_2, OVER_RANGE, judge


def test_level_of_every_value_after_every_level():
    limits = (25.0, 50.0)
    # value: level after 0, 1 and 2 where it may fall; where it may not, the level before is the least.
    rows = {
        0.0: (0, 0, 0),
        19.9: (0, 0, 0),
        20.0: (0, 1, 1),
        24.9: (0, 1, 1),
        25.0: (1, 1, 1),
        44.9: (1, 1, 1),
        45.0: (1, 1, 2),
        49.9: (1, 1, 2),
        50.0: (2, 2, 2),
        112.0: (2, 2, 2),
    }
    for value, levels in rows.items():
        for before in (0, 1, 2):
            assert judge(value, before, limits, True) == levels[before], (value, before)
            assert judge(value, before, limits, False) == max(levels[before], before), (value, before)


def test_dead_band_is_a_fifth_of_a_low_limit():
    assert [judge(value, 1, (10.0, 50.0), True) for value in (8.0, 7.9)] == [1, 0]


def test_level_1_can_be_lowered_and_never_raised():
    for wanted, alarms_at in ((10.0, 10.0), (25.0, 25.0), (40.0, 25.0)):
        bench = Bench(level_1=wanted)
        assert not bench.gas(alarms_at - 0.1)["alarm"]
        assert bench.gas(alarms_at)["alarm"]


def test_levels_rise_and_fall_with_their_dead_band():
    bench = Bench()
    for value, level in ((24, 0), (26, 1), (21, 1), (51, 2), (46, 2), (44, 1), (21, 1), (19, 0), (24, 0)):
        seen = bench.gas(float(value))
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
    bench.gas(1.0, 60)
    bench.shows(alarm=False, valve=valve.CLOSED, trip_latched=True)


def test_alarm_that_returns_early_does_not_trip():
    bench = Bench()
    bench.gas(30.0, 14)
    bench.gas(1.0, 1)
    bench.gas(30.0, 14)
    bench.shows(valve=valve.OPEN, trip_latched=False)


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
    bench.gas(2.0, 10)
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


def test_lost_sensor_is_a_fault_without_a_value_and_keeps_the_alarm():
    bench = Bench()
    bench.gas(30.0)
    bench.parts.methane.fault = 1
    seen = bench.run(0.1)
    assert (seen["methane"], seen["fault"], seen["alarm"], seen["co_fault"]) == (None, True, True, False)
    bench.parts.methane.fault = 0
    bench.gas(1.0)
    bench.shows(fault=False, alarm=False)


def test_lost_while_high_or_rising_trips_and_lost_while_quiet_does_not():
    for before, seconds, trips in ((4.9, 0.1, False), (5.0, 0.1, True), (1.2, 0.1, False)):
        bench = Bench()
        bench.gas(before, 300 if before == 4.9 else seconds)
        bench.parts.methane.fault = 4
        seen = bench.run(16)
        assert (seen["trip_latched"], seen["alarm"]) == (trips, False), before
    bench = Bench()
    for step in range(30):
        bench.gas(1.0 + step * 0.1, 1)
    bench.parts.methane.fault = 4
    assert bench.run(16)["trip_latched"]


def test_blindness_ends_with_a_trusted_value_before_its_delay():
    bench = Bench()
    bench.gas(6.0, 1)
    bench.parts.methane.fault = 1
    bench.run(10)
    bench.parts.methane.fault = 0
    bench.run(20)
    bench.shows(trip_latched=False, valve=valve.OPEN)


def test_warm_up_raises_and_trips_and_never_lowers():
    bench = Bench(warm_up=60)
    bench.gas(40.0)
    bench.shows(warm_up=True, alarm=True)
    bench.gas(1.0, 10)
    bench.shows(warm_up=True, alarm=True, alarm_level=LEVEL_1)
    bench.run(10)
    bench.shows(trip_latched=True, valve=valve.CLOSED)
    bench.run(40)
    bench.shows(warm_up=False, alarm=False, trip_latched=True)


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


def test_person_who_opens_after_the_gas_is_gone_has_reset_the_trip():
    bench = Bench()
    bench.gas(55.0, 10)
    bench.gas(1.0, 10)
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


def test_gateway_that_closed_first_leaves_no_local_trip():
    bench = Bench()
    bench.gas(55.0, 3)
    assert bench.alarm.command("close-valve", bench.now)
    bench.shows(valve=valve.MOVING, valve_cause=valve.BY_COMMAND)
    bench.run(60)
    bench.shows(valve=valve.CLOSED, valve_cause=valve.BY_COMMAND, trip_latched=False)


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


def test_pulse_valve_that_must_close_without_power_gets_its_pulse_from_the_last_energy():
    bench = Bench(power_loss="closed")
    bench.parts.supply.value = 9.0
    bench.run(1)
    assert bench.parts.valve_coil.seen == []
    bench.parts.supply.value = 8.9
    bench.run(0.1)
    assert bench.parts.valve_coil.level
    bench.run(1)
    bench.shows(valve=valve.CLOSED, valve_cause=valve.BY_POWER_LOSS, trip_latched=False)
    other = Bench()
    other.parts.supply.value = 5.0
    other.run(1)
    assert other.parts.valve_coil.seen == []


def test_every_watched_point_and_jump_is_shown():
    bench = Bench()
    seen = bench.alarm.snapshot()
    assert [name for name in bench.alarm.watched if name not in seen] == []
    assert [name for name in bench.alarm.jumps if name not in seen] == []
    assert (seen["temperature"], seen["supply"], seen["co"]) == (24.5, 12.01, 3)
