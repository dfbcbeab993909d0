"""Journals that earlier programs wrote: today's reads the same entries and the same state, and goes on behind them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from journal.entry import PARTITIONS, Entry, Stored
from journal.file import VERSION
from journal.sqlite import SqliteJournal

RECORDED = Path(__file__).parents[1] / "vectors" / "journal"
SCHEMAS = sorted(RECORDED.glob("schema-*"))
LATER = 1_795_000_100_000_000_000


def held(folder: Path) -> tuple[list[Stored], dict[str, bytes]]:
    found: dict[str, Any] = json.loads((folder / "holds.json").read_text(encoding="utf-8"))
    entries = [
        Stored(position, Entry(kind, name, partition, at, bytes.fromhex(body)))
        for position, kind, name, partition, at, body in found["entries"]
    ]
    return entries, {key: bytes.fromhex(body) for key, body in found["state"].items()}


def test_every_schema_has_a_journal() -> None:
    assert [folder.name for folder in SCHEMAS] == [f"schema-{number + 1}" for number in range(VERSION)]
    assert all(len(held(folder)[0]) > 5 for folder in SCHEMAS)


@pytest.mark.parametrize("recorded", SCHEMAS, ids=lambda folder: folder.name)
async def test_a_journal_of_an_earlier_schema_is_read_and_gone_on_with(recorded: Path, tmp_path: Path) -> None:
    entries, state = held(recorded)
    folder = tmp_path / "journal"
    shutil.copytree(recorded, folder)
    for _ in range(2):
        journal = SqliteJournal.open(folder, now=LATER)
        assert journal.warnings == ()
        assert journal.read(range(PARTITIONS), {}, 100) == entries
        assert journal.tail(100) == entries
        assert journal.load_state("") == state
        seen, last = entries[3], entries[-1]
        assert journal.read([seen.entry.partition], {seen.entry.partition: seen.position - 1}, 9) == [seen]
        await journal.close()
    journal = SqliteJournal.open(folder, now=LATER)
    fresh = Entry("reading", "new", last.entry.partition, LATER, b"x")
    position = await journal.append([fresh], {"new/x": b"1"})
    assert position > last.position
    assert journal.tail(100) == [*entries, Stored(position, fresh)]
    assert journal.load_state("") == {**state, "new/x": b"1"}
    await journal.close()
