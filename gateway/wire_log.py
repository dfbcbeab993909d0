"""The wire log of one connection: its last bytes with time and direction, bounded in pieces and in bytes.

It keeps little while nobody looks, so that thousands of connections fit in memory, and more while somebody follows it.
Where a connection watches over life, each piece goes to the frame log besides.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gateway.frame_log import Recorder
from protocols.moment import SECOND

USUAL_PIECES, USUAL_BYTES = 64, 16 << 10
FOLLOWED_PIECES, FOLLOWED_BYTES = 4096, 1 << 20
FOLLOWED_NS = 30 * SECOND
"""So long after the last look the log still counts as followed."""
NEVER = 2**63
LONGEST_PIECE = 2048
"""Of a longer one the beginning is kept."""


class Piece(NamedTuple):
    """Bytes as they went over the wire. ``at``: UTC ns; ``peer``: whom they went to or came from, where it matters;
    ``size``: how many bytes they were, ``data`` holds at most `LONGEST_PIECE` of them."""

    at: int
    outgoing: bool
    data: bytes
    peer: str
    size: int


class Pieces(NamedTuple):
    """What `WireLog.after` found. ``first``: number of the first piece; ``missed``: pieces between the number asked
    for and the first, which are not kept any more."""

    first: int
    pieces: tuple[Piece, ...]
    missed: int


class WireLog:
    """Pieces are numbered from 1 on; ``last`` is the number of the newest. ``recorder`` is given all pieces, if set."""

    def __init__(self) -> None:
        self.last = 0
        self.recorder: Recorder | None = None
        # Plain tuples: to name their parts for nobody would be most of the cost of keeping them.
        self._pieces: deque[tuple[int, bool, bytes, str, int]] = deque()
        self._bytes = 0
        self._most_pieces = USUAL_PIECES
        self._most_bytes = USUAL_BYTES
        self._followed_until = NEVER
        self._secrets: tuple[bytes, ...] = ()

    def hide(self, secret: bytes) -> None:
        """From now on these bytes are kept as as many asterisks."""
        if secret and secret not in self._secrets:
            self._secrets += (secret,)

    def __iter__(self) -> Iterator[Piece]:
        return (Piece(*piece) for piece in tuple(self._pieces))

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, at: int, outgoing: bool, data: bytes, peer: str) -> None:
        """One more piece, at UTC ns ``at``."""
        size = len(data)
        if size > LONGEST_PIECE or self._secrets or data.__class__ is not bytes:
            data = self._fit(data)
        pieces = self._pieces
        piece = (at, outgoing, data, peer, size)
        pieces.append(piece)
        if self.recorder is not None:
            self.recorder((piece,))
        self._bytes += len(data)
        self.last += 1
        if len(pieces) > self._most_pieces:
            self._bytes -= len(pieces.popleft()[2])
        if self._bytes > self._most_bytes or at > self._followed_until:
            self._shorten(at)

    def add_all(self, at: int, outgoing: bool, sent: Sequence[tuple[bytes, str]]) -> None:
        """As `add` for each, data and peer, at a third of the cost."""
        if self._secrets or max(len(data) for data, _ in sent) > LONGEST_PIECE:
            for data, peer in sent:
                self.add(at, outgoing, data, peer)
            return
        pieces = [(at, outgoing, data, peer, len(data)) for data, peer in sent]
        self._pieces += pieces
        if self.recorder is not None:
            self.recorder(pieces)
        self._bytes += sum([piece[4] for piece in pieces])
        self.last += len(pieces)
        self._shorten(at)

    def _fit(self, data: bytes) -> bytes:
        # a view of a transport's buffer would change under us, and keep the buffer alive
        data = bytes(data)
        for secret in self._secrets:
            data = data.replace(secret, b"*" * len(secret))
        return data[:LONGEST_PIECE]

    def _shorten(self, now: int) -> None:
        if now > self._followed_until:
            self._followed_until = NEVER
            self._most_pieces, self._most_bytes = USUAL_PIECES, USUAL_BYTES
        while len(self._pieces) > self._most_pieces or self._bytes > self._most_bytes:
            self._bytes -= len(self._pieces.popleft()[2])

    def after(self, number: int, limit: int, now: int) -> Pieces:
        """The oldest ``limit`` pieces that are kept beyond ``number``; from now on more are kept for a while.

        A number that was never given (the gateway was started again) counts as 0.
        """
        self._followed_until = now + FOLLOWED_NS
        self._most_pieces, self._most_bytes = FOLLOWED_PIECES, FOLLOWED_BYTES
        asked = number if 0 <= number <= self.last else 0
        oldest = self.last - len(self._pieces) + 1
        first = max(asked + 1, oldest)
        begin = first - oldest
        pieces = tuple(self._pieces)  # at once: the loop may add one meanwhile
        found = tuple(Piece(*piece) for piece in pieces[begin : begin + limit])
        return Pieces(first, found, first - asked - 1 if asked else 0)
