"""Modbus RTU over TCP: the reference server with its RTU framer, and serial servers that misbehave."""

import asyncio
import contextlib
import json
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from pymodbus import FramerType

from gateway.errors import BadReply, BusDown, DeviceRefused, DeviceSilent
from gateway.poller import read_point, write_command
from gateway.transports.modbus.bus import NO_PAUSES, Pauses
from gateway.transports.modbus.rtu_tcp import ModbusRtuTcpBus
from protocols.profile.compile import compile_profile
from protocols.profile.schema import ProfileFile
from protocols.quality import Quality
from protocols.wire import modbus_rtu
from protocols.wire.modbus_pdu import exception_response, read_request, read_response, write_coil_request
from tests.fixtures.modbus_reference import opened, reference

READ = read_request(4, 0, 2)
MARKER = read_request(4, 0, 1)
DATA = bytes.fromhex("00010002")
ANSWER = modbus_rtu.frame(5, read_response(4, DATA))
STALE = modbus_rtu.frame(5, read_response(4, b"\xff\xff\xff\xff"))
MARKED = modbus_rtu.frame(5, read_response(4, b"\xee\xee"))
PROFILE = Path(__file__).parents[2] / "protocols/profiles/gengfu/gas-alarm.toml"
GAS = compile_profile(ProfileFile.model_validate_json(json.dumps(tomllib.loads(PROFILE.read_text()))))
CLOSE, FAN, _ = GAS.file.command

WaitFor = Callable[..., Awaitable[Any]]
Script = Callable[[int, bytes], bytes | None]


def behind_a_serial_server(port: int = 0) -> AbstractAsyncContextManager[int]:
    """Units 1 and 2."""
    return reference(port, (1, 2), FramerType.RTU)


def bus_to(port: int, pauses: Pauses = NO_PAUSES) -> AbstractAsyncContextManager[ModbusRtuTcpBus]:
    """Our end, at a port of this machine."""
    return opened(ModbusRtuTcpBus("127.0.0.1", port, pauses=pauses))


class Server(asyncio.Protocol):
    """A serial server: for each request it sends what ``script(unit, pdu)`` gives. The last connection counts."""

    def __init__(self, script: Script) -> None:
        self.requests: list[tuple[int, bytes]] = []
        self.connections = 0
        self.script = script
        self.transport: asyncio.Transport
        self._parser = modbus_rtu.RtuRequests()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connections += 1
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        for unit, pdu in self._parser.feed(data):
            self.requests.append((unit, pdu))
            answer = self.script(unit, pdu)
            if answer is not None:
                self.transport.write(answer)


@contextlib.asynccontextmanager
async def scripted(script: Script, pauses: Pauses = NO_PAUSES) -> AsyncIterator[tuple[ModbusRtuTcpBus, Server]]:
    one = Server(script)
    server = await asyncio.get_running_loop().create_server(lambda: one, "127.0.0.1", 0)
    async with server, bus_to(server.sockets[0].getsockname()[1], pauses) as bus:
        yield bus, one
        await bus.close()


def one_by_one(*answers: bytes | None) -> Script:
    told = iter(answers)
    return lambda _unit, _pdu: next(told, None)


async def test_reference_server_is_read() -> None:
    async with behind_a_serial_server() as port, bus_to(port) as bus:
        assert await bus.request(1, read_request(4, 0, 10), 5) == b"".join(n.to_bytes(2, "big") for n in range(1, 11))
        assert await bus.request(2, read_request(1, 0, 9), 5) == b"\x00\x00"


def test_reference_server_is_read_under_uvloop() -> None:
    async def read() -> bytes:
        async with behind_a_serial_server() as port, bus_to(port) as bus:
            return await bus.request(1, READ, 5)

    assert uvloop.run(read()) == DATA


async def test_declared_command_reaches_the_reference_server_and_a_point_is_read_back() -> None:
    async with behind_a_serial_server() as port, bus_to(port) as bus:
        bus.allow(1, GAS)
        await write_command(bus, 1, GAS, CLOSE, 5)
        assert await bus.request(1, read_request(1, 0, 2), 5) == b"\x01"
        assert await read_point(bus, 1, GAS, "valve", 5) == (4.0, Quality.GOOD)


async def test_exception_of_the_reference_server_is_a_refusal_with_its_code() -> None:
    async with behind_a_serial_server() as port, bus_to(port) as bus:
        with pytest.raises(DeviceRefused, match=r"unit 1: .*exception 2") as caught:
            await bus.request(1, read_request(4, 100, 1), 5)
        assert (caught.value.code, bus.counters.exceptions) == (2, 1)


