"""A Modbus RTU master on any serial URL, for what is right on the line and for what is wrong."""

import time
from types import TracebackType
from typing import Self

from protocols.modbus.plan import decode_blocks, plan_reads
from protocols.profile.loader import shipped_profiles
from protocols.wire import modbus_pdu, modbus_rtu
from tests.fixtures.waiting import wait_for
from tests.hil.board import UNIT, Board
from tests.hil.line import Line

BAUD = 9600
BETWEEN_FRAMES_S = 0.005
"""3.5 characters of 9600 baud and a little (Modbus over Serial Line 1.02, 2.5.1.1)."""
PATIENCE_S = 2.0
UP_S = 10.0
EXCEPTION_SIZE = 5


class NoAnswer(AssertionError):
    """The board did not answer a request that it should have answered."""


class Master:
    """The master at a board's serial line."""

    def __init__(self, board: Board, number: int = 0) -> None:
        self._board = board
        self._number = number
        self._profile = shipped_profiles()[f"gengfu/{board.product}"]
        self._line: Line | None = None

    def __enter__(self) -> Self:
        self._line = Line(self._board.uart(self._number), BAUD)
        # A board throws away what stood in its line before it was up: above all an old command.
        try:
            self._board.wait(self._answers, "the first answer", UP_S)
        except AssertionError:
            self._line.close()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._line is not None:
            self._line.close()

    @property
    def line(self) -> Line:
        """The bare line. Raises `NoAnswer` before it is open."""
        if self._line is None:
            raise NoAnswer("the line is not open")
        return self._line

    def ask(self, pdu: bytes, unit: int = UNIT, patience_s: float = PATIENCE_S) -> bytes:
        """The PDU of the answer. Raises `NoAnswer`."""
        self.drain()
        return self._exchange(pdu, unit, patience_s)

    def timed(self, count: int) -> float:
        """Seconds from sending a request for so many input registers to its whole answer."""
        began = time.perf_counter()
        self._exchange(modbus_pdu.read_request(modbus_pdu.READ_INPUT, 0, count), UNIT, PATIENCE_S)
        return time.perf_counter() - began

    def _exchange(self, pdu: bytes, unit: int, patience_s: float) -> bytes:
        self.line.write(modbus_rtu.frame(unit, pdu))
        found = b""
        deadline = time.monotonic() + patience_s * self._board.time_scale
        while time.monotonic() < deadline:
            found += self.line.read()
            # By length: the CRC of a frame whose last byte is 0 is also right without that byte.
            if len(found) in (EXCEPTION_SIZE, modbus_pdu.response_size(pdu) + 3) and modbus_rtu.checked(found):
                return found[1:-2]
        raise NoAnswer(f"{self._board.name}: {pdu.hex()}: {found.hex() or 'nothing'}")

    def _answers(self) -> bool:
        request = modbus_pdu.read_request(modbus_pdu.READ_INPUT, 0, 1)
        try:
            self.ask(request, patience_s=0.3)
        except NoAnswer:
            return False
        return True

    def drain(self) -> bytes:
        """What came without being asked for, until the line is quiet; the pause between two frames."""
        found = b""
        while chunk := self.line.read():
            found += chunk
        time.sleep(BETWEEN_FRAMES_S)
        return found

    def registers(self, address: int, count: int) -> list[int]:
        """Input registers. Raises `NoAnswer`, `protocols.wire.modbus_pdu.ExceptionReply`."""
        request = modbus_pdu.read_request(modbus_pdu.READ_INPUT, address, count)
        return list(modbus_pdu.unpack_registers(modbus_pdu.parse_response(request, self.ask(request))))

    def coil(self, address: int) -> None:
        """Give the command of a coil. Raises as `registers`."""
        request = modbus_pdu.write_coil_request(address, True)
        modbus_pdu.parse_response(request, self.ask(request))

    def points(self) -> dict[str, object]:
        """Every point that has a register, by name, as the gateway decodes it."""
        blocks = plan_reads(self._profile)
        data = [modbus_pdu.parse_response(block.request, self.ask(block.request)) for block in blocks]
        values, _ = decode_blocks(self._profile, blocks, data)
        return {point.name: value for point, value in zip(self._profile.points, values, strict=True)}

    def until(self, seconds: float = 10.0, **wanted: object) -> dict[str, object]:
        """Read until the points have these values; returns all of them."""
        found: dict[str, object] = {}

        def reached() -> bool:
            found.update(self.points())
            return {name: found[name] for name in wanted} == wanted

        try:
            wait_for(reached, seconds * self._board.time_scale, f"{wanted}")
        except AssertionError as error:
            seen = {name: found.get(name) for name in wanted}
            raise AssertionError(f"{self._board.name}: {error}; it shows {seen}") from error
        return found
