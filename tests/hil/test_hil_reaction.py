"""From gas over the limit to the valve output: at most 100 ms and the configured delay."""

import json
import random
import time
from collections.abc import Iterator

import pytest

from protocols.wire import coap
from tests.firmware.bench import Gateway, values_of
from tests.hil.board import NETWORK, PINS, Board
from tests.hil.leak import BUDGET_MS, LEVEL_1_MA, LEVEL_2_MA, OVER_RANGE_MA, Room
from tests.hil.master import Master
from tests.hil.pico_emulator import PicoEmulator

pytestmark = pytest.mark.board
LEVEL_1_LEL = 25.0
CLOSING = (2, 3)
OPEN = 1
PHASE_S = 0.5
"""The leak comes at any time between two samples."""

ROWS = [
    pytest.param(LEVEL_2_MA, 0.0, id="50 %LEL"),
    pytest.param(OVER_RANGE_MA, 0.0, id="over-range", marks=pytest.mark.slow),
    pytest.param(LEVEL_1_MA, 1.0, id="25 %LEL after a second", marks=pytest.mark.slow),
    pytest.param(LEVEL_2_MA, 6.0, id="50 %LEL after at most 5 s", marks=pytest.mark.slow),
]
LONGEST_DELAY_OF_LEVEL_2_S = 5.0


@pytest.mark.on_pico
@pytest.mark.needs(PINS)
@pytest.mark.parametrize(("milliamperes", "trip_after"), ROWS)
def test_coil_is_driven_in_time_while_the_line_is_busy(board: Board, milliamperes: float, trip_after: float) -> None:
    assert isinstance(board, PicoEmulator)
    room = Room(board)
    room.start(trip_after=trip_after)
    with Master(board) as master:
        master.until(30, fault=False, alarm=False, valve=OPEN)
        until = time.monotonic() + random.Random(f"{milliamperes} {trip_after}").uniform(0, PHASE_S)
        board.wait(lambda: master.registers(0, 25) and time.monotonic() >= until, "the moment of the leak")
        # Driven low before it became an output, and nothing since.
        assert room.levels() == [-1, 0]
        took = room.leak(milliamperes, 10 + trip_after, lambda: master.registers(0, 25))
        master.until(10, trip_latched=True, valve=3, valve_cause=1)
    delay = 1000 * min(trip_after, LONGEST_DELAY_OF_LEVEL_2_S)
    # The delay counts from the sample before the one that saw the gas.
    assert delay - BUDGET_MS <= took <= delay + BUDGET_MS


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway that takes every reading."""
    with Gateway() as found:
        yield found


@pytest.mark.needs(NETWORK)
@pytest.mark.parametrize(("line", "trip_after"), [("gas 60 0.4", 0.0), ("gas 30 0.2", 1.0)])
def test_no_sample_after_the_delay_shows_an_open_valve(
    board: Board, gateway: Gateway, line: str, trip_after: float
) -> None:
    """By the times that the board gives its samples; the air rises so fast that each of them is a reading."""
    board.start(gateway=gateway.address, period=0.1, trip_after=trip_after)
    gateway.reading(lambda seen: seen.get("valve") == OPEN, "clean air")
    board.act(line)
    seen = gateway.reading(lambda seen: seen.get("valve") in CLOSING, "the closing valve", 10 + trip_after)
    board.wait(lambda: set(range(1, seen["seq"])) <= {one[1] for one in told(gateway)}, "the readings before it")
    last = next(one for one in sorted(told(gateway)) if one[1] == seen["seq"])
    readings = [one for one in sorted(told(gateway)) if one[0] <= last[0] and one[2] is not None]
    clean_at = max(at for at, _, lel, _ in readings if lel < LEVEL_1_LEL)
    limit = clean_at + trip_after + BUDGET_MS / 1000
    assert [one for one in readings if one[3] == OPEN and one[0] > limit] == []
    # Not before the delay, which counts from the last sample without gas.
    assert last[0] >= clean_at + trip_after - 0.002
    if not trip_after:
        assert [one for one in readings if one[2] >= LEVEL_1_LEL and one[3] == OPEN] == []


def told(gateway: Gateway) -> list[tuple[float, int, float, int]]:
    """Time, number, %LEL and valve of all that arrived; -1 where it was the board's own reading."""
    found = []
    for one in [*gateway.readings, *gateway.own]:
        pack = coap.decode(one.data)[5]
        values = values_of(pack)
        found.append((json.loads(pack)[0]["bt"], values["seq"], values.get("methane", -1.0), values.get("valve", -1)))
    return found
