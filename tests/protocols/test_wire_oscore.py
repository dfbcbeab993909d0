"""The parts of OSCORE against other implementations, and any bytes against `unprotect_*`."""

import hashlib
import hmac
import importlib
import importlib.util

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.wire import cbor_small, ccm, coap, hkdf, oscore, replay
from tests.firmware.logic.aes_reference import AesReference
from tests.fixtures.programs import missing

CREDENTIAL = (bytes(range(16)), b"salt", b"context")
BOARD = oscore.Context(AesReference, b"\x01", b"", CREDENTIAL)
GATEWAY = oscore.Context(AesReference, b"", b"\x01", CREDENTIAL)
CIPHER = AesReference(bytes(16))
FEW = settings(max_examples=60, deadline=None)
SIMPLE = st.none() | st.integers(0, 2**64 - 1) | st.binary(max_size=300) | st.text(max_size=80)
VALUES = st.recursive(SIMPLE, lambda inside: st.lists(inside, max_size=30))
OPTIONS = st.lists(
    st.tuples(st.sampled_from([3, 6, 7, 9, 9, 9, 11, 23, 27, 35, 39, 252, 2000]), st.binary(max_size=16)), max_size=4
)
OPTION_VALUES = st.builds(
    lambda flags, rest: bytes((flags,)) + rest,
    st.sampled_from([0x09, 0x19, 0x01, 0x1A, 0x05, 0]),
    st.binary(max_size=12),
)


@given(VALUES)
def test_cbor_is_what_cbor2_makes_of_it(value: list[object]) -> None:
    assert cbor_small.encode(value) == cbor2.dumps(value)


@pytest.mark.parametrize("value", [-1, 2**64, 1.5, True, {}, ["ok", -1]])
def test_cbor_refuses_what_it_does_not_know(value: list[object]) -> None:
    with pytest.raises(ValueError, match="only unsigned"):
        cbor_small.encode(value)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_hmac_is_that_of_the_standard_library(key: bytes, data: bytes) -> None:
    assert hkdf.hmac_sha256(key, data) == hmac.digest(key, data, "sha256")


def test_hkdf_of_rfc_5869() -> None:
    """Test cases 1 and 3 of its appendix A."""
    secret = b"\x0b" * 22
    found = hkdf.hkdf_sha256(secret, bytes(range(13)), bytes(range(0xF0, 0xFA)), 42)
    assert found.hex() == ("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
    assert hkdf.hkdf_sha256(secret, b"", b"", 42).hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )
    assert hkdf.hkdf_sha256(secret, b"", b"", 0) == b""
    assert len(hkdf.hkdf_sha256(secret, b"", b"", 255 * hashlib.sha256().digest_size)) == 8160
    with pytest.raises(ValueError, match="8160"):
        hkdf.hkdf_sha256(secret, b"", b"", 8161)


@FEW
@given(st.binary(max_size=100), st.binary(max_size=40), st.binary(min_size=13, max_size=13), st.data())
def test_ccm_opens_what_it_sealed_and_refuses_any_flipped_bit(
    plain: bytes, aad: bytes, nonce: bytes, data: st.DataObject
) -> None:
    sealed = ccm.seal(CIPHER, nonce, aad, plain)
    assert len(sealed) == len(plain) + ccm.TAG_BYTES
    assert ccm.unseal(CIPHER, nonce, aad, sealed) == plain
    whole = bytearray(nonce + aad + sealed)
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    whole[bit // 8] ^= 1 << bit % 8
    cut = 13 + len(aad)
    assert ccm.unseal(CIPHER, bytes(whole[:13]), bytes(whole[13:cut]), bytes(whole[cut:])) is None


def test_ccm_is_that_of_another_library() -> None:
    if importlib.util.find_spec("cryptography") is None:
        missing("cryptography is not installed")
    aead = importlib.import_module("cryptography.hazmat.primitives.ciphers.aead")
    for size in (0, 1, 15, 16, 17, 300):
        for aad in (b"", b"a", b"a" * 14, b"a" * 300):
            nonce = bytes(range(size % 5, 13 + size % 5))
            expected = aead.AESCCM(bytes(16), tag_length=8).encrypt(nonce, b"\xa5" * size, aad)
            assert ccm.seal(CIPHER, nonce, aad, b"\xa5" * size) == expected


@pytest.mark.parametrize(("nonce", "aad", "size"), [(12, 0, 0), (13, 0xFF00, 0), (13, 0, 0x10000)])
def test_ccm_refuses_sizes_that_the_format_cannot_hold(nonce: int, aad: int, size: int) -> None:
    with pytest.raises(ValueError, match="13 bytes"):
        ccm.seal(CIPHER, bytes(nonce), bytes(aad), bytes(size))


@FEW
@given(OPTIONS | st.builds(lambda value: [(oscore.OSCORE, value)], OPTION_VALUES | st.binary(max_size=20)), st.binary())
def test_any_bytes_raise_the_one_error(options: list[tuple[int, bytes]], payload: bytes) -> None:
    binding = oscore.protect_request(GATEWAY, 5, coap.GET, [], b"")[3]
    with pytest.raises(oscore.OscoreError):
        oscore.unprotect_request(BOARD, options, payload, replay.ReplayWindow())
    with pytest.raises(oscore.OscoreError):
        oscore.unprotect_response(GATEWAY, binding, options, payload)


@FEW
@given(st.binary(max_size=24))
def test_any_authentic_inside_is_read_or_raises_the_one_error(inside: bytes) -> None:
    """A peer that has the key may still send nonsense."""
    _, options, _, binding = oscore.protect_request(GATEWAY, 5, coap.GET, [], b"")
    external = cbor2.dumps([1, [10], binding.kid, binding.piv, b""])
    sealed = ccm.seal(GATEWAY.sends, binding.nonce, cbor2.dumps(["Encrypt0", b"", external]), inside)
    try:
        code = oscore.unprotect_request(BOARD, options, sealed, replay.ReplayWindow())[0]
    except oscore.OscoreError:
        return
    assert 0 < code < 32


@FEW
@given(
    st.integers(0, oscore.SEQUENCE_END - 1),
    st.integers(1, 31),
    st.lists(st.tuples(st.sampled_from([3, 7, 8, 11, 11, 12, 39, 65000]), st.binary(max_size=20)), max_size=6),
    st.binary(max_size=64),
)
def test_request_comes_out_as_it_went_in(
    sequence: int, code: int, options: list[tuple[int, bytes]], payload: bytes
) -> None:
    ordered = sorted(options, key=lambda one: one[0])
    _, outer, sealed, sent = oscore.protect_request(GATEWAY, sequence, code, ordered, payload)
    found = oscore.unprotect_request(BOARD, outer, sealed, replay.ReplayWindow())
    assert found[:4] == (code, ordered, payload, sequence)
    assert (found[4].kid, found[4].piv, found[4].nonce) == (sent.kid, sent.piv, sent.nonce)
    assert {number for number, _ in outer} <= {3, 7, 9, 39}


@given(st.lists(st.integers(0, 80), min_size=1, max_size=60))
def test_window_accepts_no_number_twice(numbers: list[int]) -> None:
    window = replay.ReplayWindow()
    window.start(10)
    accepted: list[int] = []
    for number in numbers:
        highest = max([10, *accepted])
        fresh = number > 10 and number not in accepted and highest - number < replay.SIZE
        assert window.replayed(number) is not fresh
        if fresh:
            window.accept(number)
            accepted.append(number)
