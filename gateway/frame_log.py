"""The frame log: what went over the wires that watch over life, on disk for the last half hour, in files of its own.

When an alarm is raised, the bytes behind it are minutes old; a wire log in memory has lost them by then. A frame costs
the loop one record; a thread writes once a second, without a sync. After ``kill -9`` the last second may be missing and
the last record may be torn: reading ends before it, and goes on with the next file.

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
"""

import logging
import os
import re
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias

from protocols.moment import SECOND

log = logging.getLogger("gengfu.frames")

MAGIC = b"GENGFU\x00\x01"
KEPT_NS = 35 * 60 * SECOND
"""Half an hour before an alarm, and some minutes to copy it."""
MOST_WAITING = 32 << 20
"""Bytes that wait for the disk; what comes beyond them is dropped and counted."""
MOST_PEERS = 4096
"""Of a connection, whose names are kept as they are written."""

_PREFIX = struct.Struct(">II")
_HEAD = struct.Struct(">qBHHI")
_NAME = re.compile(r"frames-(\d{20})\.log")
_LONGEST_TEXT = 0xFFFF
_LONGEST_RECORD = 1 << 18
CHUNK = 1 << 20
"""Bytes that are read at once, and more than a record has."""

WirePiece: TypeAlias = tuple[int, bool, bytes, str, int]
"""`gateway.wire_log.Piece`, its parts not named."""
Recorder: TypeAlias = Callable[[WirePiece], None]


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


class Waiting(NamedTuple):
    """Records for the disk, and how many they are."""

    data: bytearray
    frames: int


class Logged(NamedTuple):
    """A frame, and the place behind it."""

    place: Place
    frame: Frame


class Bounds(NamedTuple):
    """A file is followed by another at ``file_bytes`` or after ``file_ns``; all together have ``max_bytes``, the oldest
    go first."""

    file_bytes: int = 16 << 20
    file_ns: int = 300 * SECOND
    max_bytes: int = 512 << 20


BOUNDS = Bounds()


class _File:
    """``frames``: how many are in it; ``None`` where an earlier run wrote it."""

    def __init__(self, path: Path, number: int, size: int, frames: int | None) -> None:
        self.path = path
        self.number = number
        self.size = size
        self.frames = frames


