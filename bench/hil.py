"""The firmware on its boards: Modbus replies, memory and size of each product, frozen into an image as it is shipped.

Replies: 20 registers, from the last byte of the request to the first of the reply. On the emulated Pico in the chip's
own time, which does not depend on how busy this machine is; on the unix port by the wall clock. Memory: by a 32-bit
interpreter in a heap of 64 KB (tests/hil/memory.py), and what is free on the emulated Pico; both with the parts of a
real board. All but the first row need `make hil-firmware`; without it they are left out.
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
from tools.firmware_image import compiled_size
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
        pico = frozen.pico(parts)
        for product in PRODUCTS:
            rows.append(Row(f"compiled for a Pico, {product}", compiled_size("rp2", product) / 1024, "KB"))
            with PicoEmulator(pico, MICROPYTHON, _new(place, f"pico-{product}")) as board:
                rows += _pico(board, product)
            if parts.builds.has_small:
                rows += _heap(parts, product, _new(place, f"heap-{product}"))
        return rows


def _new(place: str, name: str) -> Path:
    folder = Path(place) / name
    folder.mkdir()
    return folder


def _ask(board: Board, product: str, **settings: object) -> list[float]:
    """Milliseconds by the wall clock; the master's pause before each request is not among them."""
    board.start(product, **settings)
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


def _pico(board: PicoEmulator, product: str) -> list[Row]:
    _ask(board, product)
    board.order("stats")
    told = board.wait(lambda: board.said("stats"), "the counts")
    reply = _p95([float(one) for one in told[-1]["replies"][0]])
    # The shipped parts: no rig in the heap.
    board.start(product, parts="board")
    with Master(board) as master:
        free = memory.free(master)
    return [
        Row(f"modbus reply p95, emulated Pico, {product}", reply, "ms"),
        Row(f"heap free, emulated Pico, {product}", free / 1024, "KB"),
    ]


def _heap(parts: Parts, product: str, folder: Path) -> list[Row]:
    found = memory.measure(parts, product, folder, parts="board")
    return [
        Row(f"heap live, in 64 KB, {product}", found.live / 1024, "KB"),
        Row(f"heap free of 128 KB, {product}", 128 - found.live / 1024, "KB"),
        Row(f"largest allocation, {product}", found.largest, "B"),
    ]
