"""Uplink: packs of devices to readings, and the rules for time, type, name and unit."""

import json
import math
from collections.abc import Mapping

import cbor2
import pytest

from protocols.errors import DecodeError, UnknownDevice
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Origin, Reading
from protocols.uplink import TEN_YEARS_NS, content_format_of, decode_pack, encode_readings

SECOND = 10**9
NOW = 1_700_000_000 * SECOND
GAS = shipped_profiles()["gengfu/gas-alarm"]
BIN = shipped_profiles()["gengfu/smart-bin"]
HYDROGEN = shipped_profiles()["gengfu/hydrogen-node"]
SITE = {"d:gas:1": GAS, "d:gas:2": GAS, "d:bin:1": BIN, "d:h2:1": HYDROGEN}


def take(payload: bytes, content_format: int | None = 110) -> list[Reading]:
    return decode_pack(payload, content_format, received_at=NOW, origin=Origin.LIVE, find_profile=SITE.get)


def read(*records: Mapping[str, object]) -> list[Reading]:
    return take(json.dumps(records).encode())


def values(reading: Reading) -> dict[str, object]:
    """The values that were sent, by point."""
    return {
        point.name: value
        for point, value in zip(SITE[reading.device].points, reading.values, strict=True)
        if value is not None
    }


def quality(reading: Reading, point: str) -> Quality:
    return reading.quality_of(SITE[reading.device].by_name[point].index)


def refusal(payload: bytes, content_format: int | None = 110) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        take(payload, content_format)
    return caught.value


def test_pack_without_time_is_one_reading_of_now() -> None:
    (reading,) = read({"bn": "d:gas:1/", "n": "methane", "v": 1.2}, {"n": "alarm", "vb": True})
    assert reading == Reading(
        device="d:gas:1",
        profile="gengfu/gas-alarm",
        at=NOW,
        received_at=NOW,
        origin=Origin.LIVE,
        values=(1.2, None, 1.0) + (None,) * 27,
        quality=(0,) * 30,
    )


def test_values_stand_in_the_order_of_the_profile_whatever_the_pack_says() -> None:
    (reading,) = read(
        {"bn": "d:gas:1/", "n": "valve", "v": 2}, {"n": "alarm", "v": 0}, {"n": "co", "v": 4}, {"n": "methane", "v": 1}
    )
    assert reading.values[:3] == (1.0, 4.0, 0.0)
    assert values(reading) == {"methane": 1.0, "co": 4.0, "alarm": 0.0, "valve": 2.0}


def test_counters_of_the_device_identify_the_reading() -> None:
    (reading,) = read({"bn": "d:gas:1/", "n": "boot", "v": 3}, {"n": "seq", "v": 17}, {"n": "methane", "v": 1.2})
    assert (reading.boot, reading.sequence, reading.identity) == (3, 17, "d:gas:1~0#3.17")


def test_counters_may_stand_at_another_time_when_there_is_one_reading() -> None:
    (reading,) = read(
        {"bn": "d:gas:1/", "n": "boot", "v": 3}, {"n": "seq", "v": 17}, {"n": "methane", "v": 1.2, "t": -2}
    )
    assert (reading.boot, reading.sequence, reading.at) == (3, 17, NOW - 2 * SECOND)


def test_each_time_has_its_own_sequence_and_all_have_the_boot() -> None:
    readings = read(
        {"bn": "d:gas:1/", "n": "boot", "v": 3},
        {"n": "seq", "v": 18},
        {"n": "methane", "v": 2},
        {"n": "seq", "v": 17, "t": -2},
        {"n": "methane", "v": 1, "t": -2},
        {"n": "methane", "v": 0, "t": -4},
    )
    assert [(one.at - NOW, one.boot, one.sequence) for one in readings] == [
        (-4 * SECOND, 3, None),
        (-2 * SECOND, 3, 17),
        (0, 3, 18),
    ]


def test_counters_alone_are_no_reading() -> None:
    assert read({"bn": "d:gas:1/", "n": "boot", "v": 3}) == []


def test_pack_of_several_devices_and_times_comes_by_device_in_time_order() -> None:
    readings = read(
        {"bn": "d:bin:1/", "bt": 1_700_000_000, "n": "fill", "u": "%", "v": 50},
        {"n": "fill", "v": 40, "t": -60},
        {"bn": "d:gas:1/", "n": "methane", "v": 1, "t": -1},
        {"n": "co", "v": 4, "t": -1},
    )
    assert [(one.device, one.at - NOW, values(one)) for one in readings] == [
        ("d:bin:1", -60 * SECOND, {"fill": 40.0}),
        ("d:bin:1", 0, {"fill": 50.0}),
        ("d:gas:1", -SECOND, {"methane": 1.0, "co": 4.0}),
    ]


