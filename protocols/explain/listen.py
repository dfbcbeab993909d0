"""Listening on a Modbus RTU line that others speak on: bytes in, frames out, who speaks guessed from the order.

A frame is found by the length that its function gives it and by its CRC (`protocols.wire.modbus_rtu`). Nothing on the
line says whether the master or a slave speaks: a frame is taken for the answer when the frame before it asked the same
unit for the same function.
"""

from protocols.wire.modbus_pdu import ERROR_BIT, READS, WRITE_COILS, WRITE_REGISTERS
from protocols.wire.modbus_rtu import MAX_FRAME, checked

Heard = tuple[bool, bytes]
"""Whether the master sent it (as far as one can tell), and the bytes."""


class RtuListener:
    """Keeps at most two frames' bytes. Noise comes out as pieces without a good CRC."""

    def __init__(self) -> None:
        self._buffer = b""
        self._noise = b""
        self._asked: tuple[int, int] | None = None

    def feed(self, data: bytes) -> list[Heard]:
        """The frames now complete, and the noise before each."""
        self._buffer += data
        return self._take(final=False)

    def silence(self) -> list[Heard]:
        """The line was quiet: what is here is all there is. Leaves nothing kept."""
        heard = self._take(final=True)
        return heard + self._flush()

    def _take(self, *, final: bool) -> list[Heard]:
        heard: list[Heard] = []
        while self._buffer:
            size = self._frame_size()
            if size:
                heard += self._flush()
                heard.append(self._frame(self._buffer[:size]))
                self._buffer = self._buffer[size:]
            elif final or len(self._buffer) >= MAX_FRAME or not self._may_grow():
                self._noise += self._buffer[:1]
                self._buffer = self._buffer[1:]
                heard += self._flush() if len(self._noise) >= MAX_FRAME else []
            else:
                break
        return heard

    def _sizes(self) -> list[int]:
        """Lengths that a frame with this beginning can have; 0 where the byte that says it has not come."""
        if len(self._buffer) < 3:
            return [0]
        function = self._buffer[1]
        if function & ERROR_BIT:
            return [5]
        if function in READS:
            return [8, 5 + self._buffer[2]]
        if function in (WRITE_COILS, WRITE_REGISTERS):
            return [8, 9 + self._buffer[6] if len(self._buffer) > 6 else 0]
        return [8] if function in (5, 6) else []

    def _frame_size(self) -> int:
        whole = (size for size in self._sizes() if 0 < size <= len(self._buffer))
        return next((size for size in whole if checked(self._buffer[:size])), 0)

    def _may_grow(self) -> bool:
        return any(not size or len(self._buffer) < size <= MAX_FRAME for size in self._sizes())

    def _frame(self, frame: bytes) -> Heard:
        told = (frame[0], frame[1] & ~ERROR_BIT)
        is_answer = self._asked == told
        self._asked = None if is_answer else told
        return not is_answer, frame

    def _flush(self) -> list[Heard]:
        noise, self._noise = self._noise, b""
        return [(False, noise)] if noise else []
