"""Modbus RTU slave: the board's points and commands as the profile's tables say (`registers/<model>.py`).

No I/O and no clock. A final element takes the one value of its command; every other value is refused with
exception 03 and nothing moves (S2). A broadcast is obeyed if it is a command, and never answered.
"""

import struct

from protocols.wire import modbus_pdu, modbus_rtu

# Lowest and highest raw code of the integer types; a value outside is told as the end of the range.
_RANGES = {
    "int16": (-32768, 32767),
    "uint16": (0, 65535),
    "int32": (-2147483648, 2147483647),
    "uint32": (0, 4294967295),
    "int64": (-9223372036854775808, 9223372036854775807),
    "uint64": (0, 18446744073709551615),
}
_FORMATS = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "uint64": ">Q",
    "float32": ">f",
    "float64": ">d",
}


def load_tables(profile: str):
    """The register module of ``vendor/model``; raises ImportError where there is none."""
    name = profile.split("/")[1].replace("-", "_")
    return __import__("registers." + name, None, None, ("INPUT",))


def packed(row: tuple, value) -> bytes:
    """A register row's bytes for a value (``None``: no value)."""
    _, _, kind, multiply, divide, offset, missing = row
    swapped = kind.endswith("-swapped")
    if swapped:
        kind = kind[:-8]
    data = struct.pack(_FORMATS[kind], _raw(kind, value, multiply, divide, offset, missing))
    if not swapped:
        return data
    words = [data[at : at + 2] for at in range(0, len(data), 2)]
    return b"".join(reversed(words))


def _raw(kind: str, value, multiply: int, divide: int, offset, missing):
    if value is None:
        return float("nan") if missing is None and kind not in _RANGES else missing or 0
    exact = (value - offset) * divide / multiply
    if kind not in _RANGES:
        return exact
    low, high = _RANGES[kind]
    raw = min(max(round(exact), low), high)
    if raw == missing:
        # The end of the range is a value too, and must not read as "no value".
        raw += 1 if raw == low else -1
    return raw


class ModbusSlave:
    """``product``: snapshot and commands; ``tables``: from `load_tables`; ``unit`` 1-247; ``emit``: to the bench."""

    def __init__(self, product, tables, unit: int, emit):
        self._product = product
        self._tables = tables
        self._unit = unit
        self._emit = emit
        self._parser = modbus_rtu.RtuRequests()

    @property
    def noise(self) -> int:
        """Bytes received that belonged to no frame."""
        return self._parser.noise

    def receive(self, now: int, data: bytes) -> list:
        """Frames to send for what arrived."""
        return self._answer_all(now, self._parser.feed(data))

    def silence(self, now: int) -> list:
        """The line has been quiet for 3.5 characters; frames to send for what stood in doubt until now."""
        return self._answer_all(now, self._parser.silence())

    def _answer_all(self, now: int, requests: list) -> list:
        replies = []
        for unit, pdu in requests:
            if unit not in (self._unit, modbus_rtu.BROADCAST):
                continue
            answer = self.answer(now, pdu)
            if unit != modbus_rtu.BROADCAST:
                replies.append(modbus_rtu.frame(unit, answer))
        return replies

    def answer(self, now: int, pdu: bytes) -> bytes:
        """The answer to one request; an exception for whatever is not in the tables."""
        try:
            request = modbus_pdu.parse_request(pdu)
            if request.function in modbus_pdu.READS:
                return modbus_pdu.read_response(request.function, self._read(request))
            self._write(request, now)
            return modbus_pdu.write_response(pdu)
        except modbus_pdu.PduError as error:
            function = pdu[0] & 0x7F if pdu else 0
            if function not in modbus_pdu.READS:
                self._emit("refused", command="modbus", code=error.code, message=str(error))
            return modbus_pdu.exception_response(function, error.code)

    def _read(self, request) -> bytes:
        tables = self._tables
        values = self._product.snapshot()
        if request.function == modbus_pdu.READ_INPUT:
            return _registers(request, values, tables.INPUT, tables.INPUT_BITS, tables.INPUT_COUNT)
        if request.function == modbus_pdu.READ_HOLDING:
            return _registers(request, values, tables.HOLDING, tables.HOLDING_BITS, tables.HOLDING_COUNT)
        if request.function == modbus_pdu.READ_COILS:
            return _bits(request, values, tables.COIL, tables.COIL_COUNT)
        return _bits(request, values, tables.DISCRETE, tables.DISCRETE_COUNT)

    def _write(self, request, now: int) -> None:
        """Do the commands of a write, or none of them."""
        coils = request.function in (modbus_pdu.WRITE_COIL, modbus_pdu.WRITE_COILS)
        rows = self._tables.COIL_COMMANDS if coils else self._tables.HOLDING_COMMANDS
        commands = []
        for at, value in enumerate(request.values):
            commands.append(_command(rows, request.address + at, value))
        for name in commands:
            if not self._product.command(name, now):
                raise modbus_pdu.PduError(modbus_pdu.DEVICE_FAILURE, "the board does not obey " + name)
            self._emit("command", name=name)


def _command(rows: tuple, address: int, value: int) -> str:
    for where, name, wanted in rows:
        if where == address:
            if value != wanted:
                raise modbus_pdu.PduError(modbus_pdu.ILLEGAL_VALUE, "{} is {} only".format(name, wanted))
            return name
    raise modbus_pdu.PduError(modbus_pdu.ILLEGAL_ADDRESS, "nothing can be written at {}".format(address))


def _check(request, count: int) -> None:
    if request.address + request.count > count:
        raise modbus_pdu.PduError(modbus_pdu.ILLEGAL_ADDRESS, "only {} addresses".format(count))


def _registers(request, values: dict, rows: tuple, bits: tuple, count: int) -> bytes:
    _check(request, count)
    image = bytearray(2 * count)
    for row in rows:
        data = packed(row, values.get(row[1]))
        image[2 * row[0] : 2 * row[0] + len(data)] = data
    for address, bit, name in bits:
        if values.get(name):
            image[2 * address + (bit < 8)] |= 1 << (bit & 7)
    return bytes(image[2 * request.address : 2 * (request.address + request.count)])


def _bits(request, values: dict, rows: tuple, count: int) -> bytes:
    """A coil that only takes a command reads as 0."""
    _check(request, count)
    names = dict(rows)
    at = request.address
    return modbus_pdu.pack_bits(tuple([1 if values.get(names.get(at + one)) else 0 for one in range(request.count)]))
