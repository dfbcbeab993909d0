"""The floors do the work that they are a floor of: what they cut out of messages is what was put in."""

import pytest

from bench.coap_posts import ONE_VALUE, OPTIONS
from bench.floors.coap import parsed
from bench.floors.modbus import ANSWER_AT, SHAPE, Spent
from bench.floors.mqtt import body_at
from bench.modbus import ANSWER
from bench.mqtt import packet_of
from protocols.wire import coap
from protocols.wire.modbus_tcp import frame


@pytest.mark.parametrize("token", [b"", b"\1\2\3"])
def test_the_coap_floor_finds_path_and_payload(token: bytes) -> None:
    payload = ONE_VALUE % {b"device": b"b:0:0"}
    options = (*OPTIONS, (60, b"\x10"))  # Size1, an option with a long delta
    data = coap.encode(coap.CON, coap.POST, 7, token, options, payload=payload)
    assert parsed(data) == ([b"readings"], payload)


def test_the_coap_floor_takes_no_other_option_for_a_path() -> None:
    data = coap.encode(coap.CON, coap.POST, 7, b"", ((coap.URI_PATH + 13, b"readings"),), payload=b"[]")
    assert parsed(data) == ([], b"[]")


def test_the_modbus_floor_unpacks_the_registers_of_the_simulator() -> None:
    assert SHAPE.unpack_from(frame(1, 1, ANSWER), ANSWER_AT) == tuple(range(100, 110))


@pytest.mark.parametrize("length", [3, 200])
def test_the_mqtt_floor_waits_for_the_whole_packet(length: int) -> None:
    packet = packet_of(1, b"gengfu/b:0/up", bytes(length))
    assert body_at(packet + b"\x32", 0) == (2 if length == 3 else 3, len(packet))
    assert all(body_at(packet[:cut], 0) is None for cut in range(len(packet)))


def test_what_polling_took_is_told_per_thousand_values_and_as_a_share_of_a_core() -> None:
    spent = Spent(cpu_s=0.5, wall_s=10.0, values=20_000)
    assert (spent.per_1k, spent.share) == (0.025, 5.0)
