"""AES-128 in ECB mode from MicroPython's own `cryptolib`, as `protocols.wire.ccm` wants it."""

import cryptolib

_ECB = 1


def aes_ecb(key: bytes):
    """The block cipher of ``key`` (16 bytes)."""
    return cryptolib.aes(key, _ECB)
