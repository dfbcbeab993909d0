"""Frames in words: what stands in golden bytes is told, and no bytes at all raise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.explain import explain, explain_all
from protocols.explain.link import NAMES
from protocols.wire import coap, link, modbus_rtu, modbus_tcp
from protocols.wire.modbus_pdu import exception_response, read_request, read_response, write_coil_request

TRANSPORTS = [
    "modbus-tcp",
    "modbus-rtu",
    "modbus-rtu-tcp",
    "coap",
    "serial-link",
    "mqtt",
    "opcua",
    "http",
    "unheard-of",
]


@pytest.mark.parametrize(
    ("pdu", "outgoing", "said"),
    [
        (read_request(4, 0, 10), True, "read input registers 0 to 9"),
        (read_request(1, 7, 1), True, "read coils 7"),
        (write_coil_request(0, True), True, "write coil 0 = 1"),
        (bytes.fromhex("100001000204000a0102"), True, "write registers 1 to 2 = 10 258"),
        (read_response(4, bytes.fromhex("000a0102")), False, "answers «read input registers»: 10 258"),
        (read_response(1, b"\x05"), False, "answers «read coils»: 1 0 1 0 0 0 0 0"),
        (bytes.fromhex("050000ff00"), False, "confirms «write coil» 0, value 65280"),
        (exception_response(4, 2), False, "refuses «read input registers»: exception 2 (illegal data address)"),
        (b"\x63\x01", True, "a request that breaks the specification: function 99 is not supported"),
        (b"\x04\x09\x00", False, "an answer that breaks the specification: 3 bytes of function 4"),
    ],
)
def test_a_modbus_frame_is_told_on_both_framings(pdu, outgoing, said):
    assert explain("modbus-tcp", modbus_tcp.frame(513, 5, pdu), outgoing) == [f"transaction 513 unit 5: {said}"]
    assert explain("modbus-rtu", modbus_rtu.frame(5, pdu), outgoing) == [f"unit 5: {said}"]


def test_long_answers_are_cut():
    (line,) = explain("modbus-tcp", modbus_tcp.frame(1, 1, read_response(3, bytes(200))), False)
    assert line.endswith("... (100 values)")


def test_several_frames_of_one_piece_are_several_lines():
    data = modbus_tcp.frame(1, 5, read_request(4, 0, 1)) + modbus_tcp.frame(2, 5, read_request(4, 9, 1))
    assert [line[:13] for line in explain("modbus-tcp", data, True)] == ["transaction 1", "transaction 2"]


def test_a_damaged_serial_frame_is_told_as_such():
    frame = bytearray(modbus_rtu.frame(5, read_request(4, 0, 10)))
    frame[3] ^= 1
    assert explain("modbus-rtu", bytes(frame), True) == ["8 bytes without a good CRC: half a frame, or noise"]


def test_a_coap_post_is_told():
    options = [(coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, b"\x6e"), (27, b"\x1a")]
    data = coap.encode(coap.CON, coap.POST, 4711, b"\xab", options, payload=b'[{"n":"x","v":1}]')
    assert explain("coap", data, False) == [
        'CON POST mid 4711 token ab Uri-Path readings Content-Format 110 Block1 1+ of 64 [[{"n":"x","v":1}]]'
    ]
    assert explain("coap", coap.encode(coap.ACK, coap.EMPTY, 7), True) == ["ACK mid 7"]


def test_what_oscore_protects_is_not_shown_even_where_it_looks_like_text():
    data = coap.encode(coap.CON, coap.POST, 1, b"", [(9, b"\x09\x14")], payload=b"looks like text")
    (line,) = explain("coap", data, False)
    assert line == "CON POST mid 1 no token OSCORE 0914 [15 bytes, protected]"


def test_a_frame_of_the_serial_link_is_told():
    data = link.encode(link.HELLO, 3, 9, (12, 10203), b"east:gas:0001")
    assert explain("serial-link", data, False) == ["board 3 turn 9: hello boot 12 firmware 10203 [east:gas:0001]"]
    assert explain("serial-link", b"\0" + data[1:4] + b"\0", False)[0].startswith("no frame: ")


def test_every_kind_of_the_serial_link_has_its_words():
    assert set(NAMES) == set(link.BODIES)


def test_text_is_shown_where_there_is_no_decoder():
    assert explain("mqtt", '{"温度": 21}'.encode(), False) == ['{"温度": 21}']
    assert explain("mqtt", b"\x30\x01\x00", False) == []


@pytest.mark.parametrize("transport", TRANSPORTS)
@given(data=st.binary(max_size=300), outgoing=st.booleans())
def test_any_bytes_become_lines_of_printable_text(transport, data, outgoing):
    lines = explain(transport, data, outgoing)
    assert all(line and line.isprintable() for line in lines)


@given(pdu=st.binary(min_size=1, max_size=253), outgoing=st.booleans())
def test_any_pdu_in_a_good_frame_becomes_one_line(pdu, outgoing):
    assert len(explain("modbus-tcp", modbus_tcp.frame(1, 1, pdu), outgoing)) == 1
    assert len(explain("modbus-rtu", modbus_rtu.frame(1, pdu), outgoing)) == 1


def test_a_serial_frame_in_pieces_is_told_at_its_last_piece():
    asked, answer = modbus_rtu.frame(5, read_request(4, 0, 1)), modbus_rtu.frame(5, read_response(4, b"\0\x0a"))
    pieces = [(True, asked), (False, answer[:3]), (False, answer[3:5]), (False, answer[5:]), (True, asked)]
    told = [["unit 5: read input registers 0"], [], [], ["unit 5: answers «read input registers»: 10"]]
    assert explain_all("modbus-rtu", pieces) == [*told, told[0]]
    frame = link.encode(link.IDLE, 3, 9, (0,))
    assert explain_all("serial-link", [(False, frame[:4]), (False, frame[4:])]) == [
        [],
        ["board 3 turn 9: idle flags 0"],
    ]


def test_noise_before_a_serial_frame_does_not_hide_it():
    frame = modbus_rtu.frame(5, read_request(4, 0, 1))
    noise, told = explain_all("modbus-rtu", [(True, b"\x55\x55"), (True, frame)])
    assert (noise, told) == (["2 bytes without a good CRC: half a frame, or noise"], ["unit 5: read input registers 0"])


@given(transport=st.sampled_from(TRANSPORTS), pieces=st.lists(st.tuples(st.booleans(), st.binary(max_size=40))))
def test_there_are_as_many_tellings_as_pieces(transport, pieces):
    assert len(explain_all(transport, pieces)) == len(pieces)
