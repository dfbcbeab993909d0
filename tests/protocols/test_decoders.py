"""Decoders of vendors' payloads: the vectors, and what no vector says."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.decoders.registry import DECODERS
from protocols.decoders.sample import Sample
from protocols.errors import DecodeError
from protocols.quality import Quality

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/lorawan_bins_gas.json").read_text(encoding="utf-8"))
ROWS: dict[str, dict[str, Any]] = {one["id"]: one for group in VECTORS["sets"] for one in group["vectors"]}

READ_BY = {
    "em400-tld": "milesight_em400",
    "em400-alarms": "milesight_em400",
    "em400-nb-part": "milesight_em400",
    "em400-negative-temp": "milesight_em400",
    "em400-nb-sanitised": "milesight_em400_nb",
    "em310-udl": "milesight_em310_udl",
    "em500-udl": "milesight_em500_udl",
    "em310-tilt": "milesight_em310_tilt",
    "gs301": "milesight_gs301",
    "gs301-polarizing": "milesight_gs301",
    "gs524n": "milesight_gs524n",
    "normal": "milesight_gs101",
    "alarm-valve-relay": "milesight_gs101",
    "life-remaining": "milesight_gs101",
    "alarm-event-sensor-expiring": "milesight_gs101",
    "alarm-event-expired": "milesight_gs101",
    "alarm-event-power-off": "milesight_gs101",
    "ldds75-ttn-example": "dragino_ldds75",
    "ldds75-normal": "dragino_ldds75",
    "distance": "decentlab_dl_mbx",
    "battery-only": "decentlab_dl_mbx",
}
"""Vector -> decoder. What a vector calls otherwise than we do is in `OURS`."""

OURS = {
    "position": "tilted",
    "x": "angle_x",
    "y": "angle_y",
    "z": "angle_z",
    "gas": "alarm",
    "valve": "valve_output",
    "relay": "relay_output",
    "life_remaining_s": "life_left",
    "battery_v": "battery_voltage",
    "distance_mm": "distance",
    "temperature_c": "temperature",
    "sensor_flag": "sensor",
}
WORDS = {
    "tilt": 1.0,
    "alarm": 1.0,
    "normal": 0.0,
    "testing / normal battery": 14.0,
    "sensor will be invalid soon": 4.0,
    "device invalid": 5.0,
    "power off": 0.0,
    "polarizing": Quality.BAD_MISSING,
    "device error": Quality.BAD_SENSOR_FAULT,
}
NOT_KEPT = {
    "version",
    "protocol",
    "sensor",  # of the GS524N: its kind
    "device_id",
    "len_field",
    "data_len",
    "note",
    "flags",  # of the EM310-TILT told apart by axis, of the DL-MBX what follows
    "distance_raw",  # not trusted without the byte that says that there is a sensor
}


def decode(name: str, payload: str, port: int | None = None) -> list[Sample]:
    return DECODERS[name].decode(bytes.fromhex(payload), port)


def wanted(row: dict[str, Any]) -> dict[str, float | Quality]:
    kept = {key: value for key, value in row["expect"].items() if key not in NOT_KEPT}
    return {OURS.get(key, key): WORDS[value] if isinstance(value, str) else value for key, value in kept.items()}


def test_every_vector_is_read() -> None:
    assert set(ROWS) == set(READ_BY) | {"ldds75-unknown-port"}


@pytest.mark.parametrize("name", READ_BY)
def test_published_and_derived_payloads_decode(name: str) -> None:
    row = ROWS[name]
    (sample,) = decode(READ_BY[name], row.get("payload_hex") or row["frame_hex"], row.get("fPort"))
    expected = wanted(row)
    assert {key: sample.values[key] for key in expected} == expected
    assert sample.at is None
    assert not sample.is_torn


def test_what_a_vector_names_in_one_number_is_told_apart() -> None:
    (tilt,) = decode("milesight_em310_tilt", ROWS["em310-tilt"]["payload_hex"])
    assert [tilt.values[f"alarm_{axis}"] for axis in "xyz"] == [1.0, 1.0, 1.0]
    (short,) = decode("dragino_ldds75", ROWS["ldds75-ttn-example"]["payload_hex"])
    assert short.values["distance"] is Quality.BAD_SENSOR_FAULT


def test_unknown_port_is_refused() -> None:
    row = ROWS["ldds75-unknown-port"]
    with pytest.raises(DecodeError, match=row["error"]):
        decode("dragino_ldds75", ROWS["ldds75-normal"]["payload_hex"], row["fPort"])


@pytest.mark.parametrize(
    ("name", "payload", "kind"),
    [
        ("milesight_gs101", "", "length"),
        ("milesight_gs101", "05", "channel"),
        ("milesight_gs101", "058e", "channel"),
        ("milesight_gs101", "7777", "channel"),
        ("milesight_gs524n", "221e64001c41", "check"),
        ("milesight_gs524n", "222e64001c30", "type"),
        ("milesight_gs524n", "221e64001c", "length"),
        ("milesight_em400_nb", "02", "length"),
        ("milesight_em400_nb", "03" + ROWS["em400-nb-sanitised"]["frame_hex"][2:], "start"),
        ("milesight_em400_nb", ROWS["em400-nb-sanitised"]["frame_hex"] + "00", "length"),
        ("milesight_em400_nb", ROWS["em400-nb-sanitised"]["frame_hex"].replace("000e0175", "000f0175"), "length"),
        ("dragino_ldds75", "0e1c0b", "length"),
        ("decentlab_dl_mbx", "02012f", "length"),
        ("decentlab_dl_mbx", "03012f00020bb1", "version"),
        ("decentlab_dl_mbx", "02012f00040bb1", "type"),
        ("decentlab_dl_mbx", "02012f00030bb1", "length"),
    ],
)
def test_payload_of_another_layout_is_refused(name: str, payload: str, kind: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(name, payload)
    assert caught.value.kind == kind


def test_alarm_before_an_unknown_channel_is_kept_and_torn() -> None:
    """A later firmware adds a channel: the gas alarm in front of it must still be heard (S3)."""
    assert decode("milesight_gs101", "058e017799000102") == [Sample({"alarm": 1.0}, is_torn=True)]


def test_past_values_have_their_own_time_and_the_present_one_none() -> None:
    found = decode("milesight_em500_udl", "20ce00f15365e803" + "20ce3cf15365f203" + "0382e903")
    assert found == [
        Sample({"distance": 1000.0}, at=1_700_000_000 * 10**9),
        Sample({"distance": 1010.0}, at=1_700_000_060 * 10**9),
        Sample({"distance": 1001.0}),
    ]


def test_value_that_comes_twice_begins_another_sample() -> None:
    assert [one.values for one in decode("milesight_em310_udl", "0382640003826500")] == [
        {"distance": 100.0},
        {"distance": 101.0},
    ]


def test_housekeeping_is_no_value_and_no_fault() -> None:
    (sample,) = decode(
        "milesight_gs101", "ff0bff" + "ff0101" + "ff166136b40000000001" + "ff090310" + "ff0a0102" + "058e00"
    )
    assert sample == Sample({"alarm": 0.0})


@pytest.mark.parametrize(
    ("report", "flags"),
    [
        ("00", {"power_off": 1.0}),
        ("01", {"power_off": 0.0}),
        ("02", {"fault": 1.0}),
        ("03", {"fault": 0.0}),
        ("04", {}),
        ("05", {"expired": 1.0}),
    ],
)
def test_report_of_a_gas_alarm_sets_the_flag_it_speaks_of(report: str, flags: dict[str, float]) -> None:
    (sample,) = decode("milesight_gs101", f"ff3f{report}")
    assert sample.values == {"event": float(int(report)), **flags}


@pytest.mark.parametrize(("event", "smoke"), [(1, 1.0), (2, 1.0), (4, 0.0), (5, 0.0), (7, 0.0), (10, 0.0)])
def test_muted_smoke_detector_still_reports_smoke(event: int, smoke: float) -> None:
    head = bytes((0x22, 0x10 | event, 90, 30, 25))
    (sample,) = DECODERS["milesight_gs524n"].decode(head + bytes((-sum(head) % 256,)), None)
    assert sample.values["smoke"] == smoke


def test_event_of_a_smoke_detector_that_nobody_knows_clears_nothing() -> None:
    head = bytes((0x22, 0x19, 90, 30, 25))
    (sample,) = DECODERS["milesight_gs524n"].decode(head + bytes((-sum(head) % 256,)), None)
    assert "smoke" not in sample.values
    assert sample.values["event"] == 9.0


@pytest.mark.parametrize(
    ("distance", "found"), [("0000", Quality.BAD_SENSOR_FAULT), ("0014", Quality.BAD_MISSING), ("04b0", 1200.0)]
)
def test_distance_without_sensor_or_echo_is_none(distance: str, found: float | Quality) -> None:
    (sample,) = decode("dragino_ldds75", f"0ce4{distance}0000f501")
    assert sample.values["distance"] == found


@pytest.mark.parametrize("name", DECODERS)
@given(payload=st.binary(max_size=120), port=st.none() | st.integers(0, 255))
def test_any_bytes_decode_or_raise_decode_error(name: str, payload: bytes, port: int | None) -> None:
    check_result(name, payload, port)


def check_result(name: str, payload: bytes, port: int | None) -> None:
    try:
        samples = DECODERS[name].decode(payload, port)
    except DecodeError:
        return
    assert samples
    for sample in samples:
        assert sample.values.keys() <= DECODERS[name].names
        for value in sample.values.values():
            assert value.is_bad if isinstance(value, Quality) else isinstance(value, float | str)


@pytest.mark.parametrize("name", READ_BY)
def test_every_prefix_of_a_payload_decodes_or_raises_decode_error(name: str) -> None:
    row = ROWS[name]
    payload = bytes.fromhex(row.get("payload_hex") or row["frame_hex"])
    for end in range(len(payload) + 1):
        check_result(READ_BY[name], payload[:end], None)
