"""Commands over CoAP: what is obeyed, and that nothing else moves a final element."""

import rig
from links.coap_server import CoapServer
from products.board import Board
from products.gas_alarm import GasAlarm

from protocols.wire import coap

GATEWAY = b"gateway"
OTHER = b"somebody"


def server(product=None):
    events = rig.Events()
    board = product or GasAlarm(rig.store(), rig.noise(), 0)
    return CoapServer(board, events, lambda: 500, GATEWAY), board, events


def test_close_and_start_are_obeyed():
    door, board, events = server()
    reply = door.answer(0, GATEWAY, rig.request(coap.PUT, b"valve", b"close", mid=7))
    assert reply == coap.encode(coap.ACK, coap.CHANGED, 7, b"t")
    assert board.snapshot()["valve"] == 3
    reply = door.answer(0, GATEWAY, rig.request(coap.PUT, b"fan", b"start", mid=8, kind=coap.NON))
    assert reply == coap.encode(coap.NON, coap.CHANGED, 500, b"t")
    board.sample(1000)
    assert board.snapshot()["fan"] == 2
    assert [event["name"] for event in events.of("command")] == ["close-valve", "start-fan"]


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
    door, board, _ = server()
    board.command("start-fan", 0)
    board.sample(1000)
    reply = coap.decode(door.answer(1000, GATEWAY, rig.request(coap.PUT, b"fan", b"stop")))
    assert reply[1] == coap.FORBIDDEN
    assert board.snapshot()["fan"] == 2


def test_closing_is_taken_from_anybody_and_starting_from_the_gateway_alone():
    door, board, events = server()
    reply = coap.decode(door.answer(0, OTHER, rig.request(coap.PUT, b"fan", b"start", mid=1)))
    assert reply[1] == coap.FORBIDDEN
    board.sample(1000)
    assert board.snapshot()["fan"] == 1
    assert len(events.of("refused")) == 1
    reply = coap.decode(door.answer(0, OTHER, rig.request(coap.PUT, b"valve", b"close", mid=2)))
    assert reply[1] == coap.CHANGED
    assert board.snapshot()["valve"] == 3


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
    door, _, _ = server(Board("smart-bin", rig.store(), rig.noise(), 0))
    assert coap.decode(door.answer(0, GATEWAY, rig.request(coap.PUT, b"valve", b"close")))[1] == coap.NOT_FOUND


def test_core_lists_the_commands():
    door, _, _ = server()
    reply = coap.decode(door.answer(0, GATEWAY, rig.request(coap.GET, b".well-known/core")))
    assert reply[1] == coap.CONTENT
    assert reply[4] == [(coap.CONTENT_FORMAT, b"(")]
    assert reply[5] == b'</fan>;rt="gengfu.command",</valve>;rt="gengfu.command"'


def test_unknown_critical_option_is_a_bad_option():
    door, board, _ = server()
    options = ((coap.URI_PATH, b"valve"), (27, b"\x08"))
    message = coap.decode(coap.encode(coap.CON, coap.PUT, 1, b"", options, payload=b"close"))
    assert coap.decode(door.answer(0, GATEWAY, message))[1] == coap.BAD_OPTION
    assert board.snapshot()["valve"] == 1


def test_duplicate_is_answered_from_memory_and_does_nothing():
    door, board, events = server()
    close = rig.request(coap.PUT, b"valve", b"close", mid=7)
    first = door.answer(0, GATEWAY, close)
    board.sample(1000)
    board.stimulate(["valve", "open"], 1000)
    assert door.answer(2000, GATEWAY, close) == first
    assert board.snapshot()["valve"] == 1
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
    door, board, _ = server()
    close = rig.request(coap.PUT, b"valve", b"close", mid=7)
    door.answer(0, GATEWAY, close)
    board.sample(1000)
    board.stimulate(["valve", "open"], 1000)
    door.answer(1001, OTHER, close)
    assert board.snapshot()["valve"] == 3


def test_command_is_forgotten_after_the_exchange_lifetime():
    door, board, _ = server()
    close = rig.request(coap.PUT, b"valve", b"close", mid=7)
    door.answer(0, GATEWAY, close)
    board.sample(1000)
    board.stimulate(["valve", "open"], 1000)
    door.answer(247000, GATEWAY, close)
    assert board.snapshot()["valve"] == 3
