"""The gas alarm by rows of (time, stimulus, what it shows)."""

import kv
import rig
from products import valve
from products.gas_alarm import GasAlarm
from products.inputs import StimulusError

FIRST = 3000


def alarm(store=None, *, warm_up_ms=2000):
    return GasAlarm(store or rig.store(), rig.noise(), 0, warm_up_ms=warm_up_ms)


def play(board, rows, now=FIRST):
    """Rows of (seconds to run, stimulus or "", expected points)."""
    for seconds, line, expected in rows:
        if line:
            board.stimulate(line.split(), now)
        now = rig.run(board, now, now + int(seconds * 1000))
        seen = board.snapshot()
        for name, value in expected.items():
            assert seen[name] == value, (line, now, name, seen[name], value)
    return now


def refuses(board, line):
    try:
        board.stimulate(line.split(), FIRST)
    except StimulusError:
        return True
    return False


def test_alarm_bit_has_hysteresis():
    play(
        alarm(),
        [
            (1, "gas 24", {"alarm": False}),
            (1, "gas 26", {"alarm": True}),
            (1, "gas 21", {"alarm": True}),
            (1, "gas 19", {"alarm": False}),
            (1, "gas 24", {"alarm": False}),
        ],
    )


def test_standing_alarm_closes_the_valve_after_15_seconds_and_not_before():
    play(
        alarm(),
        [
            (14.8, "gas 30", {"alarm": True, "valve": valve.OPEN, "trip_latched": False}),
            (0.3, "", {"valve": valve.MOVING, "trip_latched": True, "valve_cause": 1}),
            (0.4, "", {"valve": valve.CLOSED, "trip_latched": True, "valve_cause": 1}),
            (60, "gas 1", {"alarm": False, "valve": valve.CLOSED, "trip_latched": True}),
        ],
    )


def test_alarm_that_returns_early_does_not_trip():
    play(
        alarm(),
        [(14, "gas 30", {}), (1, "gas 1", {"alarm": False}), (14, "gas 30", {"valve": 1, "trip_latched": False})],
    )


def test_over_range_is_latched_until_cleared_on_site():
    play(
        alarm(),
        [
            (1, "gas 103", {"over_range": True, "alarm": True}),
            (1, "gas 2", {"over_range": True, "alarm": True}),
            (14, "", {"valve": valve.CLOSED, "trip_latched": True}),
            (1, "over off", {"over_range": False, "alarm": False, "valve": valve.CLOSED}),
        ],
    )


def test_broken_loop_is_a_fault_and_keeps_the_alarm():
    play(
        alarm(),
        [
            (1, "gas 30", {"alarm": True}),
            (1, "fault on", {"fault": True, "methane": 0.0, "co": 0, "alarm": True}),
            (1, "fault off", {"fault": False, "alarm": True}),
        ],
    )


def test_detector_lost_while_high_or_rising_trips():
    play(alarm(), [(5, "gas 6", {}), (16, "fault on", {"trip_latched": True, "alarm": False, "valve": 2})])
    play(alarm(), [(30, "gas 4 30", {}), (16, "fault on", {"trip_latched": True, "valve": 2})])


def test_detector_lost_while_quiet_does_not_trip():
    play(alarm(), [(5, "gas 2", {}), (30, "fault on", {"fault": True, "trip_latched": False, "valve": 1})])


def test_high_value_alarms_during_warm_up():
    board = alarm(warm_up_ms=60000)
    play(board, [(1, "gas 40", {"warm_up": True, "alarm": True}), (1, "gas 1", {"warm_up": True, "alarm": True})])


def test_trip_latch_is_restored_before_the_first_sample():
    store = rig.store()
    play(alarm(store), [(16, "gas 55", {"valve": valve.CLOSED})])
    seen = alarm(store).snapshot()
    assert (seen["trip_latched"], seen["valve"], seen["valve_cause"], seen["alarm"]) == (True, 2, 1, True)


def test_over_range_lock_and_alarm_stand_through_a_reset():
    store = rig.store()
    play(alarm(store), [(1, "gas 105", {"over_range": True})])
    seen = alarm(store).snapshot()
    assert (seen["over_range"], seen["alarm"]) == (True, True)


def test_closing_that_a_reset_interrupts_is_finished():
    store = rig.store()
    board = alarm(store)
    assert board.command("close-valve", FIRST)
    assert board.snapshot()["valve"] == valve.MOVING
    again = alarm(store)
    assert again.snapshot()["valve"] == valve.MOVING
    play(again, [(0.4, "", {"valve": valve.CLOSED, "valve_cause": 2, "trip_latched": False})])


def test_latch_record_that_cannot_be_read_closes_the_valve():
    for damage in (b"", b"\0\0\0\0", b"\0\0\0\0\0\1\0", b"\0\0\0\0\0\0\0\0\0"):
        store = rig.store()
        store.put("latch", b"\0\1\0")
        with open(f"{rig.FOLDER}/{rig._made[0]}/latch", "wb") as file:
            file.write(damage)
        board = alarm(store)
        play(board, [(0.5, "", {"valve": valve.CLOSED, "trip_latched": True, "valve_cause": 1})])
    store.put("latch", b"\0\x09\0")
    assert alarm(store).snapshot()["trip_latched"]


