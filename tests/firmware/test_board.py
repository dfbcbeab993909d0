"""Real boards: the firmware under MicroPython against a gateway made of one socket."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.wire import coap
from tests.firmware.bench import HEAP, Board, Gateway
from tests.firmware.interpreters import FIRMWARE, module_paths
from tests.fixtures.waiting import wait_for

pytestmark = pytest.mark.board

Start = Callable[..., Board]


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway that answers every reading with 2.04 until told otherwise."""
    with Gateway() as found:
        yield found


@pytest.fixture
def start(micropython: Path, gateway: Gateway, tmp_path: Path) -> Iterator[Start]:
    """Start a board of the gateway; its records stay in one folder over restarts."""
    boards: list[Board] = []

    def make(**options: object) -> Board:
        boards.append(Board(micropython, gateway.address, tmp_path / "flash", **options))
        return boards[-1]

    yield make
    for board in boards:
        board.stop()


def test_unanswered_reading_is_sent_again_four_times_with_growing_spacing(gateway: Gateway, start: Start) -> None:
    gateway.answer = None
    board = start(ack_timeout=0.2, period=60)
    wait_for(lambda: board.of("unanswered"), 30, "the end of the exchange")
    first = gateway.readings[0].data
    times = [one.at for one in gateway.readings if one.data == first]
    assert len(times) == 5
    gaps = [times[turn + 1] - times[turn] for turn in range(4)]
    assert gaps == sorted(gaps)
    # Half of the least that RFC 7252 allows: a busy machine delays single datagrams, it never halves a gap.
    assert [gap > 0.1 * 2**turn for turn, gap in enumerate(gaps)] == [True] * 4
    again = wait_for(lambda: [one for one in gateway.readings if one.data != first], what="the new message")
    assert coap.decode(again[0].data)[2] != coap.decode(first)[2]
    assert coap.decode(again[0].data)[5] == coap.decode(first)[5]


def test_readings_of_an_outage_arrive_in_order_without_the_oldest(gateway: Gateway, start: Start) -> None:
    gateway.answer = None
    board = start(ack_timeout=0.3, period=0.1, ring=5, queue=0)
    wait_for(lambda: len(board.of("dropped")) >= 4, 30, "four dropped readings")
    gateway.answer = coap.CHANGED
    wait_for(lambda: len(board.of("acknowledged")) >= 8, 30, "eight acknowledged readings")
    order = [event["seq"] for event in board.of("acknowledged")]
    dropped = {event["seq"] for event in board.of("dropped")}
    assert order == [seq for seq in range(1, order[-1] + 1) if seq not in dropped]
    assert [event["count"] for event in board.of("dropped")] == list(range(1, len(dropped) + 1))
    lost = gateway.of_the_board(lambda seen: seen["overwritten"] > 0, "the count of lost readings", 30)
    assert lost["overwritten"] <= len(board.of("dropped"))


def test_ring_of_the_default_size_fits_the_heap(gateway: Gateway, start: Start) -> None:
    gateway.answer = None
    board = start(ack_timeout=0.3, period=0.1, queue=0)
    wait_for(lambda: len(board.of("dropped")) >= 3, 60, "a full ring")
    gateway.answer = coap.CHANGED
    wait_for(lambda: len(board.of("acknowledged")) >= 128, 60, "128 acknowledged readings")
    assert board.process.poll() is None


def test_closing_command_is_obeyed_and_reported(gateway: Gateway, start: Start) -> None:
    board = start()
    gateway.reading(lambda seen: seen["valve"] == 1, "a reading")
    assert gateway.command(7, b"valve", b"close") == (coap.CHANGED, b"")
    closed = gateway.reading(lambda seen: seen["valve"] == 2, "the closed valve")
    assert (closed["valve_cause"], closed["trip_latched"]) == (2, False)
    assert gateway.reading(lambda seen: seen["valve"] == 3, "the moving valve")["valve_cause"] == 2
    assert gateway.command(8, b"fan", b"start") == (coap.CHANGED, b"")
    gateway.reading(lambda seen: seen["fan"] == 2, "the running fan")
    board.say("valve open")
    opened = gateway.reading(
        lambda seen: seen["valve"] == 1 and seen["seq"] > closed["seq"], "the valve opened by hand"
    )
    assert opened["valve_cause"] == 0


