"""Modbus TCP against the reference server, and against peers that misbehave."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import uvloop

from gateway.errors import BadReply, BusDown, DeviceRefused, DeviceSilent
from gateway.slots import Timer
from gateway.transports.modbus.bus import NO_PAUSES, Pauses
from gateway.transports.modbus.tcp import ModbusTcpBus
from protocols.wire import modbus_tcp
from protocols.wire.modbus_pdu import exception_response, read_request, read_response
from tests.fixtures.modbus_reference import opened, reference

READ = read_request(3, 0, 2)
DATA = bytes.fromhex("00010002")
ANSWER = read_response(3, DATA)

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def bus_to(
    port: int, pauses: Pauses = NO_PAUSES, timer: Timer | None = None
) -> AbstractAsyncContextManager[ModbusTcpBus]:
    """Our end, at a port of this machine."""
    return opened(ModbusTcpBus("127.0.0.1", port, pauses=pauses, timer=timer))


@contextlib.asynccontextmanager
async def scripted(peer: Peer, pauses: Pauses = NO_PAUSES, timer: Timer | None = None) -> AsyncIterator[ModbusTcpBus]:
    """A bus to a server that does with each connection what ``peer`` says."""

    served: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        served.append(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await peer(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        async with bus_to(server.sockets[0].getsockname()[1], pauses, timer) as bus:
            yield bus
        await asyncio.gather(*served)


async def asked(reader: asyncio.StreamReader) -> tuple[int, int]:
    """Transaction and unit of the next 12-byte request."""
    frame = await reader.readexactly(12)
    return frame[0] << 8 | frame[1], frame[6]


async def test_reference_server_is_read() -> None:
    async with reference() as port, bus_to(port) as bus:
        assert await bus.request(1, read_request(3, 0, 10), 5) == b"".join(n.to_bytes(2, "big") for n in range(1, 11))


def test_reference_server_is_read_under_uvloop() -> None:
    # uvloop's transports are not asyncio's, and the gateway runs on uvloop.
    async def read() -> bytes:
        async with reference() as port, bus_to(port) as bus:
            return await bus.request(1, READ, 5)

    assert uvloop.run(read()) == DATA


class Early:
    """A timer that comes too early, as those of uvloop do by up to half a millisecond."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def time(self) -> float:
        return self._loop.time()

    def call_at(self, when: float, callback: Callable[[], None], /) -> asyncio.TimerHandle:
        return self._loop.call_at(when - 0.02, callback)


async def test_a_timer_that_comes_too_early_loses_no_time_out() -> None:
    async def mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with scripted(mute, timer=Early()) as bus:
        for _ in range(2):
            with pytest.raises(DeviceSilent):
                await asyncio.wait_for(bus.request(1, READ, 0.05), 5)
        assert bus.counters.timeouts == 2


async def test_exception_of_the_reference_server_is_a_refusal_with_its_code() -> None:
    async with reference() as port, bus_to(port) as bus:
        with pytest.raises(DeviceRefused, match="exception 2") as caught:
            await bus.request(1, read_request(3, 100, 2), 5)
        assert (caught.value.code, bus.counters.exceptions) == (2, 1)


async def test_requests_at_once_are_all_answered_one_after_the_other() -> None:
    async with reference() as port, bus_to(port) as bus:
        answers = await asyncio.gather(*(bus.request(1, read_request(3, at, 1), 5) for at in range(10)))
        assert answers == [bytes((0, at + 1)) for at in range(10)]
        assert bus.counters.connects == 1


async def test_absent_peer_is_named_and_left_alone_for_a_while(free_port: int) -> None:
    async with bus_to(free_port) as bus:
        with pytest.raises(BusDown, match=rf"127\.0\.0\.1:{free_port} cannot be reached: .*check address"):
            await bus.request(1, READ, 1)
        with pytest.raises(BusDown, match="next try in") as caught:
            await bus.request(1, READ, 1)
        assert 0 < caught.value.retry_after_s <= 0.5
        assert bus.counters.failed_connects == 1


async def test_urgent_request_tries_a_dead_peer_at_once(free_port: int) -> None:
    async with bus_to(free_port) as bus:
        for _ in range(2):
            with pytest.raises(BusDown, match="cannot be reached"):
                await bus.request(1, READ, 1, urgent=True)
        assert bus.counters.failed_connects == 2


async def test_peer_that_went_and_came_back_is_read_without_a_restart(free_port: int) -> None:
    async with bus_to(free_port) as bus:
        async with reference(free_port):
            await bus.request(1, READ, 5)
        with pytest.raises(BusDown):
            await bus.request(1, READ, 1, urgent=True)
        async with reference(free_port):
            assert await bus.request(1, READ, 5, urgent=True) == DATA
        assert bus.counters.connects == 2


async def test_reply_of_a_wrong_unit_is_refused_and_counted() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transaction, unit = await asked(reader)
        writer.write(modbus_tcp.frame(transaction, unit + 1, ANSWER))
        transaction, unit = await asked(reader)
        writer.write(modbus_tcp.frame(transaction, unit, ANSWER))

    async with scripted(peer) as bus:
        with pytest.raises(BadReply, match="unit 6 answered for unit 5"):
            await bus.request(5, READ, 5)
        assert await bus.request(5, READ, 5) == DATA
        assert bus.counters.wrong_unit == 1


