"""Modbus RTU over a pseudo terminal: the reference slave, noise, and peers that misbehave."""

import asyncio
import contextlib
import json
import os
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from gateway.errors import BusDown, DeviceRefused, DeviceSilent, LineMissing, TransportError
from gateway.poller import read_point, write_command
from gateway.transports.line import LineRelay, PtyEnd, SerialLine
from gateway.transports.modbus.rtu import ModbusRtuBus
from protocols.modbus.writes import WriteRefused
from protocols.profile.compile import compile_profile
from protocols.profile.schema import ProfileFile
from protocols.quality import Quality
from protocols.wire import modbus_rtu
from protocols.wire.modbus_pdu import exception_response, read_request, read_response

READ = read_request(4, 0, 2)
DATA = bytes.fromhex("00010002")
ANSWER = read_response(4, DATA)
PROFILE = Path(__file__).parents[2] / "protocols/profiles/gengfu/gas-alarm.toml"
GAS = compile_profile(ProfileFile.model_validate_json(json.dumps(tomllib.loads(PROFILE.read_text()))))
CLOSE = GAS.file.command[0]

WaitFor = Callable[..., Awaitable[Any]]
Script = Callable[[int, bytes], bytes | None]


@contextlib.asynccontextmanager
async def reference() -> AsyncIterator[tuple[ModbusRtuBus, LineRelay, SimDevice]]:
    """A bus and pymodbus as unit 1 (input registers 0-9 hold 1-10, four coils) with a relay between them."""
    registers = [SimData(0, values=list(range(1, 11)), datatype=DataType.REGISTERS)]
    coils = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    relay = LineRelay(seed=3)
    relay.open()
    device = SimDevice(1, (coils, coils, registers, registers))
    server: Any = ModbusSerialServer(device, port=relay.right, baudrate=115200)
    await server.serve_forever(background=True)
    bus = ModbusRtuBus(SerialLine(relay.left, baud=115200))
    try:
        yield bus, relay, device
    finally:
        await bus.close()
        await server.shutdown()
        relay.close()


class Slave:
    """A slave on a pty: for each request it sends what ``script(unit, pdu)`` gives, byte for byte."""

    def __init__(self, script: Script) -> None:
        self.end = PtyEnd()
        self.requests: list[tuple[int, bytes]] = []
        self._script = script
        self._parser = modbus_rtu.RtuRequests()
        asyncio.get_running_loop().add_reader(self.end.fd, self._readable)

    def _readable(self) -> None:
        for unit, pdu in self._parser.feed(os.read(self.end.fd, 999)):
            self.requests.append((unit, pdu))
            answer = self._script(unit, pdu)
            if answer is not None:
                os.write(self.end.fd, answer)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.end.fd)
        self.end.close()


@contextlib.asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[tuple[ModbusRtuBus, Slave]]:
    slave = Slave(script)
    bus = ModbusRtuBus(SerialLine(slave.end.path, baud=115200))
    try:
        yield bus, slave
    finally:
        await bus.close()
        slave.close()


def well(unit: int, pdu: bytes) -> bytes:
    """Input registers 0 and 1 hold 1 and 2."""
    return modbus_rtu.frame(unit, read_response(4, DATA[: 2 * pdu[4]]))


async def test_reference_slave_is_read() -> None:
    async with reference() as (bus, _, _):
        assert await bus.request(1, read_request(4, 0, 10), 5) == b"".join(n.to_bytes(2, "big") for n in range(1, 11))


async def test_exception_of_the_reference_slave_is_a_refusal_with_its_code() -> None:
    async with reference() as (bus, _, _):
        with pytest.raises(DeviceRefused, match=r"unit 1: .*exception 2") as caught:
            await bus.request(1, read_request(4, 100, 1), 5)
        assert caught.value.code == 2


