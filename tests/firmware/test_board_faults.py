"""Real boards when something goes wrong: crashes, a hanging loop, power cuts, settings and credentials that are bad."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from protocols.wire import coap
from tests.firmware.bench import Board, Gateway, values_of
from tests.firmware.interpreters import FIRMWARE
from tests.fixtures.waiting import wait_for

pytestmark = pytest.mark.board

Start = Callable[..., Board]
RESTART = 75
NOWHERE = "127.0.0.1:9"
"""Of the discard service: nobody answers there."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway that answers every reading with 2.04 until told otherwise."""
    with Gateway() as found:
        yield found


@pytest.fixture
def start(micropython: Path, gateway: Gateway, tmp_path: Path) -> Iterator[Start]:
    """Start a board of the gateway, or of another one; its flash stays over restarts."""
    boards: list[Board] = []

    def make(address: str = "", **options: object) -> Board:
        boards.append(Board(micropython, address or gateway.address, tmp_path / "flash", **options))
        return boards[-1]

    yield make
    for board in boards:
        if board.process.poll() is None:
            board.stop(kill=True)


@pytest.fixture
def faulty(tmp_path: Path) -> Callable[..., Path]:
    """Plant a module that takes the place of one of the firmware; returns its folder."""

    def plant(name: str, source: str) -> Path:
        folder = tmp_path / "planted"
        path = folder / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True)
        path.write_text(source, encoding="utf-8")
        return folder

    return plant


BROKEN_CONSOLE = """
class Console:
    restart = False

    def __init__(self, *parts):
        pass

    def line(self, now, text):
        raise ValueError("no line " + text)
"""
BROKEN_COMPOSER = """
class Composer:
    owner = "nobody"

    def __init__(self, *parts):
        pass

    def body(self, values):
        raise ValueError("no body")

    message = body
"""
BROKEN_NODE = """
class Node:
    def __init__(self, *parts, **more):
        self.turns = 0

    def turn(self, now):
        self.turns += 1
        if self.turns > 3:
            raise ValueError("turn failed")
        return 20

    def may_sleep(self, now):
        return False
"""
BROKEN_DEVICE = """
class Device:
    def __init__(self, product):
        raise ValueError("no device")
"""
HANGING_NODE = """
import time

class Node:
    def __init__(self, *parts, **more):
        pass

    def turn(self, now):
        time.sleep(9)
        return 1
"""


@pytest.mark.parametrize(
    ("module", "source", "what"),
    [("node", BROKEN_NODE, "ValueError: turn failed"), ("device", BROKEN_DEVICE, "ValueError: no device")],
)
def test_crash_restarts_the_board_and_its_log_is_told_until_it_is_taken(
    start: Start, gateway: Gateway, faulty: Callable[..., Path], module: str, source: str, what: str
) -> None:
    code, errors = start(planted=faulty(module, source)).ended()
    assert (code, what in errors) == (RESTART, True)
    for _ in range(2):
        board = start()
        told = wait_for(lambda board=board: board.of("crash"), what="the crash log")
        assert (what in told[0]["text"], told[0]["text"][:5]) == (True, "boot ")
        own = gateway.of_the_board(lambda seen: seen["crashed"] is True, "the flag")
        assert own["reset_cause"] in (1, 4)
        gateway.own.clear()
        board.stop()
    board = start()
    gateway.of_the_board(lambda seen: seen["crashed"] is True, "the flag")
    code, text = gateway.command(7, b"crash", b"", coap.GET)
    assert (code, what.encode() in text) == (coap.CONTENT, True)
    assert gateway.command(8, b"crash", b"", coap.DELETE) == (coap.DELETED, b"")
    board.stop()
    gateway.own.clear()
    board = start()
    assert gateway.of_the_board(lambda _: True, "the vitals")["crashed"] is False
    assert board.of("crash") == []


def test_console_that_dies_does_not_take_the_board_with_it(
    start: Start, gateway: Gateway, faulty: Callable[..., Path]
) -> None:
    board = start(planted=faulty("maintenance", BROKEN_CONSOLE))
    board.say("hello")
    told = wait_for(lambda: board.of("error"), what="the error")
    assert "no line hello" in told[0]["message"]
    own = gateway.of_the_board(lambda seen: seen["crashed"] is True, "the flag", 30)
    assert own["reset_cause"] == 1
    assert board.stop()[0] == 0


