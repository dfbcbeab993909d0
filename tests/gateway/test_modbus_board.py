"""The firmware's Modbus slave on a real board process: reference masters, our own bus, noise, and rule S2."""

import asyncio
import contextlib
import json
import random
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusSerialClient

from gateway.errors import DeviceSilent, TransportError
from gateway.poller import Poller, read_point, write_command
from gateway.transports.line import LineRelay, SerialLine
from gateway.transports.modbus.rtu import ModbusRtuBus
from gateway.turns import PolledUnit
from protocols.modbus.plan import decode_blocks, plan_reads
from protocols.profile.compile import compile_profile
from protocols.profile.model import Profile
from protocols.profile.schema import ProfileFile
from protocols.quality import Quality
from protocols.reading import Value
from protocols.wire import modbus_rtu
from protocols.wire.modbus_pdu import exception_response, read_request
from tests.firmware.bench import Board

pytestmark = pytest.mark.board

PROFILES = Path(__file__).parents[2] / "protocols/profiles/gengfu"
NOBODY = "127.0.0.1:9"
UNIT = 5
OPEN, CLOSED = 1.0, 2.0

WaitFor = Callable[..., Awaitable[Any]]


def shipped(model: str) -> Profile:
    content = tomllib.loads((PROFILES / f"{model}.toml").read_text())
    return compile_profile(ProfileFile.model_validate_json(json.dumps(content)))


GAS = shipped("gas-alarm")
CLOSE, FAN, _ = GAS.file.command


class Rig:
    """A board at the right end of a relay; ``bus`` at the left one."""

    def __init__(self, board: Board, relay: LineRelay) -> None:
        self.board = board
        self.relay = relay
        self.bus = ModbusRtuBus(SerialLine(relay.left, baud=115200))
        self.bus.allow(UNIT, GAS)

    async def answers(self) -> None:
        """Wait until the board serves its line."""
        while True:
            with contextlib.suppress(DeviceSilent):
                await self.bus.request(UNIT, read_request(4, 0, 1), 0.2, urgent=True)
                return

    async def point(self, name: str) -> Any:
        value, _ = await read_point(self.bus, UNIT, GAS, name, 5)
        return value


@contextlib.asynccontextmanager
async def rig(micropython: Path, state: Path, product: str = "gas-alarm", **options: object) -> AsyncIterator[Rig]:
    relay = LineRelay(seed=5)
    relay.open()
    with Board(micropython, NOBODY, state, product, modbus=relay.right, unit=UNIT, **options) as board:
        one = Rig(board, relay)
        try:
            await one.answers()
            yield one
        finally:
            await one.bus.close()
    relay.close()


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("gas-alarm", {}),
        ("lpg-alarm", {"product": "gas-alarm", "gas": "lpg"}),
        ("smart-bin", {}),
        ("hydrogen-node", {}),
    ],
)
async def test_every_point_of_the_board_is_read_as_its_profile_says(
    model: str, options: dict[str, Any], micropython: Path, tmp_path: Path
) -> None:
    """A bin has no level before its first burst of echoes is whole."""
    profile = shipped(model)
    blocks = plan_reads(profile)
    async with rig(micropython, tmp_path, **{"product": model, **options}) as one, asyncio.timeout(10):
        values: tuple[Value, ...] = (None,)
        while None in values:
            data = [await one.bus.request(UNIT, block.request, 5) for block in blocks]
            values, quality = decode_blocks(profile, blocks, data)
    assert set(quality) == {Quality.GOOD}


async def test_close_command_closes_the_valve_and_the_read_back_proves_it(micropython: Path, tmp_path: Path) -> None:
    async with rig(micropython, tmp_path) as one:
        assert await one.point("valve") == OPEN
        await write_command(one.bus, UNIT, GAS, CLOSE, 5)
        while await one.point("valve") != CLOSED:
            pass
        assert await one.point("valve_cause") == 2.0
        await write_command(one.bus, UNIT, GAS, FAN, 5)
        while await one.point("fan") != 2.0:
            pass


