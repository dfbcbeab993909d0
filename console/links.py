"""Entry links: a key that signs one person in without a password, as the demo prints on its start.

A key works once from anywhere, and again from loopback until the process ends. Keys live in memory only.
"""

import hashlib
import hmac
import ipaddress
import secrets
from threading import Lock

from console.roles import Role


def is_loopback(peer: str) -> bool:
    """Whether the address is of this machine (127.0.0.0/8, ::1, and the former written as IPv6)."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback


class EntryLinks:
    """Issued keys, by their hash. Thread-safe."""

    def __init__(self) -> None:
        self._issued: dict[bytes, tuple[str, Role]] = {}
        self._used: set[bytes] = set()
        self._lock = Lock()

    def issue(self, user: str, role: Role) -> str:
        """A new key of 256 random bits."""
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._issued[_digest(key)] = (user, role)
        return key

    def redeem(self, key: str, peer: str) -> tuple[str, Role] | None:
        """(user, role) of a key that works from this peer, else ``None``. Compares in constant time."""
        given = _digest(key)
        with self._lock:
            found = [digest for digest in self._issued if hmac.compare_digest(digest, given)]
            if not found or (found[0] in self._used and not is_loopback(peer)):
                return None
            self._used.add(found[0])
            return self._issued[found[0]]


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