def test_delivery_that_dies_does_not_keep_the_board_from_tripping(start: Start, faulty: Callable[..., Path]) -> None:
    board = start(planted=faulty("composer", BROKEN_COMPOSER), trip_after=0.5)
    board.say("gas 55")
    wait_for(lambda: tripped(board), 20, "the latch in flash")
    assert board.process.poll() is None
    assert "no body" in board.of("error")[0]["message"]


def test_loop_that_hangs_is_ended_by_the_watchdog_and_the_next_start_says_so(
    start: Start, gateway: Gateway, faulty: Callable[..., Path]
) -> None:
    code, _ = start(planted=faulty("node", HANGING_NODE)).ended()
    assert code == RESTART
    start()
    assert gateway.of_the_board(lambda _: True, "the vitals")["reset_cause"] == 3


def test_changed_configuration_is_on_trial_and_falls_back_when_it_is_not_confirmed(
    start: Start, gateway: Gateway
) -> None:
    board = start(period=0.2)
    for line in (f"config set gateway {NOWHERE}", "config apply"):
        board.say(line)
    assert board.ended()[0] == RESTART
    board = start(period=0.2)
    board.say("config show")
    wait_for(lambda: answers(board, "on trial"), what="the trial")
    assert answers(board, f"gateway = {NOWHERE}")
    arrived = len(gateway.readings)
    wait_for(lambda: board.of("retransmit"), what="a reading that nobody takes")
    assert len(gateway.readings) == arrived
    board.say("restart")
    assert board.ended()[0] == RESTART
    board = start(period=0.2)
    gateway.reading(lambda seen: seen["seq"] > 0, "a reading at the gateway before")
    wait_for(lambda: len(gateway.readings) > arrived, what="a new reading")
    board.say("config show")
    wait_for(lambda: answers(board, f"gateway = {gateway.address}"), what="the gateway before")
    assert not answers(board, "on trial")


def answers(board: Board, text: str) -> list[object]:
    """The lines of answers that are exactly this."""
    return [one for one in board.of("answer") if one["text"] == text]


def test_killed_board_delivers_what_it_kept_in_order_and_with_the_times_it_was_made_at(
    start: Start, gateway: Gateway
) -> None:
    gateway.answer = None
    began = time.time()
    board = start(period=0.1, ack_timeout=0.2)
    # More than three quarters of the ring: the rest goes to flash.
    wait_for(lambda: (board.state / "queue").exists() and kept(board) > 4000, 60, "a queue in flash")
    board.stop(kill=True)
    first = values_of(coap.decode(gateway.readings[0].data)[5])["boot"]
    gateway.readings.clear()
    gateway.own.clear()
    gateway.answer = coap.CHANGED
    start(period=0.3)
    wait_for(lambda: any(one.values["boot"] != first for one in list(gateway.readings)), 30, "a new reading")
    wait_for(lambda: len(of_start(gateway, first)) >= 40, 60, "the readings of the start before")
    order, times = zip(*of_start(gateway, first), strict=True)
    assert list(order) == sorted(set(order))
    assert list(times) == sorted(set(times))
    assert began - 1 < times[0] < times[-1] < time.time()


def kept(board: Board) -> int:
    """Bytes of the queue in flash."""
    return sum(path.stat().st_size for path in (board.state / "queue").iterdir())


def of_start(gateway: Gateway, boot: int) -> list[tuple[int, float]]:
    """Number and time of the readings of a start, as they came."""
    packs = [json.loads(coap.decode(one.data)[5]) for one in list(gateway.readings)]
    return [(pack[1]["v"], pack[0]["bt"]) for pack in packs if pack[0]["v"] == boot]


def test_readings_of_an_outage_arrive_in_order_with_the_times_they_were_made_at(start: Start, gateway: Gateway) -> None:
    gateway.answer = None
    start(period=0.1, ack_timeout=0.2)
    wait_for(lambda: len(gateway.readings) >= 3, 30, "retransmissions")
    outage = time.time()
    gateway.reading(lambda _: time.time() > outage + 2, "two seconds of outage")
    gateway.readings.clear()
    gateway.answer = coap.CHANGED
    boot = gateway.reading(lambda seen: seen["seq"] > 20, "the readings after it", 30)["boot"]
    order, times = zip(*of_start(gateway, boot), strict=True)
    assert list(order) == sorted(set(order))
    # A tenth of a second apart as they were made, however fast they arrive.
    assert [later - sooner for sooner, later in pairwise(times) if later - sooner < 0.05] == []