@contextlib.asynccontextmanager
async def reference_master(one: Rig) -> AsyncIterator[AsyncModbusSerialClient]:
    await one.bus.close()
    client = AsyncModbusSerialClient(one.relay.left, baudrate=115200, timeout=2, retries=0)
    assert await client.connect()
    try:
        yield client
    finally:
        client.close()


async def test_reference_master_reads_and_closes(micropython: Path, tmp_path: Path, wait_for_async: WaitFor) -> None:
    async with rig(micropython, tmp_path) as one, reference_master(one) as master:
        read = await master.read_input_registers(0, count=25, device_id=UNIT)
        assert (len(read.registers), read.registers[3]) == (25, 1)
        assert not (await master.write_coil(0, True, device_id=UNIT)).isError()
        await wait_for_async(lambda: one.board.of("command"))
        while (await master.read_input_registers(3, count=1, device_id=UNIT)).registers != [2]:
            pass


@pytest.mark.parametrize(
    ("write", "code"),
    [
        (lambda master: master.write_coil(0, False, device_id=UNIT), 3),
        (lambda master: master.write_coil(1, False, device_id=UNIT), 3),
        (lambda master: master.write_coils(0, [True, False], device_id=UNIT), 3),
        (lambda master: master.write_coil(2, False, device_id=UNIT), 3),
        (lambda master: master.write_coil(3, True, device_id=UNIT), 2),
        (lambda master: master.write_register(3, 1, device_id=UNIT), 2),
        (lambda master: master.write_registers(3, [1], device_id=UNIT), 2),
        (lambda master: master.mask_write_register(address=3, device_id=UNIT), 1),
        (lambda master: master.read_input_registers(20, count=6, device_id=UNIT), 2),
    ],
)
async def test_whatever_is_no_command_is_refused_with_its_code(
    write: Any, code: int, micropython: Path, tmp_path: Path
) -> None:
    async with rig(micropython, tmp_path) as one, reference_master(one) as master:
        assert (await write(master)).exception_code == code
        assert one.board.of("command") == []
        assert (await master.read_input_registers(3, count=2, device_id=UNIT)).registers == [1, 1]


async def test_no_write_whatever_moves_a_closed_valve(micropython: Path, tmp_path: Path) -> None:
    dice = random.Random(11)
    async with rig(micropython, tmp_path) as one:
        await write_command(one.bus, UNIT, GAS, CLOSE, 5)
        while await one.point("valve") != CLOSED:
            pass
        for _ in range(200):
            pdu = bytes([dice.choice([5, 6, 15, 16, 22, 23, dice.randrange(256)]), 0, dice.randrange(4)])
            pdu += dice.choice([b"\x00\x00", b"\x00\xff", b"\x00\x01\x01\x00", dice.randbytes(dice.randrange(8))])
            one.bus._line.write(modbus_rtu.frame(dice.choice([0, UNIT]), pdu))
            while True:
                with contextlib.suppress(TransportError):
                    assert await one.point("valve") == CLOSED
                    break


async def test_neighbours_on_the_line_are_not_answered_for(micropython: Path, tmp_path: Path) -> None:
    async with rig(micropython, tmp_path) as one:
        with pytest.raises(DeviceSilent):
            await one.bus.request(UNIT + 1, read_request(4, 0, 1), 0.1)
        assert await one.point("valve") == OPEN


async def test_function_that_the_board_does_not_know_is_refused(
    micropython: Path, tmp_path: Path, wait_for_async: WaitFor
) -> None:
    received = bytearray()
    async with rig(micropython, tmp_path) as one:
        await one.bus.close()
        line = SerialLine(one.relay.left)
        line.open(received.extend, lambda _: None)
        line.write(modbus_rtu.frame(UNIT, b"\x2b\x0e\x01\x00"))
        await wait_for_async(lambda: len(received) >= 5)
        line.close()
    assert received == modbus_rtu.frame(UNIT, exception_response(0x2B, 1))


