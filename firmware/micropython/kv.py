"""Small records that outlive a reset: boot counter, trip latch. One file each, in a folder of the flash.

    offset  size  field
    0       4     CRC-32 of the value, little-endian
    4       ...   value

A record is written beside the old one and renamed over it, so that a cut leaves the old or the new one. No
record is ever half: one with a wrong checksum, or that the flash cannot read, is `Corrupt`, and the reader decides
what is the safe assumption. Only what was never written is ``None``: a latch that cannot be read may have been set.

Wear: on littlefs a record of some bytes lives in the metadata of its folder. A `put` there is two small commits (new
name, rename); a pair of 4 KB blocks takes some dozens of them before it is erased, and moves on by itself when worn.
With 100,000 erases a block, what changes once a minute lasts for decades; what changes with every sample does not
belong here (readings: `flash_queue`). FAT erases old before new: use littlefs.

A full flash is an `OSError` of `put`. The caller says what that means: the trip latch goes on in memory and tells it,
the queue keeps its readings in memory, a changed setting is refused.
"""

import binascii
import os
import struct

_NO_SUCH_FILE = 2


class Corrupt(Exception):
    """The record is there but not what was written, or cannot be read; the message names it and says which."""


def make_folder(folder: str) -> None:
    """Make the folder and those above it, if they are not there. Raises `OSError`."""
    made = ""
    for part in folder.split("/"):
        made += part + "/"
        try:
            os.stat(made)
        except OSError:
            os.mkdir(made[:-1])


class Store:
    """Records by name below ``folder``, which is made if it is not there. Raises `OSError` if it cannot be."""

    def __init__(self, folder: str):
        self._folder = folder
        make_folder(folder)

    def get(self, name: str) -> bytes | None:
        """The record, ``None`` if it was never written; raises `Corrupt`."""
        try:
            with open(self._folder + "/" + name, "rb") as file:
                data = file.read()
        except OSError as error:
            if error.errno == _NO_SUCH_FILE:
                return None
            raise Corrupt(f"{name}: cannot be read: {error}") from None
        if len(data) < 4 or struct.unpack("<I", data[:4])[0] != binascii.crc32(data[4:]):
            raise Corrupt(f"{name}: wrong checksum")
        return data[4:]

    def put(self, name: str, value: bytes | bytearray) -> None:
        """Write the record; raises `OSError` if the flash refuses."""
        path = self._folder + "/" + name
        with open(path + ".new", "wb") as file:
            # Not joined: the crash log is written when there is no room for a second copy.
            file.write(struct.pack("<I", binascii.crc32(value)))
            file.write(value)
        os.rename(path + ".new", path)


def next_boot(store: Store, entropy: int) -> int:
    """Count this start and return its number.

    A board without a (good) record starts at a number drawn from ``entropy`` (31 bits), never at 1: (boot, sequence)
    identifies a reading, and a number used before a flash was erased would make new readings pass for old ones.
    """
    return next_start(store, entropy)[0]


def next_start(store: Store, entropy: int) -> tuple:
    """Count this start: its boot number as `next_boot` gives it, and how many starts were counted with this one."""
    try:
        record = store.get("boot") or b""
    except Corrupt:
        record = b""
    starts = 0
    if len(record) in (4, 8):
        boot = (struct.unpack("<I", record[:4])[0] + 1) & 0x7FFFFFFF
        starts = struct.unpack("<I", record[4:])[0] if len(record) == 8 else 0
    else:
        boot = (entropy & 0x3FFFFFFF) + 1
    starts += 1
    store.put("boot", struct.pack("<II", boot, starts & 0x7FFFFFFF))
    return boot, starts
