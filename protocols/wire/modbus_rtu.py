"""Modbus RTU framing: unit, PDU, CRC-16 (low byte first); at most 256 bytes.

Source: Modbus over Serial Line 1.02, 2.5.1. The specification frames by silence; adapters and operating
systems do not keep it, so both parsers frame by length and CRC and search on after noise, byte by byte.
Time and silence are the caller's: `RtuRequests.silence` tells of it. Shared with the firmware (MicroPython
subset).

    offset  size  field
    0       1     unit (0: to all, nobody answers)
    1       n     PDU, 1-253 bytes
    n + 1   2     CRC-16 over all before, low byte first
"""

import struct

from protocols.wire.crc import crc16
from protocols.wire.modbus_request import WRITE_COILS, WRITE_REGISTERS

BROADCAST = 0
MAX_FRAME = 256
_FIXED_REQUEST_SIZE = 8


def frame(unit: int, pdu: bytes) -> bytes:
    """The bytes on the line for ``pdu`` to or from ``unit`` (0-255)."""
    head = bytes((unit,)) + pdu
    return head + struct.pack("<H", crc16(head))


def checked(data: "bytes | bytearray | memoryview") -> bool:
    """Whether ``data`` is a whole frame: 4-256 bytes that end in their own CRC."""
    # The CRC over a frame with its own CRC is always zero.
    return 4 <= len(data) <= MAX_FRAME and crc16(data) == 0


def _request_size(buffer: bytearray) -> int:
    """Bytes of the request at the start of ``buffer``; 0: not known yet; -1: never known (other function)."""
    if len(buffer) < 2:
        return 0
    function = buffer[1]
    if 1 <= function <= 6:
        return _FIXED_REQUEST_SIZE
    if function not in (WRITE_COILS, WRITE_REGISTERS):
        return -1
    return 9 + buffer[6] if len(buffer) > 6 else 0


class RtuRequests:
    """Slave side: bytes in, requests out. ``noise`` counts bytes that belong to no frame."""

    def __init__(self) -> None:
        self.noise = 0
        self._buffer = bytearray()

    def feed(self, data: "bytes | bytearray | memoryview") -> "list[tuple[int, bytes]]":
        """All requests now complete as (unit, PDU); each has a good CRC. Raises nothing for any bytes."""
        self._buffer += data
        found: "list[tuple[int, bytes]]" = []
        while True:
            size = _request_size(self._buffer)
            if size > MAX_FRAME or (size < 0 and len(self._buffer) > MAX_FRAME):
                self._drop(1)
            elif size <= 0 or len(self._buffer) < size:
                return found
            elif checked(memoryview(self._buffer)[:size]):
                found.append(self._take(size))
            else:
                self._drop(1)

    def silence(self) -> "list[tuple[int, bytes]]":
        """The line was quiet for 3.5 characters: what is here is all there is. Leaves nothing buffered.

        A frame of a function this parser does not know comes out here, so that the slave can refuse it: only where it
        is all there is. To look for one behind each byte of noise keeps a small chip from its work for seconds.
        """
        found: "list[tuple[int, bytes]]" = []
        if _request_size(self._buffer) < 0 and checked(self._buffer):
            found.append(self._take(len(self._buffer)))
        while self._buffer:
            self._drop(1)
            found += self.feed(b"")
        return found

    def _take(self, size: int) -> "tuple[int, bytes]":
        one = (self._buffer[0], bytes(self._buffer[1 : size - 2]))
        self._buffer = self._buffer[size:]
        return one

    def _drop(self, count: int) -> None:
        self.noise += count
        self._buffer = self._buffer[count:]
