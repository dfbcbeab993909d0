"""The gateway's time in the acknowledgement of who asks for it: ``POST /readings?time``."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocols.wire import coap
from tests.fixtures.datagrams import Message, Peer, peer_of
from tests.fixtures.gates import PACK, Gate
from tests.fixtures.stories import WALL
from tests.fixtures.waiting import wait_for_async

QUERIES = [(coap.URI_QUERY, b"time")]
NOW = str(WALL // 1_000_000).encode()


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    one = Gate(tmp_path / "journal")
    await one.open()
    yield one
    await one.close()


@pytest.fixture
async def peer(gate: Gate) -> AsyncIterator[Peer]:
    one = await peer_of(gate.address)
    yield one
    one.transport.close()


def post(*queries: tuple[int, bytes], payload: bytes = PACK, kind: int = coap.CON) -> bytes:
    options = [(coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, b"\x6e"), *queries]
    return coap.encode(kind, coap.POST, 1, b"tk", options, payload=payload)


async def test_who_asks_is_told_when_the_reading_is_durable(gate: Gate, peer: Peer) -> None:
    gate.hold = True
    peer.say(post(*QUERIES))
    await wait_for_async(lambda: gate.held, what="the commit")
    assert await peer.answers() == []
    gate.release()
    assert await peer.answers() == [Message(coap.ACK, "2.04", 1, b"tk", [(coap.CONTENT_FORMAT, b"")], NOW)]
    assert len(gate.readings()) == 1


@pytest.mark.parametrize("queries", [[], [(coap.URI_QUERY, b"times")], [(coap.URI_QUERY, b"")]])
async def test_who_does_not_ask_is_told_nothing(queries: list[tuple[int, bytes]], gate: Gate, peer: Peer) -> None:
    assert await peer.ask(post(*queries)) == Message(coap.ACK, "2.04", 1, b"tk", [], b"")


async def test_other_queries_beside_it_and_a_message_that_is_not_confirmed_change_nothing(peer: Peer) -> None:
    answer = await peer.ask(post((coap.URI_QUERY, b"x=1"), *QUERIES, kind=coap.NON))
    assert (answer.kind, answer.code, answer.payload) == (coap.NON, "2.04", NOW)


async def test_refusal_tells_no_time(gate: Gate, peer: Peer) -> None:
    assert NOW not in (await peer.ask(post(*QUERIES, payload=b"[{"))).payload
    gate.fault = ValueError("on purpose")
    answer = await peer.ask(post(*QUERIES))
    assert (answer.code, answer.payload) == ("5.00", b"")