async def test_noise_never_gives_a_wrong_value_and_never_a_command(micropython: Path, tmp_path: Path) -> None:
    async with rig(micropython, tmp_path) as one:
        supply = await one.point("uptime"), await one.point("supply")
        good = 0
        one.relay.flip = 0.01
        for _ in range(100):
            with contextlib.suppress(TransportError):
                assert await read_point(one.bus, UNIT, GAS, "valve", 0.05) == (OPEN, Quality.GOOD)
                good += 1
        one.relay.flip = 0.0
        await one.answers()
        assert 20 < good < 100
        assert one.board.of("command") == []
        assert supply[1] == pytest.approx(12.0, abs=0.5)


async def test_board_that_was_killed_is_lost_and_read_again_when_it_is_back(
    micropython: Path, tmp_path: Path, wait_for_async: WaitFor
) -> None:
    seen: list[str] = []
    async with rig(micropython, tmp_path) as one:
        poller = Poller(
            one.bus,
            [PolledUnit("t:1", UNIT, GAS, 0.1, 0.2)],
            on_values=lambda *_: seen.append("values"),
            on_lost=lambda _device, _at, reason: seen.append(reason),
            now_ns=lambda: 1,
            timer=asyncio.get_running_loop(),
        )
        task = asyncio.ensure_future(poller.run())
        await wait_for_async(lambda: seen)
        one.board.stop(kill=True)
        await wait_for_async(lambda: poller.lost)
        assert "unit 5 did not answer" in seen[-1]
        with Board(micropython, NOBODY, tmp_path, modbus=one.relay.right, unit=UNIT):
            await wait_for_async(lambda: seen[-1] == "values")
        task.cancel()
        await asyncio.wait([task])


async def test_command_that_waited_in_the_line_before_the_board_started_is_not_done(
    micropython: Path, tmp_path: Path
) -> None:
    async with rig(micropython, tmp_path) as one:
        one.board.stop(kill=True)
        with pytest.raises(DeviceSilent):
            await write_command(one.bus, UNIT, GAS, CLOSE, 0.1)
        with Board(micropython, NOBODY, tmp_path, modbus=one.relay.right, unit=UNIT) as board:
            await one.answers()
            assert await one.point("valve") == OPEN
            assert board.of("command") == []


async def test_board_without_its_line_samples_on(micropython: Path, tmp_path: Path, wait_for_async: WaitFor) -> None:
    with Board(micropython, NOBODY, tmp_path, modbus="/dev/nothing-there", unit=UNIT) as board:
        await wait_for_async(lambda: board.of("started"))
        board.say("gas 30")
        await wait_for_async(lambda: board.of("stimulus"))
        assert board.process.poll() is None


def test_mbpoll_reads_the_board(mbpoll: Any, micropython: Path, tmp_path: Path, wait_for: Callable[..., Any]) -> None:
    async def read() -> str:
        async with rig(micropython, tmp_path) as one:
            await one.bus.close()
            arguments = ["-m", "rtu", "-a", str(UNIT), "-b", "115200", "-P", "none", "-0", "-r", "0", "-c", "25"]
            done = await asyncio.to_thread(mbpoll.run, *arguments, "-t", "3", "-1", one.relay.left)
            return str(done.stdout)

    output = asyncio.run(read())
    assert "[3]: \t1" in output


async def test_cut_line_is_silence_and_heals_by_itself(micropython: Path, tmp_path: Path) -> None:
    async with rig(micropython, tmp_path) as one:
        one.relay.cut = True
        with pytest.raises(DeviceSilent):
            await one.bus.request(UNIT, read_request(4, 3, 1), 0.05)
        one.relay.cut = False
        assert await one.point("valve") == OPEN
