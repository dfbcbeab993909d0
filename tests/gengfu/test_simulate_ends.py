"""The ends of a virtual fleet: a Modbus library that is not ours reads and writes them, and a run shows how it goes."""

import asyncio
import io
import socket
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer import FramerType

from gengfu.errors import MissingError
from gengfu.simulate import run as running
from gengfu.simulate.document import write_site
from gengfu.simulate.fleet import Fleet, Wish
from gengfu.simulate.pace import Pace
from gengfu.sites import read_site
from tests.fixtures.ports import unused_port

CLOSE_VALVE, VALVE, CLOSED = 0, 3, 2


async def fleet_of(folder: Path, count: int, over: str, port: int, *, rtu: bool = False) -> Fleet:
    write_site(folder / "site.toml", count, (over,), first_port=port)
    if rtu:
        text = (folder / "site.toml").read_text().replace('"modbus-tcp"', '"modbus-rtu-tcp"')
        (folder / "site.toml").write_text(text)
    fleet = Fleet(read_site(folder / "site.toml"), Wish(), Pace(speed=20.0))
    await fleet.open()
    return fleet


@pytest.mark.parametrize("rtu", [False, True], ids=["tcp", "rtu over tcp"])
async def test_modbus_library_reads_the_fleet_and_closes_a_valve(tmp_path: Path, rtu: bool) -> None:
    port = unused_port()
    fleet = await fleet_of(tmp_path, 3, "modbus-tcp", port, rtu=rtu)
    framer = FramerType.RTU if rtu else FramerType.SOCKET
    client = AsyncModbusTcpClient("127.0.0.1", port=port, framer=framer, timeout=5)
    try:
        assert await client.connect()
        first, second = [await client.read_input_registers(0, count=9, device_id=unit) for unit in (1, 2)]
        assert not first.isError()
        assert not second.isError()
        assert first.registers != second.registers
        outside = await client.read_holding_registers(0, count=1, device_id=1)
        assert outside.exception_code == 2
        assert not (await client.write_coil(CLOSE_VALVE, True, device_id=1)).isError()
        assert (await client.write_coil(CLOSE_VALVE, False, device_id=1)).isError()
        async with asyncio.timeout(10):
            while (await client.read_input_registers(VALVE, count=1, device_id=1)).registers != [CLOSED]:
                pass
        assert (await client.read_input_registers(VALVE, count=1, device_id=3)).registers != [CLOSED]
        assert fleet.tally.commands == 1
    finally:
        client.close()
        await fleet.close()


async def test_fleet_at_an_address_in_use_says_so(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(MissingError, match="is a fleet running already"),
    ):
        await fleet_of(tmp_path, 1, "modbus-tcp", taken.getsockname()[1])


class Terminal(io.StringIO):
    """Says that somebody looks."""

    def isatty(self) -> bool:
        return True


async def test_terminal_shows_the_counts_while_the_fleet_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SHOW_EVERY_S", 0.01)
    fleet = await fleet_of(tmp_path, 2, "serial-link", unused_port())
    terminal = Terminal()
    try:
        await running.keep_running(fleet, 0.3, terminal)
    finally:
        await fleet.close()
    shown = terminal.getvalue().split("\r")[1:]
    assert len(shown) > 1
    assert all(line.startswith("devices 2  sent ") for line in shown)


async def test_run_ends_with_the_error_of_a_device_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_self: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gengfu.simulate.board.Board.measure", fails)
    fleet = await fleet_of(tmp_path, 1, "serial-link", unused_port())
    try:
        with pytest.raises(ExceptionGroup) as caught:
            await running.keep_running(fleet, None, None)
    finally:
        await fleet.close()
    assert caught.group_contains(ZeroDivisionError)
