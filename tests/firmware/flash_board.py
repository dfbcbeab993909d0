"""A board to flash: MicroPython with a LittleFS of its own at ``/``, as ``micropython -i flash_board.py FILE BLOCKS``.

The flash is an image file, so that it outlives the interpreter. MicroPython only; the raw REPL follows. With a third
argument, ``dump``, it prints every file with its SHA-256 instead, and the sum of a file is that of its content. With
``watch`` the firmware's console runs first: it takes lines, Ctrl-C is a byte of them, and ``hold`` ends it.
"""

import hashlib
import json
import os
import sys

import slots
import vfs
from maintenance import Console

BLOCK = 4096
BLOCKS = int(sys.argv[2])


class Image:
    """A block device in a file."""

    def __init__(self, path):
        try:
            os.stat(path)
        except OSError:
            with open(path, "wb") as file:
                for _ in range(BLOCKS):
                    file.write(b"\xff" * BLOCK)
        self._file = open(path, "r+b")  # noqa: SIM115 - as long as the board lives

    def readblocks(self, block, buffer, offset=0):
        self._file.seek(block * BLOCK + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block, buffer, offset=0):
        self._file.seek(block * BLOCK + offset)
        self._file.write(buffer)

    def ioctl(self, what, _argument):
        return {4: BLOCKS, 5: BLOCK, 6: 0}.get(what)


def dump(folder):
    for name, kind, *_ in os.ilistdir(folder or "/"):
        path = folder + "/" + name
        if kind == 0x4000:
            dump(path)
        else:
            with open(path, "rb") as file:
                print(path, hashlib.sha256(file.read()).digest().hex())


class Product:
    """One that knows no line of its own."""

    def maintain(self, _words, _now):
        return None


def emit(event, **fields):
    fields["event"] = event
    print(json.dumps(fields))


def keep_held():
    with open("/" + slots.HOLD, "w"):
        return True


def watch():
    console = Console(None, None, Product(), None, emit, True)
    print("board ready")
    while not console.restart:
        console.line(0, sys.stdin.readline())
    if console.held and keep_held() and slots.held(""):
        print("slots: held for maintenance")


image = Image(sys.argv[1])
try:
    flash = vfs.VfsLfs2(image)
except OSError:
    vfs.VfsLfs2.mkfs(image)
    flash = vfs.VfsLfs2(image)
vfs.umount("/")
vfs.mount(flash, "/")
os.chdir("/")
if sys.argv[3:] == ["dump"]:
    dump("")
elif sys.argv[3:] == ["watch"]:
    watch()
else:
    print("board ready")
