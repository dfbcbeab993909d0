"""Builds MicroPython with the firmware frozen in: ``make firmware-image BOARD=rp2``. That is how it is shipped.

Bytecode, constants and texts of a frozen module stay in flash; from files they stand in the heap, where they take more
than all the rest. An image has every product: which one a board is, its settings say.

    main.py, slots.py       choose what starts, as in the flash of a board without an image
    image/                  the firmware

For the Pico the result is a ``.uf2`` file that is dropped onto the board. An image for an ESP32 needs Espressif's own
build system, which Debian does not have: ``BOARD=esp32`` writes what it needs, and says how to go on.

Exit codes: 0 done, 1 it could not be built.
"""

import argparse
import hashlib
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tools import flash, hil_firmware
from tools.test_servers import Failed

KEPT = 4
OUT = hil_firmware.ROOT / ".cache" / "firmware-image"
MANIFEST = """\
include("$(PORT_DIR)/boards/manifest.py")
freeze("{code}")
"""


def named(sources: Iterable[Path], folder: str) -> dict[str, Path]:
    """Files of the checkout by their path in an image, below ``folder`` (empty: at its top)."""
    paths = {flash.slot_path(source, "x").removeprefix("x/"): source for source in sources}
    return {f"{folder}/{path}" if folder else path: source for path, source in sorted(paths.items())}


def with_chooser(sources: Iterable[Path]) -> dict[str, Path]:
    """The content of a board's image: the firmware, and what chooses between it and the slots."""
    chooser = {"main.py": flash.CHOOSER, "slots.py": flash.FIRMWARE / "slots.py"}
    return {**chooser, **named(sources, flash.IMAGE)}


def shipped(board: str) -> dict[str, Path]:
    """The content of the image for a kind of board: every product, nothing of the desk."""
    return with_chooser({source for product in flash.PROFILES for source in flash.closure(board, product).values()})


def compiled_size(board: str, product: str) -> int:
    """Bytes of a product's modules as they are compiled for a kind of board. Raises `Failed`."""
    return sum(len(file.data) for file in flash.firmware_files(flash.Order(board, product, "a", True)))


def digest(files: Mapping[str, Path], *others: Path) -> str:
    """Equal when the content of an image is, and what else goes into it."""
    found = hashlib.sha256(hil_firmware.key().encode())
    for name, source in [*sorted(files.items()), *((path.name, path) for path in others)]:
        found.update(b"%d %d " % (len(name), source.stat().st_size) + name.encode() + source.read_bytes())
    return found.hexdigest()[:12]


def staged(files: Mapping[str, Path], folder: Path) -> Path:
    """Copy the content of an image into ``folder``, in place of what is there."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, source in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, folder / name)
    return folder


def kept(kind: str, files: Mapping[str, Path], build: Callable[[Path], Path], *others: Path) -> Path:
    """What ``build`` makes of the staged files, from the cache if it was made of the same before. Raises `Failed`.

    ``kind`` names it. Several programs may ask at once, and use what they got for a while: the last `KEPT` stay.
    """
    home = hil_firmware.CACHE / hil_firmware.key() / "images"
    with hil_firmware.alone(home):
        name = f"{kind}-{digest(files, *others)}"
        found = home / name
        if found.is_file():
            return found
        made = build(staged(files, home / "code"))
        older = sorted(home.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime)
        for path in older[: 1 - KEPT]:
            path.unlink()
        # Named only when it is whole.
        shutil.copy2(made, home / "new")
        return (home / "new").rename(found)


def pico() -> Path:
    """Build the shipped image of the Pico. Raises `Failed`."""
    parts = hil_firmware.locate()
    if parts is None:
        raise Failed("what builds it is missing; run: make hil-firmware")
    target = OUT / "gengfu-rp2.uf2"
    OUT.mkdir(parents=True, exist_ok=True)
    shutil.copy(kept("rp2.uf2", shipped("rp2"), lambda code: parts.builds.pico(code).uf2), target)
    return target


def esp32() -> Path:
    """Write what Espressif's build system needs. Returns the manifest."""
    folder = OUT / "esp32"
    code = staged(shipped("esp32"), folder / "code")
    manifest = folder / "manifest.py"
    manifest.write_text(MANIFEST.format(code=code), encoding="utf-8")
    return manifest


def main(argv: Sequence[str] | None = None) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="firmware-image", description="Freeze the firmware into an image.")
    parser.add_argument("--board", required=True, choices=flash.BOARDS)
    options = parser.parse_args(argv)
    try:
        if options.board == "rp2":
            found = pico()
            size = found.stat().st_size // 2048
            print(f"{found.relative_to(hil_firmware.ROOT)}: {size} KB of flash. Hold BOOTSEL, plug the board in,")
            print('and copy the file onto the drive that appears; then make flash ARGS="--slot image ...".')
        else:
            found = esp32()
            print("In MicroPython's source, with Espressif's ESP-IDF (never run here, docs/firmware.md):")
            print(f"  make -C ports/esp32 BOARD=ESP32_GENERIC FROZEN_MANIFEST={found}")
    except (Failed, OSError) as error:
        print(f"firmware-image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
