"""What a reset must not undo: trip, lock, alarm, closing; and what a start must not do: move an output."""

from gas_parts import Bench, damage
from products import valve


def tripped():
    bench = Bench()
    bench.gas(55.0, 10)
    bench.shows(trip_latched=True, valve=valve.CLOSED)
    return bench


def moved(bench):
    return bench.parts.valve_coil.seen


def test_trip_stands_before_the_first_sample_and_moves_nothing():
    bench = tripped()
    bench.parts.methane.value = 1.0
    seen = bench.reset(warm_up=30)
    assert (seen["trip_latched"], seen["valve"], seen["valve_cause"], seen["alarm"]) == (True, 2, 1, True)
    bench.run(120)
    bench.shows(trip_latched=True, valve=valve.CLOSED, alarm=False)
    assert moved(bench) == []


def test_start_of_a_quiet_board_moves_no_output_of_any_kind_of_valve():
    for kind, power_loss in (("pulse", "last"), ("pulse", "closed"), ("hold", "last")):
        bench = Bench(valve=kind, power_loss=power_loss)
        bench.run(60)
        bench.reset()
        bench.run(60)
        assert moved(bench) == [], kind
        assert bench.parts.fan_relay.seen == []


def test_holding_magnet_is_fed_from_the_first_sample_and_not_where_a_trip_is_latched():
    bench = Bench(valve="hold", power_loss="closed")
    assert moved(bench) == [True]
    bench.gas(55.0, 10)
    assert moved(bench) == [True, False]
    bench.gas(1.0, 10)
    bench.shows(valve=valve.CLOSED, trip_latched=True)
    bench.reset()
    bench.run(10)
    assert moved(bench) == []


def test_trip_whose_valve_was_opened_without_power_is_closed_at_the_start():
    bench = tripped()
    bench.parts.methane.value = 1.0
    bench.parts.iron.move("open")
    seen = bench.reset()
    assert (moved(bench), seen["valve"], seen["trip_latched"]) == ([True], valve.MOVING, True)
    bench.run(1)
    bench.shows(valve=valve.CLOSED, valve_cause=valve.BY_TRIP)


def test_closing_that_a_reset_interrupts_is_finished_with_its_cause():
    bench = Bench()
    bench.alarm.command("close-valve", bench.now)
    seen = bench.reset()
    assert (moved(bench), seen["valve"]) == ([True], valve.MOVING)
    bench.run(0.5)
    bench.shows(valve=valve.CLOSED, valve_cause=valve.BY_COMMAND, trip_latched=False)


def test_valve_opened_by_hand_without_power_after_a_command_stays_open():
    bench = Bench()
    bench.alarm.command("close-valve", bench.now)
    bench.run(1)
    bench.parts.iron.move("open")
    seen = bench.reset()
    bench.run(10)
    assert (moved(bench), seen["valve"], seen["valve_cause"]) == ([], valve.OPEN, valve.NOBODY)


def test_record_that_cannot_be_read_is_a_trip_and_closes():
    for spoil in (
        lambda bench: damage(bench.store, "latch"),
        lambda bench: bench.store.put("latch", b""),
        lambda bench: bench.store.put("latch", bytes(5)),
        lambda bench: bench.store.put("latch", bytes((128, 0, 0, 0, 0, 0))),
        lambda bench: bench.store.put("latch", bytes((0, 3, 0, 0, 0, 0))),
        lambda bench: bench.store.put("latch", bytes((0, 0, 9, 0, 0, 0))),
        lambda bench: bench.store.put("latch", bytes((0, 0, 0, 0, 0, 9))),
        lambda bench: bench.store.put("latch", bytes((0, 9, 0))),
    ):
        bench = Bench()
        spoil(bench)
        seen = bench.reset()
        assert (seen["trip_latched"], seen["valve"], moved(bench)) == (True, valve.MOVING, [True])
        bench.run(1)
        bench.shows(valve=valve.CLOSED, valve_cause=valve.BY_TRIP)


def spoilt():
    """A board whose record cannot be read, in clean air, its valve closed by it."""
    bench = Bench()
    damage(bench.store, "latch")
    bench.reset()
    bench.run(1)
    return bench


def test_unreadable_record_is_over_range_until_a_person_confirms():
    bench = spoilt()
    bench.run(120)
    bench.shows(over_range=True, alarm_level=3)
    bench.parts.iron.move("open")
    bench.run(1)
    bench.shows(valve=valve.CLOSED, trip_latched=True)
    assert bench.alarm.confirm_over_range()


def test_unreadable_record_is_carbon_monoxide_for_ten_clean_minutes():
    bench = spoilt()
    assert not bench.alarm.command("start-fan", bench.now)
    bench.run(590)
    bench.shows(co_alarm=True)
    bench.run(10)
    bench.shows(co_alarm=False)


def test_unreadable_record_is_gas_whose_sensor_may_be_lost_next():
    bench = spoilt()
    assert bench.alarm.confirm_over_range()
    bench.parts.methane.fault = 1
    bench.run(1)
    assert bench.alarm.gas.blind
    tripped_alone = Bench()
    tripped_alone.store.put("latch", bytes((1, 0, 1, 0, 0, 0)))
    tripped_alone.reset()
    tripped_alone.parts.methane.fault = 1
    tripped_alone.run(1)
    assert not tripped_alone.alarm.gas.blind


def test_unreadable_record_of_a_valve_that_is_closed_moves_nothing():
    bench = Bench()
    bench.parts.iron.move("closed")
    damage(bench.store, "latch")
    bench.reset()
    bench.run(60)
    bench.shows(trip_latched=True, valve=valve.CLOSED)
    assert moved(bench) == []


