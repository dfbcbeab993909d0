"""What is said on a line of the serial link, on a clock that stands: pauses, speeds, and any bytes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.diagnostics import Diagnosis
from gateway.slots import Callback, Handle
from gateway.transports.line import SerialLine
from gateway.transports.serial_link.talk import SLOWEST_S, Board, Pace, Talk
from protocols.wire import link
from tests.fixtures.link_line import WALL

QUICK = Pace(0.05, 0.005)
NOBODY = Diagnosis("line-1", "serial-link", (), lambda: WALL)


class Clock:
    """A timer that stands until it is moved; nobody is woken."""

    def __init__(self) -> None:
        self.now = 50.0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callback, /) -> Handle:
        raise AssertionError("nobody waits")


class Asked(SerialLine):
    """Takes everything, and is not there. ``at``: when questions were put."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("/dev/none", baud=115200)
        self.at: list[float] = []
        self._clock = clock

    def write(self, data: bytes) -> None:
        if link.head(data[1:]) is not None:
            self.at.append(self._clock.now)


def test_silent_board_is_asked_at_least_every_ten_seconds() -> None:
    clock = Clock()
    line = Asked(clock)
    talk = Talk(line, (Board("a:5", 5, frozenset()),), QUICK, NOBODY, lambda: WALL, clock)
    while clock.now < 200:
        talk.turn()
        clock.now = max(talk.due(), clock.now + 0.001)
    gaps = [later - sooner for sooner, later in pairwise(line.at)]
    assert max(gaps[:2]) < 0.1
    assert 9.5 < max(gaps) < SLOWEST_S <= 10


def test_parity_and_stop_bits_make_each_byte_longer() -> None:
    plain, longer = (
        Talk(SerialLine("/dev/none", parity=parity, stop_bits=stop_bits), (), QUICK, NOBODY, lambda: WALL, Clock())
        for parity, stop_bits in (("N", 1), ("E", 2))
    )
    assert longer.master._span(1000) == pytest.approx(plain.master._span(1000) * 12 / 10, abs=2)


def test_answer_keeps_its_time_where_the_next_question_leaves_in_the_same_turn() -> None:
    clock = Clock()
    boards = tuple(Board(f"a:{unit}", unit, frozenset[str]()) for unit in (5, 6))
    talk = Talk(Asked(clock), boards, QUICK, NOBODY, lambda: WALL + round(clock.now * 10**9), clock)
    answers = [(link.HELLO, (7, 100), b"a:5"), (link.DATA, (7, 1, 0), b"[]")]
    for kind, fields, tail in answers:
        talk.turn()
        while talk._question is None or talk._question.board.address != 5:
            clock.now = max(talk.due(), clock.now + 0.001)
            talk.turn()
        talk.arrived(link.encode(kind, 5, talk._question.turn, fields, tail))
        came_at = clock.now
        clock.now += 0.5
    assert [event.kind for event in talk.turn()][-1:] == [link.DATA]
    assert talk._question is not None
    assert talk.began_at == WALL + round(came_at * 10**9)


FRAMES = [
    link.encode(link.HELLO, 5, 0, (7, 100), b"a:5"),
    link.encode(link.HELLO, 5, 0, (7, 100), b"b:5"),
    link.encode(link.DATA, 5, 1, (7, 1, 0), b"[]"),
    link.encode(link.RESULT, 5, 2, (1, link.DONE)),
    link.encode(link.IDLE, 9, 0, (0,)),
]


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(FRAMES)), max_size=12), st.integers(0, 3))
def test_no_bytes_from_the_line_raise_and_only_what_the_board_said_becomes_a_message(
    pieces: list[bytes], wait: int
) -> None:
    clock = Clock()
    diagnosis = Diagnosis("line-1", "serial-link", ("a:5",), lambda: WALL)
    talk = Talk(Asked(clock), (Board("a:5", 5, frozenset()),), QUICK, diagnosis, lambda: WALL, clock)
    events = talk.turn()
    for piece in pieces:
        talk.arrived(piece)
        clock.now += wait / 50
        events += talk.turn()
    assert [event.data for event in events if event.kind == link.DATA] in ([], [b"[]"])
    assert {event.kind for event in events} <= {link.HELLO, link.STRANGER, link.DATA, link.LOST, link.FOUND}
