"""Modbus RTU over TCP: whatever a network does to answers, none is taken for that of a later request."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import BusDown, TransportError
from gateway.slots import Handle
from gateway.transports.modbus.owed import MOST_MARKERS, Owed
from gateway.transports.modbus.rtu_tcp import ModbusRtuTcpBus
from protocols.wire import modbus_rtu
from protocols.wire.modbus_pdu import exception_response, read_request, read_response, unpack_registers

Asked = tuple[int, int, int, int]
"""Unit, function, address and count of a read."""

R10 = read_request(4, 0, 10)


class Step(NamedTuple):
    """What the network and the slave do next. ``fate``: of the request on the wire; ``deliver``: how many answers
    that wait arrive, in order; ``then_silence``: whether a time-out comes after them."""

    fate: str
    deliver: int
    then_silence: bool


STEPS = st.lists(
    st.builds(Step, st.sampled_from(["good", "good", "lost", "refused"]), st.integers(0, 2), st.booleans()),
    min_size=10,
    max_size=40,
)
JOBS: st.SearchStrategy[list[Asked]] = st.lists(
    st.tuples(st.sampled_from([1, 1, 1, 2]), st.sampled_from([4, 4, 4, 3]), st.integers(0, 3), st.integers(1, 2)),
    min_size=5,
    max_size=20,
)


class Never:
    def cancel(self) -> None:
        """The time-out is simply not fired."""


class Clock:
    """Time-outs that come when the test says so."""

    def __init__(self) -> None:
        self.armed: list[Callable[[], None]] = []
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def run_out(self, due: float) -> None:
        """Let the time-out that is due then come."""
        self.now = due
        self.armed[-1]()

    def call_at(self, when: float, callback: Callable[[], None], /) -> Handle:
        self.armed.append(callback)
        return Never()


class Network:
    """In place of the TCP connection: holds answers back. Each register of an answer is the number of its request."""

    def __init__(self) -> None:
        self.received: Callable[[bytes], None]
        self.held: list[bytes] = []
        self.frames = 0
        self.fate = "good"

    def open(self, opened: Callable[[BusDown | None], None]) -> None:
        asyncio.get_running_loop().call_soon(opened, None)

    def write(self, frame: bytes) -> None:
        self.frames += 1
        unit, pdu = frame[0], frame[1:-2]
        if self.fate == "refused":
            self.held.append(modbus_rtu.frame(unit, exception_response(pdu[0], 4)))
        elif self.fate == "good":
            self.held.append(modbus_rtu.frame(unit, read_response(pdu[0], self.frames.to_bytes(2, "big") * pdu[4])))

    def deliver(self, count: int) -> None:
        while count and self.held:
            count -= 1
            self.received(self.held.pop(0))

    def missed(self) -> bool:
        return False

    def drop(self) -> None:
        """What was under way over the connection before cannot come over the new one."""
        self.held.clear()

    async def close(self) -> None:
        self.held.clear()


async def carry_out(jobs: list[Asked], steps: list[Step]) -> None:
    clock, network = Clock(), Network()
    bus = ModbusRtuTcpBus("nowhere", 1, timer=clock)
    network.received = bus._received
    bus._line = network  # type: ignore[assignment]  # the network's part is what this test plays
    script = iter(steps)
    for unit, function, address, count in jobs:
        before = network.frames
        task = asyncio.ensure_future(bus.request(unit, read_request(function, address, count), 1, urgent=True))
        while not task.done():
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            step = next(script, Step("good", 99, not network.held))
            network.fate = step.fate
            network.deliver(step.deliver)
            if step.then_silence and bus._due:
                clock.run_out(bus._due)
        try:
            values = unpack_registers(task.result())
        except TransportError:
            continue
        assert min(values) > before, "an answer from before the request"
        assert (len(values), bus._owed.holds(unit, read_request(function, address, count))) == (count, False)
    await bus.close()


@settings(max_examples=200, deadline=None)
@given(JOBS, STEPS)
def test_no_answer_to_an_earlier_request_is_ever_taken(jobs: list[Asked], steps: list[Step]) -> None:
    asyncio.run(carry_out(jobs, steps))


def owing(*asked: bytes) -> Owed:
    owed = Owed()
    for pdu in asked:
        owed.add(5, pdu)
    return owed


def test_another_unit_function_or_length_cannot_be_confused() -> None:
    owed = owing(R10)
    assert owed.holds(5, read_request(4, 100, 10))
    others = [(6, R10), (5, read_request(3, 0, 10)), (5, read_request(4, 0, 9))]
    assert [owed.holds(unit, pdu) for unit, pdu in others] == [False] * 3


def test_marker_reads_the_same_registers_only_fewer() -> None:
    assert owing(R10).marker(5, R10) == read_request(4, 0, 9)
    assert owing(read_request(1, 0, 20)).marker(5, read_request(1, 0, 20)) == read_request(1, 0, 16)


def test_marker_that_was_lost_may_be_used_again_but_not_one_from_before_the_read() -> None:
    marker = read_request(4, 0, 9)
    assert owing(R10, marker).marker(5, R10) == marker
    assert owing(marker, R10).marker(5, R10) == read_request(4, 0, 8)


@pytest.mark.parametrize("pdu", [read_request(4, 0, 1), read_request(1, 0, 8), read_request(2, 7, 1)])
def test_shortest_answers_have_no_marker(pdu: bytes) -> None:
    assert owing(pdu).marker(5, pdu) is None


def test_unit_that_answers_no_marker_is_asked_without_one() -> None:
    owed = owing(R10)
    for _ in range(MOST_MARKERS):
        marker = owed.marker(5, R10)
        assert marker is not None
        owed.add(5, marker, marker=True)
    assert owed.marker(5, R10) is None


def test_answer_settles_what_was_asked_before_its_like() -> None:
    marker = read_request(4, 0, 9)
    owed = owing(R10, marker)
    owed.settle(5, marker)
    assert (owed.holds(5, R10), owed.holds(5, marker)) == (False, True)
    owed.settle(5, R10)
    assert owed.all() == ()


def test_what_is_owed_stays_small_for_a_unit_that_is_dead() -> None:
    owed: Any = owing(*[R10] * 1000)
    assert owed._shapes == {5: [(4, 22)]}
