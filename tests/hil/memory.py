"""How much of the heap a product takes, by a 32-bit interpreter, where objects are as large as on a microcontroller.

Bytecode of modules that come from a file system stands in the heap too, bytecode frozen into the interpreter does not.
So two figures: the modules, and what lives beside them while the board is polled over Modbus.
"""

from pathlib import Path
from typing import NamedTuple

from tests.hil import images
from tests.hil.board import arguments
from tests.hil.master import Master
from tests.hil.unix_board import SmallUnixBoard
from tools.hil_firmware import Parts

HEAP_KB = 512
"""More than any product takes: the figures do not depend on it."""
READS = 40
"""More than one collection apart: the freest of them is the one just after it."""


class Heap(NamedTuple):
    """Bytes. ``compiled``: the files of the slot, all links and the rig among them; ``modules``: what of them a polled
    board has loaded, in the heap; ``live``: what lives beside the modules, after a collection."""

    compiled: int
    modules: int
    live: int


# The life line is at its end from the start: the board is put together, and ends.
LIVE_AND_TELL = """
import sys
sys.argv.clear()
sys.argv.extend(["main"] + {words!r})
import main
main.main()
print()
print(*sys.modules)
"""
LOAD_AND_COUNT = """
import gc
for one in {names!r}:
    __import__(one)
gc.collect()
print(gc.mem_alloc())
"""


def loaded(board: SmallUnixBoard, product: str, folder: Path) -> list[str]:
    """The modules that a polled board of a product has loaded, by its own word."""
    given = arguments(product, {"gateway": "none", "modbus": board.terminals[0], "state": folder})
    words = [word for name, text in given.items() for word in ("--" + name, text)]
    return board.exec(LIVE_AND_TELL.format(words=words)).splitlines()[-1].split()


def free(master: Master) -> int:
    """What a polled board has free just after a collection, by its own word."""
    return int(max(float(str(master.points()["free_heap"])) for _ in range(READS)))


def measure(parts: Parts, product: str, folder: Path) -> Heap:
    """Run a product in ``folder``, which is empty, and count. ``parts.small`` is not empty."""
    folder = folder.resolve()
    slot = folder / "slot"
    files = images.firmware(parts, "linux", product)
    for name, content in files.items():
        path = slot / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with SmallUnixBoard(parts.small, folder, heap=f"{HEAP_KB}k", firmware=slot) as board:
        modules = int(board.exec(LOAD_AND_COUNT.format(names=loaded(board, product, folder / "tried"))))
        board.start(product)
        with Master(board) as master:
            live = HEAP_KB * 1024 - free(master) - modules
    return Heap(sum(map(len, files.values())), modules, live)
