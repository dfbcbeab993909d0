"""Last blocks of packs that came alone: their pack may be stored, and its acknowledgement lost with an earlier start.

A device that repeats such a block is told to begin again (4.08; RFC 7959, 2.9.2). The whole pack then counts as the
message of which the lone block was the end: if that was stored, the pack is not stored once more.
"""

from collections.abc import Hashable
from typing import NamedTuple

from protocols.coap_blocks import Block


class _Lone(NamedTuple):
    block: Block
    content: int
    source: str


class LoneBlocks:
    """By sender and resource, the newest of each; ``most`` of them, the oldest go first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[Hashable, _Lone] = {}

    def __len__(self) -> int:
        """Blocks remembered."""
        return len(self._known)

    def remember(self, key: Hashable, block: Block, piece: bytes, source: str) -> None:
        """A block came out of turn. ``source`` identifies its message."""
        if block.more or not block.number:
            return
        self._known.pop(key, None)
        while len(self._known) >= self._most:
            del self._known[next(iter(self._known))]
        self._known[key] = _Lone(block, hash(piece), source)

    def repeated(self, key: Hashable, block: Block, piece: bytes) -> str:
        """A pack is whole, and this was its last block: the source of the message that ended so, empty for none."""
        lone = self._known.pop(key, None)
        return lone.source if lone is not None and lone[:2] == (block, hash(piece)) else ""
