"""Consistent Overhead Byte Stuffing: any bytes as bytes without 0x00, so that 0x00 can part frames on a line.

Source: Cheshire and Baker, «Consistent Overhead Byte Stuffing», IEEE/ACM Transactions on Networking 7 (2), 1999.
A frame grows by one byte, and one more for every 254. Shared with the firmware (MicroPython subset).

    code   what follows                                  stands for
    0x01   nothing                                       00
    n      n - 1 bytes, none of them 00 (n < 0xFF)       those bytes and 00
    0xFF   254 bytes, none of them 00                    those bytes

The 00 of the last block is not part of the data.
"""

LONGEST_BLOCK = 254


class CobsError(Exception):
    """Bytes that are no encoding: a 0x00 inside, nothing at all, or a block that is cut."""


def encoded_size(size: int) -> int:
    """The most bytes that ``size`` bytes become."""
    return size + 1 + size // LONGEST_BLOCK


def encode(data: "bytes | bytearray | memoryview") -> bytes:
    """``data`` without any 0x00; at most `encoded_size` bytes, at least one."""
    out = bytearray(encoded_size(len(data)))
    code_at = 0
    end = 1
    for byte in data:
        # A full block is closed only when more follows: 254 bytes at the end need no empty block behind them.
        if end - code_at > LONGEST_BLOCK:
            out[code_at] = 0xFF
            code_at = end
            end += 1
        if byte:
            out[end] = byte
        else:
            out[code_at] = end - code_at
            code_at = end
        end += 1
    out[code_at] = end - code_at
    return bytes(memoryview(out)[:end])


def decode(data: "bytes | bytearray | memoryview") -> bytes:
    """Reverse of `encode`; raises `CobsError` for anything else. A needless empty last block is forgiven."""
    size = len(data)
    if not size or bytes(data).find(b"\0") >= 0:
        raise CobsError("0x00 inside" if size else "nothing to decode")
    view = memoryview(data)
    out = bytearray(size)
    at = end = 0
    full = True
    while at < size:
        code = view[at]
        stop = at + code
        if stop > size:
            raise CobsError("a block of {} at {} of {} bytes".format(code, at, size))
        if not full:
            end += 1
        out[end : end + code - 1] = view[at + 1 : stop]
        end += code - 1
        at = stop
        full = code > LONGEST_BLOCK
    return bytes(memoryview(out)[:end])
