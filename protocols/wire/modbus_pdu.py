"""Modbus application protocol: the PDU (function code and data), both directions.

Source: Modbus Application Protocol 1.1b3, 6.1-6.6, 6.11, 6.12 and 7. Function codes 1-6, 15 and 16 only.
Shared with the firmware (MicroPython subset). It knows no framing, no socket and no register map.

    ModbusError
    ├── PduError        the peer's PDU breaks the specification (``code``: what a slave answers)
    ├── FrameError      the peer's frame breaks the specification: close the connection
    └── ExceptionReply  the slave understood and refuses (``code``)
"""

import struct

READ_COILS = 1
READ_DISCRETE = 2
READ_HOLDING = 3
READ_INPUT = 4
WRITE_COIL = 5
WRITE_REGISTER = 6
WRITE_COILS = 15
WRITE_REGISTERS = 16

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
DEVICE_FAILURE = 4

MAX_PDU = 253
MAX_READ_BITS = 2000
MAX_READ_REGISTERS = 125
MAX_WRITE_BITS = 1968
MAX_WRITE_REGISTERS = 123

ERROR_BIT = 0x80
COIL_ON = 0xFF00
COIL_OFF = 0x0000

READS = (READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT)
BIT_FUNCTIONS = (READ_COILS, READ_DISCRETE, WRITE_COILS)
_MAX_COUNT = {
    READ_COILS: MAX_READ_BITS,
    READ_DISCRETE: MAX_READ_BITS,
    READ_HOLDING: MAX_READ_REGISTERS,
    READ_INPUT: MAX_READ_REGISTERS,
    WRITE_COILS: MAX_WRITE_BITS,
    WRITE_REGISTERS: MAX_WRITE_REGISTERS,
}


class ModbusError(Exception):
    """Anything wrong with what a peer sent."""


class PduError(ModbusError):
    """A PDU that breaks the specification. ``code`` is the exception code a slave answers with."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class FrameError(ModbusError):
    """A frame that breaks the specification where no re-synchronization is possible (MBAP)."""


class ExceptionReply(ModbusError):
    """The slave answered with an exception. ``function``: what was asked; ``code``: 1-255 (section 7)."""

    def __init__(self, function: int, code: int) -> None:
        super().__init__("the slave refuses function {} with exception {}".format(function, code))
        self.function = function
        self.code = code


class Request:
    """A request as a slave sees it. ``values``: what to write (coils as 0 or 1), empty for reads."""

    __slots__ = ("address", "count", "function", "values")

    def __init__(self, function: int, address: int, count: int, values: "tuple[int, ...]" = ()) -> None:
        self.function = function
        self.address = address
        self.count = count
        self.values = values


def pack_bits(bits: "tuple[int, ...]") -> bytes:
    """Bits packed eight a byte, the first in the lowest bit, the last byte filled with zeros."""
    packed = bytearray((len(bits) + 7) // 8)
    for index, bit in enumerate(bits):
        if bit:
            packed[index >> 3] |= 1 << (index & 7)
    return bytes(packed)


def unpack_bits(data: bytes, count: int) -> "tuple[int, ...]":
    """The first ``count`` bits of ``data`` as 0 or 1; reverse of `pack_bits`."""
    return tuple([(data[index >> 3] >> (index & 7)) & 1 for index in range(count)])


def pack_registers(registers: "tuple[int, ...]") -> bytes:
    """Registers (0-65535) as bytes, the high byte first."""
    return struct.pack(">" + "H" * len(registers), *registers)


def unpack_registers(data: bytes) -> "tuple[int, ...]":
    """Reverse of `pack_registers`; ``data`` has an even length."""
    return struct.unpack(">" + "H" * (len(data) // 2), data)


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


def parse_request(pdu: bytes) -> Request:
    """What the master asks; raises `PduError` with the exception code to answer for any other bytes."""
    function = pdu[0] if pdu else 0
    if function in READS and len(pdu) == 5:
        _, address, count = struct.unpack(">BHH", pdu)
        return _bounded(Request(function, address, count))
    if function in (WRITE_COIL, WRITE_REGISTER) and len(pdu) == 5:
        _, address, value = struct.unpack(">BHH", pdu)
        if function == WRITE_REGISTER:
            return Request(function, address, 1, (value,))
        if value not in (COIL_ON, COIL_OFF):
            raise PduError(ILLEGAL_VALUE, "coil value 0x{:04x}; only 0xff00 and 0x0000 exist".format(value))
        return Request(function, address, 1, (1 if value else 0,))
    if function in (WRITE_COILS, WRITE_REGISTERS) and len(pdu) > 6:
        return _parse_write_many(pdu)
    if function in READS or function in (WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS):
        raise PduError(ILLEGAL_VALUE, "function {} with {} bytes".format(function, len(pdu)))
    raise PduError(ILLEGAL_FUNCTION, "function {} is not supported".format(function))


def _parse_write_many(pdu: bytes) -> Request:
    function, address, count, size = struct.unpack(">BHHB", pdu[:6])
    data = pdu[6:]
    wanted = (count + 7) // 8 if function == WRITE_COILS else count * 2
    if size != len(data) or size != wanted:
        raise PduError(ILLEGAL_VALUE, "{} values in {} of {} bytes".format(count, len(data), size))
    values = unpack_bits(data, count) if function == WRITE_COILS else unpack_registers(data)
    return _bounded(Request(function, address, count, values))


def _bounded(request: Request) -> Request:
    if not 1 <= request.count <= _MAX_COUNT[request.function]:
        raise PduError(ILLEGAL_VALUE, "function {} for {} values".format(request.function, request.count))
    if request.address + request.count > 65536:
        raise PduError(ILLEGAL_ADDRESS, "{} values from address {}".format(request.count, request.address))
    return request


def read_response(function: int, data: bytes) -> bytes:
    """Answer a read: ``data`` from `pack_bits` or `pack_registers`."""
    return struct.pack(">BB", function, len(data)) + data


def write_response(request_pdu: bytes) -> bytes:
    """Answer a write that was done: functions 5, 6, 15 and 16 all repeat the first five bytes."""
    return bytes(request_pdu[:5])


def exception_response(function: int, code: int) -> bytes:
    """Refuse a request."""
    return bytes((function | ERROR_BIT, code))


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
