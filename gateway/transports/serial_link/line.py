"""The serial link of the gateway: one line, its boards, and what is said to them (`protocols.wire.link`).

The line is opened again by itself, with growing pauses, whenever it is lost. All its boards are told lost then, and
each says who it is before anything is taken from it again: behind a plug that came back may be other boards.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gateway.backoff import Backoff
from gateway.diagnostics import Diagnosis
from gateway.errors import BusDown, DeviceSilent, TransportError
from gateway.slots import SLOT_S, Timer
from gateway.transports.line import SerialLine
from gateway.transports.serial_link.talk import Board, Pace, Talk
from protocols.wire import link
from protocols.wire.link_master import ATTEMPTS, Full, Master

log = logging.getLogger("gateway.serial_link")

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
"""Of the pauses before a line is opened again (safety rule S23)."""
COMMAND_S = 5.0
"""How long a command waits for its board. Less than the actuator waits before it sends one again."""


class Message:
    """What a board delivered: ``payload`` is SenML JSON. It is owed one word, else the board sends it again and again.

    ``began_at``: UTC ns of the answer's first byte, from which ages in the pack count. ``source`` names it among all
    messages of the line.
    """

    __slots__ = ("_link", "_master", "_word", "began_at", "device", "payload", "source")

    def __init__(self, owner: "SerialLink", talk: Talk, board: Board, event: link.Event) -> None:
        self.device = board.device
        self.payload = event.data
        self.began_at = talk.began_at
        self.source = f"{owner.name}/{board.device}/{event.boot}/{event.number}"
        self._link = owner
        self._master = talk.master
        self._word = (event.address, event.boot, event.number)

    def accept(self) -> None:
        """It is durable."""
        self._master.accept(self._link.now_ms(), *self._word)
        self._link.wake()

    def refuse(self, reason: int) -> None:
        """It will never be taken, for this reason (0-255); the board drops it."""
        self._master.refuse(self._link.now_ms(), *self._word, reason)
        self._link.wake()

    def busy(self, seconds: float) -> None:
        """Not now: the board sends it again after this time (it obeys up to 60 s)."""
        self._master.busy(self._link.now_ms(), *self._word, round(seconds * 1000))
        self._link.wake()


class Listener(NamedTuple):
    """Who is told, on the loop. ``lost(device, reason)``: once, until the device delivered something again."""

    message: Callable[[Message], None]
    lost: Callable[[str, str], None]


class SerialLink:
    """One line; begin with `run`, end with `close`. ``utc``: UTC ns.

    What went wrong is counted in the ``diagnosis``; ``connects``: how often the line was opened.
    """

    def __init__(
        self,
        line: SerialLine,
        boards: Sequence[Board],
        pace: Pace,
        listener: Listener,
        diagnosis: Diagnosis,
        utc: Callable[[], int],
        timer: Timer,
    ) -> None:
        self.connects = 0
        self.name = diagnosis.connection
        self._line = line
        self._boards = {board.address: board for board in boards}
        self._by_device = {board.device: board for board in boards}
        self._pace = pace
        self._listener = listener
        self._diagnosis = diagnosis
        self._utc = utc
        self._timer = timer
        self._backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._pause_s = 0.0
        self._wake = asyncio.Event()
        self._talk: Talk | None = None
        self._lost: set[str] = set()
        self._waiting: dict[int, asyncio.Future[str]] = {}
        self._closed = False

    async def run(self) -> None:
        """Ask the boards, for ever; open the line again whenever it is lost."""
        try:
            while True:
                talk = self._open()
                while talk is not None and self._line.is_open:
                    self._turn(talk)
                    await self._sleep_until(talk.due())
                self._talk = None
                await self._sleep_until(self._timer.time() + self._pause_s)
        finally:
            self._talk = None
            self._line.close()
            self._fail_commands("is not served")

    def wake(self) -> None:
        """There is something to say."""
        self._wake.set()

    def now_ms(self) -> int:
        """The time of the boards' master."""
        return int(self._timer.time() * 1000)

    async def command(self, device: str, name: str) -> str:
        """Tell a board to do something. An empty string when it did, else why not.

        Raises `DeviceSilent` when its word did not come within `COMMAND_S` (it may have done it all the same),
        `BusDown` when the line is not open, `TransportError` when too many wait.
        """
        board = self._by_device[device]
        if name not in board.commands:
            self._diagnosis.failed("undeclared-command", device)
            return f"its profile declares no command {name!r}"
        if self._talk is None:
            self.wake()  # a command does not wait for the end of the pause
            raise BusDown(f"serial line {self._line.port} is not open")
        number = self._queue(self._talk.master, board, name)
        word: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[number] = word
        self.wake()
        try:
            return await word
        finally:
            del self._waiting[number]

    def close(self) -> None:
        """Let go of the line; commands that wait fail with `BusDown`, and nothing is handed over afterwards."""
        self._closed = True
        self._talk = None
        self._line.close()
        self._diagnosis.down("the gateway closes it")
        self._fail_commands("is closed")

    def _queue(self, master: Master, board: Board, name: str) -> int:
        now = self.now_ms()
        try:
            return master.command(now, board.address, name.encode(), now + int(COMMAND_S * 1000))
        except Full as error:
            raise TransportError(f"serial line {self._line.port}: {error}") from None

    def _open(self) -> Talk | None:
        try:
            self._line.open(self._arrived, self._hung_up)
        except BusDown as error:
            self._down("open", str(error))
            return None
        boards = tuple(self._boards.values())
        self._talk = Talk(self._line, boards, self._pace, self._diagnosis, self._utc, self._timer)
        self.connects += 1
        self._diagnosis.up()
        return self._talk

    async def _sleep_until(self, due: float) -> None:
        wait_s = due - self._timer.time()
        if wait_s >= SLOT_S:
            handle = self._timer.call_at(due, self.wake)
        else:
            # a slot of the shared timer would make the pause between two frames many times as long
            handle = asyncio.get_running_loop().call_later(max(wait_s, 0.0), self.wake)
        try:
            await self._wake.wait()
        finally:
            handle.cancel()
            self._wake.clear()

    def _turn(self, talk: Talk) -> None:
        try:
            events = talk.turn()
        except BusDown:
            return  # the line has told `_hung_up` already
        for event in events:
            self._heed(talk, event)

    def _arrived(self, data: bytes) -> None:
        if self._talk is not None:
            answers = self._talk.answers
            self._talk.arrived(data)
            if self._talk.answers != answers:
                self._backoff.succeeded()
            self.wake()

    def _heed(self, talk: Talk, event: link.Event) -> None:
        board = self._boards[event.address]
        if event.kind == link.DATA:
            # In a call of its own: if it raises, that board waits, and the line goes on.
            asyncio.get_running_loop().call_soon(self._hand_over, Message(self, talk, board, event))
        elif event.kind in (link.RESULT, link.EXPIRED):
            self._word_on_command(board, event)
        elif event.kind == link.HELLO:
            log.info("%s at unit %d: start %d, firmware %d", board.device, board.address, event.boot, event.value)
        elif event.kind == link.LOST:
            self._tell_lost("lost", board, f"it left {ATTEMPTS} questions unanswered")
        elif event.kind == link.STRANGER:
            name = ascii(event.data.decode(errors="replace"))
            self._tell_lost("stranger", board, f"the device there calls itself {name}; correct its unit or the site")

    def _hand_over(self, message: Message) -> None:
        if not self._closed:
            self._lost.discard(message.device)
            self._diagnosis.heard(message.device)
            self._listener.message(message)

    def _word_on_command(self, board: Board, event: link.Event) -> None:
        word = self._waiting.get(event.number)
        if word is None or word.done():
            return
        if event.kind == link.EXPIRED:
            _fail(word, DeviceSilent(f"{board.device} did not confirm the command within {COMMAND_S:g} s"))
        else:
            word.set_result("" if event.value == link.DONE else "the device refused it")

    def _tell_lost(self, kind: str, board: Board, why: str) -> None:
        self._diagnosis.failed(kind, board.device)
        self._lose(board.device, f"unit {board.address} of serial line {self._line.port}: {why}")

    def _lose(self, device: str, reason: str) -> None:
        self._diagnosis.lost(device, reason)
        if device not in self._lost:
            self._lost.add(device)
            self._listener.lost(device, reason)

    def _hung_up(self, reason: str) -> None:
        if self._talk is not None:
            self._talk.give_up()
            self._talk = None
        self._down("hang-up", reason)
        self._fail_commands("was lost")
        self.wake()

    def _down(self, kind: str, reason: str) -> None:
        self._pause_s = self._backoff.failed()
        self._diagnosis.failed(kind)
        self._diagnosis.down(reason, self._pause_s)
        for device in self._by_device:
            self._lose(device, reason)

    def _fail_commands(self, what: str) -> None:
        for word in self._waiting.values():
            _fail(word, BusDown(f"serial line {self._line.port} {what}"))


def _fail(word: "asyncio.Future[str]", error: TransportError) -> None:
    if not word.done():
        word.set_exception(error)
        # A waiter cancelled in this very moment never looks; that is no fault worth a traceback in the log.
        word.exception()
