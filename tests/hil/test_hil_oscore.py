"""Boards with a network that are killed at any moment: no OSCORE sequence number is ever seen a second time.

The gateway is aiocoap, as in tests/firmware/test_board_oscore.py; between it and the board every datagram is looked at.
"""

import asyncio
import importlib.util
import json
import random
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import aiocoap
import pytest

from protocols.wire import coap, oscore
from tests.fixtures.oscore_gateway import NEEDED, SALT, SECRET, SecureGateway
from tests.fixtures.programs import missing
from tests.fixtures.waiting import wait_for_async
from tests.hil.board import NETWORK, POWER_CUT, Board

pytestmark = [pytest.mark.board, pytest.mark.needs(NETWORK, POWER_CUT)]
CREDENTIAL = {"sender_id": "01", "recipient_id": "02", "master_secret": SECRET, "master_salt": SALT}
CUTS = 24
LONGEST_LIFE_S = 0.5
"""Of most lives, from the first word of the board: some end before the first message."""
BLOCK = 64
"""Numbers that are reserved at once (firmware/micropython/security.py): a long life needs a second reservation."""
LONG_LIVES = (7, 15)
STILL_ON_THE_WIRE = 20
"""Turns of the loop after a cut, a datagram each: more than a board can have sent unseen."""


class Tap(asyncio.DatagramProtocol):
    """A wire of UDP with the board at one end. ``numbers``: every Partial IV that the board put on it, as it came;
    ``messages``: what it protected with each."""

    def __init__(self, gateway: tuple[str, int]) -> None:
        self.numbers: list[int] = []
        self.messages: dict[int, set[bytes]] = {}
        self._gateway = gateway
        self._board: tuple[str, int] | None = None
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # a datagram endpoint gives no other
        self._transport = transport

    @property
    def address(self) -> str:
        """For the board, as its gateway."""
        host, port = self._transport.get_extra_info("sockname")[:2]
        return f"{host}:{port}"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr == self._gateway:
            if self._board is not None:
                self._transport.sendto(data, self._board)
            return
        self._board = addr
        self._note(data)
        self._transport.sendto(data, self._gateway)

    def _note(self, data: bytes) -> None:
        protected = coap.option(coap.decode(data)[4], oscore.OSCORE)
        partial_iv = oscore.parse_option(protected)[0] if protected else b""
        if partial_iv:
            number = int.from_bytes(partial_iv, "big")
            self.numbers.append(number)
            self.messages.setdefault(number, set()).add(data)


class Line(NamedTuple):
    """A gateway and the tapped wire to it."""

    gateway: SecureGateway
    tap: Tap


@pytest.fixture
async def line(tmp_path: Path, free_udp_port: int) -> AsyncIterator[Line]:
    """A gateway that listens, and the wire to it."""
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        missing(f"aiocoap[oscore] lacks {', '.join(absent)}")
    gateway = SecureGateway(tmp_path / "gateway")
    there = ("127.0.0.1", free_udp_port)
    gateway.context = await aiocoap.Context.create_server_context(
        gateway.site, bind=there, transports=["oscore", "udp6"]
    )
    transport, tap = await asyncio.get_running_loop().create_datagram_endpoint(
        partial(Tap, there), local_addr=("127.0.0.1", 0)
    )
    yield Line(gateway, tap)
    transport.close()
    for _ in range(3):
        await asyncio.sleep(0)
    await gateway.context.shutdown()


def takes_the_last_life(board: Board, line: Line) -> bool:
    started, boots = board.of("started"), line.gateway.readings.boots
    return bool(started and boots) and boots[-1] == started[-1]["boot"]


async def test_no_sequence_number_comes_twice_however_often_the_board_is_cut(board: Board, line: Line) -> None:
    board.put({"key": json.dumps(CREDENTIAL).encode()})
    moments = random.Random(8613)
    numbers, lives = line.tap.numbers, 0
    for life in range(CUTS + 1):
        before = len(numbers)
        await asyncio.to_thread(board.start, gateway=line.tap.address, oscore="key", period=0.1, ack_timeout=0.2)
        if life in LONG_LIVES:
            await wait_for_async(partial(more, numbers, before, BLOCK), 40, "a second reservation")
        elif life == CUTS:
            await wait_for_async(partial(more, numbers, before, 1), 20, "the numbers of the last life")
            await wait_for_async(partial(takes_the_last_life, board, line), 20, "a reading of the last life")
        else:
            end = time.monotonic() + moments.uniform(0, LONGEST_LIFE_S)
            await wait_for_async(partial(over, end), what="the moment of the cut")
        await asyncio.to_thread(board.power_cut)
        for _ in range(STILL_ON_THE_WIRE):
            await asyncio.sleep(0)
        lives += len(numbers) > before
        assert min(numbers[before:], default=1 << 40) > max(numbers[:before], default=-1), f"life {life}"
    assert lives > CUTS // 2
    assert {len(same) for same in line.tap.messages.values()} == {1}
    assert board.of("refused") == []
    # aiocoap takes no number twice: it has taken readings of the last life.
    assert takes_the_last_life(board, line)
    assert line.gateway.readings.plain == 0


def more(numbers: list[int], before: int, count: int) -> bool:
    """Whether more than so many different numbers came after the first ``before``."""
    return len(set(numbers[before:])) > count


def over(end: float) -> bool:
    """Whether the moment has come."""
    return time.monotonic() >= end
