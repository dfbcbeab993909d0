"""HKDF with SHA-256 (RFC 5869) on HMAC (RFC 2104): MicroPython has `hashlib` but no `hmac`."""

import hashlib

_BLOCK = 64
_HASH = 32


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256 of ``data``: 32 bytes."""
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    key = key + bytes(_BLOCK - len(key))
    inner = hashlib.sha256(bytes([byte ^ 0x36 for byte in key]) + data).digest()
    return hashlib.sha256(bytes([byte ^ 0x5C for byte in key]) + inner).digest()


def hkdf_sha256(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """``length`` bytes of key material (0 to 8160; more raises `ValueError`). An empty salt is 32 zero bytes."""
    if not 0 <= length <= 255 * _HASH:
        raise ValueError("HKDF-SHA-256 gives 0 to 8160 bytes")
    pseudorandom = hmac_sha256(salt or bytes(_HASH), secret)
    found = b""
    last = b""
    counter = 1
    while len(found) < length:
        last = hmac_sha256(pseudorandom, last + info + bytes((counter,)))
        found += last
        counter += 1
    return found[:length]