async def test_declared_command_reaches_the_reference_slave_and_nothing_else_does() -> None:
    async with reference() as (bus, relay, _):
        bus.allow(1, GAS)
        await write_command(bus, 1, GAS, CLOSE, 5)
        assert await bus.request(1, read_request(1, 0, 2), 5) == b"\x01"
        carried = relay.carried
        for pdu in (b"\x05\x00\x00\x00\x00", b"\x0f\x00\x00\x00\x01\x01\x00", b"\x06\x00\x00\x00\x00"):
            with pytest.raises(WriteRefused, match="nothing was sent"):
                await bus.request(1, pdu, 5)
        assert (relay.carried, bus.counters.refused_writes) == (carried, 3)


async def test_command_to_a_unit_that_was_not_allowed_it_is_refused() -> None:
    async with reference() as (bus, relay, _):
        with pytest.raises(WriteRefused):
            await write_command(bus, 1, GAS, CLOSE, 5)
        assert relay.carried == 0


async def test_one_point_is_read_back() -> None:
    async with reference() as (bus, _, _):
        assert await read_point(bus, 1, GAS, "valve", 5) == (4.0, Quality.GOOD)


async def test_no_damaged_answer_is_ever_taken_for_a_value() -> None:
    wanted = b"".join(n.to_bytes(2, "big") for n in range(1, 11))
    good = bad = 0
    async with reference() as (bus, relay, _):
        relay.flip, relay.drop = 0.01, 0.005
        for _ in range(60):
            try:
                assert await bus.request(1, read_request(4, 0, 10), 0.05, urgent=True) == wanted
                good += 1
            except TransportError:
                bad += 1
        assert (good > 5, bad > 5) == (True, True)
        assert bus.counters.noise_bytes > 0
        relay.flip = relay.drop = 0.0
        # pymodbus itself may need a silence to find the next frame's start.
        with contextlib.suppress(DeviceSilent):
            await bus.request(1, read_request(4, 0, 10), 0.5)
        assert await bus.request(1, read_request(4, 0, 10), 5) == wanted


async def test_answer_of_another_unit_is_refused_and_counted() -> None:
    async with scripted(lambda unit, _: modbus_rtu.frame(unit + 1, ANSWER)) as (bus, _):
        with pytest.raises(DeviceSilent, match="unit 5 did not answer"):
            await bus.request(5, READ, 0.3)
        assert bus.counters.wrong_unit == 1


async def test_damaged_answer_is_counted_and_never_taken() -> None:
    async with scripted(lambda unit, _: modbus_rtu.frame(unit, ANSWER)[:-1] + b"\x00") as (bus, _):
        with pytest.raises(DeviceSilent):
            await bus.request(5, READ, 0.3)
        assert bus.counters.bad_crc == 1


async def test_half_an_answer_is_silence_and_does_not_spoil_the_next() -> None:
    sizes = iter([4, 99, 99])
    async with scripted(lambda unit, pdu: well(unit, pdu)[: next(sizes)]) as (bus, _):
        with pytest.raises(DeviceSilent):
            await bus.request(5, READ, 0.3)
        assert await bus.request(5, READ, 5) == DATA
        assert bus.counters.resyncs == 1


async def test_late_answer_on_a_line_is_passed_over_and_the_bus_makes_sure_whose_is_next() -> None:
    late = modbus_rtu.frame(5, read_response(4, b"\xff\xff\xff\xff"))
    answers = iter([b"", late + modbus_rtu.frame(5, read_response(4, DATA[:2])), modbus_rtu.frame(5, ANSWER)])
    async with scripted(lambda _unit, _pdu: next(answers)) as (bus, slave):
        with pytest.raises(DeviceSilent):
            await bus.request(5, READ, 0.02)
        assert await bus.request(5, READ, 5) == DATA
        assert (bus.counters.late_replies, bus.counters.noise_bytes) == (1, 0)
        assert [pdu for _, pdu in slave.requests] == [READ, read_request(4, 0, 1), READ]


