"""What is wrong with a document."""

from typing import TypeAlias

Problem: TypeAlias = tuple[str, str]
"""(path to the key, for example ``device[demo:gas:0001].unit``; what to do about it)."""
