"""What the tests run on with the firmware as it is now frozen in, the desk rig added: the Pico's image, and a 32-bit
MicroPython whose heap is as tight as a board's. Both are built when they are first asked for after a change: seconds.
"""

from pathlib import Path

from tests.hil import images
from tests.hil.story import PRODUCTS
from tools.firmware_image import kept, named, shipped, with_chooser
from tools.hil_firmware import Parts

USERMODS = Path(__file__).parent / "usermods"
ON_BOARD = Path(__file__).parent / "on_board"
WATCHING = {"heap_watch.py": ON_BOARD / "heap_watch.py", "wiring/linux.py": ON_BOARD / "pins.py"}
"""What runs in the 32-bit interpreter beside the firmware, by its path there."""


def sources(board: str) -> list[Path]:
    """Every module of every product for a kind of board, with the rig."""
    return [source for product in PRODUCTS for source in images.sources(board, product).values()]


def pico(parts: Parts) -> Parts:
    """``parts`` with the firmware in the Pico's image. Raises `Failed`."""
    image = kept("pico.bin", with_chooser(sources("rp2")), lambda code: parts.builds.pico(code).flash)
    return parts._replace(firmware=image)


def small(parts: Parts) -> Path:
    """The 32-bit interpreter with the firmware at the top of its frozen modules, that of a Pico's parts too, and what
    watches the heap. Raises `Failed`."""
    files = {**named([*shipped("rp2").values(), *sources("linux")], ""), **WATCHING}
    others = [path for path in sorted(USERMODS.rglob("*")) if path.is_file()]
    return kept("small", files, lambda code: parts.builds.small(code, USERMODS), *others)
