"""A bad line between a `Master` and its `Node`s, in simulated time: frames are lost, doubled, late and damaged.

Used by the logic suite under both interpreters and by the property tests.
"""

from protocols.wire import link
from protocols.wire.link_master import Master
from protocols.wire.link_node import EMPTY, Node

STEP_MS = 5


class Dice:
    """The same numbers for the same seed under both interpreters."""

    def __init__(self, seed: int) -> None:
        self._state = seed & 0x7FFFFFFF

    def below(self, count: int) -> int:
        """0 to ``count`` - 1; up to 65536."""
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 8) % count


class Rates:
    """Chances in percent, for each frame."""

    def __init__(self, *, lost: int = 0, doubled: int = 0, late: int = 0, damaged: int = 0, busy: int = 0) -> None:
        self.lost = lost
        self.doubled = doubled
        self.late = late
        self.damaged = damaged
        self.busy = busy


class Board:
    """A node that wants to deliver ``payloads`` in their order. ``acknowledged``: what it was told is durable."""

    def __init__(self, address: int, payloads: "list[bytes]") -> None:
        self.address = address
        self.payloads = payloads
        self.acknowledged: list[bytes] = []
        self.commands: list[bytes] = []
        self.boot = 0
        self.restart()

    @property
    def name(self) -> bytes:
        return b"t:%d" % self.address

    def restart(self) -> None:
        """A reset: what was not acknowledged is delivered by the next boot."""
        self.boot += 1
        self.node = Node(self.address, self.name, self.boot)

    def receive(self, now: int, data: bytes) -> "bytes | None":
        for event in self.node.feed(now, data):
            if event.kind in (link.ACK, link.NAK):
                self.acknowledged.append(self.payloads[len(self.acknowledged)])
            elif event.kind == link.COMMAND:
                self.commands.append(event.data)
                self.node.result(event.number, link.DONE)
        if self.node.state == EMPTY and len(self.acknowledged) < len(self.payloads):
            self.node.load(self.payloads[len(self.acknowledged)])
        return self.node.poll(now)


class World:
    """A line with boards. ``accepted``: by address, what the application on the gateway said is durable."""

    def __init__(self, boards: "list[Board]", rates: Rates, seed: int = 1, baud: int = 115200) -> None:
        self.boards = boards
        self.rates = rates
        self.now = 0
        self.accepted: dict[int, list[bytes]] = {board.address: [] for board in boards}
        self.told: list[link.Event] = []
        self.untrue = 0
        self._dice = Dice(seed)
        self._baud = baud
        self._travelling: list[tuple[int, bool, bytes]] = []
        self._judging: list[tuple[int, link.Event]] = []
        self.restart_master()

    def restart_master(self) -> None:
        self._judging = []
        self.master = Master(self._dice.below(65536), baud=self._baud)
        for board in self.boards:
            self.master.add(self.now, board.address, board.name)

    def delivered(self) -> bool:
        return all(len(board.acknowledged) == len(board.payloads) for board in self.boards)

    def run(self, until: int) -> None:
        """To the time ``until``, or until all is delivered and acknowledged."""
        while self.now < until and not self.delivered():
            self.now += STEP_MS
            self.step()

    def step(self) -> None:
        arrived = [one for one in self._travelling if one[0] <= self.now]
        self._travelling = [one for one in self._travelling if one[0] > self.now]
        for _, upward, data in arrived:
            if upward:
                self.master.feed(self.now, data)
            # One pair of wires: the other boards hear an answer too.
            for board in self.boards:
                self._board(board, data)
        self._application()
        frame = self.master.poll(self.now)
        if frame is not None:
            self._put(False, frame)

    def _board(self, board: Board, data: bytes) -> None:
        before = len(board.acknowledged)
        answer = board.receive(self.now, data)
        for payload in board.acknowledged[before:]:
            self.untrue += payload not in self.accepted[board.address]
        if answer is not None:
            self._put(True, answer)

    def _application(self) -> None:
        for event in self.master.events():
            self.told.append(event)
            if event.kind == link.DATA:
                self._judging.append((self.now + self._dice.below(40), event))
        for one in [one for one in self._judging if one[0] <= self.now]:
            self._judging.remove(one)
            event = one[1]
            if self._chance(self.rates.busy):
                self.master.busy(self.now, event.address, event.boot, event.number, 200)
                continue
            self.accepted[event.address].append(event.data)
            self.master.accept(self.now, event.address, event.boot, event.number)

    def _put(self, upward: bool, data: bytes) -> None:
        copies = 2 if self._chance(self.rates.doubled) else 1
        for _ in range(copies):
            if self._chance(self.rates.lost):
                continue
            carried = self._damaged(data) if self._chance(self.rates.damaged) else data
            delay = self._dice.below(400) if self._chance(self.rates.late) else 0
            self._travelling.append((self.now + STEP_MS + delay, upward, carried))

    def _damaged(self, data: bytes) -> bytes:
        at = self._dice.below(len(data))
        way = self._dice.below(4)
        if way == 0:
            return data[:at]
        if way == 1:
            return data[at:]
        if way == 2:
            return data[:at] + bytes((self._dice.below(256), self._dice.below(256))) + data[at:]
        return data[:at] + bytes((data[at] ^ (1 << self._dice.below(8)),)) + data[at + 1 :]

    def _chance(self, percent: int) -> bool:
        return self._dice.below(100) < percent
