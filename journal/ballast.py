"""Ballast: disk space that the journal holds, and gives up piece by piece on a full disk for what is not bulk.

Others write to the same disk, so that a piece is given only to be written at once; it is taken again when there is
space, and until then bulk is refused: it would take what is meant for alarms.
"""

import os
from pathlib import Path

from journal.errors import translate_os

NAME = "ballast"
MOST_BYTES = 4 << 20
"""A commit with an alarm takes 20 to 50 kB of the log."""
PIECE_BYTES = 64 << 10
SHARE = 8
"""Of a disk that has less than so many times the most, a smaller part is held."""


class Ballast:
    """One file in a journal's folder; all calls from one thread at a time."""

    def __init__(self, folder: Path) -> None:
        """Raises `JournalError`. A disk that is full already is no error: it holds what it held before."""
        path = folder / NAME
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise translate_os(error, path) from error
        held = os.fstat(self._file).st_size
        disk = os.statvfs(folder)
        share = (disk.f_bavail * disk.f_frsize + held) // SHARE
        self._whole = max(held, min(MOST_BYTES, share)) // PIECE_BYTES * PIECE_BYTES
        self._held = held
        self.hold()

    def hold(self) -> bool:
        """Take what was given up, if there is space; whether everything is held."""
        if self._held < self._whole:
            try:
                os.posix_fallocate(self._file, 0, self._whole)
            except OSError:
                os.ftruncate(self._file, self._held)  # some file systems keep the part for which there was space
                return False
            self._held = self._whole
        return True

    def give_way(self) -> bool:
        """Give up one piece; whether there was one."""
        if self._held <= 0:
            return False
        self._held = max(0, self._held - PIECE_BYTES)
        os.ftruncate(self._file, self._held)
        return True

    def close(self) -> None:
        """The space stays held until the next start."""
        os.close(self._file)
