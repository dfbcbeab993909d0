"""Writes files into an image of a Pico's file system; run by MicroPython: ``make_filesystem.py ROWS IMAGE``.

ROWS has a line ``NAME TAB PATH`` for each file. IMAGE is changed, or made if it is not there.
"""

import sys

import vfs

BLOCK = 4096
# What the rp2 port gives its file system on a Pico: 1408 KB (ports/rp2/boards/RPI_PICO/mpconfigboard.h).
BLOCKS = 352
PROGRAM_BYTES = 256


class Ram:
    """A flash chip in memory."""

    def __init__(self, data):
        self.data = data

    def readblocks(self, block, buffer, offset=0):
        at = block * BLOCK + offset
        buffer[:] = self.data[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        at = block * BLOCK + offset
        self.data[at : at + len(buffer)] = buffer

    def ioctl(self, operation, block):
        if operation == 4:
            return BLOCKS
        if operation == 5:
            return BLOCK
        if operation == 6:
            self.data[block * BLOCK : (block + 1) * BLOCK] = b"\xff" * BLOCK
        return 0


def opened(path):
    """The chip with the image, and its file system."""
    try:
        with open(path, "rb") as file:
            ram = Ram(bytearray(file.read()))
    except OSError:
        ram = Ram(bytearray(b"\xff" * (BLOCK * BLOCKS)))
        vfs.VfsLfs2.mkfs(ram, progsize=PROGRAM_BYTES)
    return ram, vfs.VfsLfs2(ram, progsize=PROGRAM_BYTES)


def write(filesystem, name, source):
    """One file, with the folders it needs."""
    parts = name.split("/")
    for depth in range(1, len(parts)):
        above = "/" + "/".join(parts[: depth - 1])
        if parts[depth - 1] not in [entry[0] for entry in filesystem.ilistdir(above)]:
            filesystem.mkdir("/" + "/".join(parts[:depth]))
    with open(source, "rb") as file:
        content = file.read()
    target = filesystem.open("/" + name, "wb")
    target.write(content)
    target.close()


def main(rows, image):
    ram, filesystem = opened(image)
    with open(rows) as file:
        for line in file:
            write(filesystem, *line.rstrip("\n").split("\t"))
    with open(image, "wb") as file:
        file.write(ram.data)


main(sys.argv[1], sys.argv[2])
