"""The emulated Pico with its firmware frozen into MicroPython's image: bytecode that does not stand in the heap.

    python -m tests.hil.frozen        (make hil-frozen: two minutes, again after each change of the firmware)

To measure what freezing would give. Such an image is not what `make flash` lays onto a board: it starts the firmware
without the slot chooser, so there is no second slot to fall back to.

Exit codes: 0 it is there; 1 it could not be made.
"""

import hashlib
import shutil
import sys
from pathlib import Path

from tests.hil import images
from tests.hil.pico_emulator import PicoEmulator
from tests.hil.story import PRODUCTS
from tools import flash, hil_firmware
from tools.test_servers import Failed


class FrozenPico(PicoEmulator):
    """A Pico whose image has the firmware: nothing of it is in its file system."""

    name = "emulated Raspberry Pi Pico, firmware frozen"

    def _code(self, product: str) -> dict[str, bytes]:
        return {}


def frozen_files() -> dict[str, Path]:
    """Every module of every product on a Pico, with the rig, by its path in the image."""
    found = [source for product in PRODUCTS for source in images.sources("rp2", product).values()]
    return {flash.slot_path(source, "a").removeprefix("a/"): source for source in found}


def folder_of(files: dict[str, Path]) -> Path:
    """Where the image of these files is kept."""
    digest = hashlib.sha256(hil_firmware.key().encode())
    for name, source in sorted(files.items()):
        digest.update(name.encode() + b"\0" + source.read_bytes())
    return hil_firmware.CACHE / f"frozen-{digest.hexdigest()[:12]}"


def locate() -> hil_firmware.Parts | None:
    """What a `FrozenPico` is made of, if its image has the firmware as it is now."""
    parts = hil_firmware.locate()
    image = folder_of(frozen_files()) / "firmware.bin"
    return parts._replace(firmware=image) if parts and image.is_file() else None


def make(work: Path) -> Path:
    """Build the image in ``work``, which is empty, and keep it in place of an older one. Raises `Failed`, `OSError`."""
    files = frozen_files()
    code = work / "code"
    for name, source in files.items():
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, code / name)
    hil_firmware.python_packages(work / "python")
    manifest = f'{hil_firmware.MANIFEST}freeze("{code}")\n'
    image = hil_firmware.image(hil_firmware.archive(work), work, work / "python", manifest)
    for older in hil_firmware.CACHE.glob("frozen-*"):
        shutil.rmtree(older)
    # Of what was frozen: the firmware may have changed meanwhile.
    folder = folder_of({name: code / name for name in files})
    folder.mkdir()
    shutil.copy(image, folder / "firmware.bin")
    return folder


def main() -> int:
    """Make what is missing and report in a line."""
    if locate() is not None:
        print("hil frozen: the image is there")
        return 0
    work = hil_firmware.CACHE / "work-frozen"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        print(f"hil frozen: {make(work).relative_to(hil_firmware.ROOT)} made")
    except (Failed, OSError) as error:
        print(f"hil frozen: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
