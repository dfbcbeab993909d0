"""TCP for the ports that have a network: a listener and its connections, none of which can hold the board."""

import socket

from hal.waiting import readable


class TcpListener:
    """Listens at once; raises `OSError` if the port is taken. ``host``: the address to listen at."""

    def __init__(self, port: int, host: str = "0.0.0.0"):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(socket.getaddrinfo(host, port)[0][-1])
        self._socket.listen(4)
        self._socket.setblocking(False)

    async def wait(self) -> None:
        """Until a peer may be there."""
        await readable(self._socket)

    def accept(self):
        """The next `TcpConnection`, ``None`` if no peer is there."""
        try:
            connection, _ = self._socket.accept()
        except OSError:
            return None
        connection.setblocking(False)
        return TcpConnection(connection)

    def close(self) -> None:
        """Listen no longer; connections stay."""
        self._socket.close()


class TcpConnection:
    """One peer."""

    def __init__(self, connection):
        self._socket = connection

    async def wait(self) -> None:
        """Until bytes may be there, or the peer is gone."""
        await readable(self._socket)

    def read(self, most: int = 260) -> bytes | None:
        """What has arrived, maybe nothing; ``None`` when the peer is gone."""
        try:
            data = self._socket.recv(most)
        except OSError as error:
            # EAGAIN: nothing there, the peer still is.
            return b"" if error.errno == 11 else None
        return data or None

    def write(self, data: bytes) -> bool:
        """Send it; ``False`` if the peer does not take it whole: such a connection is to be closed."""
        try:
            return self._socket.send(data) == len(data)
        except OSError:
            return False

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
