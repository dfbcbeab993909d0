"""Huge pages for the interpreter's heap.

A gateway of 2,000 devices touches most of its 100 MB once a second, in no order. In pages of 4 KiB each touch is a
search through the page tables besides: a sixth of the CPU of polling, measured (docs/decisions/0016). The interpreter
does not ask for huge pages itself, and many systems give them only to who asks.

Nothing here changes what memory holds; where the system has no huge pages, or is told to have none, nothing happens.
"""

import asyncio
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

FIRST_S = 2.0
"""After the start: what stands then is most of what will be used."""
EVERY_S = 60.0
FULL = 15 / 16
"""Share of a huge page that must be in use already: the rest of it is memory that the process did not have before."""

_SYSTEM = Path("/sys/kernel/mm/transparent_hugepage")
_MAPS = Path("/proc/self/maps")
_COLLAPSE = 25
"""MADV_COLLAPSE of madvise(2), Linux 6.1: now, and whatever the system does by itself."""
_PAGE = os.sysconf("SC_PAGE_SIZE")

_libc = ctypes.CDLL(None)
_libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_libc.mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)


async def keep_heap_in_huge_pages() -> None:
    """Soon after the start and once a minute, until cancelled, gather what the heap has filled meanwhile."""
    await asyncio.sleep(FIRST_S)
    while True:
        if size := huge_page_size():
            # One a call: while a page is gathered, whoever touches it waits.
            for address in await asyncio.to_thread(worth_it, size):
                await asyncio.to_thread(gather, address, size)
        await asyncio.sleep(EVERY_S)


def huge_page_size() -> int:
    """Bytes; 0 where there are none, or where the administrator wants none."""
    try:
        if "[never]" in (_SYSTEM / "enabled").read_text(encoding="ascii"):
            return 0
        return int((_SYSTEM / "hpage_pmd_size").read_text(encoding="ascii"))
    except OSError:
        return 0


def worth_it(size: int) -> list[int]:
    """The addresses of our own memory at which ``size`` bytes, the size of a huge page, are in use nearly all."""
    return [
        address
        for start, end in _private_memory()
        for address in range(-(-start // size) * size, end - size + 1, size)
        if _share_in_use(address, size) >= FULL
    ]


def gather(address: int, size: int) -> bool:
    """Make one huge page of what is there. ``False``: the system has none to give, or the memory is gone meanwhile."""
    done: int = _libc.madvise(address, size, _COLLAPSE)
    return done == 0


def _private_memory() -> Iterator[tuple[int, int]]:
    """Where memory begins and ends that is neither a file's nor shared."""
    for line in _MAPS.read_text(encoding="utf-8", errors="replace").splitlines():
        where, rights, _offset, _device, inode, *name = line.split(maxsplit=5)
        if rights == "rw-p" and inode == "0" and name != ["[stack]"]:
            start, end = where.split("-")
            yield int(start, 16), int(end, 16)


def _share_in_use(address: int, size: int) -> float:
    pages = size // _PAGE
    found = ctypes.create_string_buffer(pages)
    if _libc.mincore(address, size, found) != 0:
        return 0.0
    return sum(found.raw) / pages
