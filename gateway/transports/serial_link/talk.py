"""What is said on an open line of the serial link: `protocols.wire.link_master.Master` on the gateway's clocks.

Made anew each time the line is opened. It tells the diagnosis of each question, answer and byte, and the boards the
time: when one says hello, and then as often as boards on the network ask for it.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gateway.diagnostics import Diagnosis
from gateway.slots import Timer
from gateway.transports.line import SerialLine
from protocols.wire import link
from protocols.wire.link_master import BITS_PER_BYTE, Master

SLOWEST_S = 10.0
"""Longest time from one question to a silent board to the next, whatever it is (safety rule S23)."""
LATE_S = 0.1
"""Of it: for the question's own way and the shared timer."""
TIME_EVERY_S = 3600.0
_MS_NS = 1_000_000


class Board(NamedTuple):
    """One device of the line. ``address``: 1-247; ``commands``: those its profile declares, no other leaves (S2)."""

    device: str
    address: int
    commands: frozenset[str]


class Pace(NamedTuple):
    """``turnaround_s``: how long a board may take to begin its answer; ``poll_s``: pause between two questions to a
    board without news. Whole milliseconds."""

    turnaround_s: float
    poll_s: float


class _Question(NamedTuple):
    board: Board
    turn: int
    asked_at: float


class Talk:
    """``answers``: how many came; ``began_at``: UTC ns of the first byte of the last one."""

    def __init__(
        self,
        line: SerialLine,
        boards: Sequence[Board],
        pace: Pace,
        diagnosis: Diagnosis,
        utc: Callable[[], int],
        timer: Timer,
    ) -> None:
        self.answers = 0
        self.began_at = 0
        self._is_quiet = True
        self._line = line
        self._boards = {board.address: board for board in boards}
        self._diagnosis = diagnosis
        self._utc = utc
        self._timer = timer
        self._question: _Question | None = None
        self._counted = (0, 0, 0)
        self._tell_at = timer.time()
        self.master = Master(
            secrets.randbits(31),
            # a byte of a line with parity or two stop bits takes longer, as on a slower line
            baud=int(BITS_PER_BYTE / line.char_s),
            turnaround_ms=round(pace.turnaround_s * 1000),
            poll_ms=max(1, round(pace.poll_s * 1000)),
            slowest_ms=round((SLOWEST_S - LATE_S - pace.turnaround_s) * 1000),
        )
        for board in boards:
            self.master.add(self.now_ms(), board.address, board.device.encode())

    def now_ms(self) -> int:
        """The time of the master."""
        return int(self._timer.time() * 1000)

    def turn(self) -> list[link.Event]:
        """Say what is due; what happened since the last turn. Raises `gateway.errors.BusDown` as the line does."""
        now = self.now_ms()
        if self._timer.time() >= self._tell_at:
            self._tell_at = self._timer.time() + TIME_EVERY_S
            self.master.tell_time(now, self._utc() // _MS_NS)
        frame = self.master.poll(now)
        self._count()
        if frame is not None:
            self._say(frame)
        events = self.master.events()
        if any(event.kind == link.HELLO for event in events):
            self._tell_at = self._timer.time()
        return events

    def due(self) -> float:
        """When the next turn has something to do, if nothing arrives before; of the timer, in seconds."""
        return min(self.master.next_due(self.now_ms()) / 1000, self._tell_at)

    def arrived(self, data: bytes) -> None:
        """What the line brought. Raises nothing for any bytes."""
        if self._is_quiet:
            self._is_quiet = False
            self.began_at = self._utc()
        self._diagnosis.received(data)
        self.master.feed(self.now_ms(), data)
        self._count()
        asked = self._question
        if asked is not None and self.master.unit(asked.board.address).turn != asked.turn:
            self._question = None
            self.answers += 1
            self._diagnosis.answered(asked.board.device, self._timer.time() - asked.asked_at)

    def give_up(self) -> None:
        """The line is gone, and with it the answer that was awaited."""
        if self._question is not None:
            self._diagnosis.failed("unanswered", self._question.board.device)
            self._question = None

    def _say(self, frame: bytes) -> None:
        head = link.head(frame[1:])
        board = self._boards.get(head[1]) if head is not None else None
        if board is None:
            self._question = None
        else:
            self._question = _Question(board, self.master.unit(board.address).turn, self._timer.time())
            self._diagnosis.asked(board.device)
        self._is_quiet = True
        self._diagnosis.sent(frame, board.device if board is not None else "")
        self._line.write(frame)

    def _count(self) -> None:
        master = self.master
        counted = (master.noise, master.strays, master.unanswered)
        if counted == self._counted:
            return
        silent = self._question.board.device if self._question is not None else ""
        for at, kind in enumerate(("noise", "stray", "unanswered")):
            times = counted[at] - self._counted[at]
            if times:
                self._diagnosis.failed(kind, silent if kind == "unanswered" else "", times)
        self._counted = counted
