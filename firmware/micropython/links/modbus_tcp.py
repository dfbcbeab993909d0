"""Modbus TCP slave: the answers of `links.modbus_slave` on a network, for a few masters at a time.

Source of the units: Modbus Messaging on TCP/IP 1.0b, 4.4.1.2 and 4.4.2.1 (255, or 0, is the device itself). `ModbusTcp`
has no I/O; `Server` reaches the network through the listener it is given. Modbus has no proof of who speaks: whoever
reaches the port can read, and can close a valve or start a fan; nothing more is in the tables (S2).
"""

import asyncio

from protocols.wire import modbus_request
from protocols.wire.modbus_tcp import FrameError, MbapFrames, frame

OURSELVES = (0, 255)
# Modbus Application Protocol 1.1b3, 7: «gateway target device failed to respond».
NOBODY_THERE = 11
CONNECTIONS = 4
IDLE_MS = 60000


class ModbusTcp:
    """One connection's stream. ``slave``: a `ModbusSlave`."""

    def __init__(self, slave):
        self._slave = slave
        self._frames = MbapFrames()

    def feed(self, now: int, data: bytes) -> list:
        """Frames to send for what arrived. Raises `FrameError` for what is no Modbus: hang up."""
        replies = []
        self._frames.feed(data)
        request = self._frames.next()
        while request is not None:
            transaction, unit, pdu = request
            replies.append(frame(transaction, unit, self._answer(now, unit, pdu)))
            request = self._frames.next()
        return replies

    def _answer(self, now: int, unit: int, pdu: bytes) -> bytes:
        if unit == self._slave.unit or unit in OURSELVES:
            answer = self._slave.answer(now, pdu)
            if answer[0] < modbus_request.ERROR_BIT:
                self._slave.network_heard_at = now
            return answer
        # Silence would cost the master its time-out; an answer tells it at once that it asks the wrong address.
        return modbus_request.exception_response(pdu[0] & 0x7F, NOBODY_THERE)


class _Peer:
    """A connection, its task, and when it last asked something: bytes alone would keep a stranger's place."""

    def __init__(self, connection, stream: ModbusTcp, now: int):
        self.connection = connection
        self.stream = stream
        self.heard_at = now
        self.task: asyncio.Task | None = None


class Server:
    """``listener``: a `hal.net.TcpListener`; ``ticks()``: ms; ``emit``: to the bench.

    At most ``connections`` peers, so that strangers cannot take the board's memory. When all places are taken, a new
    peer gets the place of the one that has asked nothing for longest, if that is ``idle_ms`` or more; else it is hung
    up on.
    """

    def __init__(self, slave, listener, ticks, emit, *, connections: int = CONNECTIONS, idle_ms: int = IDLE_MS):
        self._slave = slave
        self._listener = listener
        self._ticks = ticks
        self._emit = emit
        self._most = connections
        self._idle_ms = idle_ms
        self._peers = []

    @property
    def connected(self) -> int:
        """Peers now."""
        return len(self._peers)

    async def serve(self) -> None:
        """Take peers and answer them, for ever."""
        try:
            while True:
                await self._listener.wait()
                connection = self._listener.accept()
                if connection is not None:
                    self._take(connection)
        finally:
            for peer in list(self._peers):
                self._hang_up(peer)

    def _take(self, connection) -> None:
        now = self._ticks()
        if len(self._peers) >= self._most:
            idle = min(self._peers, key=lambda peer: peer.heard_at)
            if now - idle.heard_at < self._idle_ms:
                connection.close()
                self._emit("refused", command="modbus-tcp", code="full", message="{} peers".format(self._most))
                return
            self._hang_up(idle)
        peer = _Peer(connection, ModbusTcp(self._slave), now)
        self._peers.append(peer)
        peer.task = asyncio.create_task(self._carry(peer))

    def _hang_up(self, peer: _Peer) -> None:
        # Before the connection is closed: its task must not go on waiting for it.
        if peer.task is not None:
            peer.task.cancel()
        self._drop(peer)

    def _drop(self, peer: _Peer) -> None:
        if peer in self._peers:
            self._peers.remove(peer)
            peer.connection.close()

    async def _carry(self, peer: _Peer) -> None:
        try:
            while await self._exchange(peer):
                pass
        finally:
            self._drop(peer)

    async def _exchange(self, peer: _Peer) -> bool:
        """Answer what the peer asks now; whether the connection stands."""
        await peer.connection.wait()
        data = peer.connection.read()
        if data is None:
            return False
        now = self._ticks()
        try:
            replies = peer.stream.feed(now, data)
        except FrameError as error:
            self._emit("refused", command="modbus-tcp", code="frame", message=str(error))
            return False
        if replies:
            peer.heard_at = now
        for reply in replies:
            if not peer.connection.write(reply):
                return False
        return True
