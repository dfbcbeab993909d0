"""A pseudo terminal at the path where the gateway looks for its serial line."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from gateway.transports.line import READ_SIZE, PtyEnd
from gengfu.errors import InputError


class SimulatedLine:
    """``port``: a path that becomes a link to the terminal. ``answers``: from what the gateway sent to what it gets."""

    def __init__(self, port: Path, answers: Callable[[bytes], bytes]) -> None:
        self._port = port
        self._answers = answers
        self._end: PtyEnd | None = None

    def open(self) -> None:
        """Begin to answer on the running loop. Raises `InputError` where something else has the path."""
        if self._port.exists() and not self._port.is_symlink():
            raise InputError(f"{self._port} is there and not of a simulation: remove it, or give another port")
        end = self._end = PtyEnd()
        self._port.parent.mkdir(parents=True, exist_ok=True)
        self._port.unlink(missing_ok=True)
        self._port.symlink_to(end.path)
        asyncio.get_running_loop().add_reader(end.fd, self._readable, end.fd)

    def _readable(self, fd: int) -> None:
        answer = self._answers(os.read(fd, READ_SIZE))
        if answer:
            try:
                os.write(fd, answer)
            except BlockingIOError:
                return  # nobody reads: on a real line the bytes are gone too

    def close(self) -> None:
        """Hang up, and take the link away."""
        if self._end is not None:
            asyncio.get_running_loop().remove_reader(self._end.fd)
            self._end.close()
            self._end = None
            self._port.unlink(missing_ok=True)
