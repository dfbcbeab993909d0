"""The framed serial link of a board: readings, commands, noise and half frames, a gateway that goes and comes back."""

import random
import time
from functools import partial
from itertools import pairwise

import pytest

from protocols.wire import link
from tests.hil.board import DEVICE, NETWORK, POWER_CUT, UNIT, Board
from tests.hil.line import RATE_S
from tests.hil.link_end import LinkEnd, Reading, settings
from tests.hil.story import PRODUCTS

pytestmark = pytest.mark.board
OUTAGE_S = 8.0
PERIOD_S = 0.4
"""The newest reading goes ahead of those of an outage. A Pico composes and sends some five a second: a shorter period
leaves hardly a turn for the older ones."""
SMALL_RING = 8
"""Readings in memory; what an outage brings beyond them goes to flash."""


def numbers(readings: list[Reading]) -> list[int]:
    """Their sequence, as they came."""
    return [one.seq for one in readings]


def all_come_once(gateway: LinkEnd) -> None:
    """Every reading of the only start up to the newest comes, and none a second time. An urgent one goes ahead."""
    wanted = set(range(1, max(numbers(gateway.readings)) + 1))
    gateway.until(lambda: wanted <= set(numbers(gateway.readings)), "the readings before the newest")
    found = numbers(gateway.readings)
    assert len(found) == len(set(found))


def rises(times: list[float]) -> bool:
    """Whether each time is later than the one before."""
    return all(sooner < later for sooner, later in pairwise(times))


def gateway_is_away(board: Board, seconds: float = OUTAGE_S) -> None:
    """Nobody asks the board for so long, and longer where its time goes slower than ours."""
    end = time.monotonic() + seconds * max(board.time_scale / 2, 1)
    board.wait(lambda: time.monotonic() >= end, "the end of the outage", seconds + 1)


@pytest.mark.on_pico
@pytest.mark.parametrize("product", PRODUCTS[:1])
def test_readings_arrive_in_order_and_commands_are_obeyed(board: Board, product: str) -> None:
    board.start(product, **settings(board))
    with LinkEnd(board) as gateway:
        gateway.until(lambda: len(gateway.readings) >= 5, "five readings")
        asked = [gateway.command(name) for name in (b"close-valve", b"open-valve")]
        gateway.until(lambda: len(gateway.of(link.RESULT)) == 2, "the word of the board")
        gateway.until(lambda: gateway.values("valve")[-1] == 2, "the closed valve")
        assert [(one.boot, one.data) for one in gateway.of(link.HELLO)] == [(gateway.readings[0].boot, DEVICE.encode())]
        all_come_once(gateway)
    told = [(one.number, one.value) for one in gateway.of(link.RESULT)]
    assert told == list(zip(asked, (link.DONE, link.REFUSED), strict=True))
    assert numbers(gateway.readings)[:5] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("product", PRODUCTS)
def test_noise_and_half_frames_lose_no_reading(board: Board, product: str) -> None:
    board.start(product, **settings(board))
    noise = random.Random(7)
    half = link.encode(link.DATA, UNIT, 0, (1, 1, 0), b"x" * 500)
    with LinkEnd(board) as gateway:
        gateway.until(lambda: gateway.of(link.HELLO), "the board's name")
        for size in range(1, 13):
            before = len(gateway.readings)
            gateway.disturb(noise.randbytes(40 * size))
            gateway.disturb(half[: 40 * size])
            gateway.until(partial(gateway.has, before + 1), "a reading after the noise")
        all_come_once(gateway)


@pytest.mark.parametrize("product", PRODUCTS)
def test_no_reading_is_lost_at_the_full_rate(board: Board, product: str) -> None:
    """As many readings as the board can compose and send, for `RATE_S` by their own times."""
    board.start(product, **settings(board), period=0.1 if NETWORK in board.capabilities else PERIOD_S)
    with LinkEnd(board) as gateway:
        gateway.set_clock()
        began = gateway.times()[0]
        gateway.until(lambda: gateway.times()[-1] - began >= RATE_S, "the last readings", 3 * RATE_S)
        all_come_once(gateway)


@pytest.mark.parametrize("product", PRODUCTS)
def test_readings_of_an_outage_arrive_once_with_the_times_they_were_made_at(board: Board, product: str) -> None:
    board.start(product, **settings(board), ring=SMALL_RING, period=PERIOD_S)
    with LinkEnd(board) as gateway:
        gateway.set_clock()
        gateway_is_away(board)
        # Unasked it could not say more than what its memory holds.
        gateway.until(partial(gateway.has, len(gateway.readings) + 2 * SMALL_RING), "what was kept", 60)
        all_come_once(gateway)
    assert rises(gateway.times())
    # All but those before the board knew the time.
    assert len(gateway.times()) >= 2 * SMALL_RING


@pytest.mark.needs(POWER_CUT)
def test_readings_of_an_outage_that_a_power_cut_ends_arrive_in_order(board: Board) -> None:
    board.start("gas-alarm", **settings(board), ring=SMALL_RING, period=PERIOD_S)
    with LinkEnd(board) as gateway:
        gateway.set_clock()
        gateway_is_away(board)
    before = gateway.readings[-1]
    board.power_cut()
    board.start("gas-alarm", **settings(board), ring=SMALL_RING, period=PERIOD_S)
    with LinkEnd(board, session=2) as gateway:
        gateway.set_clock()
        gateway.until(lambda: {one.boot for one in gateway.readings} > {before.boot}, "both starts", 60)
        gateway.until(lambda: len(of(gateway, before.boot)) > SMALL_RING, "what was in flash", 60)
        gateway.until(lambda: len(of(gateway, before.boot + 1)) > SMALL_RING, "what came after", 60)
    kept = of(gateway, before.boot)
    # The first of them may have been on its way when the gateway went.
    assert numbers(kept) == list(range(kept[0].seq, kept[0].seq + len(kept)))
    assert before.seq <= kept[0].seq <= before.seq + 1
    assert rises([one.at for one in kept if one.at is not None])


def of(gateway: LinkEnd, boot: int) -> list[Reading]:
    """The readings of a start, as they came."""
    return [one for one in gateway.readings if one.boot == boot]
