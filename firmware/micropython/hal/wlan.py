"""The network of a microcontroller: its WLAN and UDP over it. Where there is none, it cannot be imported."""

import asyncio
import socket

import network

from hal.waiting import readable

# Commands and answers have a few dozen bytes; what is longer is cut, and refused for it.
_LONGEST_DATAGRAM = 512
_LOOK_MS = 2000
# Joining takes up to 15 s on a bad radio; asking again before would start over.
_PATIENCE_LOOKS = 10


class WlanError(OSError):
    """A setting of the network is wrong or missing; the message says which."""


class _Radio:
    """``off`` while the board sleeps."""

    off = False


def radio(on: bool) -> None:
    """Leave the network while the board sleeps, with the radio off; `join` comes back to it."""
    if on is not _Radio.off:
        return
    _Radio.off = not on
    station = network.WLAN(network.WLAN.IF_STA)
    try:
        if not on:
            station.disconnect()
        station.active(on)
    except OSError:
        # It was not joined, or the radio is busy: `join` looks again.
        pass


async def join(settings: dict) -> None:
    """Bring the board onto its WLAN and back onto it when it was lost, for ever. Raises `WlanError`.

    ``wifi`` and ``wifi-key`` are settings; neither is ever told.
    """
    station = network.WLAN(network.WLAN.IF_STA)
    if not settings.get("wifi"):
        raise WlanError("wifi is missing: config set wifi NAME, config set wifi-key KEY, config apply")
    station.active(True)
    looks = 0
    while True:
        if _Radio.off or station.isconnected():
            looks = 0
        elif looks % _PATIENCE_LOOKS == 0:
            _connect(station, settings)
            looks = 1
        else:
            looks += 1
        await asyncio.sleep_ms(_LOOK_MS)


def _connect(station, settings: dict) -> None:
    # A radio that is busy with the try before refuses either call; the next look tries again.
    try:
        station.disconnect()
    except OSError:
        pass
    try:
        station.connect(settings["wifi"], settings.get("wifi-key") or None)
    except OSError:
        pass


def address(host: str, port: int) -> tuple:
    """``(host, port)`` as the sockets want it; raises `WlanError` unless ``host`` is an IPv4 address.

    A name would need a server, which is not there when the board starts without its network.
    """
    parts = host.split(".")
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        raise WlanError(f"gateway: {host!r} is not an IPv4 address such as 192.168.1.10")
    return host, port


class Udp:
    """One non-blocking socket for everything. Peers are ``(address, port)``."""

    def __init__(self, host: str, port: int):
        self.gateway = address(host, port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("0.0.0.0", 0))
        self._socket.setblocking(False)

    def send(self, peer: tuple, data: bytes) -> None:
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
        return peer, data

    async def wait(self) -> None:
        """Until a datagram may be there."""
        await readable(self._socket)
