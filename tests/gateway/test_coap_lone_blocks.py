"""A pack in blocks whose acknowledgement was lost over a restart: begun again, and stored once."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from device_registry.devices import Site
from gateway.transports.coap.lone_blocks import LoneBlocks
from protocols.coap_blocks import BLOCK1, CONTINUE, INCOMPLETE, Block, encode_block
from protocols.wire import coap, oscore
from tests.fixtures.coap_boards import READINGS, Board, protected_site, sample
from tests.fixtures.datagrams import Peer, peer_of
from tests.fixtures.gates import SideGate, coap_site

SIZE = 32
BODY = sample(7) + b" " * 30
COUNT = -(-len(BODY) // SIZE)
LAST = COUNT - 1


def piece(number: int) -> tuple[list[tuple[int, bytes]], bytes]:
    """Options and payload of a block."""
    block = Block(number, more=number < LAST, size=SIZE)
    return sorted([*READINGS, (BLOCK1, encode_block(block))]), BODY[number * SIZE :][:SIZE]


def plain(number: int, mid: int) -> bytes:
    options, payload = piece(number)
    return coap.encode(coap.CON, coap.POST, mid, b"bl", options, payload=payload)


async def transferred(peer: Peer, first_mid: int) -> list[str]:
    """The pack, in messages from ``first_mid`` on; the answers."""
    return [(await peer.ask(plain(number, first_mid + number))).code for number in range(COUNT)]


WHOLE = ["2.31"] * LAST + ["2.04"]


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    one = await peer_of(("127.0.0.1", 9))
    yield one
    one.transport.close()


async def restarted(gate: SideGate) -> None:
    await gate.close()
    await gate.open()


@pytest.fixture
async def make(tmp_path: Path, peer: Peer) -> AsyncIterator[Callable[[Site], Awaitable[SideGate]]]:
    """Opens a gateway for ``peer``."""
    gates: list[SideGate] = []

    async def one(site: Site) -> SideGate:
        gates.append(SideGate(tmp_path / "journal", site))
        await gates[-1].open()
        peer.other = gates[-1].address
        return gates[-1]

    yield one
    for gate in gates:
        await gate.close()


Make = Callable[[Site], Awaitable[SideGate]]


async def test_pack_that_is_begun_again_after_a_restart_is_stored_once_and_the_next_again(
    make: Make, peer: Peer
) -> None:
    gate = await make(coap_site())
    assert await transferred(peer, 100) == WHOLE
    await restarted(gate)
    assert (await peer.ask(plain(LAST, 100 + LAST))).code == "4.08"
    assert await transferred(peer, 200) == WHOLE
    assert len(gate.readings()) == 1
    assert await transferred(peer, 300) == WHOLE
    assert len(gate.readings()) == 2


async def test_pack_of_somebody_else_is_no_repetition(make: Make, peer: Peer) -> None:
    gate = await make(coap_site())
    other = await peer_of(gate.address)
    assert await transferred(peer, 100) == WHOLE
    await restarted(gate)
    assert (await peer.ask(plain(LAST, 100 + LAST))).code == "4.08"
    assert await transferred(other, 100) == WHOLE
    assert len(gate.readings()) == 2
    other.transport.close()


async def said(board: Board, datagram: bytes, binding: oscore.Binding, options: list[tuple[int, bytes]]) -> int:
    """A protected block, with the proof if one is asked for; the code of its answer."""
    code, inside, _ = board.opened(await board.peer.ask(datagram), binding)
    echo = coap.option(inside, oscore.ECHO)
    if echo is None:
        return code
    return (await board.ask(BODY[LAST * SIZE :], [*options, (oscore.ECHO, echo)]))[0]


async def test_protected_pack_in_blocks_is_stored_once_too(make: Make, tmp_path: Path, peer: Peer) -> None:
    gate = await make(protected_site(tmp_path))
    board = Board(peer)
    await board.prove()
    for number in range(LAST):
        options, payload = piece(number)
        assert (await board.ask(payload, options))[0] == CONTINUE
    options, payload = piece(LAST)
    datagram, binding = board.sealed(payload, options)
    assert await said(board, datagram, binding, options) == coap.CHANGED
    await restarted(gate)
    assert await said(board, datagram, binding, options) == INCOMPLETE
    for count in (2, 3):
        codes = [(await board.ask(payload, options))[0] for options, payload in map(piece, range(COUNT))]
        assert codes[-1] == coap.CHANGED
        assert len(gate.readings()) == count, "the message of the proof, and this pack once; then the next"


def test_lone_blocks_are_bounded_and_count_once() -> None:
    lone = LoneBlocks(2)
    last = Block(3, more=False, size=SIZE)
    for number in range(3):
        lone.remember(number, last, b"end", f"source {number}")
    lone.remember(2, Block(1, more=True, size=SIZE), b"middle", "no end")
    lone.remember(2, Block(0, more=False, size=SIZE), b"whole", "no end")
    assert (len(lone), lone.repeated(0, last, b"end")) == (2, "")
    assert [lone.repeated(2, last, b"end") for _ in range(2)] == ["source 2", ""]
    assert lone.repeated(1, last, b"another end") == ""
