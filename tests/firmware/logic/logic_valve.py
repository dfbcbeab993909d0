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


def test_tables_are_total():
    assert len(valve.TRANSITIONS) == len(valve.PHASES) * len(valve.EVENTS)
    for phase in valve.PHASES:
        assert len(valve.SHOWN[phase]) == 4
        for event in valve.EVENTS:
            assert valve.TRANSITIONS[phase, event] in valve.PHASES


def test_every_row_of_the_transitions():
    rest, driving, shut, stuck, retrying = valve.PHASES
    rows = {
        valve.CLOSE: (driving, driving, shut, retrying, retrying),
        valve.ARRIVED: (shut, shut, shut, shut, shut),
        valve.LEFT: (rest, driving, rest, stuck, retrying),
        valve.EXHAUSTED: (rest, stuck, shut, stuck, stuck),
    }
    for event, after in rows.items():
        assert tuple([valve.TRANSITIONS[phase, event] for phase in valve.PHASES]) == after


def test_open_is_shown_by_the_switch_open_alone_and_closed_by_closed_alone():
    for phase in valve.PHASES:
        neither, opened, closed, both = valve.SHOWN[phase]
        assert closed == valve.CLOSED
        assert both == valve.FAULT
        assert valve.OPEN not in (neither, closed, both)
        assert (opened == valve.OPEN) == (phase in (valve.REST, valve.SHUT))
        assert valve.CLOSED not in (neither, opened, both)


def test_no_event_leads_out_of_an_order_but_the_switch_closed():
    for phase in (valve.DRIVING, valve.STUCK, valve.RETRYING):
        for event in valve.EVENTS:
            after = valve.TRANSITIONS[phase, event]
            assert (after == valve.SHUT) == (event == valve.ARRIVED)
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
