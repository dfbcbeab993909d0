"""Modbus application protocol: the PDU (function code and data), both directions.

Source: Modbus Application Protocol 1.1b3, 6.1-6.6, 6.11, 6.12 and 7. Function codes 1-6, 15 and 16 only.
It knows no framing, no socket and no register map. What a slave needs is in `modbus_request`, and told from here too.

    ModbusError
    ├── PduError        the peer's PDU breaks the specification (``code``: what a slave answers)
    ├── FrameError      the peer's frame breaks the specification: close the connection
    └── ExceptionReply  the slave understood and refuses (``code``)
"""

import struct

from protocols.wire.modbus_request import (
    BIT_FUNCTIONS,
    COIL_OFF,
    COIL_ON,
    DEVICE_FAILURE,
    ERROR_BIT,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    MAX_PDU,
    MAX_READ_BITS,
    MAX_READ_REGISTERS,
    MAX_WRITE_BITS,
    MAX_WRITE_REGISTERS,
    READ_COILS,
    READ_DISCRETE,
    READ_HOLDING,
    READ_INPUT,
    READS,
    WRITE_COIL,
    WRITE_COILS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    ModbusError,
    PduError,
    Request,
    exception_response,
    parse_request,
    unpack_bits,
    unpack_registers,
    write_response,
)
from protocols.wire.modbus_tcp import FrameError

__all__ = (
    "BIT_FUNCTIONS",
    "COIL_OFF",
    "COIL_ON",
    "DEVICE_FAILURE",
    "ERROR_BIT",
    "ILLEGAL_ADDRESS",
    "ILLEGAL_FUNCTION",
    "ILLEGAL_VALUE",
    "MAX_PDU",
    "MAX_READ_BITS",
    "MAX_READ_REGISTERS",
    "MAX_WRITE_BITS",
    "MAX_WRITE_REGISTERS",
    "READS",
    "READ_COILS",
    "READ_DISCRETE",
    "READ_HOLDING",
    "READ_INPUT",
    "WRITE_COIL",
    "WRITE_COILS",
    "WRITE_REGISTER",
    "WRITE_REGISTERS",
    "ExceptionReply",
    "FrameError",
    "ModbusError",
    "PduError",
    "Request",
    "exception_response",
    "pack_bits",
    "pack_registers",
    "parse_request",
    "parse_response",
    "read_request",
    "read_response",
    "response_size",
    "unpack_bits",
    "unpack_registers",
    "write_coil_request",
    "write_coils_request",
    "write_register_request",
    "write_registers_request",
    "write_response",
)


class ExceptionReply(ModbusError):
    """The slave answered with an exception. ``function``: what was asked; ``code``: 1-255 (section 7)."""

    def __init__(self, function: int, code: int) -> None:
        super().__init__("the slave refuses function {} with exception {}".format(function, code))
        self.function = function
        self.code = code


def pack_bits(bits: "tuple[int, ...]") -> bytes:
    """Bits packed eight a byte, the first in the lowest bit, the last byte filled with zeros."""
    packed = bytearray((len(bits) + 7) // 8)
    for index, bit in enumerate(bits):
        if bit:
            packed[index >> 3] |= 1 << (index & 7)
    return bytes(packed)


def pack_registers(registers: "tuple[int, ...]") -> bytes:
    """Registers (0-65535) as bytes, the high byte first."""
    return struct.pack(">" + "H" * len(registers), *registers)


def read_request(function: int, address: int, count: int) -> bytes:
    """Ask for ``count`` bits or registers from ``address`` (function 1-4)."""
    return struct.pack(">BHH", function, address, count)


def write_coil_request(address: int, on: bool) -> bytes:
    """Set one coil (function 5)."""
    return struct.pack(">BHH", WRITE_COIL, address, COIL_ON if on else COIL_OFF)


def write_register_request(address: int, value: int) -> bytes:
    """Set one holding register to 0-65535 (function 6)."""
    return struct.pack(">BHH", WRITE_REGISTER, address, value)


def write_coils_request(address: int, bits: "tuple[int, ...]") -> bytes:
    """Set coils from ``address`` (function 15)."""
    data = pack_bits(bits)
    return struct.pack(">BHHB", WRITE_COILS, address, len(bits), len(data)) + data


def write_registers_request(address: int, registers: "tuple[int, ...]") -> bytes:
    """Set holding registers from ``address`` (function 16)."""
    count = len(registers)
    return struct.pack(">BHHB", WRITE_REGISTERS, address, count, count * 2) + pack_registers(registers)


def read_response(function: int, data: bytes) -> bytes:
    """Answer a read: ``data`` from `pack_bits` or `pack_registers`."""
    return struct.pack(">BB", function, len(data)) + data


def response_size(request_pdu: bytes) -> int:
    """Length of the good answer's PDU to a request of our own making."""
    function = request_pdu[0]
    if function not in READS:
        return 5
    count = (request_pdu[3] << 8) | request_pdu[4]
    return 2 + ((count + 7) // 8 if function in BIT_FUNCTIONS else count * 2)


def parse_response(request_pdu: bytes, pdu: bytes) -> bytes:
    """The data of the answer to a request of our own making (for writes: nothing).

    Raises `ExceptionReply` when the slave refuses and `PduError` for anything that is not its answer.
    """
    function = request_pdu[0]
    if len(pdu) == 2 and pdu[0] == function | ERROR_BIT and pdu[1]:
        raise ExceptionReply(function, pdu[1])
    if not pdu or pdu[0] != function or len(pdu) != response_size(request_pdu):
        raise PduError(ILLEGAL_VALUE, "{} bytes are no answer to function {}".format(len(pdu), function))
    if function not in READS:
        if pdu != request_pdu[:5]:
            raise PduError(ILLEGAL_VALUE, "the slave confirms another write than was asked")
        return b""
    if pdu[1] != len(pdu) - 2:
        raise PduError(ILLEGAL_VALUE, "byte count {} with {} bytes".format(pdu[1], len(pdu) - 2))
    return bytes(pdu[2:])
