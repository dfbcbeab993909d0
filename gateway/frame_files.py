"""Frame files: records of what went over the wires, as `gateway.frame_log` writes them, and how they are read.

FOLDER/frames-NNNNNNNNNNNNNNNNNNNN.log   begun at UTC ns N (or just behind the one before, where the clock was set back)

offset size field                       numbers are big-endian
0      8    b"GENGFU\\x00\\x01"           once, at the beginning of the file; then records:
0      4    length of what follows the check
4      4    check: crc32 of what follows
8      8    at, UTC ns, signed
16     1    1: outgoing, 0: incoming
17     2    c, bytes of the connection's id
19     2    p, bytes of the peer
21     4    size of the frame on the wire
25     c    id of the connection, UTF-8
25+c   p    peer, UTF-8
25+c+p      the frame, at most `gateway.wire_log.LONGEST_PIECE` bytes of it

The last record of a file may be torn: reading ends before it, and goes on with the next file.
"""

import logging
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

log = logging.getLogger("gengfu.frames")

MAGIC = b"GENGFU\x00\x01"
CHUNK = 1 << 20
"""Bytes that are read at once, and more than a record has."""

_PREFIX = struct.Struct(">II")
_HEAD = struct.Struct(">qBHHI")
_NAME = re.compile(r"frames-(\d{20})\.log")
_LONGEST_TEXT = 0xFFFF
_LONGEST_RECORD = 1 << 18


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
                yield from _frames_from(source, number, max(offset, len(MAGIC)))
    except FileNotFoundError:  # it went meanwhile
        return
    except OSError as error:
        log.error("%s: %s; its frames are not read", path, error.strerror)


def _frames_from(source: BinaryIO, number: int, start: int) -> Iterator[Logged]:
    is_more = True
    while is_more:
        source.seek(start)
        data = source.read(CHUNK)
        end = 0
        for end, frame in frames_in(data):
            yield Logged(Place(number, start + end), frame)
        start += end
        is_more = end > 0 and len(data) == CHUNK


def encode(at: int, connection: str, outgoing: bool, peer: str, size: int, data: bytes) -> bytes:
    """A record of what a `Frame` holds."""
    return record_of(at, bytes_of(connection), outgoing, bytes_of(peer), size, data)


def bytes_of(text: str) -> bytes:
    """As an id or a peer stands in a record."""
    return text.encode(errors="replace")[:_LONGEST_TEXT]


def record_of(at: int, connection: bytes, outgoing: bool, peer: bytes, size: int, data: bytes) -> bytes:
    """As `encode`, of what `bytes_of` made."""
    body = _HEAD.pack(at, outgoing, len(connection), len(peer), size) + connection + peer + data
    return _PREFIX.pack(len(body), zlib.crc32(body)) + body


def frames_in(data: bytes) -> Iterator[tuple[int, Frame]]:
    """The whole records at the beginning of ``data``, each with the offset behind it; any bytes are taken."""
    offset = 0
    while len(data) - offset >= _PREFIX.size:
        length, check = _PREFIX.unpack_from(data, offset)
        body = data[offset + _PREFIX.size : offset + _PREFIX.size + min(length, _LONGEST_RECORD)]
        if len(body) != length or zlib.crc32(body) != check:
            return
        frame = _frame(body)
        if frame is None:
            return
        offset += _PREFIX.size + length
        yield offset, frame


def _frame(body: bytes) -> Frame | None:
    if len(body) < _HEAD.size:
        return None
    at, outgoing, connection, peer, size = _HEAD.unpack_from(body)
    middle = _HEAD.size + connection
    end = middle + peer
    if len(body) < end:
        return None
    texts = body[_HEAD.size : middle].decode(errors="replace"), body[middle:end].decode(errors="replace")
    return Frame(at, texts[0], bool(outgoing), texts[1], size, body[end:])
