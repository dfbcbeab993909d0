"""The uplink that the door knows at sight is what the decoder would have made of it."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.transports.coap.door import _PLAIN, _PLAIN_OPTIONS, _plain_payload
from protocols.wire import coap

FIRST = st.sampled_from(
    [version_and_type << 4 | token for version_and_type in (4, 5, 6, 0, 12) for token in (0, 1, 8, 9)]
)
CODES = st.sampled_from([coap.POST, coap.POST, coap.POST, coap.GET, coap.CHANGED])
OPTIONS = st.sampled_from([_PLAIN, _PLAIN, _PLAIN, _PLAIN[:-1], b"\xb8readings\xff", b"\xb8readings\x11\x70\xff", b""])


@given(FIRST, CODES, OPTIONS, st.binary(max_size=3))
def test_what_is_known_at_sight_decodes_to_the_same(first: int, code: int, options: bytes, payload: bytes) -> None:
    data = bytes((first, code, 1, 2)) + bytes(first & 15) + options + payload
    start = _plain_payload(data)
    if start:
        expected = (data[0] >> 4 & 3, coap.POST, data[2] << 8 | data[3], data[4 : start - len(_PLAIN)])
        assert coap.decode(data) == (*expected, _PLAIN_OPTIONS, data[start:])


@given(st.sampled_from([coap.CON, coap.NON]), st.integers(0, 0xFFFF), st.binary(max_size=8), st.binary(min_size=1))
def test_every_plain_uplink_is_known_at_sight(kind: int, mid: int, token: bytes, payload: bytes) -> None:
    data = coap.encode(kind, coap.POST, mid, token, _PLAIN_OPTIONS, payload=payload)
    assert data[_plain_payload(data) :] == payload


@given(st.binary(max_size=40))
def test_bytes_at_will_never_fail_the_look(data: bytes) -> None:
    assert 0 <= _plain_payload(data) <= len(data)
