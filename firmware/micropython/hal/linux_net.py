"""The unix port's network: that of its host."""

import socket

from hal.waiting import readable

# Commands and answers have a few dozen bytes; what is longer is cut, and refused for it.
_LONGEST_DATAGRAM = 512


async def join(settings: dict) -> None:
    """Nothing: the network is the host's."""


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