def test_origin_is_the_gateways_word() -> None:
    payload = b'[{"bn":"d:gas:1/","n":"methane","v":1,"origin":"LIVE"}]'
    (reading,) = decode_pack(payload, 110, received_at=NOW, origin=Origin.DRILL, find_profile=SITE.get)
    assert reading.origin is Origin.DRILL


@pytest.mark.parametrize(
    ("seconds", "good"), [(0, True), (5, True), (5.000001, False), (-7 * 86400, True), (-7 * 86400 - 1, False)]
)
def test_clock_beyond_the_profiles_tolerance_is_uncertain_and_both_times_are_kept(seconds: float, good: bool) -> None:
    (reading,) = read({"bn": "d:gas:1/", "n": "methane", "v": 1, "t": 1_700_000_000 + seconds})
    at = NOW + round(seconds * SECOND)
    assert (reading.at, reading.received_at, reading.claimed_at) == (at, NOW, None)
    assert quality(reading, "methane") is (Quality.GOOD if good else Quality.UNCERTAIN_CLOCK)


def test_absent_points_are_not_marked_by_a_wrong_clock() -> None:
    (reading,) = read({"bn": "d:gas:1/", "n": "methane", "v": 1, "t": 1_700_000_100})
    assert (quality(reading, "methane"), quality(reading, "co")) == (Quality.UNCERTAIN_CLOCK, Quality.GOOD)


@pytest.mark.parametrize("years", [-40, 12])
def test_clock_more_than_ten_years_off_is_replaced_and_kept_as_a_claim(years: int) -> None:
    claim = 1_700_000_000 + years * 31_557_600
    (reading,) = read({"bn": "d:gas:1/", "bt": claim, "n": "methane", "v": 1})
    assert (reading.at, reading.claimed_at) == (NOW, claim * SECOND)
    assert quality(reading, "methane") is Quality.UNCERTAIN_CLOCK