def test_remote_close_moves_then_is_closed_with_its_cause():
    board = alarm()
    play(board, [(1, "", {"valve": valve.OPEN, "valve_cause": 0})])
    assert board.command("close-valve", 5000)
    assert board.snapshot()["valve"] == valve.MOVING
    rig.run(board, 5000, 5200)
    assert board.snapshot()["valve"] == valve.MOVING
    rig.run(board, 5200, 5400)
    seen = board.snapshot()
    assert (seen["valve"], seen["valve_cause"], seen["trip_latched"]) == (valve.CLOSED, 2, False)


def test_gateway_that_closed_first_leaves_no_local_trip():
    board = alarm()
    now = play(board, [(5, "gas 55", {"alarm": True})])
    board.command("close-valve", now)
    play(board, [(60, "", {"valve": valve.CLOSED, "valve_cause": 2, "trip_latched": False})], now)


def test_valve_that_is_closed_or_closing_keeps_its_first_cause():
    board = alarm()
    now = play(board, [(15.1, "gas 55", {"valve": valve.MOVING, "valve_cause": 1})])
    board.command("close-valve", now)
    play(board, [(0.3, "", {"valve": valve.CLOSED, "valve_cause": 1})], now)
    board.command("close-valve", now + 1000)
    board.stimulate(["valve", "close"], now + 1000)
    assert board.snapshot()["valve_cause"] == 1


def test_fan_runs_after_its_contactor_has_picked_up():
    board = alarm()
    assert board.command("start-fan", FIRST)
    assert board.snapshot()["fan"] == 1
    play(board, [(0.4, "", {"fan": 2}), (1, "fan stop", {"fan": 1})])


def test_no_name_but_the_two_commands_moves_anything():
    board = alarm()
    board.command("close-valve", FIRST)
    now = play(board, [(1, "", {"valve": valve.CLOSED})])
    for name in ("open-valve", "open", "stop-fan", "reset", "", "valve open", "close-valve ", "CLOSE-VALVE"):
        assert not board.command(name, now)
    play(board, [(1, "", {"valve": valve.CLOSED, "fan": 1})], now)


def test_person_at_the_valve_opens_it_and_it_is_recorded():
    store = rig.store()
    board = alarm(store)
    play(board, [(16, "gas 55", {"valve": 2}), (1, "gas 1", {}), (1, "valve open", {"valve": 1, "valve_cause": 0})])
    assert board.snapshot()["trip_latched"] is False
    assert store.get("latch") == bytes((0, valve.OPEN, 0))


def test_valve_opened_while_gas_stands_closes_again():
    rows = [
        (16, "gas 55", {"valve": 2}),
        (14, "valve open", {"valve": 1, "trip_latched": True}),
        (2, "", {"valve": 2, "trip_latched": True, "valve_cause": 1}),
    ]
    play(alarm(), rows)


def test_jammed_valve_is_pulsed_five_times_then_at_fault():
    board = alarm()
    board.stimulate(["valve", "jammed"], FIRST)
    board.command("close-valve", FIRST)
    now = play(board, [(49.8, "", {"valve": valve.MOVING}), (0.4, "", {"valve": valve.FAULT, "valve_cause": 2})])
    board.stimulate(["valve", "free"], now)
    board.command("close-valve", now)
    play(board, [(0.5, "", {"valve": valve.CLOSED})], now)


def test_flash_that_refuses_does_not_keep_the_valve_open():
    class Full:
        def get(self, _name):
            return None

        def put(self, _name, _value):
            raise OSError(28)

    board = GasAlarm(Full(), rig.noise(), 0)
    play(board, [(16, "gas 55", {"valve": valve.CLOSED, "trip_latched": True})])
    assert board.store_errors > 0


def test_valve_table_is_total_and_only_a_hand_leads_to_open():
    assert len(valve.TRANSITIONS) == len(valve.STATES) * len(valve.EVENTS)
    for state in valve.STATES:
        for event in valve.EVENTS:
            after = valve.TRANSITIONS[state, event]
            assert after in valve.STATES
            if after == valve.OPEN and state != valve.OPEN:
                assert event == valve.BY_HAND
        assert valve.TRANSITIONS[state, valve.CLOSE] in (valve.MOVING, valve.CLOSED)


def test_ramp_moves_in_a_straight_line():
    play(alarm(), [(5, "gas 50 10", {"alarm": True}), (6, "", {})])
    board = alarm()
    play(board, [(5, "gas 51.2 10", {})])
    assert 25.7 < board.snapshot()["methane"] < 26.7


def test_wrong_stimulus_is_refused():
    board = alarm()
    for line in ("gas", "gas x", "gas 1 -1", "gas nan", "set valve 1", "set trip_latched 0", "set alarm 0"):
        assert refuses(board, line), line
    for line in ("fan start", "fault maybe", "valve ajar", "nonsense", "set muted 7", "over"):
        assert refuses(board, line), line
    play(board, [(1, "set muted 1", {"muted": True}), (1, "set expired 1", {"expired": True})])


def test_record_of_the_store_outlives_and_damage_is_told():
    store = rig.store()
    assert store.get("x") is None
    store.put("x", b"abc")
    store.put("x", b"abd")
    assert store.get("x") == b"abd"
    with open(f"{rig.FOLDER}/{rig._made[0]}/x", "ab") as file:
        file.write(b"!")
    try:
        store.get("x")
    except kv.Corrupt:
        return
    raise AssertionError("damage was not seen")


def test_boot_number_grows_and_never_starts_again_at_one():
    store = rig.store()
    first = kv.next_boot(store, 123456)
    assert first == 123457
    assert [kv.next_boot(store, 99), kv.next_boot(store, 99)] == [123458, 123459]
    store.put("boot", b"?")
    assert kv.next_boot(store, 777) == 778
