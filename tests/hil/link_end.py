"""The gateway's end of the framed serial link, on the serial line of any board."""

import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self

from protocols.wire import link
from protocols.wire.link_master import Master
from tests.hil import images
from tests.hil.board import DEVICE, UNIT, Board
from tests.hil.line import Line
from tests.hil.unix_board import UnixBoard

BAUD = 115200
TURNAROUND_MS = 200


class Reading(NamedTuple):
    """One reading as the gateway takes it. ``at``: s since 1970, or ``None`` where the board gives its age only;
    ``values``: the points by name."""

    boot: int
    seq: int
    at: float | None
    values: dict[str, object]


def settings(board: Board) -> dict[str, object]:
    """For `Board.start`: the serial link in place of Modbus."""
    line = board.terminals[0] if isinstance(board, UnixBoard) else images.line_of("rp2")[0]
    return {"serial_link": line, "modbus": "", "baud": BAUD}


def now_ms() -> int:
    """Of a steady clock."""
    return time.monotonic_ns() // 1_000_000


class LinkEnd:
    """A gateway that takes every reading while it is waited with; between two waits it is silent."""

    def __init__(self, board: Board, session: int = 1) -> None:
        self.master = Master(session, baud=BAUD, turnaround_ms=int(TURNAROUND_MS * board.time_scale), poll_ms=20)
        self.master.add(now_ms(), UNIT, DEVICE.encode())
        self.readings: list[Reading] = []
        self.events: list[link.Event] = []
        self._board = board
        self._line = Line(board.uart(), BAUD)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._line.close()

    def until(self, condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
        """Ask the board and take what it has, until the condition holds."""

        def turn() -> object:
            self._turn()
            return condition()

        self._board.wait(turn, what, seconds)

    def command(self, name: bytes, seconds: float = 20.0) -> int:
        """Tell the board to do something; the id of its word."""
        expires = now_ms() + int(1000 * seconds * self._board.time_scale)
        return self.master.command(now_ms(), UNIT, name, expires)

    def disturb(self, data: bytes) -> None:
        """Bytes on the line that are nobody's."""
        self._line.write(data)

    def of(self, kind: int) -> list[link.Event]:
        """The events of a kind, so far."""
        return [event for event in self.events if event.kind == kind]

    def has(self, count: int) -> bool:
        """Whether so many readings have come."""
        return len(self.readings) >= count

    def values(self, name: str) -> list[object]:
        """Of a point, in the order of its readings' arrival."""
        return [one.values[name] for one in self.readings if name in one.values]

    def set_clock(self) -> None:
        """Tell the board the time, and wait until it dates its readings by it."""
        self.until(lambda: self.readings, "a reading")
        self.master.tell_time(now_ms(), time.time_ns() // 1_000_000)
        self.until(lambda: self.readings[-1].at is not None, "a reading with its time")

    def times(self) -> list[float]:
        """Of the readings that have one, in the order of their sequence."""
        found = sorted(self.readings, key=lambda one: (one.boot, one.seq))
        return [one.at for one in found if one.at is not None]

    def _turn(self) -> None:
        self.master.feed(now_ms(), self._line.read(0.005))
        for event in self.master.events():
            if event.kind == link.DATA:
                self.readings.append(_reading(event.data))
                self.master.accept(now_ms(), event.address, event.boot, event.number)
            else:
                self.events.append(event)
        frame = self.master.poll(now_ms())
        if frame is not None:
            self._line.write(frame)


def _reading(data: bytes) -> Reading:
    pack = json.loads(data)
    # Negative, or left out: an age (RFC 8428, 4.5.3), which by this machine's clock says nothing of a slower chip.
    at = pack[0].get("bt", 0.0)
    values = {record["n"]: record.get("v", record.get("vb")) for record in pack}
    return Reading(pack[0]["v"], pack[1]["v"], at if at > 0 else None, values)
