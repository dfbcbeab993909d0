"""The firmware's OSCORE in a real process against the reference implementation: aiocoap as its gateway, both ways.

Debian 12's libcoap (4.3.1) has no OSCORE.
"""

import asyncio
import importlib.util
import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import aiocoap
import pytest

from protocols.wire import coap, oscore
from tests.firmware.bench import Board, Gateway
from tests.fixtures.oscore_gateway import NEEDED, SALT, SECRET, Readings, SecureGateway
from tests.fixtures.programs import missing
from tests.fixtures.waiting import wait_for, wait_for_async

pytestmark = pytest.mark.board


class SecureBoard(Board):
    """A board with a credential; all that it wrote can be looked through when it has stopped."""

    def __init__(self, micropython: Path, port: int, state: Path, **options: object) -> None:
        state.mkdir(exist_ok=True)
        told = {"sender_id": "01", "recipient_id": "02", "master_secret": SECRET, "master_salt": SALT}
        (state / "key").write_text(json.dumps(told), encoding="ascii")
        settings = {"oscore": "key", "ack_timeout": 1, **options}
        super().__init__(micropython, f"127.0.0.1:{port}", state, "gas-alarm", None, **settings)

    def cut(self) -> str:
        """End it as a power cut does; all that it wrote."""
        _, errors = self.stop(kill=True)
        return errors + json.dumps(self.events)


@pytest.fixture
async def gateway(tmp_path: Path, free_udp_port: int, request: pytest.FixtureRequest) -> AsyncIterator[SecureGateway]:
    """Listening on ``free_udp_port``; the test's parameter says whether it has lost its replay window."""
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        missing(f"aiocoap[oscore] lacks {', '.join(absent)}")
    found = SecureGateway(tmp_path / "gateway", lost_window=getattr(request, "param", False))
    # The first that can send a request sends it: behind udp6, OSCORE would silently never be used.
    found.context = await aiocoap.Context.create_server_context(
        found.site, bind=("127.0.0.1", free_udp_port), transports=["oscore", "udp6"]
    )
    yield found
    for _ in range(3):
        await asyncio.sleep(0)
    await found.context.shutdown()


@pytest.fixture
def board(micropython: Path, free_udp_port: int, tmp_path: Path) -> Iterator[SecureBoard]:
    """A board that posts to ``free_udp_port``."""
    found = SecureBoard(micropython, free_udp_port, tmp_path / "state")
    yield found
    if found.process.poll() is None:
        found.cut()


@pytest.mark.parametrize("gateway", [False, True], indirect=True, ids=["known", "challenged"])
async def test_protected_readings_arrive_once_and_in_order(gateway: SecureGateway, board: SecureBoard) -> None:
    await wait_for_async(lambda: len(board.of("acknowledged")) >= 5, 20, "five acknowledged readings")
    numbers = list(gateway.readings.numbers)
    assert numbers[:5] == [1, 2, 3, 4, 5]
    assert gateway.readings.plain == 0
    assert [one["seq"] for one in board.of("acknowledged")][:5] == [1, 2, 3, 4, 5]
    assert board.of("refused") == []
    board.say("config show")
    await wait_for_async(lambda: board.of("answer"), what="the settings")
    assert SECRET not in board.cut()


async def test_commands_of_the_gateway_prove_that_they_are_fresh(gateway: SecureGateway, board: SecureBoard) -> None:
    await wait_for_async(lambda: gateway.readings.remotes, what="a reading")
    # aiocoap answers the challenge by itself.
    started = await gateway.ask(aiocoap.PUT, "fan", b"start")
    closed = await gateway.ask(aiocoap.PUT, "valve", b"close")
    opened = await gateway.ask(aiocoap.PUT, "valve", b"open")
    assert [one.code for one in (started, closed, opened)] == [aiocoap.CHANGED, aiocoap.CHANGED, aiocoap.FORBIDDEN]
    core = await gateway.ask(aiocoap.GET, ".well-known/core", b"")
    assert core.payload.count(b"<") == 3
    assert [one["name"] for one in board.of("command")] == ["start-fan", "close-valve"]


async def test_plain_commands_of_the_same_gateway_move_nothing(gateway: SecureGateway, board: SecureBoard) -> None:
    await wait_for_async(lambda: gateway.readings.remotes, what="a reading")
    for path, payload in (("valve", b"close"), ("fan", b"start"), ("valve", b"open")):
        refused = await gateway.ask(aiocoap.PUT, path, payload, protected=False)
        assert refused.code == aiocoap.UNAUTHORIZED
    assert board.of("command") == []


async def test_board_killed_at_any_time_goes_on_and_is_taken(
    gateway: SecureGateway, micropython: Path, free_udp_port: int, tmp_path: Path
) -> None:
    """aiocoap refuses a number that it has seen: each life's readings would stay unacknowledged."""
    for life in range(1, 5):
        board = SecureBoard(micropython, free_udp_port, tmp_path / "state", period=0.1)
        try:
            await wait_for_async(partial(taken, gateway.readings, life), 20, "a reading of a life")
        finally:
            board.cut()
        assert board.of("refused") == []


def test_killed_board_never_sends_a_number_twice(micropython: Path, tmp_path: Path) -> None:
    """Against a silent socket: what each life sends first lies behind all that was sent before."""
    sent: list[int] = []
    with Gateway() as listener:
        listener.answer = None
        port = int(listener.address.rpartition(":")[2])
        for life in range(1, 6):
            board = SecureBoard(micropython, port, tmp_path / "state")
            try:
                wait_for(partial(more_than, listener, len(sent)), 20, "a message of this life")
            finally:
                board.cut()
            assert len(set(numbers(listener))) >= life
            sent = numbers(listener)
    fresh = [number for at, number in enumerate(sent) if number not in sent[:at]]
    assert fresh == sorted(fresh)
    assert len(fresh) >= 5
    payloads = {number: set[bytes]() for number in fresh}
    for arrived, number in zip(list(listener.readings), sent, strict=False):
        payloads[number].add(arrived.data)
    assert {len(one) for one in payloads.values()} == {1}


def taken(readings: Readings, life: int) -> bool:
    """Whether that many lives had a reading taken."""
    return len(set(readings.boots)) == life


def more_than(listener: Gateway, count: int) -> bool:
    """Whether more has arrived."""
    return len(numbers(listener)) > count


def numbers(listener: Gateway) -> list[int]:
    """The Partial IVs of all that has arrived."""
    found = [coap.decode(one.data)[4] for one in list(listener.readings)]
    values = [coap.option(options, oscore.OSCORE) for options in found]
    return [int.from_bytes(oscore.parse_option(value or b"")[0], "big") for value in values]


def test_plain_acknowledgements_change_nothing(micropython: Path, tmp_path: Path) -> None:
    with Gateway() as listener:
        board = SecureBoard(micropython, int(listener.address.rpartition(":")[2]), tmp_path / "state")
        try:
            wait_for(lambda: len(listener.readings) >= 3, 20, "two retransmissions")
            wait_for(lambda: board.of("refused"), what="the refusal")
        finally:
            board.cut()
        assert len({one.data for one in listener.readings[:3]}) == 1
    assert board.of("acknowledged") == []
    assert board.of("refused")[0]["diagnostic"] == "response is not protected"
