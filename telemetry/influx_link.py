"""The connections to a server, which another thread may break off: whoever stops a program does not wait for a server
that has fallen silent."""

import contextlib
import logging
import socket
import ssl
import weakref
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from telemetry.errors import StoreRefused
from telemetry.influx_settings import InfluxSettings

log = logging.getLogger("telemetry.influx")

Connections = weakref.WeakSet[HTTPConnection]


class Link(urllib3.PoolManager):
    """A pool that keeps so many connections. ``timeout_s``: to connect, and for each wait; nothing is tried again."""

    def __init__(self, timeout_s: float, context: ssl.SSLContext | None, kept: int = 1) -> None:
        super().__init__(
            num_pools=1,
            maxsize=kept,
            retries=False,
            timeout=urllib3.Timeout(connect=timeout_s, read=timeout_s),
            ssl_context=context,
        )
        self._connections: Connections = weakref.WeakSet()
        self.pool_classes_by_scheme = _pools(self._connections)

    def interrupt(self) -> None:
        """From any thread: what waits for the server fails now. What is begun later is not concerned."""
        for connection in tuple(self._connections):
            if connection.sock is not None:
                with contextlib.suppress(OSError):  # it broke by itself
                    connection.sock.shutdown(socket.SHUT_RDWR)


def tls_context(settings: InfluxSettings) -> ssl.SSLContext | None:
    """By which the server proves who it is; ``None`` where the url is not https. Raises `StoreRefused`."""
    if not settings.url.startswith("https:"):
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:  # ssl.SSLError too: a file that holds no certificate
        raise StoreRefused(f"ca_file {settings.ca_file}: {error.strerror or error}") from None
    if not settings.verify_tls:
        log.warning(
            "verify_tls is off: whoever stands between here and %s can read and change all telemetry, and read the "
            "token or password. Set ca_file instead",
            settings.url,
        )
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return context


def _pools(connections: Connections) -> dict[str, Any]:
    """Pools whose connections are known. A pool is told the class of its connections by a class of its own."""

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            connections.add(self)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            connections.add(self)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
