"""FolderLock: one process owns a journal's folder."""

import fcntl
import os
from pathlib import Path

from journal.errors import JournalLocked, translate_os

LOCK = "journal.lock"


class FolderLock:
    """Raises `JournalLocked`; released by `release` or by the end of the process. The owner's pid stands inside."""

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise translate_os(error, path) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.pread(self._file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise JournalLocked(
                f"{folder}: process {owner} already uses this journal; stop it or choose another data folder"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._file)