async def test_peer_that_went_and_came_back_is_read_without_a_restart(free_port: int) -> None:
    async with bus_to(free_port) as bus:
        with pytest.raises(BusDown, match=f"rtu over tcp 127.0.0.1:{free_port} cannot be reached: .*check address"):
            await bus.request(1, READ, 1)
        async with behind_a_serial_server(free_port):
            await bus.request(1, READ, 5, urgent=True)
        with pytest.raises(BusDown):
            await bus.request(1, READ, 1, urgent=True)
        async with behind_a_serial_server(free_port):
            assert await bus.request(1, READ, 5, urgent=True) == DATA
        assert (bus.counters.connects, bus.counters.failed_connects) == (2, 1)


async def test_late_answer_right_before_that_of_the_next_request_is_passed_over() -> None:
    async with scripted(one_by_one(None, STALE + MARKED, ANSWER)) as (bus, server):
        with pytest.raises(DeviceSilent, match=r"unit 5 did not answer within 0\.01 s"):
            await bus.request(5, READ, 0.01)
        assert await bus.request(5, READ, 5) == DATA
        assert [pdu for _, pdu in server.requests] == [READ, MARKER, READ]
        assert (bus.counters.late_replies, bus.counters.resyncs, server.connections) == (1, 1, 1)


async def test_late_answer_is_passed_over_while_another_unit_is_asked() -> None:
    other = modbus_rtu.frame(6, read_response(4, DATA))
    async with scripted(one_by_one(None, STALE + other)) as (bus, _):
        with pytest.raises(DeviceSilent):
            await bus.request(5, READ, 0.01)
        assert await bus.request(6, READ, 5) == DATA
        assert (bus.counters.late_replies, bus.counters.wrong_unit) == (1, 0)


async def test_late_answer_that_comes_when_nothing_is_asked_is_thrown_away(wait_for_async: WaitFor) -> None:
    async with scripted(one_by_one(None, MARKED, ANSWER)) as (bus, server):
        with pytest.raises(DeviceSilent):
            await bus.request(5, READ, 0.01)
        server.transport.write(STALE)
        await wait_for_async(lambda: bus.counters.stale_bytes == len(STALE))
        assert await bus.request(5, READ, 5) == DATA


async def test_answer_that_a_broken_connection_owed_is_passed_over_on_the_next() -> None:
    async with scripted(one_by_one(None, STALE + MARKED, ANSWER)) as (bus, server):
        waiting = asyncio.ensure_future(bus.request(5, READ, 5))
        while not server.requests:
            await asyncio.sleep(0)
        server.transport.abort()
        with pytest.raises(BusDown, match="closed the connection"):
            await waiting
        assert await bus.request(5, READ, 5, urgent=True) == DATA
        assert (bus.counters.late_replies, server.connections) == (1, 2)


async def test_single_register_of_a_unit_that_was_late_is_asked_over_a_new_connection() -> None:
    async with scripted(one_by_one(None, MARKED)) as (bus, server):
        with pytest.raises(DeviceSilent):
            await bus.request(5, MARKER, 0.01)
        polls = [bus.request(5, MARKER, 5), bus.request(6, READ, 0.01)]
        first, second = await asyncio.gather(*polls, return_exceptions=True)
        assert (first, type(second)) == (b"\xee\xee", DeviceSilent)
        assert (server.connections, bus.counters.resyncs) == (2, 1)


async def test_unit_that_refuses_the_shorter_read_is_asked_over_a_new_connection() -> None:
    refused = modbus_rtu.frame(5, exception_response(4, 3))
    async with scripted(one_by_one(None, refused, ANSWER)) as (bus, server):
        with pytest.raises(DeviceSilent):
            await bus.request(5, READ, 0.01)
        assert await bus.request(5, READ, 5) == DATA
        assert server.connections == 2


async def test_refusal_that_may_be_of_an_earlier_request_leaves_the_answer_owed() -> None:
    refused = modbus_rtu.frame(5, exception_response(4, 6))
    async with scripted(one_by_one(None, refused, STALE + MARKED, ANSWER)) as (bus, server):
        with pytest.raises(DeviceSilent):
            await bus.request(5, read_request(4, 0, 10), 0.01)
        with pytest.raises(DeviceRefused, match="exception 6"):
            await bus.request(5, READ, 5)
        assert await bus.request(5, READ, 5) == DATA
        assert [pdu for _, pdu in server.requests[2:]] == [MARKER, READ]


