"""Parts of a profile for devices whose payload is their maker's own: JSON by paths, bytes by a table or a decoder."""

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from protocols.document import Strict

JsonPath: TypeAlias = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"^([^.\[\]]+|\[\d{1,4}\])(\.[^.\[\]]+|\[\d{1,4}\])*$")
]
"""Keys parted by dots, ``[n]`` for a place in a list, from 0: ``ENERGY.Power``, ``sensors[1].value``."""

_PLACE = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def path_steps(path: str) -> tuple[str | int, ...]:
    """A `JsonPath` as the keys and places it goes through."""
    return tuple(int(place) if place else key for place, key in _PLACE.findall(path))


class JsonPart(Strict):
    """Where a point stands in a JSON payload.

    value = number * ``scale`` + ``offset``; ``quoted``: the number is sent as a text. ``words``: text (or ``true`` and
    ``false``) -> the number or code it stands for, without scale.
    """

    path: JsonPath
    scale: float = 1.0
    offset: float = 0.0
    quoted: bool = False
    words: dict[str, int] = Field(default_factory=dict)


class BytesPart(Strict):
    """Where a point stands in a payload of bytes. ``at``: its first byte, from 0.

    value = raw * ``scale`` + ``offset``; ``missing``: raw codes that mean «no value». ``bit`` (0 is the lowest of the
    number that stands there) for a flag, with ``bits`` the lowest of so many that make a number or a code. ``length``:
    bytes of a text, which ends at the first NUL.
    """

    at: Annotated[int, Field(ge=0, le=1023)]
    type: Literal[
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int24",
        "uint24",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "float32",
        "float64",
        "bcd8",
        "bcd16",
        "bcd32",
        "utf8",
        "gbk",
    ] = "uint8"
    byte_order: Literal["big", "little"] = "big"
    scale: float = 1.0
    offset: float = 0.0
    missing: tuple[int, ...] = ()
    bit: Annotated[int, Field(ge=0, le=15)] | None = None
    bits: Annotated[int, Field(ge=1, le=15)] | None = None
    length: Annotated[int, Field(ge=1, le=255)] | None = None


class PayloadPart(Strict):
    """What the device sends where it is not polled: SenML, JSON as the points' ``in_json`` says, or bytes as the
    points' ``in_bytes`` say or the function ``decoder`` of `protocols.decoders` reads them.

    ``envelope``: the message of a LoRaWAN network server around the bytes; ``lorawan`` is either, known by its form.
    ``ports``: the FPorts that carry this payload, all where empty. ``length``: bytes that a payload has at least, as
    many as the table covers where absent; a point behind its end is absent. ``time``: JSON path of the device's own
    time stamp (seconds or milliseconds since 1970, or RFC 3339); ``utc_offset`` is that of stamps that name none.
    """

    form: Literal["senml", "json", "bytes"] = "senml"
    decoder: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")] | None = None
    envelope: Literal["none", "lorawan", "chirpstack4", "tts3"] = "none"
    ports: tuple[Annotated[int, Field(ge=1, le=255)], ...] = ()
    length: Annotated[int, Field(ge=1, le=1024)] | None = None
    time: JsonPath | None = None
    utc_offset: Annotated[str, Field(pattern=r"^[+-]([01]\d|2[0-3]):[0-5]\d$")] | None = None


class GoldenPayload(Strict):
    """The payload of a golden part: ``hex`` (with the FPort ``port``) is the device's bytes, ``text`` its JSON, or the
    network server's where the profile names an envelope."""

    hex: str | None = None
    port: Annotated[int, Field(ge=0, le=255)] | None = None
    text: str | None = None


class MqttCommandPart(Strict):
    """A command over MQTT: ``payload`` published at the device's topic for commands, or at ``topic`` where it names one
    of its own (``{device}`` stands for the device's id)."""

    payload: str
    topic: str | None = None
