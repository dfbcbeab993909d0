"""The unix port: its clock and memory, UDP and TCP on a host's network, events on stdout."""

import asyncio
import gc
import json
import os
import select
import socket
import sys
import time

from hal.waiting import readable

# Below 2025-01-01 the clock was never set.
_CLOCK_SET_S = 1735689600
# Commands and answers have a few dozen bytes; what is longer is cut, and refused for it.
_LONGEST_DATAGRAM = 512


def utc() -> float | None:
    """Seconds since 1970, ``None`` while the clock is not set."""
    now = time.time()
    return now if now >= _CLOCK_SET_S else None


def set_utc(seconds: float) -> None:
    """Nothing: the clock is the host's, and the host keeps it."""


def free_heap() -> int:
    """Bytes free on the heap, garbage not counted as free."""
    return gc.mem_free()


async def doze(ms: int) -> None:
    """Wait ``ms``; the host sleeps as it likes."""
    await asyncio.sleep_ms(ms)


async def join(settings: dict) -> None:
    """Nothing: the network is the host's."""


def entropy() -> int:
    """31 random bits."""
    return int.from_bytes(os.urandom(4), "big") & 0x7FFFFFFF


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
        await readable(self._socket)


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
