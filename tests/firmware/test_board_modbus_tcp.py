"""The Modbus TCP slave of a real board against programs of others: pymodbus and libmodbus (mbpoll)."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient

from protocols.wire.modbus_pdu import read_request
from protocols.wire.modbus_tcp import frame
from tests.firmware.bench import Board
from tests.fixtures.waiting import wait_for, wait_for_async

pytestmark = pytest.mark.board

UNIT = 5
FIRMWARE = 19
"""Two registers of the profile's table: the version of the firmware, which does not change."""
VERSION = [0, 100]


@pytest.fixture
def board(micropython: Path, free_port: int, tmp_path: Path) -> Iterator[Board]:
    """A gas alarm that listens on ``free_port`` and has no other link."""
    with Board(micropython, "none", tmp_path / "flash", modbus_tcp=free_port, unit=UNIT) as one:
        wait_for(lambda: listens(free_port), 20, "the listening board")
        yield one


def listens(port: int) -> bool:
    """Whether a connection is taken."""
    with socket.socket() as peer:
        return peer.connect_ex(("127.0.0.1", port)) == 0


async def test_pymodbus_reads_and_commands_and_is_refused(board: Board, free_port: int) -> None:
    client = AsyncModbusTcpClient("127.0.0.1", port=free_port, timeout=5, retries=0)
    assert await client.connect()
    assert (await client.read_input_registers(FIRMWARE, count=2, device_id=UNIT)).registers == VERSION
    assert (await client.read_input_registers(3, count=1, device_id=UNIT)).registers == [1]
    assert (await client.read_input_registers(60000, count=2, device_id=UNIT)).exception_code == 2
    assert (await client.read_input_registers(0, count=1, device_id=UNIT + 1)).exception_code == 11
    assert (await client.write_coil(0, False, device_id=UNIT)).exception_code == 3
    assert not (await client.write_coil(0, True, device_id=UNIT)).isError()
    closed = False
    while not closed:
        closed = (await client.read_input_registers(3, count=1, device_id=UNIT)).registers == [2]
    client.close()
    assert [event["name"] for event in board.of("command")] == ["close-valve"]


async def test_four_masters_at_once_are_each_answered_and_a_fifth_is_hung_up_on(board: Board, free_port: int) -> None:
    clients = [AsyncModbusTcpClient("127.0.0.1", port=free_port, timeout=5, retries=0) for _ in range(4)]
    for client in clients:
        assert await client.connect()
    for _ in range(10):
        read = [client.read_input_registers(FIRMWARE, count=2, device_id=UNIT) for client in clients]
        assert [one.registers for one in await asyncio.gather(*read)] == [VERSION] * 4
    reader, writer = await asyncio.open_connection("127.0.0.1", free_port)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    refused = await wait_for_async(lambda: board.of("refused"), what="the refusal")
    assert [event["code"] for event in refused] == ["full"]
    for client in clients:
        client.close()
    # A place is free again as soon as the board has seen that one of them is gone.
    await wait_for_async(lambda: answers(free_port), what="an answer to a new master")


def answers(port: int) -> bool:
    """Whether a new master is answered; a board that has no place for it hangs up."""
    with socket.create_connection(("127.0.0.1", port), 5) as master:
        try:
            master.sendall(frame(9, UNIT, read_request(4, FIRMWARE, 2)))
            return received(master, 13) == ANSWER
        except ConnectionError:
            return False


ANSWER = frame(9, UNIT, b"\x04\x04\x00\x00\x00\x64")


def received(peer: socket.socket, size: int) -> bytes:
    """So many bytes, or fewer if the board hangs up."""
    data = b""
    while len(data) < size and (more := peer.recv(size - len(data))):
        data += more
    return data


def test_mbpoll_reads_the_board(mbpoll: Any, board: Board, free_port: int) -> None:
    arguments = ["-m", "tcp", "-p", str(free_port), "-a", str(UNIT), "-0", "-r", str(FIRMWARE), "-c", "2", "-t", "3"]
    done = mbpoll.run(*arguments, "-1", "127.0.0.1")
    assert "[19]: \t0" in done.stdout, done.stdout + done.stderr
    assert "[20]: \t100" in done.stdout


def test_requests_cut_anywhere_and_strangers_do_not_hold_the_board(board: Board, free_port: int) -> None:
    request = frame(9, UNIT, read_request(4, FIRMWARE, 2))
    with socket.create_connection(("127.0.0.1", free_port), 5) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert stranger.recv(100) == b""
    with socket.create_connection(("127.0.0.1", free_port), 5) as master:
        master.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(1, len(request)):
            master.sendall(request[:at])
            master.sendall(request[at:])
            assert received(master, len(ANSWER)) == ANSWER
    assert board.process.poll() is None


def test_board_whose_life_line_ends_hangs_up_and_ends_well(board: Board, free_port: int) -> None:
    with socket.create_connection(("127.0.0.1", free_port), 5) as master:
        master.sendall(frame(9, UNIT, read_request(4, FIRMWARE, 2)))
        assert received(master, len(ANSWER)) == ANSWER
        assert board.stop() == (0, "")
        assert master.recv(10) == b""
