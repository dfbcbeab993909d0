"""The version of this firmware."""

MAJOR = 0
MINOR = 1
PATCH = 0
NUMBER = MAJOR * 10000 + MINOR * 100 + PATCH
"""As the point ``firmware`` carries it."""
TEXT = f"{MAJOR}.{MINOR}.{PATCH}"
BUILT_MS = 1793491200000
"""2026-11-01, ms since 1970: no clock that tells less is right. To be moved on with each release."""
