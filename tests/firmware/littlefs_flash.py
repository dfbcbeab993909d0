"""A flash in memory under a real littlefs, for probes that run in MicroPython."""

import os

BLOCK = 4096


class PowerCut(Exception):
    """The supply is gone."""


class Flash:
    """A NOR flash in memory. ``operations``: writes and erases until the supply is gone, negative for never."""

    def __init__(self, blocks, data=None):
        self.data = bytearray(data or b"\xff" * (BLOCK * blocks))
        self.blocks = blocks
        self.operations = -1
        self.is_off = False
        self.erases = [0] * blocks
        self.written = 0

    def readblocks(self, block, buffer, offset=0):
        at = block * BLOCK + offset
        buffer[:] = self.data[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset=None):
        if offset is None:
            self._erase(block)
            offset = 0
        share = self._next()
        if share:
            at = block * BLOCK + offset
            size = len(buffer) // share
            self.data[at : at + size] = buffer[:size]
            self.written += size

    def ioctl(self, operation, argument):
        if operation == 4:
            return self.blocks
        if operation == 5:
            return BLOCK
        if operation == 6:
            self._erase(argument)
        return 0

    def _erase(self, block):
        share = self._next()
        if share:
            size = BLOCK // share
            self.data[block * BLOCK : block * BLOCK + size] = b"\xff" * size
            self.erases[block] += 1

    def _next(self):
        """1: the next operation is done whole. 2: it is at the cut, and done by half. 0: after the cut; nothing is said
        of it, since littlefs closes its files even then."""
        if self.operations < 0:
            return 1
        if self.is_off:
            return 0
        self.is_off = self.operations == 0
        self.operations -= 0 if self.is_off else 1
        return 2 if self.is_off else 1

    def check_supply(self):
        if self.is_off:
            raise PowerCut


class Mounted:
    """The flash as ``/flash`` for as long as the block lasts."""

    def __init__(self, flash):
        self._flash = flash

    def __enter__(self):
        os.mount(self._flash, "/flash")

    def __exit__(self, *_error):
        os.umount("/flash")
