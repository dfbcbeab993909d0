"""The accident fan: started by a command alone, proven by its contact, never switched off in gas."""

from gas_parts import Bench, Parts
from products import fan
from products.fan import Fan


def make():
    parts = Parts()
    return Fan(parts.fan_relay, parts.fan_proof), parts


def run(one, start, end, is_latched):
    for now in range(start, end + 1, 100):
        one.step(now, is_latched)


def test_every_pair_of_relay_and_proof():
    for is_on, proof, state in (
        (False, False, fan.STOPPED),
        (False, True, fan.RUNNING),
        (True, False, fan.STOPPED),
        (True, True, fan.RUNNING),
    ):
        one, parts = make()
        parts.fan_proof.level = proof
        if is_on:
            one.start(0)
        one.step(100, False)
        assert (one.state, one.failed, parts.fan_relay.level) == (state, False, is_on)


def test_fan_that_never_runs_has_failed_after_five_seconds():
    for is_latched, state, relay in ((False, fan.STOPPED, False), (True, fan.UNKNOWN, True)):
        one, parts = make()
        one.start(0)
        run(one, 0, 4900, is_latched)
        assert (one.state, one.failed) == (fan.STOPPED, False)
        run(one, 5000, 5000, is_latched)
        assert (one.state, one.failed, parts.fan_relay.level) == (state, True, relay)
        run(one, 5100, 60000, is_latched)
        assert (one.state, one.failed, parts.fan_relay.level) == (state, True, relay)


def test_fan_that_a_person_stops_does_not_start_when_he_lets_go():
    one, parts = make()
    one.start(0)
    parts.fan_proof.level = True
    run(one, 0, 10000, False)
    parts.fan_proof.level = False
    run(one, 10100, 10100, False)
    assert (one.state, parts.fan_relay.level) == (fan.STOPPED, True)
    run(one, 10200, 15100, False)
    assert (one.state, one.failed, parts.fan_relay.level) == (fan.STOPPED, False, False)
    run(one, 15200, 60000, False)
    assert parts.fan_relay.seen == [True, False]


def test_relay_is_never_dropped_while_the_zone_is_latched():
    one, parts = make()
    one.start(0)
    parts.fan_proof.level = True
    run(one, 0, 10000, True)
    parts.fan_proof.level = False
    run(one, 10100, 600000, True)
    assert (one.state, one.failed, parts.fan_relay.seen) == (fan.UNKNOWN, True, [True])
    parts.fan_proof.level = True
    run(one, 600100, 600200, True)
    assert (one.state, one.failed) == (fan.RUNNING, False)


def test_second_start_gives_a_failed_fan_its_time_again():
    one, _ = make()
    one.start(0)
    run(one, 0, 6000, True)
    one.start(6000)
    run(one, 6100, 10900, True)
    assert (one.state, one.failed) == (fan.STOPPED, False)
    one.start(10900)
    run(one, 11000, 11100, True)
    assert one.failed


def test_fan_that_is_not_permitted_is_not_started():
    bench = Bench(fan="none")
    assert not bench.alarm.command("start-fan", bench.now)
    bench.run(10)
    assert bench.parts.fan_relay.seen == []
    bench.parts.fan_proof.level = True
    bench.run(0.1)
    bench.shows(fan=fan.RUNNING)


def test_zone_that_the_gateway_closed_counts_as_latched_until_a_hand_opens():
    bench = Bench()
    bench.alarm.command("close-valve", bench.now)
    bench.alarm.command("start-fan", bench.now)
    bench.run(60)
    bench.shows(fan=fan.UNKNOWN, fan_failed=True, trip_latched=False)
    assert bench.parts.fan_relay.seen == [True]
    bench.parts.iron.move("open")
    bench.run(1)
    assert bench.parts.fan_relay.seen == [True, False]


def test_relay_is_not_dropped_in_gas_below_the_alarm_nor_for_a_minute_after_it():
    bench = Bench()
    bench.alarm.command("start-fan", bench.now)
    bench.parts.fan_proof.level = True
    bench.gas(24.0, 5)
    bench.parts.fan_proof.level = False
    bench.run(60)
    bench.shows(fan=fan.UNKNOWN, fan_failed=True, trip_latched=False)
    bench.gas(1.0, 60)
    assert bench.parts.fan_relay.seen == [True]
    bench.run(10)
    assert bench.parts.fan_relay.seen == [True, False]


def test_board_starts_the_fan_by_command_alone_and_keeps_it_in_gas():
    bench = Bench()
    bench.gas(55.0, 30)
    assert bench.parts.fan_relay.seen == []
    assert bench.alarm.command("start-fan", bench.now)
    assert bench.parts.fan_relay.level
    bench.parts.fan_proof.level = True
    bench.run(1)
    bench.shows(fan=fan.RUNNING, fan_failed=False)
    bench.parts.fan_proof.level = False
    bench.run(60)
    bench.shows(fan=fan.UNKNOWN, fan_failed=True)
    bench.gas(1.0, 60)
    bench.shows(trip_latched=True, fan=fan.UNKNOWN)
    assert bench.parts.fan_relay.seen == [True]
