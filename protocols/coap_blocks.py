"""Block-wise transfer (RFC 7959, August 2016): the Block options, and bodies put together from their pieces.

No socket and no clock. `Assemblies` is bounded by transfer, by number and in time; `piece_of` keeps nothing at all.

    value of Block1 and Block2 (section 2.2): number (up to 20 bits), more (bit 3), szx (bits 2-0): size = 2^(szx + 4)
"""

from collections.abc import Hashable
from typing import NamedTuple

from protocols.wire import coap

ETAG = 4
BLOCK2 = 23
BLOCK1 = 27
SIZE2 = 28
SIZE1 = 60
CONTINUE = 0x5F
INCOMPLETE = 0x88

LARGEST_BLOCK = 1024
_LARGEST_SZX = 6
_LAST_NUMBER = (1 << 20) - 1


class Block(NamedTuple):
    """One Block option. ``size``: 16 to 1024 bytes, a power of two."""

    number: int
    more: bool
    size: int

    @property
    def offset(self) -> int:
        """Where its piece begins in the body."""
        return self.number * self.size


def decode_block(value: bytes) -> Block:
    """The option's value. Raises `coap.CoapError` for more than 3 bytes and for the reserved size exponent 7."""
    if len(value) > 3:
        raise coap.CoapError("a Block option has at most 3 bytes")
    whole = coap.uint(value)
    if whole & 7 > _LARGEST_SZX:
        raise coap.CoapError("block size exponent 7 is reserved")
    return Block(whole >> 4, bool(whole & 8), 1 << (whole & 7) + 4)


def encode_block(block: Block) -> bytes:
    """Reverse of `decode_block`. Raises `ValueError` for a number or size that no option can hold."""
    szx = block.size.bit_length() - 5
    if not 0 <= block.number <= _LAST_NUMBER or not 0 <= szx <= _LARGEST_SZX or block.size != 1 << szx + 4:
        raise ValueError("block number of 20 bits, size a power of two from 16 to 1024")
    return coap.uint_bytes(block.number << 4 | block.more << 3 | szx)


def block_of(options: list[tuple[int, bytes]], number: int) -> Block | None:
    """The Block option ``number`` of a message, or ``None``. Raises `coap.CoapError`."""
    value = coap.option(options, number)
    return None if value is None else decode_block(value)


def piece_of(body: bytes, asked: Block | None) -> tuple[bytes, Block | None]:
    """The piece of ``body`` that is asked for, and its Block2; ``None`` where the whole body fits without one.

    Raises `coap.CoapError` for a piece behind the end.
    """
    if asked is None and len(body) <= LARGEST_BLOCK:
        return body, None
    asked = asked or Block(0, more=False, size=LARGEST_BLOCK)
    if asked.offset >= max(len(body), 1):
        raise coap.CoapError(f"block {asked.number} is behind the end of {len(body)} bytes")
    end = asked.offset + asked.size
    return body[asked.offset : end], Block(asked.number, end < len(body), asked.size)


class Taken(NamedTuple):
    """What became of a piece: ``code`` to answer where the body is not whole, else the ``body``."""

    code: int
    body: bytes | None = None


class _Assembly:
    __slots__ = ("at", "body", "form", "last")

    def __init__(self, form: bytes | None) -> None:
        self.body = bytearray()
        self.last = -1
        self.form = form
        self.at = 0


class Assemblies:
    """Bodies that come in pieces (Block1), by ``key`` of sender and resource.

    ``longest``: bytes of a body. ``most``: transfers at a time; beyond it the one that is silent for longest goes, if
    that is ``patience_ns``, else a new one is refused. After ``lifetime_ns`` of silence a transfer is forgotten.
    """

    def __init__(self, *, longest: int, most: int, lifetime_ns: int, patience_ns: int) -> None:
        self.longest = longest
        self._most = most
        self._lifetime_ns = lifetime_ns
        self._patience_ns = patience_ns
        self._under_way: dict[Hashable, _Assembly] = {}

    def __len__(self) -> int:
        """Transfers under way."""
        return len(self._under_way)

    def take(self, key: Hashable, block: Block, form: bytes | None, piece: bytes, now: int) -> Taken:
        """Add a piece. ``form``: its Content-Format, the same for all pieces of a body. ``now``: ns, any clock.

        A piece that is repeated changes nothing; one out of turn ends its transfer (4.08, section 2.5).
        """
        if block.more and len(piece) != block.size:
            return Taken(coap.BAD_REQUEST)
        if block.offset + len(piece) > self.longest:
            self._under_way.pop(key, None)
            return Taken(coap.TOO_LARGE)
        assembly = self._assembly(key, block, form, piece, now)
        if assembly is None:
            return Taken(coap.SERVICE_UNAVAILABLE if block.number == 0 else INCOMPLETE)
        if assembly.last != block.offset:
            assembly.body += piece
            assembly.last = block.offset
        assembly.at = now
        # kept until all that follow moved it to the end: the first is the one that is silent for longest
        del self._under_way[key]
        if not block.more:
            return Taken(0, bytes(assembly.body))
        self._under_way[key] = assembly
        return Taken(CONTINUE)

    def _assembly(self, key: Hashable, block: Block, form: bytes | None, piece: bytes, now: int) -> _Assembly | None:
        """The transfer that the piece belongs to, begun by its first; ``None`` for one out of turn, or no room."""
        found = self._under_way.get(key)
        if block.number == 0:
            if found is None or found.last or found.body != piece:
                self._under_way.pop(key, None)
                if not self._has_room(now):
                    return None
                found = self._under_way[key] = _Assembly(form)
            return found
        if found is None:
            return None
        repeats = found.last == block.offset and found.body[block.offset :] == piece
        if found.form != form or not (repeats or block.offset == len(found.body)):
            del self._under_way[key]
            return None
        return found

    def _has_room(self, now: int) -> bool:
        for key, one in list(self._under_way.items()):
            if now - one.at < self._lifetime_ns:
                break
            del self._under_way[key]
        if len(self._under_way) < self._most:
            return True
        oldest = next(iter(self._under_way))
        if now - self._under_way[oldest].at < self._patience_ns:
            return False
        del self._under_way[oldest]
        return True
