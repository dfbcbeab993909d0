"""Modbus RTU, the master's side: the answer to one request, cut out of a stream of any bytes (see `modbus_rtu`)."""

from protocols.wire.modbus_pdu import response_size
from protocols.wire.modbus_request import ERROR_BIT, READS
from protocols.wire.modbus_rtu import checked

_EXCEPTION_SIZE = 5
_WRITE_SIZE = 8


class RtuReply:
    """Master side: waits for the answer of ``unit`` to ``request_pdu``, a request of our own making.

    ``owed``: (unit, function, size of the good answer's PDU) of requests that were given up: their answers are passed
    over. ``noise`` counts bytes that belong to no frame, ``wrong_unit`` good frames of somebody else, ``late`` answers
    that were owed, ``bad_crc`` frames of the right shape with a wrong CRC.
    """

    def __init__(self, unit: int, request_pdu: bytes, owed: "tuple[tuple[int, int, int], ...]" = ()) -> None:
        self.noise = 0
        self.wrong_unit = 0
        self.late = 0
        self.bad_crc = 0
        self._owed = owed
        self._unit = unit
        self._function = request_pdu[0]
        self._size = 3 + response_size(request_pdu)
        self._buffer = bytearray()

    def feed(self, data: "bytes | bytearray | memoryview") -> "bytes | None":
        """The answer's PDU once it is complete, else ``None``. Raises nothing for any bytes."""
        self._buffer += data
        while len(self._buffer) > 2:
            size = self._expected()
            if size == 0:
                self._drop()
            elif len(self._buffer) < size:
                return None
            elif not checked(memoryview(self._buffer)[:size]):
                self.bad_crc += self._buffer[0] == self._unit
                self._drop()
            else:
                unit, pdu = self._buffer[0], bytes(self._buffer[1 : size - 2])
                self._buffer = self._buffer[size:]
                if unit == self._unit and self._fits(self._function, self._size, pdu):
                    return pdu
                if self._owes(unit, pdu):
                    self.late += 1
                else:
                    self.wrong_unit += 1
        return None

    def finish(self) -> "bytes | None":
        """Nothing more will come: look for a short answer behind what looked like the start of a long one."""
        while self._buffer:
            self._drop()
            pdu = self.feed(b"")
            if pdu is not None:
                return pdu
        return None

    def _expected(self) -> int:
        """Size of the answer that may start here; 0 when none does."""
        head = bytes(self._buffer[1:3])
        if self._fits(self._function, self._size, head) or self._owes(self._buffer[0], head):
            return self._size_of(head)
        return 0

    def _fits(self, function: int, size: int, pdu: bytes) -> bool:
        """Whether a PDU that starts like this may answer ``function`` with a frame of ``size`` bytes."""
        if pdu[0] == function | ERROR_BIT:
            return True
        return pdu[0] == function and (function not in READS or pdu[1] == size - 5)

    def _owes(self, unit: int, pdu: bytes) -> bool:
        for owing, function, size in self._owed:
            if owing == unit and self._fits(function, 3 + size, pdu):
                return True
        return False

    def _size_of(self, pdu: bytes) -> int:
        if pdu[0] & ERROR_BIT:
            return _EXCEPTION_SIZE
        return 5 + pdu[1] if pdu[0] in READS else _WRITE_SIZE

    def _drop(self) -> None:
        self.noise += 1
        self._buffer = self._buffer[1:]
