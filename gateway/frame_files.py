"""Frame files: records of what went over the wires, as `gateway.frame_log` writes them, and how they are read.

FOLDER/frames-NNNNNNNNNNNNNNNNNNNN.log   begun at UTC ns N (or just behind the one before, where the clock was set back)

offset size field                       numbers are big-endian
0      8    b"GENGFU\\x00\\x02"           once, at the beginning of the file; then blocks, one for each write:
0      4    length of what follows the check
4      4    check: crc32 of what follows, which are records:
0      8    at, UTC ns, signed
8      1    1: outgoing, 0: incoming
9      2    c, bytes of the connection's id
11     2    p, bytes of the peer
13     4    size of the frame on the wire
17     4    d, bytes of it that are here
21     c    id of the connection, UTF-8
21+c   p    peer, UTF-8
21+c+p d    the frame, at most `gateway.wire_log.LONGEST_PIECE` bytes of it

The last block of a file may be torn: reading ends before it, and goes on with the next file. The check is one of a
block and not of a frame, because it is made by the thread that writes; each frame is a cost of the event loop.
"""

import logging
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

log = logging.getLogger("gengfu.frames")

MAGIC = b"GENGFU\x00\x02"
LONGEST_BLOCK = 64 << 20

_BLOCK = struct.Struct(">II")
_HEAD = struct.Struct(">qBHHII")
_NAME = re.compile(r"frames-(\d{20})\.log")
_LONGEST_TEXT = 0xFFFF


class Frame(NamedTuple):
    """As `gateway.wire_log.Piece`, with the connection."""

    at: int
    connection: str
    outgoing: bool
    peer: str
    size: int
    data: bytes


class Place(NamedTuple):
    """Behind a frame: the number of its file, and bytes into it. Places grow."""

    file: int
    offset: int


class Logged(NamedTuple):
    """A frame, and the place behind it."""

    place: Place
    frame: Frame


class FrameFiles:
    """What is in the files of a folder, whoever writes to them. Every method blocks on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def oldest(self) -> int | None:
        """When the oldest file was begun, UTC ns."""
        files = known(self._folder)
        return files[0][0] if files else None

    def place_before(self, at: int) -> Place:
        """One behind which everything stands that was recorded at UTC ns ``at`` or later."""
        before = [number for number, _ in known(self._folder) if number <= at]
        return Place(before[-1] if before else 0, 0)

    def read(self, after: Place, limit: int) -> list[Logged]:
        """Up to ``limit`` frames behind a place, in the order in which they were recorded."""
        found: list[Logged] = []
        for number, path in known(self._folder):
            if number < after.file:
                continue
            for logged in frames_of(path, number, after.offset if number == after.file else 0):
                found.append(logged)
                if len(found) == limit:
                    return found
        return found


def name_of(number: int) -> str:
    """Of the file with a number."""
    return f"frames-{number:020d}.log"


def known(folder: Path) -> list[tuple[int, Path]]:
    """The files that are there, each with its number; the oldest first."""
    named = ((_NAME.fullmatch(path.name), path) for path in folder.glob("frames-*.log"))
    return sorted((int(found[1]), path) for found, path in named if found)


def frames_of(path: Path, number: int, offset: int) -> Iterator[Logged]:
    """Those of one file behind an offset."""
    try:
        with open(path, "rb") as source:
            if source.read(len(MAGIC)) == MAGIC:
                yield from _frames_from(source, number, offset)
    except FileNotFoundError:  # it went meanwhile
        return
    except OSError as error:
        log.error("%s: %s; its frames are not read", path, error.strerror)


def _frames_from(source: BinaryIO, number: int, offset: int) -> Iterator[Logged]:
    start = len(MAGIC)
    while len(head := source.read(_BLOCK.size)) == _BLOCK.size:
        length, check = _BLOCK.unpack(head)
        start += _BLOCK.size
        if start + length <= offset:
            source.seek(start + length)
        else:
            data = source.read(min(length, LONGEST_BLOCK))
            if len(data) != length or zlib.crc32(data) != check:
                return
            for end, frame in frames_in(data, offset - start):
                yield Logged(Place(number, start + end), frame)
        start += length


def block_head(records: bytes | bytearray) -> bytes:
    """What stands before the records of one write."""
    return _BLOCK.pack(len(records), zlib.crc32(records))


class Names(NamedTuple):
    """A connection and a peer as they stand in a record: the bytes of each, and both together."""

    connection_bytes: int
    peer_bytes: int
    both: bytes


def names_of(connection: str, peer: str) -> Names:
    """Cut where they are longer than a record can say."""
    names = [text.encode(errors="replace")[:_LONGEST_TEXT] for text in (connection, peer)]
    return Names(len(names[0]), len(names[1]), b"".join(names))


def record_of(at: int, outgoing: bool, names: Names, size: int, data: bytes) -> bytes:
    """Of what a `Frame` holds."""
    connection_bytes, peer_bytes, both = names
    return _HEAD.pack(at, outgoing, connection_bytes, peer_bytes, size, len(data)) + both + data


def frames_in(data: bytes, after: int = 0) -> Iterator[tuple[int, Frame]]:
    """The whole records at the beginning of ``data`` that end behind ``after``, each with the offset behind it; any
    bytes are taken."""
    end = 0
    while len(data) - end >= _HEAD.size:
        at, outgoing, connection, peer, size, length = _HEAD.unpack_from(data, end)
        start = end + _HEAD.size
        end = start + connection + peer + length
        if end > len(data):
            return
        if end > after:
            name = data[start : start + connection].decode(errors="replace")
            who = data[start + connection : end - length].decode(errors="replace")
            yield end, Frame(at, name, bool(outgoing), who, size, data[end - length : end])
