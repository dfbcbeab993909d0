"""The firmware's Modbus slave under CPython: what it tells is what the gateway decodes, for any value and any bytes."""

import struct
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.micropython.links.modbus_slave import ModbusSlave, packed
from protocols.quality import Quality
from protocols.wire import modbus_rtu
from protocols.wire.modbus_pdu import ExceptionReply, parse_response, read_request, write_coils_request
from tests.fixtures.modbus_profiles import decode, point, profile

LETTERS = {"int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q"}
TABLES = SimpleNamespace(
    INPUT=((0, "gas", "int16", 1, 10, 0, -32768), (2, "uptime", "uint32", 1, 1, 0, None)),
    INPUT_BITS=((1, 0, "low"), (1, 15, "high")),
    INPUT_COUNT=4,
    HOLDING=(),
    HOLDING_BITS=(),
    HOLDING_COUNT=0,
    COIL=((4, "lamp"),),
    COIL_COUNT=5,
    DISCRETE=(),
    DISCRETE_COUNT=0,
    COIL_COMMANDS=((0, "close-valve", 1), (1, "start-fan", 1)),
    HOLDING_COMMANDS=((7, "mute", 513),),
)


class Product:
    """Remembers what it was told; ``obeys`` says whether it does it."""

    def __init__(self, *, obeys: bool = True) -> None:
        self.values: dict[str, Any] = {"gas": 1.2, "uptime": 65538, "low": True, "high": False, "lamp": True}
        self.told: list[str] = []
        self._obeys = obeys

    def snapshot(self) -> dict[str, Any]:
        return self.values

    def command(self, name: str, now: int) -> bool:
        self.told.append(name)
        return self._obeys


def slave(product: Product | None = None) -> ModbusSlave:
    return ModbusSlave(product or Product(), TABLES, 5, lambda *_, **__: None)


@given(
    st.sampled_from(sorted(LETTERS)),
    st.sampled_from([(1, 1), (1, 10), (1, 100), (5, 1), (1, 4)]),
    st.integers(-40, 40),
    st.floats(-5e4, 5e4),
    st.sampled_from(["ABCD", "CDAB"]),
)
def test_gateway_decodes_what_the_board_packs(
    kind: str, ratio: tuple[int, int], offset: int, value: float, order: str
) -> None:
    multiply, divide = ratio
    row = (0, "a", kind + ("-swapped" if order == "CDAB" else ""), multiply, divide, offset, None)
    data = packed(row, value)
    one = profile(point("a", type=kind, scale=multiply / divide, offset=float(offset), byte_order=order))
    (read,), (quality,) = decode(one, data)
    bits = 8 * struct.calcsize(LETTERS[kind])
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if kind.startswith("int") else (0, 2**bits - 1)
    within = min(max(value, low * multiply / divide + offset), high * multiply / divide + offset)
    assert quality == Quality.GOOD
    assert read == pytest.approx(within, abs=0.51 * multiply / divide, rel=1e-9)


def test_no_value_is_the_missing_code() -> None:
    assert packed((0, "a", "int16", 1, 10, 0, -32768), None) == b"\x80\x00"
    assert packed((0, "a", "uint16", 1, 1, 0, 65535), None) == b"\xff\xff"


def test_value_at_the_end_of_the_range_is_never_the_missing_code() -> None:
    assert packed((0, "a", "int16", 1, 1, 0, -32768), -40000) == b"\x80\x01"
    assert packed((0, "a", "uint16", 1, 1, 0, 65535), 70000) == b"\xff\xfe"


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("0400000004", "0408000c000100010002"),
        ("0400010001", "04020001"),
        ("0100000005", "010110"),
        ("0200000001", "8202"),
        ("0300000001", "8302"),
        ("0400030002", "8402"),
        ("050000ff00", "050000ff00"),
        ("0500000000", "8503"),
        ("0500020000", "8502"),
        ("050002ff00", "8502"),
        ("0f0000000201" + "03", "0f00000002"),
        ("0f0000000201" + "01", "8f03"),
        ("0600070201", "0600070201"),
        ("0600070200", "8603"),
        ("1000070001020201", "1000070001"),
        ("2b0e0100", "ab01"),
        ("05", "8503"),
    ],
)
def test_answers(asked: str, answer: str) -> None:
    assert slave().answer(0, bytes.fromhex(asked)).hex() == answer


def test_write_of_several_coils_with_one_wrong_value_does_none_of_them() -> None:
    product = Product()
    slave(product).answer(0, write_coils_request(0, (1, 0)))
    assert product.told == []


def test_command_that_the_board_does_not_obey_is_a_device_failure() -> None:
    assert slave(Product(obeys=False)).answer(0, bytes.fromhex("050000ff00")).hex() == "8504"


def test_broadcast_command_is_done_and_not_answered() -> None:
    product = Product()
    assert slave(product).receive(0, modbus_rtu.frame(0, bytes.fromhex("050000ff00"))) == []
    assert product.told == ["close-valve"]


def test_requests_to_others_are_neither_done_nor_answered() -> None:
    product = Product()
    assert slave(product).receive(0, modbus_rtu.frame(6, bytes.fromhex("050000ff00"))) == []
    assert product.told == []


requests = st.one_of(
    st.binary(max_size=12),
    st.tuples(st.sampled_from([5, 6, 15, 16]), st.integers(0, 8), st.binary(max_size=8)).map(
        lambda drawn: bytes((drawn[0], 0, drawn[1])) + drawn[2]
    ),
)


@given(requests)
def test_any_request_is_answered_and_only_declared_values_command(pdu: bytes) -> None:
    product = Product()
    answer = slave(product).answer(0, pdu)
    assert len(answer) >= 2
    if answer[0] & 0x80 or pdu[:1] in (b"\1", b"\2", b"\3", b"\4"):
        assert product.told == []
    else:
        assert product.told
        assert set(product.told) <= {"close-valve", "start-fan", "mute"}


@given(st.binary(max_size=300))
def test_any_bytes_on_the_line_are_survived(data: bytes) -> None:
    one = slave()
    for reply in one.receive(0, data) + one.silence(0):
        assert modbus_rtu.checked(reply)


@given(st.integers(1, 4), st.integers(0, 65535), st.integers(1, 125))
def test_master_understands_every_answer_to_a_read(function: int, address: int, count: int) -> None:
    asked = read_request(function, address, count)
    answer = slave().answer(0, asked)
    if answer[0] == function:
        assert len(parse_response(asked, answer)) == len(answer) - 2
    else:
        with pytest.raises(ExceptionReply, match="exception 2"):
            parse_response(asked, answer)