class FrameLog:
    """`recorder`, what it gives, and `take` on the event loop; the rest on any thread, and blocks on the disk."""

    def __init__(self, folder: Path, bounds: Bounds = BOUNDS) -> None:
        self._folder = folder
        self._bounds = bounds
        self._writing = threading.Lock()
        self._lock = threading.Lock()
        self._files = _known(folder)
        self._active: int | None = None
        self._begun = 0
        self._waiting = bytearray()
        self._frames = 0
        self._is_refused = False
        self._not_taken = 0
        self._not_kept = 0

    def recorder(self, connection: str) -> Recorder:
        """What takes the frames of a connection. Each is made a record at once: kept as it is for a second, it would
        have left the processor's cache, and a thread would hold the interpreter while it goes over thousands."""
        name = _bytes_of(connection)
        peers: dict[str, bytes] = {}

        def record(piece: WirePiece) -> None:
            waiting = self._waiting
            if len(waiting) > MOST_WAITING:
                self._not_taken += 1
                return
            at, outgoing, data, peer, size = piece
            who = peers.get(peer)
            if who is None:
                if len(peers) >= MOST_PEERS:
                    peers.clear()
                who = peers[peer] = _bytes_of(peer)
            waiting += _record(at, name, outgoing, who, size, data)
            self._frames += 1

        return record

    def take(self) -> Waiting:
        """What was recorded since the last call, for `write`."""
        taken = Waiting(self._waiting, self._frames)
        self._waiting, self._frames = bytearray(), 0
        return taken

    def write(self, waiting: Waiting, now: int) -> None:
        """Append; ``now``: UTC ns. What the disk refuses is dropped, counted, and told in the log."""
        with self._writing:
            self._write(waiting.data, waiting.frames, now)

    def _write(self, data: bytearray, frames: int, now: int) -> None:
        try:
            self._append(data, frames, now)
        except OSError as error:
            self._drop_active()
            self._not_kept += frames
            if not self._is_refused:
                log.error(
                    "%s: %s; frames are not recorded until it takes them again. Free space on the disk",
                    self._folder,
                    error.strerror,
                )
            self._is_refused = True
            return
        if self._is_refused:
            log.warning("%s: frames are recorded again; %d were dropped", self._folder, self.dropped)
        self._is_refused = False

    def _append(self, data: bytearray, frames: int, now: int) -> None:
        if self._active is not None and self._is_over(now):
            self._drop_active()
        if self._active is None:
            self._begin(now)
        assert self._active is not None
        left = memoryview(data)
        while left:
            left = left[os.write(self._active, left) :]
        file = self._files[-1]
        file.frames = (file.frames or 0) + frames
        file.size += len(data)

    def _is_over(self, now: int) -> bool:
        is_old = not self._begun <= now < self._begun + self._bounds.file_ns
        return is_old or self._files[-1].size >= self._bounds.file_bytes

    def _begin(self, now: int) -> None:
        self._make_room()
        self._folder.mkdir(parents=True, exist_ok=True)
        number = max(now, self._files[-1].number + 1 if self._files else 0)
        path = self._folder / f"frames-{number:020d}.log"
        active = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._active, self._begun = active, now
        with self._lock:
            self._files = [*self._files, _File(path, number, len(MAGIC), 0)]
        os.write(active, MAGIC)

    def _drop_active(self) -> None:
        """Nothing more is written to the present file: its end may be torn."""
        if self._active is not None:
            active, self._active = self._active, None
            file = self._files[-1]
            file.size = os.fstat(active).st_size
            os.close(active)
            if not file.frames:
                self._remove(file)

    def _make_room(self) -> None:
        """For one file more within the bound."""
        while self._files and self.used_bytes + self._bounds.file_bytes > self._bounds.max_bytes:
            oldest = self._files[0]
            self._not_kept += sum(1 for _ in _frames_of(oldest, 0)) if oldest.frames is None else oldest.frames
            self._remove(oldest)

    def _remove(self, file: _File) -> None:
        with self._lock:
            self._files = [one for one in self._files if one is not file]
        file.path.unlink(missing_ok=True)

    @property
    def dropped(self) -> int:
        """Frames that went before their time, for want of room, or never came to the disk."""
        return self._not_taken + self._not_kept

    @property
    def used_bytes(self) -> int:
        """Of all files."""
        return sum(one.size for one in self._files)

    @property
    def oldest(self) -> int | None:
        """When the oldest file was begun, UTC ns."""
        files = self._files
        return files[0].number if files else None

    def place_before(self, at: int) -> Place:
        """One behind which everything stands that was recorded at UTC ns ``at`` or later."""
        files = self._files
        before = [one.number for one in files if one.number <= at]
        return Place(before[-1] if before else 0, 0)

    def read(self, after: Place, limit: int) -> list[Logged]:
        """Up to ``limit`` frames behind a place, in the order in which they were recorded."""
        found: list[Logged] = []
        for one in self._files:
            if one.number < after.file:
                continue
            for logged in _frames_of(one, after.offset if one.number == after.file else 0):
                found.append(logged)
                if len(found) == limit:
                    return found
        return found

    def prune(self, now: int, held: Place | None) -> None:
        """Remove what is older than `KEPT_NS` at UTC ns ``now``; of what stands behind ``held``, nothing."""
        for one, following in pairwise(self._files):
            if following.number <= now - KEPT_NS and (held is None or one.number < held.file):
                self._remove(one)

    def close(self) -> None:
        """What was not written is lost; call `write` before."""
        with self._writing:
            self._drop_active()


def _known(folder: Path) -> list[_File]:
    """Files of earlier runs, oldest first."""
    named = [(path, found) for path in folder.glob("frames-*.log") if (found := _NAME.fullmatch(path.name))]
    files = [_File(path, int(found[1]), path.stat().st_size, None) for path, found in named]
    return sorted(files, key=lambda one: one.number)


def _frames_of(file: _File, offset: int) -> Iterator[Logged]:
    try:
        with open(file.path, "rb") as source:
            if source.read(len(MAGIC)) == MAGIC:
                yield from _frames_from(source, file.number, max(offset, len(MAGIC)))
    except FileNotFoundError:  # it went meanwhile
        return
    except OSError as error:
        log.error("%s: %s; its frames are not read", file.path, error.strerror)


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
    return _record(at, _bytes_of(connection), outgoing, _bytes_of(peer), size, data)


def _bytes_of(text: str) -> bytes:
    return text.encode(errors="replace")[:_LONGEST_TEXT]


def _record(at: int, connection: bytes, outgoing: bool, peer: bytes, size: int, data: bytes) -> bytes:
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
