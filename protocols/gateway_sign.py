"""The gateway's sign of life, as an entry of its journal: it is there, and what of it is blind (safety rule S6).

It is written every `EVERY_S` and whenever a connection goes or comes back, as an entry of kind `KIND`; the last one
that tells of connections is kept beside the journal (`STATE`). Whoever does not get one for 60 s has to take the
gateway for lost.
"""

import msgspec

from protocols.reading import Origin

KIND = "gateway-sign"
STATE = "gateway/sign"
EVERY_S = 20.0
"""Proposed by this project: a third of the 60 s after which a gateway is lost."""


class BlindDevice(msgspec.Struct, array_like=True, frozen=True):
    """A device that cannot be seen. ``points``: its life-safety points; ``singly``: why it is announced by itself, as
    of `alarms.blindness.why_singly`; empty where the group speaks for it."""

    device: str
    points: tuple[str, ...]
    singly: tuple[str, ...] = ()


class BlindLine(msgspec.Struct, array_like=True, frozen=True):
    """A connection that is down. ``device``: under which its alarm stands; ``since``: UTC ns; ``devices``: all of it
    that have life-safety points."""

    connection: str
    device: str
    since: int
    reason: str
    devices: tuple[BlindDevice, ...] = ()


class GatewaySign(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """One sign. ``at``: UTC ns. ``lines``: those that are down; ``None``: the same as when it was told last."""

    at: int
    site: str
    origin: Origin
    lines: tuple[BlindLine, ...] | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(GatewaySign)


def encode_sign(sign: GatewaySign) -> bytes:
    """Body of a journal entry or of the state key: a msgpack array, schema number first."""
    return _encoder.encode(sign)


def decode_sign(body: bytes) -> GatewaySign:
    """Reverse of `encode_sign`; raises `msgspec.DecodeError` for any other bytes."""
    return _decoder.decode(body)
