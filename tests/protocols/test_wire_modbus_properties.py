"""What holds for any bytes, and for every prefix of every golden frame."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.wire import modbus_pdu as pdu
from protocols.wire import modbus_rtu as rtu
from protocols.wire import modbus_tcp as tcp
from protocols.wire.crc import crc16
from protocols.wire.modbus_reply import RtuReply

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/modbus.json").read_text())
RTU = [bytes.fromhex(one["frame_hex"]) for one in VECTORS["frames"] if one["framing"] == "rtu"]
TCP = [bytes.fromhex(one["frame_hex"]) for one in VECTORS["frames"] if one["framing"] == "tcp-mbap"]
RTU_REQUESTS = [one for one in RTU if one[1] == 3 and len(one) == 8]
RTU_REPLIES = [one for one in RTU if one not in RTU_REQUESTS]
ASKED = bytes.fromhex("03007c0002")

reads = st.builds(pdu.read_request, st.sampled_from([1, 2, 3, 4]), st.integers(0, 60000), st.integers(1, 125))
bits = st.lists(st.integers(0, 1), min_size=1, max_size=1968).map(tuple)
words = st.lists(st.integers(0, 65535), min_size=1, max_size=123).map(tuple)
writes = st.one_of(
    st.builds(pdu.write_coil_request, st.integers(0, 65535), st.booleans()),
    st.builds(pdu.write_register_request, st.integers(0, 65535), st.integers(0, 65535)),
    st.builds(pdu.write_coils_request, st.integers(0, 60000), bits),
    st.builds(pdu.write_registers_request, st.integers(0, 60000), words),
)
requests = st.one_of(reads, writes)
garbage = st.binary(max_size=300)


def chunked(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@given(garbage)
def test_any_bytes_are_a_request_or_one_error(data: bytes) -> None:
    try:
        count = pdu.parse_request(data).count
    except pdu.PduError:
        count = 1
    assert 1 <= count <= 2000


@given(requests, garbage)
def test_any_bytes_are_a_response_or_one_error(asked: bytes, data: bytes) -> None:
    try:
        answer = pdu.parse_response(asked, data)
    except (pdu.PduError, pdu.ExceptionReply):
        answer = b""
    assert len(answer) <= pdu.response_size(asked)


@given(requests)
def test_every_request_we_make_is_read_back_as_itself(asked: bytes) -> None:
    one = pdu.parse_request(asked)
    again = {
        5: lambda: pdu.write_coil_request(one.address, bool(one.values[0])),
        6: lambda: pdu.write_register_request(one.address, one.values[0]),
        15: lambda: pdu.write_coils_request(one.address, one.values),
        16: lambda: pdu.write_registers_request(one.address, one.values),
    }.get(one.function, lambda: pdu.read_request(one.function, one.address, one.count))
    assert again() == asked


@given(requests, st.data())
def test_every_answer_of_a_slave_is_understood(asked: bytes, data: Any) -> None:
    if asked[0] in pdu.READS:
        size = pdu.response_size(asked) - 2
        wanted = data.draw(st.binary(min_size=size, max_size=size))
        answer = pdu.read_response(asked[0], wanted)
    else:
        wanted, answer = b"", pdu.write_response(asked)
    assert pdu.parse_response(asked, answer) == wanted


@given(writes, writes)
def test_confirmation_of_another_write_is_refused(asked: bytes, other: bytes) -> None:
    answer = pdu.write_response(other)
    if answer != asked[:5]:
        with pytest.raises(pdu.PduError):
            pdu.parse_response(asked, answer)


def test_coil_value_between_on_and_off_is_refused() -> None:
    with pytest.raises(pdu.PduError, match="0x00ff"):
        pdu.parse_request(bytes.fromhex("05000000ff"))


def test_range_past_the_last_address_is_refused_with_exception_2() -> None:
    with pytest.raises(pdu.PduError) as caught:
        pdu.parse_request(pdu.read_request(3, 65535, 2))
    assert caught.value.code == pdu.ILLEGAL_ADDRESS


def shifted_crc(data: bytes) -> int:
    """The register of the standard, shifted bit by bit (Modbus over Serial Line 1.02, 6.2.2)."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return register


@pytest.mark.parametrize("byte", range(256))
def test_every_byte_makes_of_the_register_what_shifting_gives(byte: int) -> None:
    assert crc16(bytes((byte,))) == shifted_crc(bytes((byte,)))


@given(garbage)
def test_crc_over_a_frame_with_its_crc_is_zero(data: bytes) -> None:
    assert crc16(data + crc16(data).to_bytes(2, "little")) == 0


