"""One end of a serial line by its pyserial URL.

`socket://` lines are plain sockets here: pyserial 3.5 waits 0.3 s on closing each, and leaks it when the peer is gone.
"""

import contextlib
import os
import select
import socket
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import serial

MOST = 4096
RATE_S = float(os.environ.get("GENGFU_HIL_RATE_S", "5"))
"""How long a line is kept busy; `make hil` says 60."""


class LineGone(AssertionError):
    """The other end is not there any more."""


class Line:
    """``url``: a device, or ``socket://HOST:PORT``. Closed with its context. Raises `LineGone`, also on opening."""

    def __init__(self, url: str, baud: int = 9600) -> None:
        self._port: serial.Serial | None = None
        self._socket: socket.socket | None = None
        try:
            if url.startswith("socket://"):
                parts = urlsplit(url)
                self._socket = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            else:
                self._port = serial.Serial(url, baud, timeout=0)
        except OSError as error:
            raise LineGone(f"{url}: {error}") from error
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close it; a second time does nothing. A `read` in another thread ends with `LineGone`."""
        if self._port is not None:
            self._port.close()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()

    def write(self, data: bytes) -> None:
        """Send all of it."""
        try:
            if self._socket is not None:
                self._socket.sendall(data)
            elif self._port is not None:
                self._port.write(data)
        except OSError as error:
            raise LineGone(f"{self.url}: {error}") from error

    def read(self, timeout_s: float = 0.02) -> bytes:
        """What is there, or comes first within the time; maybe nothing."""
        try:
            source = self._socket or self._port
            if source is None or not select.select([source], [], [], timeout_s)[0]:
                return b""
            data = bytes(source.recv(MOST) if isinstance(source, socket.socket) else source.read(MOST))
        except (OSError, ValueError, TypeError) as error:
            raise LineGone(f"{self.url}: {error}") from error
        if not data:
            raise LineGone(f"{self.url}: closed by the other end")
        return data
