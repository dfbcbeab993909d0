"""Journals under test. A second implementation joins the contract suite by one line in `FACTORIES`."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from journal.entry import Entry
from journal.sqlite import SqliteJournal

NOW = 1_790_000_000_000_000_000
"""UTC ns; any moment does."""


async def _open_sqlite(folder: Path) -> SqliteJournal:
    return SqliteJournal.open(folder, now=NOW)


FACTORIES = {"sqlite": _open_sqlite}

OpenJournal = Callable[[], Awaitable[SqliteJournal]]


@pytest.fixture(params=FACTORIES)
async def open_journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenJournal]:
    """Opens the same journal each time it is called; whatever is still open is closed at the end."""
    opened: list[SqliteJournal] = []

    async def open_it() -> SqliteJournal:
        opened.append(await FACTORIES[request.param](tmp_path / "journal"))
        return opened[-1]

    yield open_it
    await asyncio.gather(*(journal.close() for journal in opened))


@pytest.fixture
def entry() -> Callable[..., Entry]:
    """Makes an entry: ``entry(number, partition=0, kind="reading", at=number)``."""

    def make(number: int, partition: int = 0, kind: str = "reading", at: int | None = None, size: int = 0) -> Entry:
        body = b"\x92\x01" + number.to_bytes(4, "big") + bytes(size)
        return Entry(kind, f"device:{partition}~0#1.{number}", partition, number if at is None else at, body)

    return make


@pytest.fixture
def now() -> int:
    return NOW


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """2 MB of tmpfs."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a file system needs root: " + mounted.stderr.decode().strip())
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def fill() -> Callable[[Path], None]:
    """Takes all the space that is left."""

    def fill_it(path: Path) -> None:
        with open(path, "wb", buffering=0) as file:
            for size in (65536, 4096, 512):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue

    return fill_it


@pytest.fixture
async def open_in(tmp_path: Path, now: int) -> AsyncIterator[Callable[..., SqliteJournal]]:
    """Opens a journal in a folder, at a time; whatever is still open is closed at the end."""
    opened: list[SqliteJournal] = []

    def open_it(folder: Path = tmp_path, at: int = now) -> SqliteJournal:
        opened.append(SqliteJournal.open(folder, now=at, window_s=0.0))
        return opened[-1]

    yield open_it
    await asyncio.gather(*(journal.close() for journal in opened))
