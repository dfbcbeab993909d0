"""The valve's tables and its coil: every phase, every event, every pair of limit switches."""

from gas_parts import Parts
from products import valve
from products.valve import Valve

KINDS = [(hold, fails_closed) for hold in (False, True) for fails_closed in (False, True)]


def make(parts, *, hold=False, fails_closed=False, cause=0, ordered=False):
    return Valve(
        parts.valve_coil,
        parts.valve_closed,
        parts.valve_open,
        hold=hold,
        fails_closed=fails_closed,
        cause=cause,
        ordered=ordered,
    )


def run(one, parts, start, end):
    for now in range(start, end + 1, 100):
        parts.iron.step(now)
        one.look()
        one.drive(now)


PHASES = (valve.REST, valve.DRIVING, valve.SHUT, valve.STUCK, valve.RETRYING)
EVENTS = ("close", "arrived", "left", "exhausted")


def test_tables_are_total_and_say_nothing_twice():
    assert {(before, event) for before, event, _ in valve.TRANSITIONS} == {
        (one, two) for one in PHASES for two in EVENTS
    }
    assert len(valve.TRANSITIONS) == len(PHASES) * len(EVENTS)
    assert tuple([row[0] for row in valve.SHOWN]) == PHASES
    for row in valve.SHOWN:
        assert len(row[1]) == 4
    for phase in PHASES:
        for event in EVENTS:
            assert valve.after(phase, event) in PHASES


def test_every_row_of_the_transitions():
    rest, driving, shut, stuck, retrying = PHASES
    rows = {
        "close": (driving, driving, shut, retrying, retrying),
        "arrived": (shut, shut, shut, shut, shut),
        "left": (rest, driving, rest, stuck, retrying),
        "exhausted": (rest, stuck, shut, stuck, stuck),
    }
    for event, then in rows.items():
        assert tuple([valve.after(phase, event) for phase in PHASES]) == then


def test_every_row_of_what_is_shown():
    at_rest = (valve.UNKNOWN, valve.OPEN, valve.CLOSED, valve.FAULT)
    rows = {
        valve.REST: at_rest,
        valve.DRIVING: (valve.MOVING, valve.MOVING, valve.CLOSED, valve.FAULT),
        valve.SHUT: at_rest,
        valve.STUCK: (valve.FAULT, valve.FAULT, valve.CLOSED, valve.FAULT),
        valve.RETRYING: (valve.FAULT, valve.FAULT, valve.CLOSED, valve.FAULT),
    }
    for phase, states in rows.items():
        assert tuple([valve.shown(phase, switches) for switches in range(4)]) == states


def test_open_is_shown_by_the_switch_open_alone_and_closed_by_closed_alone():
    for phase in PHASES:
        neither, opened, closed, both = [valve.shown(phase, switches) for switches in range(4)]
        assert closed == valve.CLOSED
        assert both == valve.FAULT
        assert valve.OPEN not in (neither, closed, both)
        assert (opened == valve.OPEN) == (phase in (valve.REST, valve.SHUT))
        assert valve.CLOSED not in (neither, opened, both)


def test_no_event_leads_out_of_an_order_but_the_switch_closed():
    for phase in (valve.DRIVING, valve.STUCK, valve.RETRYING):
        for event in EVENTS:
            after = valve.after(phase, event)
            assert (after == valve.SHUT) == (event == "arrived")
            assert after != valve.REST


def test_switches_at_rest_are_shown_as_they_are():
    rows = [(False, True, valve.OPEN), (True, False, valve.CLOSED), (False, False, valve.UNKNOWN)]
    for closed, opened, state in rows + [(True, True, valve.FAULT)]:  # noqa: RUF005 - MicroPython has no star here
        for hold, fails_closed in KINDS:
            parts = Parts()
            parts.valve_closed.level, parts.valve_open.level = closed, opened
            assert make(parts, hold=hold, fails_closed=fails_closed).state == state


