"""A real board on a serial line of the real program: killed between commit and acknowledgement, and a leak."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gengfu import clock
from journal.entry import PARTITIONS
from journal.sqlite import SqliteJournal
from protocols.reading import Reading, decode_reading
from protocols.wire import link
from tests.contract.link_rig import sample
from tests.contract.rig import CLOSED, GAS
from tests.e2e.program_run import Program
from tests.firmware.bench import Board, values_of
from tests.fixtures.waiting import wait_for_async
from tests.fixtures.wires import Deliver, PtyWire

pytestmark = [pytest.mark.e2e, pytest.mark.board]
DEVICE, UNIT = "east:gas:0001", 5
KILLS = 2


class Tapped(PtyWire):
    """A line whose frames are read along. ``victim``: killed when it says that a message is durable, which then does
    not arrive. ``said``: how often the board sent each message, by (boot, number); ``valve``: as it told it last."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.victim: Program | None = None
        self.lost: list[tuple[int, int]] = []
        self.said: Counter[tuple[int, int]] = Counter()
        self.valve: float | None = None
        self._ears = link.Receiver(), link.Receiver()

    def up(self, data: bytes, deliver: Deliver) -> None:
        """From the gateway."""
        words = [fields for kind, fields, _ in frames(self._ears[0], data) if kind == link.ACK and fields[1]]
        if words and self.victim is not None:
            self.victim.process.kill()
            self.victim = None
            self.lost.append((words[0][0], words[0][1]))
        else:
            super().up(data, deliver)

    def down(self, data: bytes, deliver: Deliver) -> None:
        """From the board."""
        for kind, fields, payload in frames(self._ears[1], data):
            if kind == link.DATA:
                self.said[fields[0], fields[1]] += 1
                self.valve = values_of(payload).get("valve", self.valve)
        super().down(data, deliver)


def frames(ear: link.Receiver, data: bytes) -> list[tuple[int, tuple[int, ...], bytes]]:
    """Kind, fields and tail of what is whole by now."""
    return [(kind, fields, tail) for kind, _, _, fields, tail in map(link.decode, ear.feed(data))]


def stored(folder: Path) -> list[Reading]:
    """What the journal holds."""

    async def read() -> list[Reading]:
        journal = SqliteJournal.open(folder / "data/journal", now=clock.wall())
        entries = journal.read(range(PARTITIONS), {}, 100_000)
        await journal.close()
        return [decode_reading(one.entry.body) for one in entries if one.entry.kind == "reading"]

    return asyncio.run(read())


@asynccontextmanager
async def line(folder: Path, micropython: Path) -> AsyncIterator[tuple[Tapped, Board]]:
    """The line of the documented site, with its board."""
    wire = Tapped(folder)
    await wire.open()
    document = sample()
    port = next(row for row in document.splitlines() if row.startswith("port = "))
    (folder / "site.toml").write_text(document.replace(port, f'port = "{wire.port}"'), encoding="utf-8")
    board = Board(
        micropython,
        "none",
        folder / "flash",
        device=DEVICE,
        serial_link=wire.peer_port,
        unit=UNIT,
        baud=115200,
        period=0.1,
    )
    try:
        yield wire, board
    finally:
        board.stop()
        await wire.close()


@asynccontextmanager
async def program(folder: Path) -> AsyncIterator[Program]:
    """``gengfu up``; the line is carried meanwhile."""
    where = {
        "GENGFU__SITE": str(folder / "site.toml"),
        "GENGFU__DATA": str(folder / "data"),
        "GENGFU__HTTP__PORT": "0",
        "GENGFU_ADMIN_PASSWORD": "a password of this test",
    }
    with Program("up", environment=where) as one:
        await asyncio.to_thread(one.says, r"Console: http", 30)
        yield one


async def acknowledges(board: Board, more: int) -> None:
    """Wait until so many reports more were acknowledged."""
    until = len(board.of("acknowledged")) + more
    await wait_for_async(lambda: len(board.of("acknowledged")) >= until, 20, f"{more} acknowledgements")


async def ended(one: Program) -> None:
    """Ctrl-C ends it in order."""
    assert await asyncio.to_thread(one.interrupt, 5) == 0
    assert "Traceback" not in one.text


async def test_report_whose_acknowledgement_dies_with_the_gateway_is_repeated_and_stored_once(
    micropython: Path, tmp_path: Path
) -> None:
    async with line(tmp_path, micropython) as (wire, board):
        for _ in range(KILLS):
            async with program(tmp_path) as one:
                await acknowledges(board, 4)
                wire.victim = one
                await asyncio.to_thread(one.ends)
        async with program(tmp_path) as one:
            await acknowledges(board, 10)
            await ended(one)
        numbers = [event["seq"] for event in board.of("acknowledged")]
    assert len(wire.lost) == KILLS
    assert all(wire.said[message] > 1 for message in wire.lost)
    times = await asyncio.to_thread(lambda: Counter((one.boot, one.sequence) for one in stored(tmp_path)))
    assert set(times.values()) == {1}
    missing = set(numbers) - {sequence for _, sequence in times}
    assert missing == set(), (sorted(times, key=str), numbers, wire.lost, dict(wire.said))


async def test_leak_closes_the_valve_over_the_line(micropython: Path, tmp_path: Path) -> None:
    async with line(tmp_path, micropython) as (wire, board), program(tmp_path) as one:
        await acknowledges(board, 1)
        board.say("gas 30")
        await wait_for_async(lambda: board.of("command"), 30)
        assert board.of("command")[0]["name"] == "close-valve"
        await wait_for_async(lambda: wire.valve == CLOSED, 30)
        await acknowledges(board, 2)
        await ended(one)
    at = GAS.by_name["valve"].index
    assert CLOSED in [one.values[at] for one in await asyncio.to_thread(stored, tmp_path)]
