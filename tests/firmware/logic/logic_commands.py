"""Commands over CoAP: what is obeyed, and that nothing else moves a final element."""

import crash
import rig
import street_bin
from gas_parts import Bench
from links.coap_server import CoapServer
from plain_parts import Full

from protocols.wire import coap

GATEWAY = b"gateway"
OTHER = b"somebody"


def server(product=None, log=None):
    """A door, the product behind it, and what was told."""
    events = rig.Events()
    board = product or Bench().alarm
    return CoapServer(board, events, lambda: 500, GATEWAY, log), board, events


def closing(bench):
    """The iron follows, and then a person opens the valve: nothing is latched."""
    bench.run(1)
    bench.shows(valve=2)
    bench.parts.iron.move("open")
    bench.run(0.2)
    bench.shows(valve=1)


def test_close_and_start_are_obeyed():
    bench = Bench()
    door, _, events = server(bench.alarm)
    reply = door.answer(0, GATEWAY, rig.request(coap.PUT, b"valve", b"close", mid=7))
    assert reply == coap.encode(coap.ACK, coap.CHANGED, 7, b"t")
    bench.shows(valve=3, valve_cause=2)
    reply = door.answer(0, GATEWAY, rig.request(coap.PUT, b"fan", b"start", mid=8, kind=coap.NON))
    assert reply == coap.encode(coap.NON, coap.CHANGED, 500, b"t")
    bench.run(0.2)
    assert bench.parts.fan_relay.level is True
    assert [event["name"] for event in events.of("command")] == ["close-valve", "start-fan"]


def test_self_test_is_begun_by_the_gateway_alone_and_refused_while_something_stands():
    bench = Bench()
    door, _, events = server(bench.alarm)
    asked = rig.request(coap.PUT, b"test", b"start", mid=1)
    assert coap.decode(door.answer(0, OTHER, asked))[1] == coap.FORBIDDEN
    assert coap.decode(door.answer(0, GATEWAY, asked))[1] == coap.CHANGED
    bench.gas(30.0)
    again = rig.request(coap.PUT, b"test", b"start", mid=2)
    assert coap.decode(door.answer(0, GATEWAY, again))[1] == coap.FORBIDDEN
    assert [event["name"] for event in events.of("command")] == ["self-test"]


def test_anything_else_about_the_valve_is_forbidden_and_moves_nothing():
    door, board, events = server()
    rows = [(coap.PUT, payload) for payload in (b"open", b"", b"CLOSE", b"close ", b"1", b"\xff", b"closeopen")]
    rows += [(coap.POST, b"close"), (coap.DELETE, b""), (coap.POST, b"open"), (31, b"close")]
    for mid, (code, payload) in enumerate(rows):
        reply = coap.decode(door.answer(0, GATEWAY, rig.request(code, b"valve", payload, mid=mid)))
        assert reply[1] == coap.FORBIDDEN
        assert reply[5]
    assert board.snapshot()["valve"] == 1
    assert board.snapshot()["valve_cause"] == 0
    assert len(events.of("refused")) == len(rows)


def test_fan_cannot_be_stopped_by_a_link():
    bench = Bench()
    door, board, _ = server(bench.alarm)
    board.command("start-fan", 0)
    bench.run(0.2)
    reply = coap.decode(door.answer(1000, GATEWAY, rig.request(coap.PUT, b"fan", b"stop")))
    assert reply[1] == coap.FORBIDDEN
    bench.run(0.2)
    assert bench.parts.fan_relay.level is True


def test_closing_is_taken_from_anybody_and_starting_from_the_gateway_alone():
    bench = Bench()
    door, _, events = server(bench.alarm)
    reply = coap.decode(door.answer(0, OTHER, rig.request(coap.PUT, b"fan", b"start", mid=1)))
    assert reply[1] == coap.FORBIDDEN
    bench.run(0.2)
    assert bench.parts.fan_relay.level is False
    assert len(events.of("refused")) == 1
    reply = coap.decode(door.answer(0, OTHER, rig.request(coap.PUT, b"valve", b"close", mid=2)))
    assert reply[1] == coap.CHANGED
    bench.shows(valve=3)


def crashed():
    """A log of a crash, and a door before it."""
    store = rig.store()
    crash.CrashLog(store).write("ValueError: boom", 3, 61)
    log = crash.CrashLog(store)
    return store, log, server(log=log)[0]


def test_crash_log_is_read_by_the_gateway_and_stays_until_it_is_deleted():
    store, log, door = crashed()
    for mid in (1, 2):
        reply = coap.decode(door.answer(0, GATEWAY, rig.request(coap.GET, b"crash", mid=mid)))
        assert (reply[1], reply[5]) == (coap.CONTENT, b"boot 3, up 61 s\nValueError: boom")
        assert reply[4] == [(coap.CONTENT_FORMAT, b"")]
    reply = coap.decode(door.answer(0, GATEWAY, rig.request(coap.DELETE, b"crash", mid=3)))
    assert (reply[1], log.waiting, crash.CrashLog(store).waiting) == (coap.DELETED, False, False)
    reply = coap.decode(door.answer(0, GATEWAY, rig.request(coap.GET, b"crash", mid=4)))
    assert (reply[1], reply[5]) == (coap.CONTENT, b"")


