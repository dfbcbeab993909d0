"""The virtual boards of one serial link (`protocols.wire.link`): each answers when it is asked."""

from collections.abc import Sequence

from gengfu.simulate.board import Board
from protocols.wire import link
from protocols.wire.link_node import EMPTY, Node


class LinkBoard:
    """One board at ``address`` of its line."""

    def __init__(self, board: Board, address: int) -> None:
        self.board = board
        self._node = Node(address, board.device.id.encode(), board.pace.boot & 0xFFFFFFFF)

    def answer(self, now: int, data: bytes) -> bytes:
        """What it says to what came now; ``now``: ms of a steady clock."""
        if self.board.device.is_dead(self.board.pace.seconds()):
            return b""
        for event in self._node.feed(now, data):
            if event.kind in (link.ACK, link.NAK):
                self.board.settled(taken=event.kind == link.ACK)
            elif event.kind == link.COMMAND:
                self._node.result(event.number, self._obey(event.data.decode("ascii", "replace")))
        if self._node.state == EMPTY and self.board.waiting:
            self._node.load(self.board.waiting[0])
        self._node.more = len(self.board.waiting) > 1
        return self._node.poll(now) or b""

    def _obey(self, name: str) -> int:
        command = self.board.device.command(name)
        if command is None:
            return link.REFUSED
        self.board.device.obey(command, self.board.pace.seconds())
        self.board.tally.commands += 1
        return link.DONE


class LinkLine:
    """All boards of a line."""

    def __init__(self, boards: Sequence[LinkBoard]) -> None:
        self._boards = boards

    def answers(self, now: int, data: bytes) -> bytes:
        """What they answer to what came now."""
        return b"".join(board.answer(now, data) for board in self._boards)