def test_leak_trips_and_is_latched_in_flash_where_nobody_listens(start: Start) -> None:
    board = start(NOWHERE, period=0.1, trip_after=0.5, ack_timeout=0.2)
    board.say("gas 55")
    wait_for(lambda: board.of("stimulus"), what="the stimulus")
    wait_for(lambda: tripped(board), 20, "the latch in flash")
    assert board.process.poll() is None


def tripped(board: Board) -> bool:
    """Whether the trip is in the board's flash."""
    path = board.state / "latch"
    return path.exists() and path.read_bytes()[4] & 1 == 1


BAD_CREDENTIALS = {
    "missing": None,
    "garbage": "no json",
    "short": json.dumps({"sender_id": "01", "recipient_id": "02", "master_secret": "00112233"}),
}


@pytest.mark.parametrize("credential", BAD_CREDENTIALS.values(), ids=BAD_CREDENTIALS.keys())
def test_board_with_a_bad_credential_sends_nothing_and_still_trips_and_answers_its_master(
    start: Start, gateway: Gateway, tmp_path: Path, free_port: int, credential: str | None
) -> None:
    (tmp_path / "flash").mkdir()
    if credential is not None:
        (tmp_path / "flash/key").write_text(credential, encoding="ascii")
    board = start(period=0.1, oscore="key", modbus_tcp=free_port, trip_after=0.5)
    told = wait_for(lambda: board.of("error"), what="the error")
    assert (told[0]["message"][:8], "00112233" in told[0]["message"]) == ("oscore: ", False)
    board.say("gas 55")
    wait_for(lambda: tripped(board), 20, "the latch in flash")
    client = ModbusTcpClient("127.0.0.1", port=free_port, timeout=5, retries=0)
    wait_for(client.connect, what="the Modbus port")
    # Register 0 is the gas in 0.1 %LEL.
    assert client.read_input_registers(0, count=1, device_id=1).registers[0] > 500
    client.close()
    assert (gateway.readings, gateway.own, gateway.replies) == ([], [], [])


def test_gateway_with_a_name_that_nobody_knows_does_not_stop_the_board(start: Start) -> None:
    board = start("gateway.invalid:5683", trip_after=0.5)
    told = wait_for(lambda: board.of("error"), 30, "the error")
    assert told[0]["message"].startswith("gateway gateway.invalid:5683: ")
    board.say("gas 55")
    wait_for(lambda: tripped(board), 20, "the latch in flash")
    assert board.process.poll() is None


def test_port_that_is_taken_does_not_stop_the_board(start: Start, gateway: Gateway, free_port: int) -> None:
    with socket.create_server(("0.0.0.0", free_port)):
        board = start(modbus_tcp=free_port)
        told = wait_for(lambda: board.of("error"), what="the error")
        assert told[0]["message"].startswith(f"modbus-tcp {free_port}: ")
        gateway.reading(lambda seen: seen["seq"] > 3, "readings")


FULL_FLASH = """
_put = Store.put


def _refuse(store, name, value):
    # Iron does not forget, and needs no flash for it.
    if name != "rig-valve":
        raise OSError(28)
    _put(store, name, value)


Store.put = _refuse
"""


def test_flash_that_takes_nothing_does_not_keep_the_board_from_its_work(
    start: Start, gateway: Gateway, faulty: Callable[..., Path]
) -> None:
    planted = faulty("kv", (FIRMWARE / "kv.py").read_text(encoding="utf-8") + FULL_FLASH)
    board = start(planted=planted, trip_after=0.5)
    board.say("gas 55")
    seen = gateway.reading(lambda seen: seen["valve"] == 2, "the closed valve", 20)
    assert (seen["alarm"], seen["trip_latched"]) == (True, True)
    assert {one["message"].partition(":")[0] for one in board.of("error")} == {"boot", "clock"}
