"""The version of this firmware."""

MAJOR = 0
MINOR = 1
PATCH = 0
NUMBER = MAJOR * 10000 + MINOR * 100 + PATCH
"""As the point ``firmware`` carries it."""
TEXT = f"{MAJOR}.{MINOR}.{PATCH}"
