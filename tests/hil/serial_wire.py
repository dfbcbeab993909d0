"""A serial line between a process's terminal and a TCP port: what a USB adapter is to a real board."""

import contextlib
import os
import select
import socket
import threading
import tty
from types import TracebackType
from typing import Self

LOOK_S = 0.2


class SerialWire:
    """``tty`` is the board's end, ``url`` ours (pyserial). One peer at a time; without one, bytes are lost."""

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(LOOK_S)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.tty = os.ttyname(self._slave)
        self.url = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the thread and close both ends."""
        self._over.set()
        self._thread.join(5)
        self._server.close()
        os.close(self._master)
        os.close(self._slave)

    def _serve(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                peer, _ = self._server.accept()
                with peer:
                    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._carry(peer)

    def _carry(self, peer: socket.socket) -> None:
        """Both ways, until the peer goes."""
        while not self._over.is_set():
            ready, _, _ = select.select([peer.fileno(), self._master], [], [], LOOK_S)
            if self._master in ready:
                with contextlib.suppress(OSError):
                    peer.sendall(os.read(self._master, 4096))
            if peer.fileno() in ready:
                try:
                    data = peer.recv(4096)
                except OSError:
                    return
                if not data:
                    return
                os.write(self._master, data)
