"""The CoAP codec: golden messages, any bytes, and the reference implementation as a peer."""

import json
from pathlib import Path
from typing import Any

import aiocoap
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.wire import coap

VECTOR_FILE = Path(__file__).parents[1] / "vectors/coap.json"
VECTORS = json.loads(VECTOR_FILE.read_text(encoding="utf-8"))["vectors"]
GOOD = [vector for vector in VECTORS if "expect" in vector]
BAD = [vector for vector in VECTORS if "error" in vector]
TYPES = ("CON", "NON", "ACK", "RST")


def _id(vector: dict[str, Any]) -> str:
    return str(vector["id"])


@pytest.mark.parametrize("vector", GOOD, ids=_id)
def test_golden_message_is_decoded_as_published(vector: dict[str, Any]) -> None:
    kind, code, mid, token, options, payload = coap.decode(bytes.fromhex(vector["hex"]))
    seen = {
        "type": TYPES[kind],
        "code": f"{code >> 5}.{code & 31:02d}",
        "mid": mid,
        "token": token.hex(),
        "options": [[number, value.hex()] for number, value in options],
        "payload": payload.hex() or None,
    }
    assert {key: seen[key] for key in vector["expect"]} == vector["expect"]


@pytest.mark.parametrize("vector", GOOD, ids=_id)
def test_golden_message_is_encoded_to_the_same_bytes(vector: dict[str, Any]) -> None:
    kind, code, mid, token, options, payload = coap.decode(bytes.fromhex(vector["hex"]))
    assert coap.encode(kind, code, mid, token, options, payload=payload).hex() == vector["hex"]


@pytest.mark.parametrize("vector", BAD, ids=_id)
def test_malformed_message_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(coap.CoapError):
        coap.decode(bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize(
    "datagram",
    [
        pytest.param("", id="nothing"),
        pytest.param("4001", id="header cut off"),
        pytest.param("00011234", id="version 0"),
        pytest.param("4100123401", id="empty message with a token"),
        pytest.param("4000123400", id="empty message with an option"),
        pytest.param("50001234", id="empty NON"),
        pytest.param("70011234", id="Reset with a code"),
        pytest.param("60011234", id="ACK with a request code"),
        pytest.param("40e11234", id="reserved class 7"),
        pytest.param("40011234d0", id="8-bit delta cut off"),
        pytest.param("40011234e001", id="16-bit delta cut off"),
        pytest.param("400112340d", id="8-bit length cut off"),
        pytest.param("4001123403aabb", id="value cut off"),
        pytest.param("40011234e0fef210", id="option number 65536"),
        pytest.param("40011234e0fef210ff00", id="option number 65536 before a payload"),
    ],
)
def test_what_a_receiver_must_reject_is_refused(datagram: str) -> None:
    with pytest.raises(coap.CoapError):
        coap.decode(bytes.fromhex(datagram))


@given(st.binary(max_size=80))
def test_any_bytes_give_a_message_or_the_one_error(datagram: bytes) -> None:
    try:
        kind, code, mid, token, options, payload = coap.decode(datagram)
    except coap.CoapError:
        return
    again = coap.encode(kind, code, mid, token, options, payload=payload)
    assert coap.decode(again) == (kind, code, mid, token, options, payload)


@pytest.mark.parametrize("vector", VECTORS, ids=_id)
def test_every_prefix_of_a_golden_message_gives_a_message_or_the_one_error(vector: dict[str, Any]) -> None:
    whole = bytes.fromhex(vector["hex"])
    for size in range(len(whole)):
        try:
            kind, code, mid, token, options, payload = coap.decode(whole[:size])
        except coap.CoapError:
            continue
        assert coap.encode(kind, code, mid, token, options, payload=payload) == whole[:size]


OPTIONS = st.lists(st.tuples(st.integers(2000, 65535), st.binary(max_size=300)), max_size=4)


@given(
    st.sampled_from((coap.CON, coap.NON)),
    st.sampled_from((coap.GET, coap.POST, coap.PUT, coap.CHANGED, coap.NOT_FOUND)),
    st.integers(0, 65535),
    st.binary(max_size=8),
    OPTIONS,
    st.binary(max_size=20),
)
def test_encoded_message_is_read_by_aiocoap_as_meant(
    kind: int, code: int, mid: int, token: bytes, options: list[tuple[int, bytes]], payload: bytes
) -> None:
    options.sort(key=lambda option: option[0])
    datagram = coap.encode(kind, code, mid, token, options, payload=payload)
    peer = aiocoap.Message.decode(datagram)
    assert (int(peer.mtype), int(peer.code), peer.mid, peer.token) == (kind, code, mid, token)
    assert peer.payload == payload
    assert [(int(one.number), one.encode()) for one in peer.opt.option_list()] == options
    assert coap.decode(datagram) == (kind, code, mid, token, options, payload)


@pytest.mark.parametrize("size", [0, 12, 13, 268, 269, 1000])
def test_each_form_of_delta_and_length_is_read_by_aiocoap_as_meant(size: int) -> None:
    options = [(2048, b""), (2048 + size, bytes(size))]
    datagram = coap.encode(coap.NON, coap.POST, 1, b"", options)
    assert [(int(one.number), one.encode()) for one in aiocoap.Message.decode(datagram).opt.option_list()] == options
    assert coap.decode(datagram)[4] == options


def test_message_that_cannot_be_is_a_fault_of_the_caller() -> None:
    for arguments in ((4, 1, 1), (0, 256, 1), (0, 1, 65536), (0, 1, -1), (0, 1, 1, bytes(9))):
        with pytest.raises(ValueError, match="out of range"):
            coap.encode(*arguments)
    with pytest.raises(ValueError, match="out of order"):
        coap.encode(coap.CON, coap.GET, 1, b"", ((12, b""), (11, b"")))


@pytest.mark.parametrize(
    ("datagram", "answer"),
    [
        ("59691234000000000000000000", None),
        ("49691234000000000000000000", "70001234"),
        ("400112341f", "70001234"),
        ("80011234", None),
        ("6001123401", None),
        ("400112", None),
    ],
)
def test_only_a_confirmable_message_is_rejected_aloud(datagram: str, answer: str | None) -> None:
    reset = coap.reject(bytes.fromhex(datagram))
    assert (reset and reset.hex()) == answer


@given(st.integers(0, 2**32 - 1))
def test_uint_option_is_shortest_and_reads_back(value: int) -> None:
    encoded = coap.uint_bytes(value)
    assert coap.uint(encoded) == coap.uint(b"\0" + encoded) == value
    assert len(encoded) == (value.bit_length() + 7) // 8


def test_options_are_found_by_number() -> None:
    options = [(3, b"h"), (7, b"\x16\x33"), (11, b"a"), (11, b"b"), (14, b"<")]
    assert coap.path_of(options) == [b"a", b"b"]
    assert coap.option(options, coap.MAX_AGE) == b"<"
    assert coap.option(options, coap.ACCEPT) is None
    assert coap.unknown_critical(options, (coap.URI_HOST, coap.URI_PATH)) == coap.URI_PORT
    assert coap.unknown_critical(options, (coap.URI_HOST, coap.URI_PORT, coap.URI_PATH)) == 0
    assert coap.code_text(coap.CHANGED) == "2.04"