def test_exactly_ten_years_is_still_a_claim_of_its_own() -> None:
    (reading,) = read({"bn": "d:gas:1/", "bt": (NOW - TEN_YEARS_NS) // SECOND, "n": "methane", "v": 1})
    assert (reading.at, reading.claimed_at) == (NOW - TEN_YEARS_NS, None)


def test_worse_quality_wins_over_a_wrong_clock() -> None:
    (reading,) = read({"bn": "d:gas:1/", "bt": 1_700_000_100, "n": "methane", "v": 103}, {"n": "co", "v": 5})
    assert (quality(reading, "methane"), quality(reading, "co")) == (
        Quality.BAD_OVER_RANGE,
        Quality.UNCERTAIN_CLOCK,
    )


def test_burst_without_stamps_is_spread_and_loses_nothing() -> None:
    readings = read(*({"n": "d:gas:1/methane", "v": value} for value in range(50)))
    assert [one.values[0] for one in readings] == list(range(50))
    assert [one.at - NOW for one in readings] == [1000 * turn for turn in range(50)]
    assert [quality(one, "methane") for one in readings] == [Quality.GOOD] + [Quality.UNCERTAIN_CLOCK] * 49
    assert len({one.identity for one in readings}) == 50


def test_bursts_at_two_times_are_spread_each_from_its_own() -> None:
    readings = read(*({"n": "d:gas:1/methane", "v": 1, "t": time} for time in (-1, -1, 0, 0)))
    assert [one.at - NOW for one in readings] == [-SECOND, -SECOND + 1000, 0, 1000]


def test_two_samples_that_never_had_a_clock_stay_two() -> None:
    readings = read(
        {"bn": "d:gas:1/", "n": "methane", "v": 1, "t": 300_000_000},
        {"n": "methane", "v": 2, "t": 300_000_002},
        {"n": "methane", "v": 3},
    )
    assert [(one.at - NOW, one.claimed_at, one.values[0]) for one in readings] == [
        (0, 300_000_000 * SECOND, 1.0),
        (1000, 300_000_002 * SECOND, 2.0),
        (2000, None, 3.0),
    ]
    assert len({one.identity for one in readings}) == 3


def test_repeated_sample_of_an_absurd_clock_keeps_an_identity_of_its_own() -> None:
    readings = read(
        {"bn": "d:gas:1/", "bt": 300_000_000, "n": "methane", "v": 1},
        {"n": "methane", "v": 2},
        {"n": "methane", "v": 3, "t": 0.000001},
    )
    assert [one.at - NOW for one in readings] == [0, 1000, 2000]
    assert len({one.identity for one in readings}) == 3


def test_repeated_sample_that_meets_a_stamped_one_is_moved_on() -> None:
    readings = read(
        {"bn": "d:gas:1/", "bt": 1_700_000_000, "n": "methane", "v": 1},
        {"n": "methane", "v": 2},
        {"n": "methane", "v": 3, "t": 0.000001},
    )
    assert [one.at - NOW for one in readings] == [0, 1000, 2000]
    assert sorted(float(one.values[0] or 0) for one in readings) == [1, 2, 3]


@pytest.mark.parametrize(
    ("unit", "sent", "point", "expected"),
    [
        ("Cel", 24.5, "temperature", 24.5),
        ("K", 297.65, "temperature", 24.5),
        ("mV", 12010, "supply", 12.01),
        ("min", 60, "uptime", 3600),
        ("%{LEL}", 25, "methane", 25),
        ("%{vol}", 1.1, "methane", 25),
        ("ppm", 11000, "methane", 25),
        ("ppm", 24, "co", 24),
        ("mg/m3", 30, "co", 25.764138),
    ],
)
def test_unit_of_the_record_is_converted_to_that_of_the_point(
    unit: str, sent: float, point: str, expected: float
) -> None:
    (reading,) = read({"bn": "d:gas:1/", "n": point, "u": unit, "v": sent})
    assert values(reading)[point] == pytest.approx(expected, rel=1e-7)


def test_base_unit_counts_for_numbers_and_not_for_flags_codes_and_counters() -> None:
    (reading,) = read(
        {"bn": "d:gas:1/", "bu": "K", "n": "temperature", "v": 297.65},
        {"n": "alarm", "vb": False},
        {"n": "valve", "v": 1},
        {"n": "seq", "v": 5},
    )
    assert values(reading) == {"temperature": pytest.approx(24.5), "alarm": 0.0, "valve": 1.0}


@pytest.mark.parametrize(
    ("unit", "point"),
    [("V", "methane"), ("%", "methane"), ("%EL", "methane"), ("furlong", "methane"), ("%{LEL}", "co")],
)
def test_unit_that_does_not_convert_refuses_the_pack(unit: str, point: str) -> None:
    error = refusal(json.dumps([{"n": f"d:gas:1/{point}", "u": unit, "v": 1}]).encode())
    assert (error.kind, str(error).startswith(f"record 1: point '{point}': ")) == ("unit", True)


@pytest.mark.parametrize(
    ("point", "field", "expected"),
    [
        ("methane", {"vs": "1.2"}, "point 'methane' must be a number (v), not the text '1.2'"),
        ("methane", {"vb": True}, "point 'methane' must be a number (v), not the boolean True"),
        ("methane", {"vd": "AAAA"}, "point 'methane' must be a number (v), not data (vd)"),
        ("methane", {"s": 4}, "point 'methane' must be a number (v), not a sum (s) alone"),
        ("uptime", {"vb": True}, "point 'uptime' must be a number (v), not the boolean True"),
        ("alarm", {"v": 2}, "point 'alarm' must be a boolean (vb), or 0 or 1 (v), not the number 2.0"),
        ("alarm", {"vs": "on"}, "point 'alarm' must be a boolean (vb), or 0 or 1 (v), not the text 'on'"),
        ("valve", {"v": 1.5}, "point 'valve' must be a whole number (v), not the number 1.5"),
        ("valve", {"vs": "closed"}, "point 'valve' must be a whole number (v), not the text 'closed'"),
        ("seq", {"v": 1.5}, "seq must be a whole number from 0 (v), not the number 1.5"),
        ("boot", {"v": -1}, "boot must be a whole number from 0 (v), not the number -1.0"),
        ("boot", {"v": 1e300}, "boot must be a whole number from 0 (v), not the number 1e+300"),
        ("seq", {"vs": "x"}, "seq must be a whole number from 0 (v), not the text 'x'"),
    ],
)
def test_wrong_type_refuses_the_whole_pack(point: str, field: dict[str, object], expected: str) -> None:
    pack = [{"bn": "d:gas:1/", "n": "co", "v": 1}, {"n": point, **field}]
    error = refusal(json.dumps(pack).encode())
    assert (error.kind, str(error)) == ("type", f"record 2: {expected}")


def test_unknown_point_names_the_known_ones() -> None:
    error = refusal(b'[{"bn":"d:gas:1/","n":"metan","v":1}]')
    assert error.kind == "name"
    assert str(error) == (
        "record 1: gengfu/gas-alarm has no point 'metan'; "
        "it has methane, co, alarm, fault, warm_up, over_range, muted, expired and 22 more"
    )


@pytest.mark.parametrize("name", ["methane", "d:gas:1", "/methane", "a" * 65 + "/methane"])
def test_name_that_is_not_device_and_point_is_refused(name: str) -> None:
    error = refusal(json.dumps([{"n": name, "v": 1}]).encode())
    assert (error.kind, "is not device/point" in str(error)) == ("name", True)


def test_unknown_device_is_told_by_its_id() -> None:
    error = refusal(b'[{"n":"d:gas:1/methane","v":1},{"n":"d:gas:9/methane","v":1}]')
    assert isinstance(error, UnknownDevice)
    assert error.device == "d:gas:9"


def test_code_that_the_profile_does_not_list_is_kept_and_bad() -> None:
    (reading,) = read({"n": "d:gas:1/valve", "v": 9})
    assert (values(reading), quality(reading, "valve")) == ({"valve": 9.0}, Quality.BAD_TYPE)


def test_drift_below_zero_within_the_slack_is_good() -> None:
    (within,) = read({"n": "d:gas:1/methane", "v": -5})
    (beyond,) = read({"n": "d:gas:1/methane", "v": -5.1})
    assert (quality(within, "methane"), quality(beyond, "methane")) == (Quality.GOOD, Quality.BAD_UNDER_RANGE)


@pytest.mark.parametrize(
    ("sent", "value", "expected"),
    [
        (math.inf, math.nextafter(100.0, math.inf), Quality.BAD_OVER_RANGE),
        (-math.inf, math.nextafter(-5.0, -math.inf), Quality.BAD_UNDER_RANGE),
        (math.nan, None, Quality.BAD_MISSING),
    ],
)
def test_what_is_no_number_in_cbor_never_silences_and_never_reaches_a_store(
    sent: float, value: float | None, expected: Quality
) -> None:
    (reading,) = take(cbor2.dumps([{-2: "d:gas:1/", 0: "methane", 2: sent}]), 112)
    assert (reading.values[0], quality(reading, "methane")) == (value, expected)


def test_infinity_of_a_point_without_a_range_is_no_value() -> None:
    (reading,) = take(cbor2.dumps([{-2: "d:gas:1/", 0: "uptime", 2: math.inf}]), 112)
    assert (values(reading), quality(reading, "uptime")) == ({}, Quality.BAD_MISSING)


@pytest.mark.parametrize("content_format", [110, 50, None])
def test_json_is_taken_as_senml_or_plain_or_unnamed(content_format: int | None) -> None:
    assert len(take(b'[{"n":"d:gas:1/methane","v":1}]', content_format)) == 1


@pytest.mark.parametrize("content_format", [112, 60])
def test_cbor_is_taken_as_senml_or_plain(content_format: int) -> None:
    assert len(take(cbor2.dumps([{0: "d:gas:1/methane", 2: 1}]), content_format)) == 1


@pytest.mark.parametrize("content_format", [0, 111, 11542])
def test_other_content_format_is_refused(content_format: int) -> None:
    assert refusal(b"[]", content_format).kind == "content-format"


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        ("application/senml+json", 110),
        ("Application/SenML+CBOR", 112),
        ("application/json; charset=utf-8", 50),
        ("application/cbor", 60),
        ("", 110),
    ],
)
def test_media_type_of_http_is_a_content_format(media_type: str, expected: int) -> None:
    assert content_format_of(media_type) == expected


