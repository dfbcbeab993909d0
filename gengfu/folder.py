"""The data folder of a process: created, stamped, and owned by one process at a time.

A folder is stamped ``demo`` or ``site`` at its first use. In a demo folder boards on this machine count as LIVE
(safety rule S22); a site never opens it, and a demo never opens a site's.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from gengfu.errors import MissingError

Stamp = Literal["demo", "site"]

_ANOTHER = {"demo": "--data DIR", "site": 'data = "DIR" in the settings'}
"""How each kind of process is given another folder."""


class DataFolder:
    """A locked data folder; a context manager that lets go of the lock at its end."""

    def __init__(self, path: Path, stamp: Stamp) -> None:
        self.path = path
        self._stamp = stamp
        self._lock_fd = -1
        self._another = _ANOTHER[stamp]

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock()
            self._check_stamp()
        except OSError as error:
            raise MissingError(
                f"data folder {self.path}: {error.strerror}; give a writable folder with {self._another}"
            ) from None
        return self

    def _lock(self) -> None:
        self._lock_fd = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(self._lock_fd, 32).decode(errors="replace").strip()
            os.close(self._lock_fd)
            raise MissingError(
                f"data folder {self.path} is in use by process {owner or '?'}; "
                f"stop it or give another with {self._another}"
            ) from None
        os.ftruncate(self._lock_fd, 0)
        os.write(self._lock_fd, f"{os.getpid()}\n".encode())

    def _check_stamp(self) -> None:
        file = self.path / "stamp"
        if not file.exists():
            file.write_text(self._stamp + "\n", encoding="utf-8")
        found = file.read_text(encoding="utf-8").strip()
        if found != self._stamp:
            os.close(self._lock_fd)
            raise MissingError(
                f"data folder {self.path} belongs to a {found}, not a {self._stamp}; give another with {self._another}"
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock_fd)
