"""MQTT control packets, as far as the uplink needs them: cutting a stream, PUBLISH in, PUBACK out.

Version 3.1.1 (OASIS, 2014, clauses 2.2, 3.3, 3.4) and 5.0 (OASIS, 2019, the same clauses and 2.2.2); clause numbers
here and in `gateway.transports.mqtt.link` [M], the bytes tested against paho-mqtt. Connecting, subscribing, publishing
and keeping alive are left to that library.

    packet      octets                              field
    any         0                                   type (bits 7-4) and flags (bits 3-0)
                1 to 4                              length of what follows, 7 bits an octet, lowest first
    PUBLISH     0                                   0x30, DUP (bit 3), QoS (bits 2-1), RETAIN (bit 0)
                2, then so many                     topic, UTF-8
                2, where QoS > 0                    packet identifier, 1 to 65535
                length as above, then so many       properties, version 5 only
                the rest                            payload
    PUBACK      40 02 and two                       packet identifier
"""

from typing import NamedTuple

from protocols.errors import DecodeError

PUBLISH = 3
_CONTENT_TYPE = 0x03
_TOPIC_ALIAS = 0x23
_FIXED = {0x01: 1, 0x02: 4, 0x23: 2}
"""Property -> octets of its value (5.0, 2.2.2.2): payload format, message expiry, topic alias."""
_TEXTS = {0x03: 1, 0x08: 1, 0x09: 1, 0x26: 2}
"""Property -> how many strings it has: content type, response topic, correlation data, user property."""
_SUBSCRIPTION = 0x0B


class Packet(NamedTuple):
    """One control packet. ``head``: type and flags; ``body``: what follows the length; ``whole``: all of it."""

    head: int
    body: bytes
    whole: bytes


class Publish(NamedTuple):
    """A message. ``packet_id``: 0 with QoS 0; ``content_type``: empty where the publisher gave none."""

    topic: str
    payload: bytes
    qos: int
    packet_id: int
    is_repeated: bool
    is_retained: bool
    content_type: str


def cut(data: bytes, most: int) -> tuple[list[Packet], bytes]:
    """The whole packets at the beginning of ``data``, and the rest.

    Raises `DecodeError` for a length that is none, or beyond ``most`` octets: the stream cannot be followed further.
    """
    packets: list[Packet] = []
    start = 0
    while True:
        found = _length(data, start + 1)
        if found is None:
            return packets, data[start:]
        length, begin = found
        if length > most:
            raise DecodeError("size", f"a packet of {length} octets; at most {most} are taken")
        end = begin + length
        if end > len(data):
            return packets, data[start:]
        packets.append(Packet(data[start], data[begin:end], data[start:end]))
        start = end


def _length(data: bytes, at: int) -> tuple[int, int] | None:
    """A variable byte integer and where it ends; ``None`` while it is incomplete."""
    value = 0
    for turn in range(4):
        if at + turn >= len(data):
            return None
        octet = data[at + turn]
        value |= (octet & 0x7F) << 7 * turn
        if octet < 0x80:
            return value, at + turn + 1
    raise DecodeError("syntax", "a length of more than 4 octets")


def decode_publish(head: int, body: bytes, version: int) -> Publish:
    """A PUBLISH packet of MQTT ``version`` (4 is 3.1.1, 5 is 5.0). Raises `DecodeError`, nothing else."""
    qos = head >> 1 & 3
    if qos == 3:
        raise DecodeError("syntax", "a PUBLISH with QoS 3")
    topic, at = _text(body, 0)
    packet_id = 0
    if qos:
        packet_id = _uint16(body, at)
        at += 2
        if not packet_id:
            raise DecodeError("syntax", "a PUBLISH with packet identifier 0")
    content_type = ""
    if version >= 5:
        content_type, at = _properties(body, at)
    if not topic:
        raise DecodeError("syntax", "a PUBLISH without a topic")
    return Publish(topic, body[at:], qos, packet_id, bool(head & 8), bool(head & 1), content_type)


def encode_puback(packet_id: int) -> bytes:
    """«I have taken it over» (reason code 0, which version 5 lets us leave out)."""
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


def _uint16(data: bytes, at: int) -> int:
    if at + 2 > len(data):
        raise DecodeError("syntax", "a packet that ends within a number")
    return data[at] << 8 | data[at + 1]


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = at + 2 + _uint16(data, at)
    if end > len(data):
        raise DecodeError("syntax", "a packet that ends within a text")
    try:
        return data[at + 2 : end].decode(), end
    except UnicodeDecodeError:
        raise DecodeError("syntax", "a text that is not UTF-8") from None


def _properties(body: bytes, at: int) -> tuple[str, int]:
    """The content type, and where the payload begins."""
    found = _length(body, at)
    if found is None or sum(found) > len(body):
        raise DecodeError("syntax", "properties longer than their packet")
    length, at = found
    end = at + length
    content_type = ""
    while at < end:
        name = body[at]
        if name == _TOPIC_ALIAS:
            raise DecodeError("syntax", "a topic alias, which was not allowed")
        if name == _CONTENT_TYPE:
            content_type = _text(body[:end], at + 1)[0]
        at = _after(body[:end], name, at + 1)
    return content_type, end


def _after(body: bytes, name: int, at: int) -> int:
    """Where the property after this one begins."""
    if name in _FIXED and at + _FIXED[name] <= len(body):
        return at + _FIXED[name]
    if name in _TEXTS:
        for _ in range(_TEXTS[name]):
            at += 2 + _uint16(body, at)
        if at <= len(body):
            return at
    if name == _SUBSCRIPTION and (found := _length(body, at)) is not None:
        return found[1]
    raise DecodeError("syntax", f"property {name} unknown, or cut off")
