"""Boards with a network: readings delivered, a gateway that is gone and comes back, commands, a flood of garbage."""

import json
import random
from collections.abc import Iterator

import pytest

from protocols.wire import coap
from tests.firmware.bench import Gateway
from tests.hil.board import NETWORK, Board
from tests.hil.line import RATE_S
from tests.hil.story import PRODUCTS

pytestmark = [pytest.mark.board, pytest.mark.needs(NETWORK)]


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway that answers every reading with 2.04 until told otherwise."""
    with Gateway() as found:
        yield found


@pytest.mark.parametrize("product", PRODUCTS)
def test_readings_arrive_and_are_acknowledged(board: Board, gateway: Gateway, product: str) -> None:
    board.start(product, gateway=gateway.address)

    def acknowledged() -> list[int]:
        return [event["seq"] for event in board.of("acknowledged")]

    board.wait(lambda: {1, 2, 3}.issubset(acknowledged()), "the first three readings to be acknowledged")
    # Not in order: an urgent reading goes ahead (firmware/micropython/backlog.py).
    once = acknowledged()
    assert sorted(set(once)) == sorted(once)


@pytest.mark.parametrize("product", PRODUCTS)
def test_readings_of_an_outage_arrive_after_it_in_order(board: Board, gateway: Gateway, product: str) -> None:
    board.start(product, gateway=gateway.address, ack_timeout=0.2)
    gateway.answer = None
    board.wait(lambda: board.of("unanswered"), "the end of an exchange", 30)
    before = len(board.of("acknowledged"))
    gateway.answer = coap.CHANGED
    board.wait(lambda: len(board.of("acknowledged")) >= before + 20, "what was kept", 40)
    acknowledged = sorted(event["seq"] for event in board.of("acknowledged"))
    assert acknowledged[: before + 15] == list(range(1, before + 16))


def test_leak_closes_the_valve_while_the_gateway_is_away(board: Board, gateway: Gateway) -> None:
    gateway.answer = None
    board.start(gateway=gateway.address, trip_after=0.3, ack_timeout=0.2)
    board.act("gas 55")
    gateway.answer = coap.CHANGED
    seen = gateway.reading(lambda one: one.get("valve") == 2, "the closed valve", 60)
    assert (seen["trip_latched"], seen["valve_cause"]) == (True, 1)


@pytest.mark.parametrize("product", PRODUCTS)
def test_no_reading_is_lost_at_the_full_rate(board: Board, gateway: Gateway, product: str) -> None:
    """A reading with each sample, for `RATE_S` by their own times."""
    board.start(product, gateway=gateway.address, period=0.1)
    board.wait(lambda: gateway.readings, "the first reading")
    board.wait(lambda: max(times(gateway)) - min(times(gateway)) >= RATE_S, "the last readings", 3 * RATE_S)
    newest = max(numbers(gateway))
    board.wait(lambda: set(range(1, newest + 1)) <= numbers(gateway), "the readings before the newest")
    assert [event for name in ("dropped", "refused", "error") for event in board.of(name)] == []


def numbers(gateway: Gateway) -> set[int]:
    """Of all that has arrived."""
    return {one.values["seq"] for one in [*gateway.readings, *gateway.own]}


def times(gateway: Gateway) -> list[float]:
    """Of all that has arrived, s since 1970, as the board gives them."""
    return [json.loads(coap.decode(one.data)[5])[0]["bt"] for one in list(gateway.readings)]


def test_garbage_at_the_socket_changes_nothing(board: Board, gateway: Gateway) -> None:
    board.start(gateway=gateway.address)
    gateway.reading(lambda _: True, "a reading")
    noise = random.Random(7252)
    for size in range(200):
        gateway.send(noise.randbytes(size % 60 + 1))
    before = len(gateway.readings)
    board.wait(lambda: len(gateway.readings) > before + 3, "further readings", 30)
    assert gateway.readings[-1].values["valve"] == 1
