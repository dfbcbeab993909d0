"""What a decoder makes of bytes."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from protocols.errors import DecodeError
from protocols.quality import Quality

Found: TypeAlias = float | str | Quality
"""A value, or why there is none (a bad quality: the pipeline passes over an absent value that is not bad)."""


class Sample(NamedTuple):
    """One sample. ``at``: the device's own time stamp (UTC ns), ``None`` where it gives none.

    ``is_torn``: bytes followed that this decoder does not know. What was read before them stands, and is marked
    bad:type: it raises an alarm as any value does and proves or clears nothing (S3).
    """

    values: Mapping[str, Found]
    at: int | None = None
    is_torn: bool = False


class Decoder(NamedTuple):
    """``names``: every value it can give. ``decode(payload, port)``: samples in the order of the payload, at least one;
    ``port`` is the LoRaWAN FPort where there is one. Raises `DecodeError` and nothing else for any bytes."""

    names: frozenset[str]
    decode: Callable[[bytes, int | None], list[Sample]]


def check_port(port: int | None, known: int) -> None:
    """Refuse another FPort than the one a layout is of; ``None`` (no LoRaWAN) passes."""
    if port is not None and port != known:
        raise DecodeError("port", f"unknown FPort {port}: the layout is that of FPort {known}")


def check_length(payload: bytes, lengths: tuple[int, ...]) -> None:
    """Refuse a payload of another length."""
    if len(payload) not in lengths:
        wanted = " or ".join(str(length) for length in lengths)
        raise DecodeError("length", f"the payload has {len(payload)} bytes, expected {wanted}")
