"""The framed serial link of a real board, over a line that is noisy, cut and taken away."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.transports.line import LineRelay, SerialLine
from protocols.wire import link
from tests.firmware.bench import DEVICE, Board
from tests.firmware.interpreters import HERE, run
from tests.fixtures.link_peer import LinkPeer

pytestmark = pytest.mark.board

WaitFor = Callable[..., Awaitable[Any]]
ADDRESS = 7
VERSION = 100
"""0.1.0, as the link carries it."""


class Rig:
    """A gas alarm at the right end of a relay, a gateway at the left one."""

    def __init__(self, micropython: Path, relay: LineRelay, flash: Path) -> None:
        self.relay = relay
        self._micropython = micropython
        self._flash = flash
        self.board = self.start()

    def start(self) -> Board:
        """Start the board, again if it was stopped; its flash is what it was."""
        self.board = Board(
            self._micropython,
            "none",
            self._flash,
            serial_link=self.relay.right,
            unit=ADDRESS,
            baud=115200,
            period=0.1,
        )
        return self.board

    def acknowledged(self) -> list[int]:
        """The numbers of the readings that this start has had acknowledged."""
        return [event["seq"] for event in self.board.of("acknowledged")]

    def has(self, count: int) -> bool:
        """Whether so many readings were acknowledged."""
        return len(self.acknowledged()) >= count


@pytest.fixture
async def rig(micropython: Path, tmp_path: Path) -> AsyncIterator[Rig]:
    """A board on a relay, not yet asked by anybody."""
    relay = LineRelay(seed=7)
    relay.open()
    one = Rig(micropython, relay, tmp_path / "flash")
    yield one
    if one.board.process.poll() is None:
        one.board.stop()
    relay.close()


def peer_of(rig: Rig, session: int = 1) -> LinkPeer:
    return LinkPeer(rig.relay.left, ADDRESS, DEVICE.encode(), session=session)


async def test_board_says_who_it_is_and_delivers_in_order(rig: Rig, wait_for_async: WaitFor) -> None:
    async with peer_of(rig) as peer:
        await wait_for_async(partial(rig.has, 30), 30)
        hello = peer.of(link.HELLO)
        assert [(one.value, one.data) for one in hello] == [(VERSION, DEVICE.encode())]
    assert peer.sequence[:30] == list(range(1, 31))
    assert peer.packs[3][0]["bn"] == DEVICE + "/"
    assert {pack[0]["v"] for pack in peer.packs} == {hello[0].boot}
    assert rig.acknowledged()[:30] == list(range(1, 31))
    names = {record["n"] for pack in peer.packs for record in pack}
    assert {"methane", "valve", "boots", "queued"} <= names


async def test_noise_half_frames_and_a_cut_in_mid_frame_lose_nothing_and_keep_the_order(
    rig: Rig, wait_for_async: WaitFor
) -> None:
    async with peer_of(rig) as peer:
        await wait_for_async(lambda: peer.of(link.HELLO))
        rig.relay.flip, rig.relay.drop = 0.0004, 0.0002
        half = link.encode(link.DATA, ADDRESS, 0, (1, 1, 0), b"x" * 500)[:200]
        for count in (2, 5, 8, 11):
            await wait_for_async(lambda count=count: len(set(peer.sequence)) >= count, 30)
            rig.relay.inject(half)
            rig.relay.cut = True
            before = peer.master.unanswered
            await wait_for_async(lambda before=before: peer.master.unanswered > before)
            rig.relay.cut = False
        await wait_for_async(partial(rig.has, 20), 60)
    assert peer.sequence[:20] == list(range(1, 21))
    assert peer.master.noise + peer.master.unanswered > 4


async def test_message_without_the_word_of_the_gateway_is_kept_and_comes_again(
    rig: Rig, wait_for_async: WaitFor
) -> None:
    held: list[link.Event] = []
    peer = peer_of(rig)
    peer.judge = held.append
    async with peer:
        await wait_for_async(lambda: len(rig.board.of("retransmit")) >= 2, 20)
        assert rig.acknowledged() == []
        assert set(peer.sequence) == {1}
        peer.judge = peer.accept
        peer.accept(held[0])
        await wait_for_async(partial(rig.has, 2), 20)
    assert rig.acknowledged()[:2] == [1, 2]


async def test_board_that_restarted_is_greeted_again_and_a_new_gateway_meets_the_old_board(
    rig: Rig, wait_for_async: WaitFor
) -> None:
    async with peer_of(rig) as peer:
        await wait_for_async(partial(rig.has, 3), 20)
        rig.board.stop(kill=True)
        await wait_for_async(lambda: peer.of(link.LOST), 20)
        rig.start()
        await wait_for_async(partial(rig.has, 2), 20)
        boots = [one.boot for one in peer.of(link.HELLO)]
        assert boots == [boots[0], boots[0] + 1]
        assert len(peer.of(link.FOUND)) == 1
    before = rig.acknowledged()[-1]
    async with peer_of(rig, session=2) as other:
        await wait_for_async(lambda: rig.acknowledged()[-1] > before + 2, 20)
        assert len(other.of(link.HELLO)) == 1
    assert min(other.sequence) >= before
    assert other.sequence == list(range(other.sequence[0], other.sequence[-1] + 1))


async def test_commands_are_obeyed_or_refused_over_a_noisy_line_and_done_once(
    rig: Rig, wait_for_async: WaitFor
) -> None:
    async with peer_of(rig) as peer:
        await wait_for_async(lambda: peer.of(link.HELLO))
        rig.relay.flip = 0.001
        asked = [peer.command(name, 60) for name in (b"close-valve", b"open-valve", b"close-valve", b"stop-fan")]
        await wait_for_async(lambda: len(peer.of(link.RESULT)) == 4, 60)
        rig.relay.flip = 0.0
        await wait_for_async(lambda: valve(peer) == 2, 20)
    told = [(one.number, one.value) for one in peer.of(link.RESULT)]
    assert told == list(zip(asked, (link.DONE, link.REFUSED, link.DONE, link.REFUSED), strict=True))
    assert rig.board.of("command") == [{"event": "command", "name": "close-valve"}] * 2
    assert [event["command"] for event in rig.board.of("refused")] == ["open-valve", "stop-fan"]


def valve(peer: LinkPeer) -> int | None:
    """Its position in the newest reading that tells it."""
    found = [record["v"] for pack in peer.packs for record in pack if record["n"] == "valve"]
    return found[-1] if found else None


async def test_babbling_line_does_not_stop_the_board(rig: Rig, wait_for_async: WaitFor) -> None:
    async with peer_of(rig) as peer:
        await wait_for_async(lambda: peer.of(link.HELLO))
    line = SerialLine(rig.relay.left, baud=115200)
    line.open(lambda _: None, lambda _: None)
    for _ in range(100):
        # As fast as the relay carries it: a line that is written full takes nothing and is no disturbance.
        carried = rig.relay.carried
        line.write(b"babble\x00" * 9 + b"x" * 900)
        await wait_for_async(lambda carried=carried: rig.relay.carried >= carried + 963)
    line.close()
    before = len(rig.acknowledged())
    async with peer_of(rig, session=3):
        await wait_for_async(partial(rig.has, before + 5), 30)


def test_link_takes_at_most_4_kilobytes_of_the_boards_memory(micropython: Path) -> None:
    done = run(micropython, HERE / "link_memory_probe.py")
    assert 0 < int(done.stdout) <= 4096, done.stdout + done.stderr
