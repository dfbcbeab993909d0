"""AES-CCM-16-64-128: authenticated encryption (RFC 3610; COSE algorithm 10, RFC 9053, section 4.2).

    nonce 13 bytes, length field 2 bytes, tag 8 bytes: message = ciphertext (as long as the plaintext) + tag

The cipher is passed in as an object like `BlockCipher`; under MicroPython that is ``cryptolib.aes(key, 1)``.
"""

import struct

NONCE_BYTES = 13
TAG_BYTES = 8
_BLOCK = 16
# Flags of B_0: additional data present, (8 - 2) / 2 for the tag, 2 - 1 for the length (RFC 3610, section 2.2).
_FLAGS = 0x40 | (TAG_BYTES - 2) // 2 << 3 | 1


class BlockCipher:
    """AES-128 in ECB mode under one key: what this file needs of a library. CPython's hosts subclass it."""

    def __init__(self, key: bytes):
        raise NotImplementedError  # the cipher is the host's library or the board's `cryptolib`

    def encrypt(self, data: bytes) -> bytes:
        """Encrypt each 16-byte block of ``data``, which holds any whole number of them."""
        raise NotImplementedError  # the cipher is the host's library or the board's `cryptolib`


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _BLOCK)


def _xor(one: bytes, other: bytes) -> bytes:
    """Byte by byte; as long as ``one``, which is not longer than ``other``. Whole numbers: a loop takes 10 times."""
    size = len(one)
    mixed = int.from_bytes(one, "big") ^ int.from_bytes(other[:size], "big")
    return mixed.to_bytes(size, "big") if size else b""


def _tag(cipher: BlockCipher, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
    """CBC-MAC over the formatted message (section 2.2), not yet encrypted."""
    first = bytes((_FLAGS if aad else _FLAGS & 0x3F,)) + nonce + struct.pack(">H", len(plaintext))
    head = _padded(struct.pack(">H", len(aad)) + aad) if aad else b""
    data = first + head + _padded(plaintext)
    state = bytes(_BLOCK)
    for start in range(0, len(data), _BLOCK):
        state = cipher.encrypt(_xor(state, data[start : start + _BLOCK]))
    return state[:TAG_BYTES]


def _stream(cipher: BlockCipher, nonce: bytes, size: int) -> bytes:
    """Key stream of section 2.3: block 0 (for the tag) and as many as ``size`` bytes need."""
    count = 1 + (size + _BLOCK - 1) // _BLOCK
    return cipher.encrypt(b"".join([b"\x01" + nonce + struct.pack(">H", number) for number in range(count)]))


def _check(nonce: bytes, aad: bytes, size: int) -> None:
    if len(nonce) != NONCE_BYTES or len(aad) >= 0xFF00 or size > 0xFFFF:
        raise ValueError("nonce of 13 bytes, additional data below 65280 bytes, text of at most 65535 bytes")


def seal(cipher: BlockCipher, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
    """Ciphertext and tag. Raises `ValueError` for sizes that the format cannot hold (a fault of the caller)."""
    _check(nonce, aad, len(plaintext))
    stream = _stream(cipher, nonce, len(plaintext))
    tag = _xor(_tag(cipher, nonce, aad, plaintext), stream)
    return _xor(plaintext, stream[_BLOCK:]) + tag


def unseal(cipher: BlockCipher, nonce: bytes, aad: bytes, sealed: bytes) -> bytes | None:
    """The plaintext, or ``None`` for what was not sealed with this key, nonce and additional data.

    All bytes of the tag are compared before it answers. Raises `ValueError` as `seal` does.
    """
    size = len(sealed) - TAG_BYTES
    if size < 0:
        return None
    _check(nonce, aad, size)
    stream = _stream(cipher, nonce, size)
    plaintext = _xor(sealed[:size], stream[_BLOCK:])
    expected = _xor(_tag(cipher, nonce, aad, plaintext), stream)
    difference = 0
    for one, other in zip(expected, sealed[size:]):  # noqa: B905 - MicroPython's zip has no strict
        difference |= one ^ other
    return None if difference else plaintext
