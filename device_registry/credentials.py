"""Tokens by which devices prove themselves over HTTP. The device holds the token, the site's document its SHA-256.

A fast hash is enough: what is hashed has 256 random bits and cannot be guessed.
"""

import hashlib
import secrets

MARK = "gfd_"
"""How every token begins, so that a leaked one is recognised by scanners."""


def new_token() -> str:
    """Another token, to be shown once."""
    return MARK + secrets.token_urlsafe(32)


def is_device_token(secret: str) -> bool:
    """Whether this claims to be a device's token, and not a person's."""
    return secret.startswith(MARK)


def digest(token: str) -> str:
    """What the document holds: SHA-256, lower-case hex."""
    return hashlib.sha256(token.encode()).hexdigest()
