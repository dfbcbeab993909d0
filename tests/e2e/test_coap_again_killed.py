"""A pack in blocks, or a protected one, whose acknowledgement went with a killed gateway: stored once, though the
device has to say it in new messages."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocols.coap_blocks import BLOCK1, Block, encode_block
from protocols.wire import coap, oscore
from tests.e2e.coap_program import CoapProgram
from tests.fixtures.coap_boards import READINGS, Board, sample
from tests.fixtures.datagrams import Message, Peer, peer_of
from tests.fixtures.gates import EAST
from tests.fixtures.oscore_gateway import SALT, SECRET

pytestmark = pytest.mark.e2e

DIES_WHEN_IT_IS_STORED = (
    sys.executable,
    "-c",
    "import os, signal, sys\n"
    "from gateway.transports.coap.resources import Resources\n"
    "from gengfu.cli import main\n"
    "stored = Resources._stored\n"
    "left = [int(os.environ.get('STORED_BEFORE', '0'))]\n"
    "def dies(self, **given):\n"
    "    if not left[0]:\n"
    "        os.kill(os.getpid(), signal.SIGKILL)\n"
    "    left[0] -= 1\n"
    "    return stored(self, **given)\n"
    "Resources._stored = dies\n"
    "sys.exit(main())",
)
"""The program, killed between the commit and the acknowledgement of the reading after the first ``STORED_BEFORE``."""
CREDENTIAL = """
[device.oscore]
sender_id = "02"
recipient_id = "01"
master_secret_file = "%s"
master_salt = "%s"
"""
SIZE = 32
BODY = sample(3) + b" " * 40


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    one = await peer_of(("127.0.0.1", 9))
    yield one
    one.transport.close()


def protected(folder: Path) -> str:
    """The device's part of the document."""
    secret = folder / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    return CREDENTIAL % (secret, SALT)


def blocks() -> list[tuple[list[tuple[int, bytes]], bytes]]:
    """The pack in blocks: options and piece of each."""
    count = -(-len(BODY) // SIZE)
    return [
        (
            sorted([*READINGS, (BLOCK1, encode_block(Block(number, more=number < count - 1, size=SIZE)))]),
            BODY[number * SIZE :][:SIZE],
        )
        for number in range(count)
    ]


async def transferred(peer: Peer, first_mid: int) -> tuple[list[bytes], str]:
    """The pack in blocks that are not protected: what was sent, and the last answer."""
    sent, answer = [], ""
    for number, (options, piece) in enumerate(blocks()):
        token = bytes([first_mid + number])
        sent.append(coap.encode(coap.CON, coap.POST, first_mid + number, token, options, payload=piece))
        if number < len(blocks()) - 1:
            answer = (await peer.ask(sent[-1])).code
            assert answer == "2.31"
    return sent, answer


async def test_pack_in_blocks_that_is_begun_again_after_a_kill_is_stored_once(tmp_path: Path, peer: Peer) -> None:
    site = CoapProgram(tmp_path, EAST)
    peer.other = ("127.0.0.1", site.port)
    with site.start(DIES_WHEN_IT_IS_STORED) as program:
        program.says("Ctrl-C stops", 20)
        sent, _ = await transferred(peer, 10)
        peer.say(sent[-1])
        assert await asyncio.to_thread(program.ends) == -9
    assert len(await site.readings()) == 1, "durable, and not told"
    with site.start() as program:
        program.says("Ctrl-C stops", 20)
        assert (await peer.ask(sent[-1])).code == "4.08"
        for first_mid in (20, 30):
            again, _ = await transferred(peer, first_mid)
            assert (await peer.ask(again[-1])).code == "2.04"
        assert await asyncio.to_thread(program.interrupt) == 0
    assert len(await site.readings()) == 2, "the pack once, and the next one of the same value"


async def proved(board: Board, first: bytes, binding: oscore.Binding, options: list[tuple[int, bytes]]) -> Message:
    """Say the same again with the proof that the gateway asks for."""
    code, inside, _ = board.opened(await board.peer.ask(first), binding)
    assert code == coap.UNAUTHORIZED
    echo = coap.option(inside, oscore.ECHO)
    assert echo is not None
    datagram, binding = board.sealed(sample(3), [*options, (oscore.ECHO, echo)])
    answer = await board.peer.ask(datagram)
    assert board.opened(answer, binding)[0] == coap.CHANGED
    return answer


@pytest.mark.parametrize("before", [0, 1], ids=["the first one, which brings the proof", "a later one"])
async def test_protected_pack_that_must_be_proved_after_a_kill_is_stored_once(
    before: int, tmp_path: Path, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORED_BEFORE", str(before))
    site = CoapProgram(tmp_path, EAST, protected(tmp_path))
    peer.other = ("127.0.0.1", site.port)
    board = Board(peer)
    with site.start(DIES_WHEN_IT_IS_STORED) as program:
        program.says("Ctrl-C stops", 20)
        code, inside, _ = await board.ask(sample(3))
        echo = coap.option(inside, oscore.ECHO)
        assert (code, echo is not None) == (coap.UNAUTHORIZED, True)
        datagram, binding = board.sealed(sample(3), [*READINGS, (oscore.ECHO, echo or b"")])
        if before:
            assert board.opened(await peer.ask(datagram), binding)[0] == coap.CHANGED
            datagram, binding = board.sealed(sample(3))
        peer.say(datagram)
        assert await asyncio.to_thread(program.ends) == -9
    assert len(await site.readings()) == 1 + before, "durable, and not told"
    with site.start() as program:
        program.says("Ctrl-C stops", 20)
        await proved(board, datagram, binding, READINGS)
        assert (await board.ask(sample(3)))[0] == coap.CHANGED
        assert await asyncio.to_thread(program.interrupt) == 0
    assert len(await site.readings()) == 2 + before, "the message once, and the next one of the same value"
