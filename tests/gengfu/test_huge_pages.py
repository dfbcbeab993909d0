"""Memory that is in use comes into huge pages, and what is not in use stays unused; the system itself is asked."""

import asyncio
import mmap
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gengfu import huge_pages
from tests.fixtures.waiting import wait_for_async

SIZE = huge_pages.huge_page_size()
BLOCK = 8 * (SIZE or 1)
needs_huge_pages = pytest.mark.skipif(not SIZE, reason="this system has no huge pages or wants none")


@pytest.fixture
def block() -> Iterator[mmap.mmap]:
    with mmap.mmap(-1, BLOCK, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as one:
        yield one


def huge_kib() -> int:
    """KiB of this process in huge pages."""
    found = re.search(r"AnonHugePages: +(\d+)", Path("/proc/self/smaps_rollup").read_text(encoding="ascii"))
    assert found
    return int(found.group(1))


@needs_huge_pages
async def test_what_is_in_use_is_gathered_and_stays_what_it_is(
    block: mmap.mmap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huge_pages, "FIRST_S", 0.0)
    for address in huge_pages.worth_it(SIZE):  # so that what comes after this is the block's
        huge_pages.gather(address, SIZE)
    before = huge_kib()
    block[:] = bytes(range(256)) * (BLOCK // 256)
    task = asyncio.create_task(huge_pages.keep_heap_in_huge_pages())
    # The block holds seven whole huge pages wherever it begins.
    await wait_for_async(lambda: huge_kib() >= before + 7 * SIZE // 1024, 30, "the huge pages")
    task.cancel()
    assert block[:] == bytes(range(256)) * (BLOCK // 256)


@needs_huge_pages
def test_memory_that_is_hardly_used_is_left_alone(block: mmap.mmap) -> None:
    known = set(huge_pages.worth_it(SIZE))
    for at in range(0, BLOCK, SIZE // 4):
        block[at] = 1
    assert set(huge_pages.worth_it(SIZE)) <= known
    block[:] = b"\1" * BLOCK
    assert len(set(huge_pages.worth_it(SIZE)) - known) >= 7


@needs_huge_pages
def test_memory_that_is_not_there_is_refused(block: mmap.mmap) -> None:
    block[:] = b"\1" * BLOCK
    found = huge_pages.worth_it(SIZE)
    assert all(huge_pages.gather(address, SIZE) for address in found)
    assert not huge_pages.gather(0, SIZE)


@pytest.mark.parametrize(
    ("enabled", "size"), [("always [madvise] never", 2 << 20), ("always madvise [never]", 0), (None, 0)]
)
def test_what_the_administrator_wants_counts(
    enabled: str | None, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huge_pages, "_SYSTEM", tmp_path)
    if enabled is not None:
        (tmp_path / "enabled").write_text(enabled)
        (tmp_path / "hpage_pmd_size").write_text(str(2 << 20))
    assert huge_pages.huge_page_size() == size
