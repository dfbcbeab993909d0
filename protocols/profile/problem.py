"""Problem: one wrong key of a profile file."""

from typing import TypeAlias

Problem: TypeAlias = tuple[str, str]
"""(path to the key, for example ``point[methane].unit``; what to do about it)."""
