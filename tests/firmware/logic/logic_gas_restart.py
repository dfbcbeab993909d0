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
        lambda bench: bench.store.put("latch", bytes((64, 0, 0, 0, 0, 0))),
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
        (6, 2, 2): (False, True, 3, 2),
        (5, 2, 1): (True, False, 1, 1),
    }
    for record, (trip, over, level, cause) in rows.items():
        bench = Bench()
        bench.parts.iron.move("closed" if record[1] == 2 else "open")
        bench.store.put("latch", bytes(record))
        seen = bench.reset(warm_up=10)
        found = (seen["trip_latched"], seen["over_range"], seen["alarm_level"], seen["valve_cause"])
        assert found == (trip, over, level, cause), record
        assert moved(bench) == []
    bench.parts.iron.move("open")
    bench.store.put("latch", bytes((0, 3, 2)))
    bench.reset()
    assert moved(bench) == [True]


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


def test_cause_that_is_gone_after_the_reset_does_not_trip():
    bench = Bench()
    bench.gas(30.0, 3)
    bench.parts.methane.value = 1.0
    bench.reset()
    bench.run(60)
    bench.shows(trip_latched=False, valve=valve.OPEN, alarm=False)
    assert moved(bench) == []


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


class Full:
    """A flash that holds nothing and takes nothing."""

    def get(self, _name):
        return None

    def put(self, _name, _value):
        raise OSError(28)


def test_flash_that_refuses_does_not_keep_the_valve_open():
    bench = Bench(Full())
    bench.gas(55.0, 10)
    bench.shows(valve=valve.CLOSED, trip_latched=True)
    assert bench.alarm.store_errors > 0


class Counting:
    """A store that counts its writes."""

    def __init__(self, store):
        self._store = store
        self.puts = 0

    def get(self, name):
        return self._store.get(name)

    def put(self, name, value):
        self.puts += 1
        self._store.put(name, value)


def test_quiet_day_wears_nothing_but_the_hours():
    bench = Bench()
    counting = Counting(bench.store)
    bench = Bench(counting, bench.parts)
    for _ in range(24):
        bench.run(3600, step=1000)
    assert counting.puts == 24
