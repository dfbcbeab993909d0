"""The firmware on its boards: Modbus replies, and the memory of each product.

Replies: 20 registers, from the last byte of the request to the first of the reply. On the emulated Pico in the chip's
own time, which does not depend on how busy this machine is; on the unix port by the wall clock. Memory: by a 32-bit
interpreter (tests/hil/memory.py), and what is free on the emulated Pico while it is polled, its modules in the heap.
All but the first row need `make hil-firmware`, the rows of the frozen firmware `make hil-frozen`; without it they are
left out.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.rows import Row
from tests.hil import frozen, memory
from tests.hil.board import Board
from tests.hil.master import Master
from tests.hil.pico_emulator import PicoEmulator
from tests.hil.story import PRODUCTS
from tests.hil.unix_board import UnixBoard
from tools.hil_firmware import Parts, locate

REQUESTS = 60
COUNT = 20
MICROPYTHON = Path(sys.executable).with_name("micropython")


def measure(folder: Path) -> list[Row]:
    """A row for each figure that can be had."""
    parts = locate()
    with TemporaryDirectory(dir=folder) as place:
        rows = [Row("modbus reply p95, unix port", _unix(Path(place) / "unix"), "ms")]
        if parts is None:
            return rows
        for product in PRODUCTS:
            with PicoEmulator(parts, MICROPYTHON, _new(place, f"pico-{product}")) as board:
                rows += _pico(board, f"emulated Pico, {product}", product)
        if parts.small:
            for product in PRODUCTS:
                rows += _heap(parts, product, _new(place, f"heap-{product}"))
        with_code = frozen.locate()
        if with_code is None:
            print(" no image with this firmware, so no rows of it: make hil-frozen", file=sys.stderr)
            return rows
        for product in PRODUCTS:
            rows += _frozen(with_code, product, _new(place, f"frozen-{product}"))
        return rows


def _frozen(parts: Parts, product: str, folder: Path) -> list[Row]:
    with frozen.FrozenPico(parts, MICROPYTHON, folder) as board:
        rows = _pico(board, f"emulated Pico, frozen, {product}", product)
        return [*rows, _of_128(board, product)]


def _new(place: str, name: str) -> Path:
    folder = Path(place) / name
    folder.mkdir()
    return folder


def _ask(board: Board, product: str) -> list[float]:
    """Milliseconds by the wall clock; the master's pause before each request is not among them."""
    board.start(product)
    taken = []
    with Master(board) as master:
        for _ in range(REQUESTS):
            master.drain()
            taken.append(master.timed(COUNT) * 1e3)
    return taken


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def _unix(folder: Path) -> float:
    with UnixBoard([str(MICROPYTHON)], folder) as board:
        return _p95(_ask(board, PRODUCTS[0]))


def _pico(board: PicoEmulator, title: str, product: str) -> list[Row]:
    _ask(board, product)
    board.order("stats")
    told = board.wait(lambda: board.said("stats"), "the counts")
    replies = [float(one) for one in told[-1]["replies"][0]]
    with Master(board) as master:
        free = memory.free(master)
    return [Row(f"modbus reply p95, {title}", _p95(replies), "ms"), Row(f"free heap, {title}", free / 1024, "KB")]


def _of_128(board: PicoEmulator, product: str) -> Row:
    """What would be free if the chip's heap had 128 KB."""
    with Master(board) as master:
        free = memory.free(master)
    board.power_cut()
    heap = int(board.exec("import gc\nprint(gc.mem_alloc() + gc.mem_free())"))
    return Row(f"free of 128 KB, frozen, {product}", 128 - (heap - free) / 1024, "KB")


def _heap(parts: Parts, product: str, folder: Path) -> list[Row]:
    found = memory.measure(parts, product, folder)
    return [
        Row(f"compiled with the rig and all links, {product}", found.compiled / 1024, "KB"),
        Row(f"heap of the modules, 32 bits, {product}", found.modules / 1024, "KB"),
        Row(f"heap live beside them, 32 bits, {product}", found.live / 1024, "KB"),
        Row(f"free of 128 KB, modules in the heap, {product}", 128 - (found.modules + found.live) / 1024, "KB"),
    ]
