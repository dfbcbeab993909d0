"""Bypass: a cause of an interlock does not trip at named detectors for a time (safety rules, «Rules for every matrix»).

Two people: one asks, another confirms. The last bypass of each area is kept beside the journal (`STATE` + the area);
that it was asked for, its begin and its end stand in the journal as entries of kind `KIND`.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from protocols.term import Term

KIND = "bypass"
STATE = "bypass/"
LONGEST_S = 8 * 3600.0
"""Safety.md, «Rules for every matrix»."""
CONFIRM_WITHIN_S = 15 * 60.0
"""A request that nobody confirmed so long is gone; the figure is proposed by this project."""


class Bypass(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """One bypass. ``id``: of its area (one per area). ``interlock``: id of the interlock; ``cause``: of its matrix;
    ``devices``: the detectors at which the cause does not trip. ``measure``: what watches there meanwhile.

    ``asked``: how long the request waits for a second person; ``for_s``: how long it lasts from then on, in ``term``
    (``None`` before). ``ended_at``: UTC ns, 0 before its end; ``ended_by`` and ``ended_why`` as of
    `protocols.bump_test.BumpTest`.
    """

    id: str
    interlock: str
    cause: str
    devices: tuple[str, ...]
    who: str
    why: str
    measure: str
    for_s: float
    asked: Term
    confirmed_by: str = ""
    term: Term | None = None
    ended_at: int = 0
    ended_by: str = ""
    ended_why: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or was never confirmed."""
        return bool(self.ended_at)

    @property
    def is_active(self) -> bool:
        """Whether the cause does not trip at its detectors."""
        return self.term is not None and not self.ended_at

    @property
    def running(self) -> Term:
        """What it waits for now: to be confirmed, or to end."""
        return self.asked if self.term is None else self.term

    @property
    def state(self) -> str:
        """``requested``, ``active``, ``ended`` or ``lapsed`` (it was never confirmed)."""
        if self.ended_at:
            return "lapsed" if self.term is None else "ended"
        return "requested" if self.term is None else "active"

    @property
    def target(self) -> str:
        """As of `bypass_target`."""
        return bypass_target(self.interlock, self.cause, self.devices)


class Wish(NamedTuple):
    """What is bypassed."""

    area: str
    interlock: str
    cause: str
    devices: tuple[str, ...]


def bypass_target(interlock: str, cause: str, devices: Iterable[str]) -> str:
    """How a request names what is bypassed: ``area~matrix~cause~device,device``."""
    return "~".join((interlock, cause, ",".join(sorted(set(devices)))))


def wish_of(target: str) -> Wish | None:
    """Reverse of `bypass_target`; ``None`` for any other text."""
    parts = target.split("~")
    if len(parts) != 4 or not all(parts):
        return None
    area, matrix, cause, devices = parts
    named = tuple(sorted({one for one in devices.split(",") if one}))
    return Wish(area, f"{area}~{matrix}", cause, named) if named else None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Bypass)


def encode_bypass(bypass: Bypass) -> bytes:
    """Body of a journal entry or of a state key: a msgpack array, schema number first."""
    return _encoder.encode(bypass)


def decode_bypass(body: bytes) -> Bypass:
    """Reverse of `encode_bypass`; raises `msgspec.DecodeError` for any other bytes."""
    return _decoder.decode(body)