def test_record_of_the_firmware_before_is_understood():
    rows = {
        (0, 1, 0): (False, False, 0, 0),
        (1, 2, 1): (True, False, 0, 1),
        (6, 2, 2): (True, True, 3, 2),
        (5, 2, 1): (True, False, 1, 1),
    }
    for record, (trip, over, level, cause) in rows.items():
        bench = Bench()
        bench.parts.iron.move("closed" if record[1] == 2 else "open")
        bench.store.put("latch", bytes(record))
        seen = bench.reset(warm_up=10)
        found = (seen["trip_latched"], seen["over_range"], seen["alarm_level"], seen["valve_cause"])
        assert found == (trip, over, level, cause), record
        assert bench.alarm.gas.elevated == (level > 0)
        assert moved(bench) == []
    bench.parts.iron.move("open")
    bench.store.put("latch", bytes((0, 3, 2)))
    bench.reset()
    assert moved(bench) == [True]


def test_over_range_at_any_value_trips_with_the_first_sample_after_a_reset():
    bench = Bench()
    bench.parts.methane.over = True
    bench.run(0.1)
    assert (bench.alarm.gas.kept_level, moved(bench)) == (0, [])
    bench.parts.methane.over = False
    bench.reset()
    bench.shows(over_range=True, trip_latched=True)
    assert moved(bench) == [True]


def test_confirmed_over_range_is_kept_before_the_next_sample():
    bench = Bench()
    bench.gas(101.0, 10)
    bench.gas(2.0, 61)
    assert bench.alarm.confirm_over_range()
    bench.reset()
    bench.shows(over_range=False, alarm_level=0)


def test_over_range_and_alarm_stand_through_a_reset():
    bench = Bench(trip_after=60)
    bench.gas(105.0)
    bench.parts.methane.value = 1.0
    seen = bench.reset()
    assert (seen["over_range"], seen["alarm"], seen["alarm_level"]) == (True, True, 3)
    other = Bench(trip_after=60)
    other.gas(55.0)
    seen = other.reset(warm_up=10)
    assert (seen["alarm"], seen["alarm_level"]) == (True, 2)


def test_cause_that_stood_before_the_reset_needs_no_second_delay():
    bench = Bench()
    bench.gas(30.0, 3)
    seen = bench.reset()
    assert (moved(bench), seen["trip_latched"]) == ([True], True)
    blind = Bench()
    blind.gas(10.0, 1)
    blind.parts.methane.fault = 1
    blind.run(1)
    assert blind.reset()["trip_latched"]


def test_reset_takes_nothing_from_the_minute_in_which_a_level_ends():
    bench = Bench(trip_after=60)
    bench.gas(30.0, 3)
    bench.gas(1.0, 50)
    seen = bench.reset()
    assert (moved(bench), seen["alarm"], seen["trip_latched"]) == ([True], True, True)
    bench.run(61)
    bench.shows(alarm=False, trip_latched=True)


def test_level_that_has_ended_before_the_reset_does_not_trip():
    bench = Bench(trip_after=60)
    bench.gas(30.0, 3)
    bench.alarm.command("close-valve", bench.now)
    bench.gas(1.0, 65)
    bench.parts.iron.move("open")
    bench.run(0.1)
    bench.reset()
    bench.run(60)
    bench.shows(trip_latched=False, valve=valve.OPEN, alarm=False)
    assert moved(bench) == []


def test_high_or_rising_value_before_a_reset_makes_a_lost_sensor_a_cause():
    def high(bench):
        bench.gas(24.0, 60)

    def rising(bench):
        for step in range(30):
            bench.gas(1.0 + step * 0.1, 1)

    def just_gone(bench):
        bench.gas(24.0, 60)
        bench.gas(1.0, 50)

    def long_gone(bench):
        bench.gas(24.0, 60)
        bench.gas(1.0, 61)

    def quiet(bench):
        bench.run(60)

    for before, closes in ((high, True), (rising, True), (just_gone, True), (long_gone, False), (quiet, False)):
        bench = Bench()
        before(bench)
        bench.parts.methane.fault = 1
        bench.reset(warm_up=60)
        bench.run(9)
        bench.shows(fault=True, valve=valve.OPEN)
        bench.run(2)
        bench.shows(trip_latched=closes, valve=valve.CLOSED if closes else valve.OPEN)


def test_board_that_restarts_every_five_seconds_with_its_sensor_lost_closes():
    bench = Bench()
    bench.gas(24.0, 60)
    bench.parts.methane.fault = 1
    bench.reset()
    bench.run(5)
    assert moved(bench) == []
    bench.reset()
    assert moved(bench) == [True]


def test_sensor_that_warms_up_in_silence_after_gas_is_no_longer_waited_for_than_a_lost_one():
    for before, closes in ((24.0, True), (1.2, False)):
        bench = Bench()
        bench.gas(before, 60)
        bench.parts.methane.value = None
        bench.reset(warm_up=180)
        bench.run(19)
        bench.shows(valve=valve.OPEN, fault=False)
        bench.run(3)
        bench.shows(valve=valve.CLOSED if closes else valve.OPEN, fault=False)


def test_board_that_restarts_every_ten_seconds_closes_all_the_same():
    bench = Bench()
    bench.gas(30.0, 10)
    bench.reset()
    assert moved(bench) == [True]


def test_fan_is_not_started_by_a_reset():
    bench = Bench()
    bench.alarm.command("start-fan", bench.now)
    bench.parts.fan_proof.level = True
    bench.run(1)
    bench.reset()
    assert bench.parts.fan_relay.seen == []
