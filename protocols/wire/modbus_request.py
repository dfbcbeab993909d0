"""Modbus application protocol: the slave's side of the PDU (function code and data), and what both sides share.

Source: Modbus Application Protocol 1.1b3, 6.1-6.6, 6.11, 6.12 and 7. Function codes 1-6, 15 and 16 only.
Shared with the firmware (MicroPython subset): a board loads this and not the master's side (`modbus_pdu`). It knows no
framing, no socket and no register map.
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


class ModbusError(Exception):
    """Anything wrong with what a peer sent."""


class PduError(ModbusError):
    """A PDU that breaks the specification. ``code`` is the exception code a slave answers with."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Request:
    """A request as a slave sees it. ``values``: what to write (coils as 0 or 1), empty for reads."""

    __slots__ = ("address", "count", "function", "values")

    def __init__(self, function: int, address: int, count: int, values: "tuple[int, ...]" = ()) -> None:
        self.function = function
        self.address = address
        self.count = count
        self.values = values


def unpack_bits(data: bytes, count: int) -> "tuple[int, ...]":
    """The first ``count`` bits of ``data`` as 0 or 1; reverse of `pack_bits`."""
    return tuple([(data[index >> 3] >> (index & 7)) & 1 for index in range(count)])


def unpack_registers(data: bytes) -> "tuple[int, ...]":
    """Reverse of `pack_registers`; ``data`` has an even length."""
    return struct.unpack(">" + "H" * (len(data) // 2), data)


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
    if not 1 <= request.count <= _most(request.function):
        raise PduError(ILLEGAL_VALUE, "function {} for {} values".format(request.function, request.count))
    if request.address + request.count > 65536:
        raise PduError(ILLEGAL_ADDRESS, "{} values from address {}".format(request.count, request.address))
    return request


def _most(function: int) -> int:
    """How many values one request may be for."""
    if function in READS:
        return MAX_READ_BITS if function in BIT_FUNCTIONS else MAX_READ_REGISTERS
    return MAX_WRITE_BITS if function == WRITE_COILS else MAX_WRITE_REGISTERS


def write_response(request_pdu: bytes) -> bytes:
    """Answer a write that was done: functions 5, 6, 15 and 16 all repeat the first five bytes."""
    return bytes(request_pdu[:5])


def exception_response(function: int, code: int) -> bytes:
    """Refuse a request."""
    return bytes((function | ERROR_BIT, code))
