"""The address of the console: bound before anything is opened, so that a port in use is said at once."""

import errno
import socket

from console.errors import AddressRefused, PortInUse


def bind(host: str, port: int) -> socket.socket:
    """A listening address, not yet accepting; ``port`` 0 takes a free one. Raises `PortInUse`, `AddressRefused`."""
    where = f"{host}:{port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise AddressRefused(f"cannot listen on {where}: {error.strerror}; give an address of this machine") from None
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        # Listening here, not in the server: without it a second process could bind the same port unnoticed.
        sock.listen(128)
    except OSError as error:
        sock.close()
        raise _refused(where, error) from None
    sock.setblocking(False)
    return sock


def _refused(where: str, error: OSError) -> AddressRefused:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(
            f"cannot listen on {where}: another program uses this port; stop it or choose another with --port"
        )
    if error.errno == errno.EACCES:
        return AddressRefused(f"cannot listen on {where}: not allowed; choose a port above 1023")
    return AddressRefused(f"cannot listen on {where}: {error.strerror}; give an address of this machine")
