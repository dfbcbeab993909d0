"""How much of the heap a product takes, by a 32-bit interpreter, where objects are as large as on a microcontroller."""

from pathlib import Path
from typing import NamedTuple

from tests.hil import frozen
from tests.hil.board import BoardFailed
from tests.hil.master import Master
from tests.hil.unix_board import SmallUnixBoard
from tools.hil_firmware import Parts

HEAP = "64k"
READS = 40
"""More than one collection apart: the freest of them is the one just after it."""


class Heap(NamedTuple):
    """Bytes. ``live``: after a collection; ``largest``: of the allocations, since the firmware began."""

    live: int
    largest: int


def free(master: Master) -> int:
    """What a polled board has free just after a collection, by its own word."""
    return int(max(float(str(master.points()["free_heap"])) for _ in range(READS)))


def heap_of(board: SmallUnixBoard, product: str, stimuli: tuple[str, ...] = (), **settings: object) -> Heap:
    """Run a product on a board, poll it, do to it what is asked, and take the worst of what it tells. Raises
    `BoardFailed` if anything in it failed meanwhile, for want of memory above all."""
    board.start(product, **settings)
    for stimulus in stimuli:
        board.act(stimulus)
    with Master(board) as master:
        for _ in range(READS):
            master.points()
    before = len(board.of("heap"))
    board.wait(lambda: len(board.of("heap")) > before + 1, "the heap's figures", 20)
    if failed := [*board.of("error"), *board.of("crash")]:
        raise BoardFailed(f"{product}: {failed}")
    told = board.of("heap")
    return Heap(max(one["live"] for one in told), max(one["largest"] for one in told))


def measure(brought: Parts, product: str, folder: Path, **settings: object) -> Heap:
    """A product polled over Modbus in a heap of `HEAP`; ``folder`` is empty."""
    with SmallUnixBoard([str(frozen.small(brought))], folder, heap=HEAP) as board:
        return heap_of(board, product, **settings)