async def test_unit_that_answers_no_shorter_read_is_heard_again_all_the_same() -> None:
    def only_whole_blocks(unit: int, pdu: bytes) -> bytes | None:
        return ANSWER if pdu == READ and len(server.requests) > 1 else None

    async with scripted(only_whole_blocks) as (bus, server):
        for _ in range(3):
            with pytest.raises(DeviceSilent):
                await bus.request(5, READ, 0.01)
        assert await bus.request(5, READ, 5) == DATA


async def test_command_to_a_unit_that_was_silent_leaves_at_once() -> None:
    echo = modbus_rtu.frame(5, write_coil_request(0, True))
    async with scripted(one_by_one(None, STALE + echo)) as (bus, server):
        bus.allow(5, GAS)
        with pytest.raises(DeviceSilent):
            await bus.request(5, READ, 0.01)
        await write_command(bus, 5, GAS, CLOSE, 5)
        assert [pdu[0] for _, pdu in server.requests] == [4, 5]


async def test_echo_of_another_write_is_refused() -> None:
    other = modbus_rtu.frame(5, write_coil_request(1, True))
    async with scripted(one_by_one(other)) as (bus, _):
        bus.allow(5, GAS)
        with pytest.raises(BadReply, match="confirms another write"):
            await write_command(bus, 5, GAS, CLOSE, 5)
        assert bus.counters.bad_replies == 1


async def test_late_echo_of_an_earlier_write_is_passed_over() -> None:
    late, own = (modbus_rtu.frame(5, write_coil_request(coil, True)) for coil in (0, 1))
    async with scripted(one_by_one(None, late + own)) as (bus, _):
        bus.allow(5, GAS)
        with pytest.raises(DeviceSilent):
            await write_command(bus, 5, GAS, CLOSE, 0.01)
        await write_command(bus, 5, GAS, FAN, 5)
        assert (bus.counters.late_replies, bus.counters.bad_replies) == (1, 0)


async def test_damaged_answer_is_counted_and_never_taken() -> None:
    async with scripted(one_by_one(ANSWER[:-1] + b"\x00")) as (bus, _):
        with pytest.raises(DeviceSilent):
            await bus.request(5, READ, 0.3)
        assert (bus.counters.bad_crc, bus.counters.timeouts) == (1, 1)


async def test_answer_of_another_unit_is_refused_and_counted() -> None:
    async with scripted(one_by_one(modbus_rtu.frame(6, read_response(4, DATA)))) as (bus, _):
        with pytest.raises(DeviceSilent):
            await bus.request(5, READ, 0.3)
        assert bus.counters.wrong_unit == 1


async def test_answer_in_single_bytes_behind_garbage_is_put_together(wait_for_async: WaitFor) -> None:
    async with scripted(one_by_one(None)) as (bus, server):
        asked = asyncio.ensure_future(bus.request(5, READ, 5))
        await wait_for_async(lambda: server.requests)
        for byte in b"\x00\xff\x05\x04" + ANSWER:
            server.transport.write(bytes([byte]))
            await asyncio.sleep(0)
        assert await asked == DATA
        assert bus.counters.noise_bytes == 4


async def test_silent_server_is_connected_to_anew() -> None:
    async with scripted(lambda _unit, _pdu: None) as (bus, server):
        for unit in range(1, 5):
            with pytest.raises(DeviceSilent):
                await bus.request(unit, READ, 0.01)
        assert (server.connections, bus.counters.connects) == (2, 2)


async def test_closed_bus_fails_whatever_waits() -> None:
    async with scripted(lambda _unit, _pdu: None) as (bus, _):
        waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(bus.request(1, READ, 5)) for _ in range(2)]
        await asyncio.sleep(0)
        await bus.close()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in outcomes] == [BusDown, BusDown]


async def test_silence_is_kept_between_the_last_byte_and_the_next_request(wait_for_async: WaitFor) -> None:
    times: list[float] = []

    def stamp(_unit: int, _pdu: bytes) -> bytes:
        times.append(asyncio.get_running_loop().time())
        return ANSWER

    async with scripted(stamp, Pauses(silence_s=0.05)) as (bus, _):
        await asyncio.gather(*(bus.request(5, READ, 5) for _ in range(2)))
    assert times[1] - times[0] >= 0.05
