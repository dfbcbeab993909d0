"""MQTT packets against paho-mqtt's own reader and writer, and any bytes at all."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt._packet import decode_puback, decode_publish
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from protocols import mqtt
from protocols.errors import DecodeError


def publish(body: bytes, head: int = 0x32) -> bytes:
    return bytes([head, len(body)]) + body


def only(data: bytes) -> mqtt.Packet:
    (packet,), rest = mqtt.cut(data, 1000)
    assert rest == b""
    return packet


@given(
    st.text(st.characters(exclude_characters="+#\0", exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.binary(max_size=60),
    st.integers(0, 1),
    st.integers(1, 65535),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", "application/senml+cbor"]),
    st.sampled_from([4, 5]),
)
def test_publish_is_read_as_paho_reads_it(
    topic: str, payload: bytes, qos: int, number: int, dup: bool, retain: bool, content_type: str, version: int
) -> None:
    head = 0x30 | dup << 3 | qos << 1 | retain
    body = len(topic.encode()).to_bytes(2, "big") + topic.encode() + (number.to_bytes(2, "big") if qos else b"")
    if version == 5:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho leaves it without types
        properties.UserProperty = ("a", "b")
        properties.MessageExpiryInterval = 7
        if content_type:
            properties.ContentType = content_type
        body += properties.pack()  # type: ignore[no-untyped-call]  # likewise
    found = mqtt.decode_publish(head, body + payload, version)
    theirs = decode_publish(head, bytearray(body + payload), MQTTProtocolVersion(version))
    assert found == (
        theirs.topic.decode(),
        bytes(theirs.payload),
        theirs.qos,
        theirs.mid if qos else 0,
        theirs.dup,
        theirs.retain,
        content_type if version == 5 else "",
    )


def test_puback_is_what_paho_reads() -> None:
    packet = only(mqtt.encode_puback(0x1234))
    assert decode_puback(packet.head, bytearray(packet.body), MQTTProtocolVersion.MQTTv5).mid == 0x1234


def test_stream_is_cut_wherever_it_was_broken() -> None:
    stream = mqtt.encode_puback(1) + b"\x30\xa0\x01" + b"\0\1tx" * 40 + mqtt.encode_puback(2)
    whole, _ = mqtt.cut(stream, 1000)
    assert b"".join(one.whole for one in whole) == stream
    for first in range(len(stream)):
        early, rest = mqtt.cut(stream[:first], 1000)
        late, end = mqtt.cut(rest + stream[first:], 1000)
        assert (early + late, end) == (whole, b"")


@pytest.mark.parametrize(
    ("head", "body", "version", "why"),
    [
        (0x36, b"\0\1t\0\1", 4, "QoS 3"),
        (0x32, b"\0\1t\0\0", 4, "identifier 0"),
        (0x32, b"\0\1t\0", 4, "within a number"),
        (0x30, b"\0\5t", 4, "within a text"),
        (0x30, b"\0\1\xff", 4, "UTF-8"),
        (0x30, b"\0\0x", 4, "without a topic"),
        (0x30, b"\0\1t", 5, "properties longer"),
        (0x30, b"\0\1t\x05\x01", 5, "properties longer"),
        (0x30, b"\0\1t\x03\x23\0\1", 5, "alias"),
        (0x30, b"\0\1t\x01\x7f", 5, "property 127"),
        (0x30, b"\0\1t\x02\x02\0", 5, "property 2"),
        (0x30, b"\0\1t\x03\x03\0\5hello", 5, "within a text"),
    ],
)
def test_malformed_publish_is_refused(head: int, body: bytes, version: int, why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        mqtt.decode_publish(head, body, version)


def test_packet_beyond_the_bound_is_refused_before_it_comes() -> None:
    with pytest.raises(DecodeError, match="16384 octets"):
        mqtt.cut(b"\x30\x80\x80\x01", 1000)
    with pytest.raises(DecodeError, match="more than 4 octets"):
        mqtt.cut(b"\x30\xff\xff\xff\xff\x01", 2**30)


@given(st.binary(max_size=80), st.sampled_from([4, 5]))
def test_any_bytes_are_packets_or_one_error(data: bytes, version: int) -> None:
    with suppress(DecodeError):
        packets, rest = mqtt.cut(data, 60)
        assert b"".join(one.whole for one in packets) + rest == data
    with suppress(DecodeError):
        assert mqtt.decode_publish(data[0] if data else 0x30, data[1:], version).topic
