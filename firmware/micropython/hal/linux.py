"""The unix port: UDP on a host's network, stimulus on stdin, events on stdout."""

import asyncio
import json
import os
import select
import socket
import sys
import time

# Below 2025-01-01 the clock was never set.
_CLOCK_SET_S = 1735689600
_LONGEST_LINE = 200
# Commands and answers have a few dozen bytes; what is longer is cut, and refused for it.
_LONGEST_DATAGRAM = 512


class Ticks:
    """Milliseconds since start. The port's own counter wraps; this one does not."""

    def __init__(self):
        self._now = 0
        self._last = time.ticks_ms()

    def __call__(self) -> int:
        ticks = time.ticks_ms()
        self._now += time.ticks_diff(ticks, self._last)
        self._last = ticks
        return self._now


def utc() -> float | None:
    """Seconds since 1970, ``None`` while the clock is not set."""
    now = time.time()
    return now if now >= _CLOCK_SET_S else None


def entropy() -> int:
    """31 random bits."""
    return int.from_bytes(os.urandom(4), "big") & 0x7FFFFFFF


def _readable(stream):
    """Awaitable until ``stream`` can be read: what MicroPython's own asyncio streams wait with."""
    yield asyncio.core._io_queue.queue_read(stream)


class Udp:
    """One non-blocking socket for everything. Peers are the port's socket addresses, as bytes.

    With a gateway on this host it listens on the loopback interface only.
    """

    def __init__(self, host: str, port: int):
        self.gateway = bytes(socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)[0][-1])
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        loopback = socket.sockaddr(self.gateway)[1][0] == 127
        self._socket.bind(socket.getaddrinfo("127.0.0.1" if loopback else "0.0.0.0", 0)[0][-1])
        self._socket.setblocking(False)

    def send(self, peer: bytes, data: bytes) -> None:
        """Send it, or lose it as the network may: retransmission is for that."""
        try:
            self._socket.sendto(data, peer)
        except OSError:
            pass

    def receive(self) -> tuple | None:
        """The next datagram and its peer, ``None`` if none is there."""
        try:
            data, peer = self._socket.recvfrom(_LONGEST_DATAGRAM)
        except OSError:
            return None
        return bytes(peer), data

    async def wait(self) -> None:
        """Until a datagram may be there."""
        await _readable(self._socket)


class Lines:
    """Lines of stdin. It is read byte by byte, only when a byte is there: half a line must not hold the board."""

    def __init__(self):
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._byte = bytearray(1)
        self._line = b""

    async def wait(self) -> str | None:
        """The next line without its end; ``None`` when stdin has closed. A line too long is cut."""
        while True:
            await _readable(sys.stdin)
            for _ in range(_LONGEST_LINE):
                if not self._poll.poll(0):
                    break
                if not sys.stdin.buffer.readinto(self._byte):
                    return None
                if self._byte == b"\n":
                    line, self._line = self._line, b""
                    return "".join(chr(byte) if 32 <= byte < 127 else "?" for byte in line)
                if len(self._line) < _LONGEST_LINE:
                    self._line += self._byte


_room = select.poll()
_room.register(sys.stdout, select.POLLOUT)


def emit(event: str, **fields) -> None:
    """One JSON line on stdout. A bench that does not read loses lines; it never holds the board."""
    fields["event"] = event
    try:
        if _room.poll(0):
            sys.stdout.write(json.dumps(fields) + "\n")
    except OSError:
        pass
