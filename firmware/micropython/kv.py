"""Small records that outlive a reset: boot counter, trip latch. One file each, in a folder of the flash.

    offset  size  field
    0       4     CRC-32 of the value, little-endian
    4       ...   value

A record is written beside the old one and renamed over it, so that a cut leaves the old or the new one. No
record is ever half: a wrong checksum is `Corrupt`, and the reader decides what is the safe assumption.
"""

import binascii
import os
import struct


class Corrupt(Exception):
    """The record is there but not what was written."""


class Store:
    """Records by name below ``folder``, which is made if it is not there. Raises `OSError` if it cannot be."""

    def __init__(self, folder: str):
        self._folder = folder
        made = ""
        for part in folder.split("/"):
            made += part + "/"
            try:
                os.stat(made)
            except OSError:
                os.mkdir(made[:-1])

    def get(self, name: str) -> bytes | None:
        """The record, ``None`` if it was never written; raises `Corrupt`."""
        try:
            with open(self._folder + "/" + name, "rb") as file:
                data = file.read()
        except OSError:
            return None
        if len(data) < 4 or struct.unpack("<I", data[:4])[0] != binascii.crc32(data[4:]):
            raise Corrupt(name)
        return data[4:]

    def put(self, name: str, value: bytes) -> None:
        """Write the record; raises `OSError` if the flash refuses."""
        path = self._folder + "/" + name
        with open(path + ".new", "wb") as file:
            file.write(struct.pack("<I", binascii.crc32(value)) + value)
        os.rename(path + ".new", path)


def next_boot(store: Store, entropy: int) -> int:
    """Count this start and return its number.

    A board without a (good) record starts at a number drawn from ``entropy`` (31 bits), never at 1: (boot, sequence)
    identifies a reading, and a number used before a flash was erased would make new readings pass for old ones.
    """
    try:
        record = store.get("boot")
    except Corrupt:
        record = None
    if record and len(record) == 4:
        boot = (struct.unpack("<I", record)[0] + 1) & 0x7FFFFFFF
    else:
        boot = (entropy & 0x3FFFFFFF) + 1
    store.put("boot", struct.pack("<I", boot))
    return boot
