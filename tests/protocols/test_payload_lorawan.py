"""What LoRaWAN network servers send around a device's bytes."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import DecodeError
from protocols.payload import Envelope, decode_payload, open_envelope
from protocols.profile.loader import shipped_profiles
from protocols.quality import Quality
from protocols.reading import Origin, Reading

NOW = 1_795_137_310 * 10**9
AT = 1_795_137_300_123_456_789
GAS = shipped_profiles()["milesight/gs101"]
BYTES = bytes.fromhex("058e01060101070101")
FOUND = Envelope("24e124136b502217", "00bcb929", 42, 85, BYTES, AT)


def chirpstack(**changed: Any) -> bytes:
    """An event «up» of ChirpStack 4; ``None`` leaves a field out."""
    message = {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": "2026-11-20T01:15:00.123456789+00:00",
        "deviceInfo": {"tenantName": "city", "deviceName": "gas 7", "devEui": "24e124136b502217", "tags": {}},
        "devAddr": "00bcb929",
        "adr": True,
        "dr": 5,
        "fCnt": 42,
        "fPort": 85,
        "confirmed": False,
        "data": base64.b64encode(BYTES).decode(),
        "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -36, "snr": 10.5}],
    } | changed
    return json.dumps({key: value for key, value in message.items() if value is not None}).encode()


def things_stack(ids: dict[str, Any] | None = None, up: dict[str, Any] | None = None, **whole: Any) -> bytes:
    """An uplink of The Things Stack 3; ``None`` leaves a field out."""
    message = {
        "end_device_ids": {
            "device_id": "gas-7",
            "application_ids": {"application_id": "city"},
            "dev_eui": "24E124136B502217",
            "dev_addr": "00BCB929",
            **(ids or {}),
        },
        "correlation_ids": ["as:up:01"],
        "received_at": "2026-11-20T01:15:00.200Z",
        "uplink_message": {
            "session_key_id": "AXBSH1Pk6Z0G166",
            "f_port": 85,
            "f_cnt": 42,
            "frm_payload": base64.b64encode(BYTES).decode(),
            "received_at": "2026-11-20T01:15:00.123456789Z",
            **(up or {}),
        },
    } | whole
    inner = message["uplink_message"]
    message["uplink_message"] = {key: value for key, value in inner.items() if value is not None}
    return json.dumps(message).encode()


def decode(message: bytes, **more: Any) -> list[Reading]:
    return decode_payload(GAS, message, device="gas:7", received_at=NOW, origin=Origin.LIVE, **more)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("chirpstack4", chirpstack()),
        ("tts3", things_stack()),
        ("lorawan", chirpstack()),
        ("lorawan", things_stack()),
    ],
)
def test_uplink_of_either_server_says_the_same(kind: str, message: bytes) -> None:
    assert open_envelope(kind, message) == FOUND


def test_fields_that_are_left_out_are_zero_or_unknown() -> None:
    assert open_envelope("lorawan", things_stack(up={"f_cnt": None, "received_at": None})) == FOUND._replace(
        counter=0, at=1_795_137_300_200_000_000
    )
    bare = chirpstack(fCnt=None, fPort=None, data=None, time=None, devAddr=None)
    assert open_envelope("chirpstack4", bare) == Envelope("24e124136b502217", "", 0, 0, b"", None)


@pytest.mark.parametrize(
    ("kind", "message", "told"),
    [
        ("chirpstack4", things_stack(), "deviceInfo"),
        ("tts3", chirpstack(), "end_device_ids"),
        ("chirpstack4", chirpstack(fCnt=-1), "counter -1"),
        ("chirpstack4", chirpstack(fPort=256), "FPort 256"),
        ("chirpstack4", chirpstack(data="*"), "data"),
        ("chirpstack4", chirpstack(deviceInfo={"devEui": "24e1"}), "DevEUI '24e1' must be 16 hexadecimal digits"),
        ("chirpstack4", chirpstack(devAddr="0"), "device address '0'"),
        ("chirpstack4", chirpstack(joinServerContext={"sessionKeyId": "01"}), "still encrypted"),
        ("tts3", things_stack(simulated=True), "a simulated uplink"),
        ("tts3", json.dumps({"end_device_ids": {"dev_eui": "24E124136B502217"}, "join_accept": {}}).encode(), "uplink"),
        ("lorawan", b"", "no uplink"),
        ("lorawan", b"\xff\xfe", "no uplink"),
        ("lorawan", b"[" * 50_000, "no uplink"),
    ],
)
def test_what_is_no_uplink_of_a_device_is_refused(kind: str, message: bytes, told: str) -> None:
    with pytest.raises(DecodeError, match=told) as caught:
        open_envelope(kind, message)
    assert caught.value.kind == "envelope"


@pytest.mark.parametrize("message", [chirpstack(), things_stack()])
def test_frame_becomes_a_reading_at_the_servers_time(message: bytes) -> None:
    (reading,) = decode(message)
    assert (reading.at, reading.received_at, reading.device, reading.origin) == (AT, NOW, "gas:7", Origin.LIVE)
    assert reading.values[0] == 1.0
    assert Quality(reading.quality[0]) is Quality.GOOD


def test_frame_sent_again_by_the_server_is_the_same_and_one_after_a_new_join_is_not() -> None:
    (first,), (again,) = decode(chirpstack()), decode(chirpstack(rxInfo=[]))
    assert (first.sequence, first.boot, first.is_counted) == (42, None, False)
    assert first.identity == again.identity
    (joined,) = decode(chirpstack(time="2026-11-20T01:20:00Z", devAddr="00bcb92a"))
    assert joined.identity != first.identity


def test_source_tells_frames_of_one_counter_apart_by_session_and_time() -> None:
    sources = {
        open_envelope("chirpstack4", message).source
        for message in (
            chirpstack(),
            chirpstack(dr=3),
            chirpstack(fCnt=43),
            chirpstack(devAddr="00bcb92a"),
            chirpstack(time="2026-11-20T01:20:00Z"),
        )
    }
    assert len(sources) == 4


@pytest.mark.parametrize("message", [chirpstack(data=None), chirpstack(data=""), chirpstack(fPort=None)])
def test_frame_without_application_data_has_no_reading(message: bytes) -> None:
    assert decode(message) == []


def test_bare_bytes_need_no_server() -> None:
    (reading,) = decode(BYTES, port=85, is_bare=True)
    assert (reading.at, reading.values[0], reading.sequence) == (NOW, 1.0, None)


MUTATED = st.tuples(st.sampled_from([chirpstack(), things_stack()]), st.integers(0, 900), st.binary(max_size=3))


@given(st.binary(max_size=60) | MUTATED.map(lambda one: one[0][: one[1]] + one[2] + one[0][one[1] + len(one[2]) :]))
def test_any_message_is_read_or_refused(message: bytes) -> None:
    for kind in ("lorawan", "chirpstack4", "tts3"):
        try:
            envelope = open_envelope(kind, message)
        except DecodeError:
            continue
        assert len(envelope.dev_eui) == 16
    try:
        readings = decode(message)
    except DecodeError:
        return
    assert all(reading.device == "gas:7" for reading in readings)
