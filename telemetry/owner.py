"""One owner for a store's file: a ``.lock`` file beside it says which process that is."""

import fcntl
import os
from pathlib import Path

from telemetry.errors import StoreLocked, StoreUnavailable


class OwnerLock:
    """Holds ``<file>.lock`` for this process. Released by `release`, or by the end of the process."""

    def __init__(self, path: Path) -> None:
        """Raises `StoreLocked` if another owner is alive, `StoreUnavailable` if the folder cannot be written."""
        self._path = path.with_name(path.name + ".lock")
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreUnavailable(
                f"{self._path}: {error.strerror}. Check that the folder exists and can be written"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(self._file, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise StoreLocked(f"{path}: process {owner} owns this file. Stop it first, or ask it over HTTP") from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the file up. The lock file itself stays: removing it would race with the next owner."""
        os.close(self._file)
