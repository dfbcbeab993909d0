"""The gateway's sign of life: in the journal at once, every 20 s, and whenever a connection goes or comes."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gengfu import clock
from gengfu.own_devices.lines import Lines
from gengfu.own_devices.sign import Sign
from journal.entry import PARTITIONS, Entry
from journal.errors import JournalFull
from journal.sqlite import SqliteJournal
from protocols.gateway_sign import KIND, STATE, GatewaySign, decode_sign
from protocols.reading import Origin
from tests.fixtures.cut_lines import Town
from tests.fixtures.waiting import wait_for_async


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal.open(tmp_path / "journal", now=clock.wall(), max_bytes=1 << 20)
    yield journal
    await journal.close()


def signs(journal: SqliteJournal) -> list[GatewaySign]:
    return [decode_sign(one.entry.body) for one in journal.read(range(PARTITIONS), {}, 1000) if one.entry.kind == KIND]


async def fill(journal: SqliteJournal) -> None:
    for number in range(100):
        await journal.append([Entry("reading", f"b{number}", 0, 1, bytes(100_000))])


def town_and_sign(journal: SqliteJournal) -> tuple[Town, Sign]:
    town = Town(["one", "two"])
    lines = Lines(town.site, town.engine, lambda: {"line/1": town.diagnosis}, Origin.LIVE)
    return town, Sign(town.site, Origin.LIVE, lines, journal)


async def test_sign_is_given_at_once_and_when_a_line_goes_and_comes(journal: SqliteJournal) -> None:
    town, sign = town_and_sign(journal)
    running = asyncio.create_task(sign.run())
    await wait_for_async(lambda: len(signs(journal)) == 1, what="the first sign")
    town.diagnosis.down("cut")
    await sign.look()
    await wait_for_async(lambda: len(signs(journal)) == 2, what="the sign of a line that went")
    await sign.look()
    town.diagnosis.up()
    await sign.look()
    await wait_for_async(lambda: len(signs(journal)) == 3, what="the sign of a line that came back")
    running.cancel()
    first, second, third = signs(journal)
    assert [len(one.lines or ()) for one in (first, second, third)] == [0, 1, 0]
    assert second.lines is not None
    assert (second.site, second.origin, second.lines[0].reason) == ("east", Origin.LIVE, "cut")
    assert decode_sign(journal.load_state(STATE)[STATE]) == third


async def test_sign_is_given_in_time_though_nothing_changes(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gengfu.own_devices.sign.EVERY_S", 0.01)
    _, sign = town_and_sign(journal)
    running = asyncio.create_task(sign.run())
    await wait_for_async(lambda: len(signs(journal)) >= 3, what="three signs")
    running.cancel()
    assert [one.lines for one in signs(journal)[:3]] == [(), None, None], "what has not changed is not told again"


async def test_full_journal_takes_the_sign_as_it_takes_alarms(journal: SqliteJournal) -> None:
    with pytest.raises(JournalFull):
        await fill(journal)
    _, sign = town_and_sign(journal)
    running = asyncio.create_task(sign.run())
    await wait_for_async(lambda: signs(journal), what="the sign")
    running.cancel()


async def test_journal_that_takes_nothing_is_told_of_once_and_the_sign_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gengfu.own_devices.sign.EVERY_S", 0.01)
    journal = SqliteJournal.open(tmp_path / "journal", now=clock.wall())
    await journal.close()
    tries: list[int] = []
    append = journal.append

    async def counted(*given: Any) -> int:
        tries.append(1)
        return await append(*given)

    monkeypatch.setattr(journal, "append", counted)
    _, sign = town_and_sign(journal)
    with caplog.at_level(logging.ERROR, "gengfu.gateway"):
        running = asyncio.create_task(sign.run())
        await wait_for_async(lambda: len(tries) >= 3, what="three tries")
        running.cancel()
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "the gateway's sign of life is not stored, so that the console has to take it for lost"
    ]
