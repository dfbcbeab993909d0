"""Modbus frames in words. Source: Modbus Application Protocol 1.1b3; over Serial Line 1.02; on TCP/IP 1.0b.

What we send are requests and what comes are answers: an answer names neither address nor count, so registers are
shown as they stand in it.
"""

from protocols.wire import modbus_rtu, modbus_tcp
from protocols.wire.modbus_pdu import (
    BIT_FUNCTIONS,
    ERROR_BIT,
    READS,
    WRITE_COIL,
    WRITE_COILS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    PduError,
    parse_request,
    unpack_bits,
    unpack_registers,
)

NAMES = {
    1: "read coils",
    2: "read discrete inputs",
    3: "read holding registers",
    4: "read input registers",
    WRITE_COIL: "write coil",
    WRITE_REGISTER: "write register",
    WRITE_COILS: "write coils",
    WRITE_REGISTERS: "write registers",
}
EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target does not respond",
}
"""Section 7."""
MOST_VALUES = 24


def explain_tcp(data: bytes, outgoing: bool) -> list[str]:
    """Every frame of a piece of a Modbus TCP stream."""
    frames = modbus_tcp.MbapFrames()
    frames.feed(data)
    lines = []
    try:
        while (frame := frames.next()) is not None:
            transaction, unit, pdu = frame
            lines.append(f"transaction {transaction} unit {unit}: {explain_pdu(pdu, outgoing)}")
    except modbus_tcp.FrameError as error:
        return [*lines, f"no Modbus TCP: {error}"]
    return lines or [f"half a frame, {len(data)} bytes"]


def explain_rtu(data: bytes, outgoing: bool) -> list[str]:
    """A frame of a serial line; a piece of one is told as such."""
    if not modbus_rtu.checked(data):
        return [f"{len(data)} bytes without a good CRC: half a frame, or noise"]
    return [f"unit {data[0]}: {explain_pdu(data[1:-2], outgoing)}"]


def explain_pdu(pdu: bytes, request: bool) -> str:
    """One PDU. ``request``: it goes from the master to the slave."""
    return _request(pdu) if request else _answer(pdu)


def _request(pdu: bytes) -> str:
    try:
        asked = parse_request(pdu)
    except PduError as error:
        return f"a request that breaks the specification: {error}"
    last = asked.address + asked.count - 1
    place = f"{asked.address}" if asked.count == 1 else f"{asked.address} to {last}"
    values = f" = {_listed(asked.values)}" if asked.values else ""
    return f"{NAMES[asked.function]} {place}{values}"


def _answer(pdu: bytes) -> str:
    function = pdu[0]
    if function & ERROR_BIT and len(pdu) == 2:
        name = NAMES.get(function & ~ERROR_BIT, f"function {function & ~ERROR_BIT}")
        return f"refuses «{name}»: exception {pdu[1]} ({EXCEPTIONS.get(pdu[1], 'of the maker')})"
    data = pdu[2:]
    if function in READS and len(pdu) > 2 and pdu[1] == len(data):
        if function in BIT_FUNCTIONS:
            return f"answers «{NAMES[function]}»: {_listed(unpack_bits(data, len(data) * 8))}"
        if len(data) % 2 == 0:
            return f"answers «{NAMES[function]}»: {_listed(unpack_registers(data))}"
    if function in NAMES and function not in READS and len(pdu) == 5:
        address, value = unpack_registers(pdu[1:])
        what = "value" if function in (WRITE_COIL, WRITE_REGISTER) else "count"
        return f"confirms «{NAMES[function]}» {address}, {what} {value}"
    return f"an answer that breaks the specification: {len(pdu)} bytes of function {function}"


def _listed(values: tuple[int, ...]) -> str:
    shown = " ".join(map(str, values[:MOST_VALUES]))
    return shown if len(values) <= MOST_VALUES else f"{shown} ... ({len(values)} values)"
