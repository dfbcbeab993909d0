"""Payloads of channels: channel number, type, data, repeated (Milesight's layout, little-endian).

    offset  size  field
    0       1     channel
    1       1     type
    2       n     data; n follows from channel and type alone

No length is sent, so nothing can be read behind a channel that is not in the table.
"""

import struct
from collections.abc import Callable, Mapping
from typing import NamedTuple

from protocols.decoders.sample import Decoder, Found, Sample
from protocols.errors import DecodeError

SECOND = 1_000_000_000


class Channel(NamedTuple):
    """``size``: bytes of data. ``read`` gives the values by name and does not raise for data of that size. ``dated``:
    the first four bytes are the time of a sample of its own (UTC, seconds)."""

    size: int
    names: tuple[str, ...] = ()
    read: Callable[[bytes], Mapping[str, Found]] = lambda _data: {}
    dated: bool = False


Channels = Mapping[tuple[int, int], Channel]


def packed(layout: str, *names: str, divide: int = 1) -> Channel:
    """The numbers of a `struct` layout (little-endian), each divided."""
    form = struct.Struct("<" + layout)
    return Channel(
        form.size, names, lambda data: {name: raw / divide for name, raw in zip(names, form.unpack(data), strict=True)}
    )


def decoder_of(channels: Channels) -> Decoder:
    """The decoder of a table of channels."""
    names = frozenset(name for channel in channels.values() for name in channel.names)
    return Decoder(names, lambda payload, _port: read_channels(payload, channels))


def read_channels(payload: bytes, channels: Channels) -> list[Sample]:
    """Samples of a payload. A value that comes twice begins another sample. Raises `DecodeError` where nothing can be
    read; behind an unknown channel or a cut end the rest is left, and what stands before it is torn."""
    dated: list[Sample] = []
    plain: list[dict[str, Found]] = [{}]
    at = 0
    while at < len(payload):
        channel = channels.get((payload[at], payload[at + 1])) if at + 1 < len(payload) else None
        data = payload[at + 2 : at + 2 + channel.size] if channel is not None else b""
        if channel is None or len(data) < channel.size:
            return _torn(payload, at, dated, plain)
        _take(channel, data, dated, plain)
        at += 2 + channel.size
    if not payload:
        raise DecodeError("length", "the payload is empty")
    return _samples(dated, plain)


def _take(channel: Channel, data: bytes, dated: list[Sample], plain: list[dict[str, Found]]) -> None:
    values = channel.read(data)
    if channel.dated:
        dated.append(Sample(values, int.from_bytes(data[:4], "little") * SECOND))
    elif plain[-1].keys() & values.keys():
        plain.append(dict(values))
    else:
        plain[-1].update(values)


def _samples(dated: list[Sample], plain: list[dict[str, Found]]) -> list[Sample]:
    return dated + [Sample(values) for values in plain if values or not dated]


def _torn(payload: bytes, at: int, dated: list[Sample], plain: list[dict[str, Found]]) -> list[Sample]:
    if not dated and not plain[0]:
        raise DecodeError("channel", f"byte {at}: channel {payload[at : at + 2].hex()} is not known, or is cut off")
    return [one._replace(is_torn=True) for one in _samples(dated, plain)]