async def test_late_answer_is_never_taken_for_that_of_the_next_request() -> None:
    released = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        late, unit = await asked(reader)
        await released.wait()
        writer.write(modbus_tcp.frame(late, unit, read_response(3, b"\xff\xff\xff\xff")))
        transaction, unit = await asked(reader)
        writer.write(modbus_tcp.frame(transaction, unit, ANSWER))

    async with scripted(peer) as bus:
        with pytest.raises(DeviceSilent, match=r"unit 5 did not answer within 0\.01 s"):
            await bus.request(5, READ, 0.01)
        released.set()
        assert await bus.request(5, READ, 5) == DATA
        assert (bus.counters.wrong_transaction, bus.counters.timeouts) == (1, 1)


async def test_answer_in_single_bytes_is_put_together() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transaction, unit = await asked(reader)
        for byte in modbus_tcp.frame(transaction, unit, ANSWER):
            writer.write(bytes([byte]))
            await writer.drain()
            await reader.read(0)

    async with scripted(peer) as bus:
        assert await bus.request(5, READ, 5) == DATA


@pytest.mark.parametrize(
    "rubbish", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 20, b"\x00\x01\x00\x00\xff\xff\x01"]
)
async def test_peer_that_speaks_something_else_is_hung_up_on(rubbish: bytes) -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)
        writer.write(rubbish)
        await reader.read()

    async with scripted(peer) as bus:
        with pytest.raises(BusDown, match="MBAP"):
            await bus.request(5, READ, 5)
        assert bus.counters.bad_replies == 1


async def test_half_an_answer_and_a_hang_up_is_a_lost_connection() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transaction, unit = await asked(reader)
        writer.write(modbus_tcp.frame(transaction, unit, ANSWER)[:9])

    async with scripted(peer) as bus:
        with pytest.raises(BusDown, match="closed the connection"):
            await bus.request(5, READ, 5)


async def test_answer_of_another_shape_is_a_bad_reply() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transaction, unit = await asked(reader)
        writer.write(modbus_tcp.frame(transaction, unit, read_response(3, b"\x00\x01")))

    async with scripted(peer) as bus:
        with pytest.raises(BadReply, match="4 bytes are no answer to function 3"):
            await bus.request(5, READ, 5)


async def test_connection_that_stays_silent_is_made_anew_and_nobody_else_fails_for_it() -> None:
    served = 0

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        while served == 1:
            await asked(reader)
        transaction, unit = await asked(reader)
        writer.write(modbus_tcp.frame(transaction, unit, ANSWER))

    async with scripted(peer) as bus:
        dead = [asyncio.ensure_future(bus.request(5, READ, 0.01)) for _ in range(3)]
        alive = asyncio.ensure_future(bus.request(6, READ, 5))
        outcomes = await asyncio.gather(*dead, return_exceptions=True)
        assert [type(one) for one in outcomes] == [DeviceSilent] * 3
        assert await alive == DATA
        assert (bus.counters.connects, bus.counters.timeouts) == (2, 3)


async def test_turnaround_keeps_a_request_back_until_the_peer_may_have_turned() -> None:
    times: list[float] = []

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            transaction, unit = await asked(reader)
            times.append(asyncio.get_running_loop().time())
            writer.write(modbus_tcp.frame(transaction, unit, ANSWER))

    async with scripted(peer, Pauses(turnaround_s=0.05)) as bus:
        await asyncio.gather(*(bus.request(5, READ, 5) for _ in range(3)))
    assert all(later - earlier > 0.045 for earlier, later in itertools.pairwise(times))


async def test_answer_that_comes_twice_is_not_taken_for_that_of_the_next_request() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transaction, unit = await asked(reader)
        writer.write(modbus_tcp.frame(transaction, unit, ANSWER) * 2)
        transaction, unit = await asked(reader)
        writer.write(modbus_tcp.frame(transaction, unit, read_response(3, b"\x00\x03\x00\x04")))

    async with scripted(peer, Pauses(turnaround_s=0.02)) as bus:
        first, second = await asyncio.gather(*(bus.request(5, READ, 5) for _ in range(2)))
        assert (first, second) == (DATA, bytes.fromhex("00030004"))
        assert bus.counters.wrong_transaction == 1


async def test_urgent_request_goes_before_queued_polls() -> None:
    order: list[int] = []
    first = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(4):
            transaction, unit = await asked(reader)
            order.append(unit)
            await first.wait()
            writer.write(modbus_tcp.frame(transaction, unit, exception_response(3, 6) if unit == 9 else ANSWER))

    async with scripted(peer) as bus:
        polls = [asyncio.ensure_future(bus.request(unit, READ, 5)) for unit in (1, 2, 3)]
        urgent = asyncio.ensure_future(bus.request(9, READ, 5, urgent=True))
        await asyncio.sleep(0)
        first.set()
        assert await asyncio.gather(*polls) == [DATA] * 3
        with pytest.raises(DeviceRefused, match="exception 6"):
            await urgent
    assert order == [9, 1, 2, 3]


async def test_request_that_was_given_up_is_not_sent() -> None:
    units: list[int] = []
    first = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            transaction, unit = await asked(reader)
            units.append(unit)
            await first.wait()
            writer.write(modbus_tcp.frame(transaction, unit, ANSWER))

    async with scripted(peer) as bus:
        tasks = [asyncio.ensure_future(bus.request(unit, READ, 5)) for unit in (1, 2, 3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
        first.set()
        await asyncio.wait(tasks)
    assert units == [1, 3]


async def test_closed_bus_fails_whatever_waits() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async with scripted(peer) as bus:
        waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(bus.request(1, READ, 5)) for _ in range(2)]
        await asyncio.sleep(0)
        await bus.close()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in outcomes] == [BusDown, BusDown]
        with pytest.raises(BusDown, match="is closed"):
            await bus.request(1, READ, 5)