def test_opening_command_is_refused_and_the_valve_does_not_move(gateway: Gateway, start: Start) -> None:
    start()
    gateway.reading(lambda _: True, "a reading")
    gateway.command(7, b"valve", b"close")
    closed = gateway.reading(lambda seen: seen["valve"] == 2, "the closed valve")
    code, diagnostic = gateway.command(8, b"valve", b"open")
    assert (code, diagnostic[:9]) == (coap.FORBIDDEN, b"only PUT ")
    later = gateway.reading(lambda seen: seen["seq"] > closed["seq"] + 2, "later readings")
    assert later["valve"] == 2


def test_leak_closes_the_valve_without_a_gateway(gateway: Gateway, start: Start) -> None:
    gateway.answer = None
    board = start(trip_after=0.5, ack_timeout=0.2)
    board.say("gas 55")
    wait_for(lambda: board.of("stimulus"), what="the stimulus")
    gateway.answer = coap.CHANGED
    tripped = gateway.reading(lambda seen: seen["valve"] == 2, "the closed valve")
    assert (tripped["alarm"], tripped["trip_latched"], tripped["valve_cause"]) == (True, True, 1)


def test_trip_latch_outlives_a_kill_and_stands_in_the_first_reading(gateway: Gateway, start: Start) -> None:
    board = start(trip_after=0.2)
    board.say("gas 55")
    tripped = gateway.reading(lambda seen: seen["valve"] == 2, "the trip")
    board.stop(kill=True)
    gateway.readings.clear()
    start(trip_after=0.2)
    first = gateway.reading(lambda seen: seen["boot"] != tripped["boot"], "the first reading after the kill")
    assert (first["boot"], first["seq"]) == (tripped["boot"] + 1, 1)
    assert (first["trip_latched"], first["valve"], first["valve_cause"]) == (True, 2, 1)


def test_board_ends_with_its_life_line(gateway: Gateway, start: Start) -> None:
    board = start()
    gateway.reading(lambda _: True, "a reading")
    assert board.process.stdin is not None
    board.process.stdin.write("half a li")
    assert board.stop() == (0, "")


def test_wrong_line_is_told_and_the_board_goes_on(gateway: Gateway, start: Start) -> None:
    board = start(product="smart-bin")
    for line in ("nonsense", "fill much", "\u6ee1", "x" * 5000, "", "fill 92"):
        board.say(line)
    full = gateway.reading(lambda seen: seen.get("fill", 0) >= 91, "the full bin", 30)
    assert full["collections"] == 0
    assert len(board.of("error")) == 4


def test_wrong_setting_ends_the_start_with_code_2(micropython: Path) -> None:
    for arguments, what in (
        (["--colour", "red"], "--colour"),
        (["--state", "x"], "device"),
        (["--product", "gas-alarm"], "--state"),
    ):
        command = [str(micropython), "-X", HEAP, str(FIRMWARE / "main.py"), *arguments]
        done = subprocess.run(
            command,
            env=module_paths(),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=20,
            check=False,
        )
        assert (done.returncode, what in done.stderr) == (2, True)


REQUESTS = st.builds(
    lambda code, mid, path, payload: coap.encode(coap.CON, code, mid, b"", ((11, path),), payload=payload),
    st.integers(1, 31),
    st.integers(0, 65535),
    st.sampled_from((b"valve", b"fan", b"readings", b"")),
    st.binary(max_size=8) | st.sampled_from((b"open", b"OPEN", b"1", b"stop", b"reset")),
)
GARBAGE = st.lists(st.binary(max_size=64) | REQUESTS, min_size=20, max_size=60)


def test_no_datagram_opens_the_valve_or_ends_the_board(gateway: Gateway, start: Start) -> None:
    board = start(period=0.1)
    gateway.reading(lambda _: True, "a reading")
    gateway.command(7, b"valve", b"close")
    gateway.reading(lambda seen: seen["valve"] == 2, "the closed valve")
    ping = iter(range(1000, 60000))

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(GARBAGE)
    def storm(datagrams: list[bytes]) -> None:
        for data in datagrams:
            gateway.send(data)
        mid = next(ping)
        gateway.send(coap.encode(coap.CON, coap.EMPTY, mid))
        wait_for(lambda: coap.encode(coap.RST, 0, mid) in [one.data for one in gateway.replies], what="the pong")
        last = gateway.readings[-1].values["seq"]
        assert gateway.reading(lambda seen: seen["seq"] > last, "a reading after the storm")["valve"] == 2

    storm()
    assert board.process.poll() is None
    assert {one.values["valve"] for one in gateway.readings if one.values["seq"] > 3} <= {1, 2, 3}
    assert gateway.readings[-1].values["valve"] == 2