def test_pulse_lasts_half_a_second_and_closes():
    parts = Parts()
    one = make(parts)
    one.close(1000, valve.BY_COMMAND)
    assert (parts.valve_coil.level, one.state) == (True, valve.MOVING)
    run(one, parts, 1000, 1200)
    assert one.state == valve.MOVING
    run(one, parts, 1300, 1400)
    assert (one.state, parts.valve_coil.level) == (valve.CLOSED, True)
    run(one, parts, 1500, 60000)
    assert (one.state, one.cause, parts.valve_coil.seen) == (valve.CLOSED, valve.BY_COMMAND, [True, False])


def test_jammed_valve_gets_five_pulses_ten_seconds_apart_and_is_then_at_fault():
    parts = Parts()
    parts.iron.jammed = True
    one = make(parts)
    one.close(0, valve.BY_TRIP)
    pulses = []
    for now in range(0, 120000, 100):
        before = len(parts.valve_coil.seen)
        one.look()
        one.drive(now)
        if parts.valve_coil.seen[before:] == [True] or now == 0:
            pulses.append(now)
        assert one.state == (valve.MOVING if now < 50000 else valve.FAULT)
    assert pulses == [0, 10000, 20000, 30000, 40000]
    assert not parts.valve_coil.level


def test_order_to_a_stuck_valve_shows_fault_until_it_is_closed():
    parts = Parts()
    parts.iron.jammed = True
    one = make(parts)
    one.close(0, valve.BY_COMMAND)
    run(one, parts, 0, 50000)
    one.insist(50100, valve.BY_TRIP)
    assert not parts.valve_coil.level
    one.insist(110000, valve.BY_TRIP)
    assert (parts.valve_coil.level, one.state, one.cause) == (True, valve.FAULT, valve.BY_COMMAND)
    run(one, parts, 110000, 110900)
    one.close(111000, valve.BY_COMMAND)
    assert parts.valve_coil.seen.count(True) == 6
    parts.iron.jammed = False
    run(one, parts, 111000, 121000)
    assert one.state == valve.CLOSED


def test_command_to_a_stuck_valve_needs_no_rest():
    parts = Parts()
    parts.iron.jammed = True
    one = make(parts)
    one.close(0, valve.BY_COMMAND)
    run(one, parts, 0, 50000)
    one.close(50100, valve.BY_COMMAND)
    assert parts.valve_coil.level


def test_both_switches_on_count_as_not_closed():
    parts = Parts()
    one = make(parts)
    parts.valve_closed.level = parts.valve_open.level = True
    one.look()
    one.close(0, valve.BY_TRIP)
    assert (one.state, parts.valve_coil.level) == (valve.FAULT, True)


def test_first_cause_stands_until_a_hand_opens_the_valve():
    parts = Parts()
    one = make(parts)
    one.close(0, valve.BY_TRIP)
    one.close(100, valve.BY_COMMAND)
    run(one, parts, 100, 1000)
    one.close(2000, valve.BY_COMMAND)
    assert one.cause == valve.BY_TRIP
    parts.iron.move("between")
    assert not one.look()
    assert (one.state, one.cause) == (valve.UNKNOWN, valve.BY_TRIP)
    parts.iron.move("open")
    assert one.look()
    assert not one.look()
    assert (one.state, one.cause) == (valve.OPEN, valve.NOBODY)


def test_hand_that_closes_is_told_from_a_spring():
    for fails_closed, cause in ((False, valve.BY_PERSON), (True, valve.BY_POWER_LOSS)):
        parts = Parts()
        parts.iron.move("closed")
        assert make(parts, hold=True, fails_closed=fails_closed).cause == cause
        parts.iron.move("open")
        one = make(parts, hold=True, fails_closed=fails_closed)
        parts.iron.move("closed")
        one.look()
        assert one.cause == valve.BY_PERSON


def test_valve_found_open_that_nothing_ordered_was_opened_by_hand():
    parts = Parts()
    assert make(parts, cause=valve.BY_COMMAND).cause == valve.NOBODY
    assert make(parts, cause=valve.BY_COMMAND, ordered=True).cause == valve.BY_COMMAND


