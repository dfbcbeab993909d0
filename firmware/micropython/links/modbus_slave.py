"""Modbus slave: the board's points and commands as the profile's tables say (`registers/<model>.py`).

`receive` and `silence` speak RTU; `links.modbus_tcp` puts the same `answer` on a network.

No I/O and no clock. A final element takes the one value of its command; every other value is refused with
exception 03 and nothing moves (S2). A broadcast is obeyed if it is a command, and never answered.
"""

import struct

from protocols.wire import modbus_request, modbus_rtu

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
_SWAPPED = "-swapped"


def load_tables(profile: str):
    """The register module of ``vendor/model``; raises ImportError where there is none."""
    name = profile.split("/")[1].replace("-", "_")
    return __import__("registers." + name, None, None, ("INPUT",))


def packed(row: tuple, value) -> bytes:
    """A register row's bytes for a value (``None``: no value)."""
    _, _, kind, multiply, divide, offset, missing = row
    plain = _plain(kind)
    data = struct.pack(_FORMATS[plain], _raw(plain, value, multiply, divide, offset, missing))
    if kind == plain:
        return data
    words = [data[at : at + 2] for at in range(0, len(data), 2)]
    return b"".join(reversed(words))


def _plain(kind: str) -> str:
    """A type without the order of its words."""
    return kind[: -len(_SWAPPED)] if kind.endswith(_SWAPPED) else kind


def _raw(kind: str, value, multiply: int, divide: int, offset, missing):
    if value is None or value != value:
        return float("nan") if missing is None and kind not in _RANGES else missing or 0
    exact = value if multiply == divide and not offset else (value - offset) * divide / multiply
    if kind not in _RANGES:
        return exact
    low, high = _RANGES[kind]
    raw = high if exact >= high else low if exact <= low else round(exact)
    if raw == missing:
        # The end of the range is a value too, and must not read as "no value".
        raw += 1 if raw == low else -1
    return raw


class ModbusSlave:
    """``product``: snapshot and commands; ``tables``: from `load_tables`; ``unit`` 1-247; ``emit``: to the bench.

    ``heard_at``: when the master of the line last asked this very board what it could answer (ms), or ``None``; no
    broadcast, no refused request. ``network_heard_at``: the same over Modbus TCP, where anybody may be the master.
    """

    def __init__(self, product, tables, unit: int, emit):
        self._product = product
        self._tables = tables
        self._unit = unit
        self._emit = emit
        self._parser = modbus_rtu.RtuRequests()
        self.heard_at = self.network_heard_at = None

    @property
    def unit(self) -> int:
        """The address it answers to."""
        return self._unit

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
                if answer[0] < modbus_request.ERROR_BIT:
                    self.heard_at = now
                replies.append(modbus_rtu.frame(unit, answer))
        return replies

    def answer(self, now: int, pdu: bytes) -> bytes:
        """The answer to one request; an exception for whatever is not in the tables."""
        try:
            request = modbus_request.parse_request(pdu)
            if request.function in modbus_request.READS:
                return self._read(request)
            self._write(request, now)
            return modbus_request.write_response(pdu)
        except modbus_request.PduError as error:
            function = pdu[0] & 0x7F if pdu else 0
            if function not in modbus_request.READS:
                self._emit("refused", command="modbus", code=error.code, message=str(error))
            return modbus_request.exception_response(function, error.code)

    def _read(self, request) -> bytes:
        tables = self._tables
        values = self._product.snapshot()
        if request.function == modbus_request.READ_INPUT:
            return _registers(request, values, tables.INPUT, tables.INPUT_BITS, tables.INPUT_COUNT)
        if request.function == modbus_request.READ_HOLDING:
            return _registers(request, values, tables.HOLDING, tables.HOLDING_BITS, tables.HOLDING_COUNT)
        if request.function == modbus_request.READ_COILS:
            return _bits(request, values, tables.COIL, tables.COIL_COUNT)
        return _bits(request, values, tables.DISCRETE, tables.DISCRETE_COUNT)

    def _write(self, request, now: int) -> None:
        """Do the commands of a write, or none of them; those behind one that the board refuses are not done."""
        coils = request.function in (modbus_request.WRITE_COIL, modbus_request.WRITE_COILS)
        rows = self._tables.COIL_COMMANDS if coils else self._tables.HOLDING_COMMANDS
        commands = []
        for at, value in enumerate(request.values):
            commands.append(_command(rows, request.address + at, value))
        for name in commands:
            if not self._product.command(name, now):
                raise modbus_request.PduError(modbus_request.DEVICE_FAILURE, "the board does not obey " + name)
            self._emit("command", name=name)


def _command(rows: tuple, address: int, value: int) -> str:
    for where, name, wanted in rows:
        if where == address:
            if value != wanted:
                raise modbus_request.PduError(modbus_request.ILLEGAL_VALUE, "{} is {} only".format(name, wanted))
            return name
    raise modbus_request.PduError(modbus_request.ILLEGAL_ADDRESS, "nothing can be written at {}".format(address))


def _check(request, count: int) -> None:
    if request.address + request.count > count:
        raise modbus_request.PduError(modbus_request.ILLEGAL_ADDRESS, "only {} addresses".format(count))


def _response(request, size: int) -> bytearray:
    """Room for a read's whole answer: its data begins at 2."""
    answer = bytearray(2 + size)
    answer[0] = request.function
    answer[1] = size
    return answer


def _registers(request, values: dict, rows: tuple, bits: tuple, count: int) -> bytes:
    """Only the rows that are asked for are packed: a table of 60 registers takes a small board longer than an answer
    may take."""
    _check(request, count)
    first = request.address
    answer = _response(request, 2 * request.count)
    for row in rows:
        at = row[0] - first
        layout = _FORMATS.get(row[2])
        width = struct.calcsize(layout or _FORMATS[_plain(row[2])]) // 2
        if at >= request.count or at + width <= 0:
            continue
        if at < 0 or at + width > request.count or layout is None:
            _put_part(answer, 2 * at, packed(row, values.get(row[1])))
        else:
            _, _, kind, multiply, divide, offset, missing = row
            raw = _raw(kind, values.get(row[1]), multiply, divide, offset, missing)
            struct.pack_into(layout, answer, 2 + 2 * at, raw)
    for address, bit, name in bits:
        if 0 <= address - first < request.count and values.get(name):
            answer[2 + 2 * (address - first) + (bit < 8)] |= 1 << (bit & 7)
    return bytes(answer)


def _put_part(answer: bytearray, at: int, data: bytes) -> None:
    """As much of a value as was asked for; ``at``: where it would begin in the answer's data."""
    skipped = max(-at, 0)
    start = 2 + at + skipped
    size = min(len(data) - skipped, len(answer) - start)
    answer[start : start + size] = data[skipped : skipped + size]


def _bits(request, values: dict, rows: tuple, count: int) -> bytes:
    """A coil that only takes a command reads as 0."""
    _check(request, count)
    answer = _response(request, (request.count + 7) // 8)
    for address, name in rows:
        at = address - request.address
        if 0 <= at < request.count and values.get(name):
            answer[2 + (at >> 3)] |= 1 << (at & 7)
    return bytes(answer)