@given(
    st.lists(st.one_of(garbage, requests.map(lambda one: rtu.frame(7, one))), max_size=4),
    st.lists(st.integers(0, 2000)),
)
def test_slave_parser_accounts_for_every_byte(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    parser = rtu.RtuRequests()
    found = [one for chunk in chunked(data, cuts) for one in parser.feed(chunk)] + parser.silence()
    assert sum(len(one) + 3 for _, one in found) + parser.noise == len(data)


@given(st.lists(st.tuples(st.integers(0, 247), requests), max_size=5), st.lists(st.integers(0, 2000)))
def test_requests_in_any_chunks_come_out_in_order(sent: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = b"".join(rtu.frame(*one) for one in sent)
    parser = rtu.RtuRequests()
    assert [one for chunk in chunked(data, cuts) for one in parser.feed(chunk)] == sent


@given(st.binary(max_size=40), st.integers(1, 247), requests)
def test_request_behind_noise_is_found_at_the_next_silence(noise: bytes, unit: int, asked: bytes) -> None:
    parser = rtu.RtuRequests()
    found = parser.feed(noise + rtu.frame(unit, asked)) + parser.silence()
    whole = [one for one in found if one == (unit, asked)]
    # Noise may by chance swallow the frame only when noise and frame together have a good CRC.
    assert whole or any(len(one[1]) > len(asked) for one in found)


def test_frame_of_unknown_function_comes_out_at_silence() -> None:
    parser = rtu.RtuRequests()
    assert parser.feed(rtu.frame(9, b"\x2b\x0e\x01\x00")) == []
    assert parser.silence() == [(9, b"\x2b\x0e\x01\x00")]


def test_broadcast_is_a_frame_of_unit_zero() -> None:
    assert rtu.RtuRequests().feed(rtu.frame(rtu.BROADCAST, b"\x06\x00\x01\x00\x0a")) == [(0, b"\x06\x00\x01\x00\x0a")]


@given(garbage, requests)
def test_master_parser_never_raises_and_never_holds_more_than_a_frame(data: bytes, asked: bytes) -> None:
    parser = RtuReply(17, asked)
    for byte in data:
        parser.feed(bytes([byte]))
        assert len(parser._buffer) <= rtu.MAX_FRAME


@pytest.mark.parametrize("reply", RTU_REPLIES, ids=bytes.hex)
def test_every_prefix_of_a_reply_is_incomplete_and_never_an_answer(reply: bytes) -> None:
    for end in range(len(reply)):
        parser = RtuReply(reply[0], ASKED)
        assert parser.feed(reply[:end]) is None
        assert parser.feed(reply[end:]) == reply[1:-2]


@pytest.mark.parametrize("asked", RTU_REQUESTS, ids=bytes.hex)
def test_every_prefix_of_a_request_is_incomplete(asked: bytes) -> None:
    for end in range(len(asked)):
        parser = rtu.RtuRequests()
        assert parser.feed(asked[:end]) == []
        assert parser.feed(asked[end:]) == [(asked[0], asked[1:-2])]


@pytest.mark.parametrize("frame", TCP, ids=bytes.hex)
def test_every_prefix_of_an_mbap_frame_is_incomplete(frame: bytes) -> None:
    for end in range(len(frame)):
        parser = tcp.MbapFrames()
        parser.feed(frame[:end])
        assert parser.next() is None
        parser.feed(frame[end:])
        assert parser.next() == (frame[0] << 8 | frame[1], frame[6], frame[7:])


def test_reply_of_another_unit_is_counted_and_passed_over() -> None:
    parser = RtuReply(17, ASKED)
    stranger = rtu.frame(18, bytes.fromhex("0304ffffffff"))
    assert parser.feed(stranger + rtu.frame(17, bytes.fromhex("0304008d008e"))) == bytes.fromhex("0304008d008e")
    assert (parser.wrong_unit, parser.noise) == (1, 0)


def test_reply_of_another_length_is_no_answer() -> None:
    parser = RtuReply(17, ASKED)
    assert parser.feed(rtu.frame(17, bytes.fromhex("0302008d"))) is None
    assert parser.finish() is None


def test_reply_whose_byte_count_is_wrong_is_no_answer() -> None:
    parser = RtuReply(17, ASKED)
    assert parser.feed(rtu.frame(17, bytes.fromhex("0305008d008e"))) is None


def test_damaged_reply_is_counted_and_the_repeated_one_is_taken() -> None:
    good = rtu.frame(17, bytes.fromhex("0304008d008e"))
    parser = RtuReply(17, ASKED)
    assert parser.feed(good[:4] + b"\x00" + good[5:] + good) == good[1:-2]
    assert parser.bad_crc == 1


def test_short_exception_behind_noise_that_looks_like_a_long_reply_is_found_at_the_end() -> None:
    parser = RtuReply(17, ASKED)
    assert parser.feed(b"\x11\x03\x04" + rtu.frame(17, b"\x83\x02")) is None
    assert parser.finish() == b"\x83\x02"


@given(garbage, st.lists(st.integers(0, 300)))
def test_any_bytes_are_mbap_frames_or_one_error(data: bytes, cuts: list[int]) -> None:
    parser = tcp.MbapFrames()
    try:
        for chunk in chunked(data, cuts):
            parser.feed(chunk)
            while (one := parser.next()) is not None:
                assert 1 <= len(one[2]) <= pdu.MAX_PDU
    except pdu.FrameError:
        with pytest.raises(pdu.FrameError):
            parser.next()


@pytest.mark.parametrize(
    ("header", "message"),
    [("000100010006", "protocol 1"), ("000100000001", "length 1"), ("0001000000ff", "length 255")],
)
def test_impossible_mbap_header_is_refused(header: str, message: str) -> None:
    parser = tcp.MbapFrames()
    parser.feed(bytes.fromhex(header) + b"\x01")
    with pytest.raises(pdu.FrameError, match=message):
        parser.next()