def test_nothing_moves_at_the_start():
    for closed in (True, False):
        for hold, fails_closed in KINDS:
            parts = Parts()
            parts.iron.move("closed" if closed else "open")
            parts.iron.closing = not (hold and fails_closed)
            one = make(parts, hold=hold, fails_closed=fails_closed, ordered=closed)
            one.drive(0)
            run(one, parts, 0, 60000)
            magnet = hold and fails_closed and not closed
            assert parts.valve_coil.seen == ([True] if magnet else []), (closed, hold, fails_closed)
            assert one.phase == (valve.SHUT if closed else valve.REST)


def test_held_output_stays_on_until_a_hand_opens_the_valve():
    parts = Parts()
    one = make(parts, hold=True)
    one.close(0, valve.BY_TRIP)
    run(one, parts, 0, 60000)
    assert (one.state, parts.valve_coil.seen) == (valve.CLOSED, [True])
    parts.iron.move("between")
    one.look()
    one.drive(60050)
    assert (one.state, parts.valve_coil.seen) == (valve.UNKNOWN, [True])
    parts.iron.move("open")
    one.look()
    one.drive(60100)
    assert (one.state, parts.valve_coil.seen) == (valve.OPEN, [True, False])


def test_holding_magnet_goes_off_to_close_and_on_when_a_hand_has_opened():
    parts = Parts()
    parts.iron.closing = False
    one = make(parts, hold=True, fails_closed=True)
    one.drive(0)
    run(one, parts, 0, 5000)
    assert one.state == valve.OPEN
    one.close(5100, valve.BY_TRIP)
    assert parts.valve_coil.seen == [True, False]
    run(one, parts, 5200, 60000)
    assert (one.state, parts.valve_coil.seen) == (valve.CLOSED, [True, False])
    parts.iron.move("open")
    assert one.look()
    one.drive(60100)
    assert parts.valve_coil.seen == [True, False, True]


def test_held_closing_that_is_not_proven_is_a_fault_and_stays_driven():
    parts = Parts()
    parts.iron.jammed = True
    one = make(parts, hold=True)
    one.close(0, valve.BY_TRIP)
    run(one, parts, 0, 51000)
    assert (one.state, parts.valve_coil.seen) == (valve.FAULT, [True])


def test_holding_magnet_is_not_fed_at_a_valve_that_was_found_or_read_closed_until_a_hand_has_opened_it():
    for found in ("closed", "between"):
        parts = Parts()
        parts.iron.closing = False
        parts.iron.move(found)
        one = make(parts, hold=True, fails_closed=True)
        one.drive(0)
        parts.iron.closing = None
        run(one, parts, 100, 5000)
        # A hand on its way, a bounce, a broken switch: not open yet.
        for closed, opened in ((False, False), (True, False), (True, True), (False, False)):
            parts.valve_closed.level, parts.valve_open.level = closed, opened
            run(one, parts, 5100, 6000)
        assert parts.valve_coil.seen == [], found
        parts.iron.move("open")
        run(one, parts, 6100, 6200)
        assert (parts.valve_coil.seen, one.state) == ([True], valve.OPEN)
        parts.iron.move("closed")
        run(one, parts, 6300, 6400)
        assert parts.valve_coil.seen == [True, False]
        parts.iron.move("open")
        run(one, parts, 6500, 6600)
        assert parts.valve_coil.seen == [True, False, True]


def test_magnet_of_an_open_valve_is_not_dropped_by_a_switch_that_is_not_read():
    parts = Parts()
    parts.iron.closing = None
    one = make(parts, hold=True, fails_closed=True)
    one.drive(0)
    parts.iron.move("between")
    run(one, parts, 100, 5000)
    assert parts.valve_coil.seen == [True]


def test_valve_is_busy_while_it_closes_and_while_the_pulse_lasts():
    for hold, fails_closed in KINDS:
        parts = Parts()
        parts.iron.closing = not (hold and fails_closed)
        one = make(parts, hold=hold, fails_closed=fails_closed)
        one.drive(0)
        run(one, parts, 0, 1000)
        assert not one.is_busy
        one.close(1000, valve.BY_TRIP)
        assert one.is_busy
        run(one, parts, 1000, 1400)
        assert (one.state, one.is_busy) == (valve.CLOSED, not hold)
        run(one, parts, 1500, 1600)
        assert not one.is_busy
