"""A whole board without its hardware: reports, commands, garbage."""

import rig
from links.coap_client import CoapClient
from node import Node
from products.gas_alarm import GasAlarm

from protocols.wire import coap

GATEWAY = b"gateway"
OTHER = b"somebody"


class Io:
    """The wire and the bench of a node, as lists."""

    def __init__(self):
        self.emit = rig.Events()
        self.sent = []

    def send(self, peer, datagram):
        self.sent.append((peer, datagram))

    def utc(self):
        return None


def node(product=None):
    io = Io()
    board = product or GasAlarm(rig.store(), rig.noise(), 0, warm_up_ms=0)
    link = CoapClient(rig.noise(), io.emit)
    return Node(board, link, device="t:1", boot=3, gateway=GATEWAY, period_ms=2000, io=io), board, io


def acknowledge(one, io, now):
    """Answer everything that was sent to the gateway with 2.04; returns the payloads."""
    payloads = []
    while io.sent:
        _, datagram = io.sent.pop(0)
        message = coap.decode(datagram)
        if message[0] == coap.CON:
            payloads.append(message[5])
            one.datagram(now, GATEWAY, coap.encode(coap.ACK, coap.CHANGED, message[2], message[3]))
    return payloads


def test_command_is_reported_with_the_next_sample_and_again_when_it_has_had_its_effect():
    one, _, io = node()
    one.step(0)
    acknowledge(one, io, 0)
    close = coap.encode(coap.CON, coap.PUT, 9, b"", ((coap.URI_PATH, b"valve"),), payload=b"close")
    one.datagram(500, GATEWAY, close)
    assert acknowledge(one, io, 500) == []
    one.step(600)
    assert b'{"n":"valve","v":3}' in acknowledge(one, io, 600)[0]
    one.step(700)
    assert not io.sent
    one.step(800)
    assert b'{"n":"valve","v":2}' in acknowledge(one, io, 800)[0]


def test_alarm_is_reported_with_the_sample_that_saw_it():
    one, _, io = node()
    one.step(0)
    acknowledge(one, io, 0)
    one.line(100, "gas 55")
    assert b'{"n":"alarm","vb":true}' in acknowledge(one, io, 100)[0]


def test_ping_is_answered_by_reset_and_garbage_as_the_standard_says():
    one, _, io = node()
    one.datagram(0, OTHER, coap.encode(coap.CON, 0, 77))
    one.datagram(0, OTHER, bytes((0x4F, 1, 0, 78)))
    one.datagram(0, OTHER, b"\x80\0\0\0")
    assert io.sent == [(OTHER, coap.encode(coap.RST, 0, 77)), (OTHER, coap.encode(coap.RST, 0, 78))]


def test_acknowledgement_of_a_stranger_counts_for_nothing():
    one, _, io = node()
    one.step(0)
    message = coap.decode(io.sent[0][1])
    one.datagram(1, OTHER, coap.encode(coap.ACK, coap.CHANGED, message[2], message[3]))
    assert not io.emit.of("acknowledged")


def test_wrong_line_is_told_and_the_board_goes_on():
    one, _, io = node()
    for line in ("", "   ", "nonsense", "gas", "valve", "set", "set valve 1"):
        one.line(0, line)
    assert len(io.emit.of("error")) == 5
    assert not io.emit.of("stimulus")


def test_no_garbage_from_any_peer_opens_the_valve_or_breaks_the_board():
    one, board, io = node()
    board.command("close-valve", 0)
    one.step(1000)
    acknowledge(one, io, 1000)
    noise = rig.Noise(2463534242)
    seeds = [
        coap.encode(coap.CON, coap.PUT, 9, b"", ((coap.URI_PATH, b"valve"),), payload=b"open"),
        coap.encode(coap.CON, coap.PUT, 9, b"", ((coap.URI_PATH, b"valve"),), payload=b"1"),
        coap.encode(coap.NON, coap.POST, 9, b"tok", ((coap.URI_PATH, b"valve"), (coap.URI_QUERY, b"open"))),
        coap.encode(coap.ACK, coap.CHANGED, 9, b"tok"),
    ]
    for turn in range(3000):
        if turn % 3:
            data = bytearray(seeds[turn % len(seeds)])
            for _ in range(noise.bits() % 4):
                data[noise.bits() % len(data)] = noise.bits() & 255
        else:
            data = bytearray(noise.bits() & 255 for _ in range(noise.bits() % 40))
        one.datagram(1000 + turn, GATEWAY if turn & 1 else OTHER, bytes(data))
        io.sent.clear()
        io.emit.seen.clear()
        assert board.snapshot()["valve"] == 2, bytes(data)
