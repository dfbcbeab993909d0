"""The Modbus line of a board: reference master, commands with read-back, noise and half frames, full rate."""

import random

import pytest
from pymodbus.client import ModbusSerialClient

from protocols.wire import modbus_pdu, modbus_rtu
from tests.hil.board import UNIT, Board
from tests.hil.line import RATE_S
from tests.hil.master import Master, NoAnswer
from tests.hil.story import PRODUCTS

pytestmark = pytest.mark.board
CLOSE, FAN = 0, 1
READ = modbus_pdu.read_request(modbus_pdu.READ_INPUT, 0, 10)


def uptime_of(master: Master) -> float:
    """Seconds since the board started, by its own clock."""
    return float(str(master.points()["uptime"]))


def test_reference_master_reads_and_commands(board: Board) -> None:
    board.start()
    with Master(board):
        pass
    client = ModbusSerialClient(board.uart(), baudrate=9600, timeout=5 * board.time_scale, retries=0)
    assert client.connect()
    try:
        assert client.read_input_registers(3, count=1, device_id=UNIT).registers == [1]
        assert not client.write_coil(CLOSE, True, device_id=UNIT).isError()
        board.wait(lambda: client.read_input_registers(3, count=1, device_id=UNIT).registers == [2], "the closed valve")
    finally:
        client.close()  # type: ignore[no-untyped-call]  # pymodbus gives it no types


@pytest.mark.on_pico
def test_commands_act_and_are_read_back(board: Board) -> None:
    board.start()
    with Master(board) as master:
        master.until(valve=1)
        master.coil(CLOSE)
        master.until(20, valve=2, valve_cause=2)
        master.coil(FAN)
        master.until(20, fan=2)


@pytest.mark.slow
def test_jammed_valve_is_never_told_to_be_closed(board: Board) -> None:
    board.start()
    board.act("valve jammed")
    with Master(board) as master:
        master.coil(CLOSE)
        master.until(90, valve=4)
        board.act("valve free")
        master.coil(CLOSE)
        master.until(30, valve=2)


@pytest.mark.parametrize("value", [0x0000, 0x0001, 0xFFFF])
def test_only_the_closing_value_is_taken(board: Board, value: int) -> None:
    board.start()
    request = bytes((5, 0, CLOSE)) + value.to_bytes(2, "big")
    with Master(board) as master:
        assert master.ask(request) == bytes((0x85, 3))
        assert master.points()["valve"] == 1


@pytest.mark.on_pico
def test_noise_and_half_frames_cost_no_later_answer(board: Board) -> None:
    board.start()
    disturb(board)


@pytest.mark.parametrize("product", PRODUCTS[1:])
def test_noise_and_half_frames_cost_no_later_answer_of_the_others(board: Board, product: str) -> None:
    board.start(product)
    disturb(board)


def disturb(board: Board) -> None:
    """Ask after each kind of what is wrong on a line."""
    whole = modbus_rtu.frame(UNIT, READ)
    noise = random.Random(5)
    with Master(board) as master:
        for broken in (
            noise.randbytes(40),
            whole[:5],
            whole[:-1] + bytes((whole[-1] ^ 1,)),
            modbus_rtu.frame(UNIT + 1, READ),
            b"\xff" * 300,
        ):
            master.line.write(broken)
            master.drain()
            assert len(master.ask(READ)) == 22


def test_frame_in_two_pieces_is_answered(board: Board) -> None:
    board.start()
    whole = modbus_rtu.frame(UNIT, READ)
    with Master(board) as master:
        master.line.write(whole[:4])
        master.line.write(whole[4:])
        found = bytearray()

        def whole_answer() -> bool:
            found.extend(master.drain())
            return len(found) == 25

        board.wait(whole_answer, "the answer")


@pytest.mark.parametrize("product", PRODUCTS)
def test_line_is_kept_busy_without_a_lost_answer(board: Board, product: str) -> None:
    board.start(product)
    lost = asked = 0
    with Master(board) as master:
        began = uptime = uptime_of(master)
        while uptime - began < RATE_S:
            for count in (1, 10, 20):
                asked += 1
                try:
                    master.registers(0, count)
                except NoAnswer:
                    lost += 1
            uptime = uptime_of(master)
    assert (lost, asked > RATE_S) == (0, True)
