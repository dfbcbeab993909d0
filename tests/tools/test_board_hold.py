"""How a running board is brought into its interpreter: what it answers, how long it may wait, its port that goes."""

import json
from collections.abc import Callable, Sequence

import pytest

from tools import board_hold
from tools.board_hold import NOT_YET, STANDS, Hold
from tools.test_servers import Failed

TAKEN = {"event": "answer", "text": "held from the next start; restarting"}
NO_ROOM = {"event": "answer", "text": "hold: not on this board"}
STRANGE = {"event": "error", "line": "hold", "message": "no such line; this board has real sensors"}
WAITS = {"event": "error", "message": "restart: it waits until nothing stands, no valve closes and no fan runs"}
BANNER = "slots: held for maintenance; the firmware starts with the next reset"
PROMPT = ">>> hold\r\nTraceback (most recent call last):\r\nNameError: name 'hold' isn't defined"
GONE = "gone"
READ_S = 0.1


class Gone(Exception):
    """The port is not there."""


class Board:
    """One that says the next of ``says`` each time it is asked: events, lines, or that its port goes."""

    def __init__(self, *says: Sequence[object]) -> None:
        self._says = list(says)
        self._waiting: list[object] = []
        self.asked = self.opened = 0
        self.now = 0.0
        self.refuses = False
        self.told: list[str] = []

    def clock(self) -> float:
        """Seconds that have passed with reading and connecting."""
        return self.now

    def connect(self) -> "Board":
        """Open its port."""
        self.now += 1
        if self.opened and self.refuses:
            self.now += 10
            raise Gone("no such port")
        self.opened += 1
        return self

    def write(self, data: bytes) -> None:
        """Ask it."""
        assert data == board_hold.LINE
        self.asked += 1
        self._waiting += self._says.pop(0) if self._says else []

    def read(self) -> bytes:
        """All it has said since, and then that its port went."""
        self.now += READ_S
        said, self._waiting = self._waiting, []
        if GONE in said[1:]:
            said, self._waiting = said[: said.index(GONE)], [GONE]
        if said == [GONE]:
            raise Gone("the port went")
        texts = [json.dumps(one) if isinstance(one, dict) else str(one) for one in said]
        return "".join(f"{text}\r\n" for text in texts).encode()

    def close(self) -> None:
        """Its port stays as it is."""

    def hold(self) -> bool:
        """Hold it."""
        return Hold(self.connect, self.told.append, Gone, clock=self.clock).run()


@pytest.mark.parametrize(
    "says",
    [[PROMPT], [STRANGE], ["something else is said here"], [], [{"event": "alive"}, 7, WAITS]],
    ids=["prompt", "firmware before", "other program", "silence", "other events"],
)
def test_board_that_does_not_take_the_line_is_left_to_ctrl_c(says: list[object]) -> None:
    board = Board(says)
    assert not board.hold()
    assert board.told == []


def test_line_is_given_again_while_nobody_answers() -> None:
    board = Board([], [], [TAKEN, BANNER])
    assert board.hold()


@pytest.mark.parametrize(
    "says",
    [
        [[TAKEN, BANNER]],
        [[TAKEN], [PROMPT]],
        [[TAKEN, GONE], [BANNER]],
        [[TAKEN, GONE], [PROMPT]],
        [[TAKEN, GONE], [GONE], [BANNER]],
    ],
    ids=["told", "its words got lost", "port went", "port went and its words got lost", "port went twice"],
)
def test_board_is_held_when_it_says_so_or_shows_its_prompt(says: list[list[object]]) -> None:
    board = Board(*says)
    assert board.hold()
    assert board.told == []


def test_person_is_told_once_that_something_stands_and_the_board_is_waited_for() -> None:
    hour = [[TAKEN]] * 240
    board = Board([TAKEN, WAITS], *hour, [BANNER])
    assert board.hold()
    assert board.told == [STANDS]
    assert board.now > 3600


def test_person_is_told_when_the_board_waits_since_before() -> None:
    board = Board(*[[TAKEN]] * 9, [BANNER])
    assert board.hold()
    assert board.told == [NOT_YET]


def lost(board: Board) -> None:
    """Its port never comes back."""
    board.refuses = True


def nothing(_board: Board) -> None:
    """As it is."""


@pytest.mark.parametrize(
    ("says", "then", "message"),
    [
        ([NO_ROOM], nothing, "its flash refuses a file"),
        ([TAKEN, WAITS, NO_ROOM], nothing, "its flash refuses a file"),
        ([TAKEN], nothing, "fell silent"),
        ([TAKEN, GONE], lost, "port did not come back: no such port"),
    ],
)
def test_board_that_cannot_be_held_is_told(says: list[object], then: Callable[[Board], None], message: str) -> None:
    board = Board(says)
    then(board)
    with pytest.raises(Failed, match=message):
        board.hold()
