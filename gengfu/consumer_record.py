"""What is kept of a store that somebody decided not to wait for: who and when, and what it missed by that."""

import msgspec

STATE = "consumer/"
"""State keys of the journal begin so; the store's name follows."""


class Forgotten(msgspec.Struct, array_like=True, frozen=True):
    """``since``: UTC ns. ``by``: the name of the person. ``untaken``: entries that the store had not taken then."""

    since: int
    by: str
    untaken: int


class Missing(msgspec.Struct, array_like=True, frozen=True):
    """Entries that were removed before the store had taken them; all stood at positions below ``below``. ``first``,
    ``last``: the least and the greatest of their times, UTC ns. ``told_at``: when the store read on behind them,
    UTC ns; 0: it has not yet."""

    entries: int
    first: int
    last: int
    below: int
    told_at: int = 0


class ConsumerRecord(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """One store. ``forgotten``: ``None`` while it is waited for. ``missing``: the newest gap. ``missed``: entries of
    all gaps that the store has read on behind."""

    forgotten: Forgotten | None = None
    missing: Missing | None = None
    missed: int = 0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ConsumerRecord)


def encode(record: ConsumerRecord) -> bytes:
    """Body of a state key: a msgpack array, schema number first."""
    return _encoder.encode(record)


def decode(body: bytes) -> ConsumerRecord:
    """Reverse of `encode`; raises `msgspec.DecodeError` for any other bytes."""
    return _decoder.decode(body)
