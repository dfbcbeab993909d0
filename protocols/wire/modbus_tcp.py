"""Modbus TCP framing (MBAP). Source: Modbus Messaging on TCP/IP 1.0b, 3.1.3. Shared with the firmware.

offset  size  field
0       2     transaction, copied by the slave, high byte first
2       2     protocol, always 0
4       2     length of what follows: 2-254
6       1     unit
7       n     PDU, 1-253 bytes
"""

import struct

from protocols.wire.modbus_request import MAX_PDU, ModbusError

HEADER = 7


class FrameError(ModbusError):
    """A frame that breaks the specification where no re-synchronization is possible (MBAP)."""


def frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    """The bytes for ``pdu``; ``transaction`` 0-65535."""
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


class MbapFrames:
    """Bytes in, frames out, either direction."""

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def is_empty(self) -> bool:
        """Whether nothing of a frame to come is here yet."""
        return not self._buffer

    def feed(self, data: "bytes | bytearray | memoryview") -> None:
        """Add what was received."""
        self._buffer += bytes(data)

    def next(self) -> "tuple[int, int, bytes] | None":
        """The next frame as (transaction, unit, PDU), or ``None`` while it is incomplete.

        Raises `FrameError` for another protocol or an impossible length: the stream cannot be read on.
        """
        buffer = self._buffer
        if len(buffer) < HEADER:
            return None
        transaction, protocol, length, unit = struct.unpack(">HHHB", buffer[:HEADER])
        if protocol:
            raise FrameError("MBAP protocol {} where only 0 exists: this is no Modbus peer".format(protocol))
        if not 2 <= length <= MAX_PDU + 1:
            raise FrameError("MBAP length {}; 2 to {} are possible".format(length, MAX_PDU + 1))
        end = HEADER - 1 + length
        if len(buffer) < end:
            return None
        self._buffer = buffer[end:]
        return transaction, unit, buffer[HEADER:end]