def test_crash_log_is_nothing_to_strangers_and_is_not_written_over_a_link():
    _, log, door = crashed()
    for mid, code in enumerate((coap.GET, coap.DELETE, coap.PUT)):
        reply = coap.decode(door.answer(0, OTHER, rig.request(code, b"crash", mid=mid)))
        assert (reply[1], reply[5]) == (coap.NOT_FOUND, b"")
    for mid, code in enumerate((coap.PUT, coap.POST)):
        reply = coap.decode(door.answer(0, GATEWAY, rig.request(code, b"crash", b"x", mid=mid)))
        assert reply[1] == coap.METHOD_NOT_ALLOWED
    assert log.waiting


def test_crash_log_stays_if_the_flash_refuses_to_forget_it():
    store = Full()
    store.full = False
    crash.CrashLog(store).write("ValueError: boom", 3, 61)
    log = crash.CrashLog(store)
    store.full = True
    reply = coap.decode(server(log=log)[0].answer(0, GATEWAY, rig.request(coap.DELETE, b"crash")))
    assert (reply[1], log.waiting) == (coap.INTERNAL_ERROR, True)


def test_paths_and_methods_that_are_not_there():
    door, _, _ = server()
    rows = [
        (coap.PUT, b"nothing", coap.NOT_FOUND),
        (coap.PUT, b"valve/open", coap.NOT_FOUND),
        (coap.PUT, b"", coap.NOT_FOUND),
        (coap.GET, b"valve", coap.METHOD_NOT_ALLOWED),
        (coap.PUT, b".well-known/core", coap.METHOD_NOT_ALLOWED),
    ]
    for mid, (code, path, status) in enumerate(rows):
        assert coap.decode(door.answer(0, GATEWAY, rig.request(code, path, b"close", mid=mid)))[1] == status


def test_board_without_outputs_has_no_commands():
    door, _, _ = server(street_bin.board()[1])
    assert coap.decode(door.answer(0, GATEWAY, rig.request(coap.PUT, b"valve", b"close")))[1] == coap.NOT_FOUND


def test_core_lists_the_commands():
    door, _, _ = server()
    reply = coap.decode(door.answer(0, GATEWAY, rig.request(coap.GET, b".well-known/core")))
    assert reply[1] == coap.CONTENT
    assert reply[4] == [(coap.CONTENT_FORMAT, b"(")]
    assert reply[5] == b'</fan>;rt="gengfu.command",</test>;rt="gengfu.command",</valve>;rt="gengfu.command"'


def test_unknown_critical_option_is_a_bad_option():
    door, board, _ = server()
    options = ((coap.URI_PATH, b"valve"), (27, b"\x08"))
    message = coap.decode(coap.encode(coap.CON, coap.PUT, 1, b"", options, payload=b"close"))
    assert coap.decode(door.answer(0, GATEWAY, message))[1] == coap.BAD_OPTION
    assert board.snapshot()["valve"] == 1


def test_duplicate_is_answered_from_memory_and_does_nothing():
    bench = Bench()
    door, _, events = server(bench.alarm)
    close = rig.request(coap.PUT, b"valve", b"close", mid=7)
    first = door.answer(0, GATEWAY, close)
    closing(bench)
    assert door.answer(2000, GATEWAY, close) == first
    bench.run(1)
    bench.shows(valve=1)
    assert len(events.of("command")) == 1
    quiet = rig.request(coap.PUT, b"fan", b"start", mid=8, kind=coap.NON)
    assert door.answer(2000, GATEWAY, quiet) is not None
    assert door.answer(2001, GATEWAY, quiet) is None


def test_message_id_used_again_for_another_command_is_no_duplicate():
    door, board, _ = server()
    door.answer(0, GATEWAY, rig.request(coap.PUT, b"fan", b"start", mid=7))
    door.answer(1, GATEWAY, rig.request(coap.PUT, b"valve", b"close", mid=7))
    assert board.snapshot()["valve"] == 3
    door.answer(2, OTHER, rig.request(coap.PUT, b"valve", b"open", mid=7))
    assert board.snapshot()["valve"] == 3


def test_same_command_of_another_peer_is_no_duplicate():
    bench = Bench()
    door, _, _ = server(bench.alarm)
    close = rig.request(coap.PUT, b"valve", b"close", mid=7)
    door.answer(0, GATEWAY, close)
    closing(bench)
    door.answer(1001, OTHER, close)
    bench.shows(valve=3)


def test_command_is_forgotten_after_the_exchange_lifetime():
    bench = Bench()
    door, _, _ = server(bench.alarm)
    close = rig.request(coap.PUT, b"valve", b"close", mid=7)
    door.answer(0, GATEWAY, close)
    closing(bench)
    door.answer(247000, GATEWAY, close)
    bench.shows(valve=3)
