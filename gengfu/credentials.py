"""Secrets in files: read once, never shown, and refused where others may read them."""

import stat
from pathlib import Path

from gengfu.errors import InputError

SHORTEST_SECRET = 16
"""Bytes: AES-128 is no stronger than what it is made from."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_secret(path: str, key: str) -> bytes:
    """The hex digits in a file, as bytes. ``key``: what names the file in the document.

    Raises `InputError` that names file and key, never what is in it.
    """
    if len(path) >= 2 * SHORTEST_SECRET and not path.strip("0123456789abcdefABCDEF"):
        raise InputError(f"{key}: must be the path of a file, not the secret itself: put it into one")
    file = Path(path)
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no text"
        raise InputError(f"{key}: {path}: cannot be read: {reason}") from None
    if mode & _OTHERS:
        raise InputError(f"{key}: {path}: others may read or write it ({mode & 0o777:04o}): chmod 600 {path}")
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        raise InputError(f"{key}: {path}: must hold an even number of hex digits and nothing else") from None
    if len(secret) < SHORTEST_SECRET:
        raise InputError(f"{key}: {path}: must hold at least {SHORTEST_SECRET} bytes as hex")
    return secret
