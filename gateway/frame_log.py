"""The frame log: what went over the wires that watch over life, on disk for the last half hour, in files of its own.

When an alarm is raised, the bytes behind it are minutes old; a wire log in memory has lost them by then. A frame costs
the loop one record; a thread writes once a second, without a sync. After ``kill -9`` the last second may be missing and
the last block may be torn. Reading is `gateway.frame_files`.
"""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeAlias

from gateway.frame_files import (
    MAGIC,
    FrameFiles,
    Names,
    Place,
    block_head,
    frames_of,
    known,
    name_of,
    names_of,
    record_of,
)
from protocols.moment import SECOND

log = logging.getLogger("gengfu.frames")

KEPT_NS = 35 * 60 * SECOND
"""Half an hour before an alarm, and some minutes to copy it."""
MOST_WAITING = 32 << 20
"""Bytes that wait for the disk; what comes beyond them is dropped and counted."""
MOST_PEERS = 4096
"""Of a connection, whose names are kept as they are written."""

WirePiece: TypeAlias = tuple[int, bool, bytes, str, int]
"""`gateway.wire_log.Piece`, its parts not named."""
Recorder: TypeAlias = Callable[[Sequence[WirePiece]], None]


class Waiting(NamedTuple):
    """Records for the disk, and how many they are."""

    data: bytearray
    frames: int


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
        self.files = FrameFiles(folder)
        self._folder = folder
        self._bounds = bounds
        self._writing = threading.Lock()
        self._lock = threading.Lock()
        self._files = [_File(path, number, path.stat().st_size, None) for number, path in known(folder)]
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
        peers: dict[str, Names] = {}

        def record(pieces: Sequence[WirePiece]) -> None:
            waiting = self._waiting
            if len(waiting) > MOST_WAITING:
                self._not_taken += len(pieces)
                return
            for at, outgoing, data, peer, size in pieces:
                names = peers.get(peer)
                if names is None:
                    if len(peers) >= MOST_PEERS:
                        peers.clear()
                    names = peers[peer] = names_of(connection, peer)
                waiting += record_of(at, outgoing, names, size, data)
            self._frames += len(pieces)

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
        head = block_head(data)
        for part in (head, data):
            left = memoryview(part)
            while left:
                left = left[os.write(self._active, left) :]
        file = self._files[-1]
        file.frames = (file.frames or 0) + frames
        file.size += len(head) + len(data)

    def _is_over(self, now: int) -> bool:
        is_old = not self._begun <= now < self._begun + self._bounds.file_ns
        return is_old or self._files[-1].size >= self._bounds.file_bytes

    def _begin(self, now: int) -> None:
        self._make_room()
        self._folder.mkdir(parents=True, exist_ok=True)
        number = max(now, self._files[-1].number + 1 if self._files else 0)
        path = self._folder / name_of(number)
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
            self._not_kept += (
                sum(1 for _ in frames_of(oldest.path, oldest.number, 0)) if oldest.frames is None else oldest.frames
            )
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

    def prune(self, now: int, held: Place | None) -> None:
        """Remove what is older than `KEPT_NS` at UTC ns ``now``; of what stands behind ``held``, nothing."""
        for one, following in pairwise(self._files):
            if following.number <= now - KEPT_NS and (held is None or one.number < held.file):
                self._remove(one)

    def close(self) -> None:
        """What was not written is lost; call `write` before."""
        with self._writing:
            self._drop_active()
