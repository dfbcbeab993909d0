"""One TCP connection to a device or serial server: bytes in and out, made and dropped as the bus above says."""

import asyncio
from collections.abc import Callable
from typing import cast

from gateway.errors import BusDown
from gateway.transports.line import OnBytes, OnLost

CONNECT_S = 3.0
SILENT_REPLIES = 3
"""After so many time-outs in a row without a byte a connection is taken for half open and made anew."""

OnOpen = Callable[[BusDown | None], None]


class _Link(asyncio.Protocol):
    """One connection. The line may have given it up already when its end is told."""

    __slots__ = ("_line", "ended", "transport")

    def __init__(self, line: "TcpLine") -> None:
        self.transport: asyncio.Transport
        self.ended = asyncio.Event()
        self._line = line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asserted: uvloop's transports are no subclass of asyncio's.
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        line = self._line
        if line.link is self:
            line.silent = 0
            line.on_bytes(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()
        self._line.ended(self, exc)


class TcpLine:
    """``name`` stands in messages. ``on_lost(reason)`` tells that the peer hung up; not that we did.

    ``link``, ``silent`` and ``on_bytes`` are for the connection alone, which takes bytes without a call more.
    """

    __slots__ = ("_host", "_links", "_on_lost", "_opening", "_port", "link", "name", "on_bytes", "silent")

    def __init__(self, name: str, host: str, port: int, on_bytes: OnBytes, on_lost: OnLost) -> None:
        self.name = name
        self._host = host
        self._port = port
        self.on_bytes = on_bytes
        self._on_lost = on_lost
        self.link: _Link | None = None
        self._links: set[_Link] = set()
        self._opening: asyncio.Task[None] | None = None
        self.silent = 0

    def open(self, opened: OnOpen) -> None:
        """Begin to connect; ``opened(None)`` when it stands, else ``opened(error)``. The loop must be running."""
        self._opening = asyncio.get_running_loop().create_task(self._open(opened))

    async def _open(self, opened: OnOpen) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                _, link = await loop.create_connection(lambda: _Link(self), self._host, self._port)
        except (OSError, TimeoutError) as error:
            why = error or "no answer"
            opened(BusDown(f"{self.name} cannot be reached: {why}; check address, port and network"))
            return
        if link.ended.is_set():
            opened(BusDown(f"{self.name} hung up at once; check that it speaks Modbus and serves one more client"))
            return
        self.silent = 0
        self.link = link
        self._links.add(link)
        opened(None)

    def write(self, data: bytes) -> None:
        """Send a frame over the connection that stands."""
        assert self.link is not None
        self.link.transport.write(data)

    def missed(self) -> bool:
        """One more request had no answer; whether that is so often that the connection should be made anew."""
        self.silent += 1
        return self.silent >= SILENT_REPLIES

    def drop(self) -> None:
        """Let go of the connection; nothing that still comes over it is told."""
        link, self.link = self.link, None
        if link is not None:
            link.transport.abort()

    async def close(self) -> None:
        """Let go of everything, and wait until it is gone."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        self.drop()
        for link in tuple(self._links):
            await link.ended.wait()

    def ended(self, link: _Link, error: Exception | None) -> None:
        """Called by the connection: the peer closed it, or we did."""
        self._links.discard(link)
        if link is self.link:
            self.link = None
            self._on_lost(f"{self.name} closed the connection: {error or 'end of stream'}")