async def test_one_register_of_a_unit_that_was_late_is_asked_for_again_only_after_its_time_is_over() -> None:
    """There is no shorter read that could be a marker, and no connection that could be made anew."""
    one = read_request(4, 0, 1)
    answers = iter([b"", well(5, one)])
    async with scripted(lambda _unit, _pdu: next(answers)) as (bus, _):
        with pytest.raises(DeviceSilent):
            await bus.request(5, one, 0.02)
        lost_at = asyncio.get_running_loop().time()
        assert await bus.request(5, one, 0.02) == DATA[:2]
        assert bus._free_at >= lost_at + 0.015


async def test_garbage_before_an_answer_is_passed_over() -> None:
    async with scripted(lambda unit, _: b"\x00\xff\x05\x04" + modbus_rtu.frame(unit, ANSWER)) as (bus, _):
        assert await bus.request(5, READ, 5) == DATA
        assert bus.counters.noise_bytes == 4


async def test_bytes_that_came_before_the_request_are_thrown_away(wait_for_async: WaitFor) -> None:
    stale = modbus_rtu.frame(5, read_response(4, b"\xff\xff\xff\xff"))
    async with scripted(well) as (bus, slave):
        await bus.request(5, READ, 5)
        os.write(slave.end.fd, stale)
        await wait_for_async(lambda: bus.counters.stale_bytes == len(stale))
        await wait_for_async(lambda: asyncio.get_running_loop().time() > bus._free_at)
        # Now the line is quiet, and the request leaves before the loop can see these bytes.
        os.write(slave.end.fd, stale)
        assert await bus.request(5, READ, 5) == DATA
        assert bus.counters.stale_bytes == 2 * len(stale)


async def test_exception_behind_noise_is_still_understood() -> None:
    refused = b"\x05\x04\x04" + modbus_rtu.frame(5, exception_response(4, 6))
    async with scripted(lambda _unit, _pdu: refused) as (bus, _):
        with pytest.raises(DeviceRefused, match="exception 6"):
            await bus.request(5, READ, 0.5)  # understood when its time is over: it must have come by then


async def test_silent_unit_does_not_keep_its_neighbour_from_answering() -> None:
    async with scripted(lambda unit, pdu: well(unit, pdu) if unit == 2 else None) as (bus, slave):
        silent = asyncio.ensure_future(bus.request(1, READ, 0.02))
        await asyncio.sleep(0)
        assert await bus.request(2, READ, 5) == DATA
        with pytest.raises(DeviceSilent):
            await silent
        assert [unit for unit, _ in slave.requests] == [1, 2]


async def test_command_goes_before_queued_polls() -> None:
    async with scripted(lambda unit, pdu: modbus_rtu.frame(unit, pdu if pdu[0] == 5 else ANSWER)) as (bus, slave):
        bus.allow(3, GAS)
        polls = [asyncio.ensure_future(bus.request(unit, READ, 5)) for unit in (1, 2)]
        await asyncio.sleep(0)
        await write_command(bus, 3, GAS, CLOSE, 5)
        await asyncio.gather(*polls)
        assert [unit for unit, _ in slave.requests] == [1, 3, 2]


async def test_line_that_hung_up_fails_the_request_and_is_opened_again(tmp_path: Path) -> None:
    port = tmp_path / "ttyUSB0"
    first = Slave(lambda _unit, _pdu: None)
    port.symlink_to(first.end.path)
    bus = ModbusRtuBus(SerialLine(str(port), baud=115200))
    waiting = asyncio.ensure_future(bus.request(5, READ, 5))
    await asyncio.sleep(0)
    first.close()
    with pytest.raises(BusDown, match=r"serial line .*ttyUSB0: "):
        await waiting
    second = Slave(well)
    port.unlink()
    port.symlink_to(second.end.path)
    assert await bus.request(5, READ, 5, urgent=True) == DATA
    assert bus.counters.connects == 2
    await bus.close()
    second.close()


async def test_missing_line_is_named_and_left_alone_for_a_while() -> None:
    bus = ModbusRtuBus(SerialLine("/dev/nothing-there"))
    with pytest.raises(LineMissing, match="/dev/nothing-there"):
        await bus.request(5, READ, 1)
    with pytest.raises(BusDown, match="next try in"):
        await bus.request(5, READ, 1)
    await bus.close()