def test_other_media_type_is_refused_with_those_that_are_taken() -> None:
    with pytest.raises(DecodeError, match=r"'text/plain' is not taken; send one of application/senml\+json"):
        content_format_of("text/plain")


def test_limits_of_the_caller_hold() -> None:
    payload = b'[{"n":"d:gas:1/methane","v":1},{"n":"d:gas:1/co","v":1}]'
    for limits in ({"max_bytes": 20}, {"max_records": 1}):
        with pytest.raises(DecodeError) as caught:
            decode_pack(payload, 110, received_at=NOW, origin=Origin.LIVE, find_profile=SITE.get, **limits)
        assert caught.value.kind == "size"


def test_empty_pack_has_no_readings() -> None:
    assert (take(b"[]"), take(b"\x80", 112)) == ([], [])


def test_pack_of_a_reading_names_units_in_senml() -> None:
    (reading,) = read({"bn": "d:gas:1/", "n": "methane", "v": 1.5}, {"n": "co", "v": 4}, {"n": "alarm", "vb": True})
    profiles: dict[str, Profile] = {GAS.id: GAS}
    assert encode_readings([reading], profiles) == (
        b'[{"bn":"d:gas:1/","bt":1700000000,"n":"methane","u":"%{LEL}","v":1.5},'
        b'{"n":"co","u":"ppm","v":4.0},{"n":"alarm","vb":true}]'
    )


def test_time_that_senml_would_read_as_relative_is_not_written() -> None:
    reading = Reading("d:gas:1", GAS.id, 5 * SECOND, NOW, Origin.LIVE, (1.0,), (0,))
    with pytest.raises(ValueError, match="below 2\\*\\*28"):
        encode_readings([reading], {GAS.id: GAS})
