"""Mapped JSON: what stands at the paths of a profile, and what it means when something else stands there."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gengfu.sites import GOLDEN
from protocols.errors import DecodeError, ProfileError
from protocols.payload import decode_payload
from protocols.payload.mapped import json_plan
from protocols.profile.loader import load_profile, shipped_profiles
from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Origin, Reading

NOW = 1_795_137_310 * 10**9
GAS = shipped_profiles()["zigbee2mqtt/jt-bz-01aq-a"]
PLUG = shipped_profiles()["tasmota/power-plug"]

METER = """
[profile]
vendor = "acme"
model = "meter"
kind = "meter"
title = { zh = "计量表", en = "Meter" }
period_s = 10.0

[payload]
form = "json"
time = "at"

[[point]]
name = "level"
title = { zh = "液位", en = "Level" }
unit = "%"
range = [0.0, 100.0]
in_json = { path = "values[1].v", scale = 0.1, offset = 5.0 }

[[point]]
name = "pressure"
title = { zh = "压力", en = "Pressure" }
unit = "kPa"
in_json = { path = "p", quoted = true }

[[point]]
name = "lid"
title = { zh = "桶盖", en = "Lid" }
type = "flag"
in_json = { path = "lid", words = { open = 1, shut = 0, true = 0, false = 1 } }

[[point]]
name = "valve"
title = { zh = "阀", en = "Valve" }
type = "enum"
in_json = { path = "valve", words = { true = 1 } }
state = [{ code = 1, name = "open", title = { zh = "开", en = "open" } }]

[[point]]
name = "serial"
title = { zh = "编号", en = "Serial number" }
type = "text"
in_json = { path = "id" }

[[golden]]
name = "all"
payload = { text = '{"at":1795137300,"values":[{"v":1},{"v":412}],"p":"101.3","lid":"open","valve":true,"id":"A7"}' }
values = { level = 46.2, pressure = 101.3, lid = 1.0, valve = 1.0, serial = "A7" }
"""


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    return write(tmp_path_factory.mktemp("profiles"), METER)


def write(folder: Path, text: str) -> Profile:
    path = folder / "acme/meter.toml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return load_profile(path, GOLDEN)


def decode(profile: Profile, text: str | bytes) -> list[Reading]:
    payload = text.encode() if isinstance(text, str) else text
    return decode_payload(profile, payload, device="d", received_at=NOW, origin=Origin.LIVE)


def shown(profile: Profile, text: str) -> dict[str, tuple[float | str | None, Quality]]:
    """Value and quality of the points that the message speaks of."""
    (reading,) = decode(profile, text)
    rows = zip(profile.points, reading.values, reading.quality, strict=True)
    return {point.name: (value, Quality(code)) for point, value, code in rows if value is not None or code}


@pytest.mark.parametrize(
    ("text", "point", "found"),
    [
        ('{"values":[0,{"v":412}]}', "level", (46.2, Quality.GOOD)),
        ('{"values":[0,{"v":951}]}', "level", (100.1, Quality.BAD_OVER_RANGE)),
        ('{"values":[0,{"v":null}]}', "level", (None, Quality.BAD_MISSING)),
        ('{"p":"101.3"}', "pressure", (101.3, Quality.GOOD)),
        ('{"p":101.3}', "pressure", (101.3, Quality.GOOD)),
        ('{"p":"-"}', "pressure", (None, Quality.BAD_TYPE)),
        ('{"p":"nan"}', "pressure", (None, Quality.BAD_TYPE)),
        ('{"lid":"open"}', "lid", (1.0, Quality.GOOD)),
        ('{"lid":true}', "lid", (0.0, Quality.GOOD)),
        ('{"lid":1}', "lid", (1.0, Quality.GOOD)),
        ('{"lid":"ajar"}', "lid", (None, Quality.BAD_TYPE)),
        ('{"valve":true}', "valve", (1.0, Quality.GOOD)),
        ('{"valve":7}', "valve", (7.0, Quality.BAD_TYPE)),
        ('{"valve":false}', "valve", (None, Quality.BAD_TYPE)),
        ('{"id":"A7"}', "serial", ("A7", Quality.GOOD)),
    ],
)
def test_value_at_a_path(meter: Profile, text: str, point: str, found: tuple[float | str | None, Quality]) -> None:
    assert shown(meter, text) == {point: found}


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ('{"values":[0,{"v":"412"}],"p":"7"}', "level"),
        ('{"values":[0,{"v":true}],"p":"7"}', "level"),
        ('{"values":[0,{"v":[1]}],"p":"7"}', "level"),
        ('{"lid":2,"p":"7"}', "lid"),
        ('{"lid":{},"p":"7"}', "lid"),
        ('{"valve":1.5,"p":"7"}', "valve"),
        ('{"id":5,"p":"7"}', "serial"),
    ],
)
def test_wrong_type_silences_only_its_own_point(meter: Profile, text: str, point: str) -> None:
    assert shown(meter, text) == {point: (None, Quality.BAD_TYPE), "pressure": (7.0, Quality.GOOD)}


@pytest.mark.parametrize(
    "text", ["{}", "[]", "7", '{"values":[0]}', '{"values":{"1":{"v":4}}}', '{"wifi":{"rssi":-60}}']
)
def test_message_without_any_of_the_points_has_no_reading(meter: Profile, text: str) -> None:
    assert decode(meter, text) == []


@pytest.mark.parametrize("text", [b"", b"{", b'{"p":"\xff"}', b"[" * 20_000, b'{"p":1}' + b" " * 70_000])
def test_what_is_no_json_is_refused(meter: Profile, text: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(meter, text)


def test_number_beyond_a_double_is_over_range(meter: Profile) -> None:
    assert shown(meter, f'{{"values":[0,{{"v":{"9" * 400}}}]}}')["level"][1] is Quality.BAD_OVER_RANGE


def test_unit_and_origin_are_not_read_from_the_message(meter: Profile) -> None:
    (reading,) = decode(meter, '{"p":1,"origin":1}')
    assert (reading.origin, reading.device, reading.profile) == (Origin.LIVE, "d", "acme/meter")


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("1795137300", 1_795_137_300 * 10**9),
        ("1795137300.25", 1_795_137_300_250_000_000),
        ("1795137300250", 1_795_137_300_250_000_000),
        ('"1795137300"', 1_795_137_300 * 10**9),
        ('"2026-11-20T01:15:00Z"', 1_795_137_300 * 10**9),
        ('"2026-11-20T09:15:00.123456789+08:00"', 1_795_137_300_123_456_789),
        ('"2026-11-20 01:15:00z"', 1_795_137_300 * 10**9),
    ],
)
def test_time_of_the_device_is_the_readings_time(meter: Profile, stamp: str, at: int) -> None:
    (reading,) = decode(meter, f'{{"at":{stamp},"p":1}}')
    assert (reading.at, reading.received_at, reading.quality[1]) == (at, NOW, Quality.GOOD)


@pytest.mark.parametrize(
    "stamp", ['"yesterday"', '"2026-11-20T01:15:00"', '"2026-02-30T01:15:00Z"', "true", "{}", "-5", "1e300"]
)
def test_time_that_cannot_be_read_leaves_the_gateways_and_a_doubt(meter: Profile, stamp: str) -> None:
    """A gas alarm with a broken clock must still be heard."""
    (reading,) = decode(meter, f'{{"at":{stamp},"p":1}}')
    assert (reading.at, reading.values[1], reading.quality[1]) == (NOW, 1.0, Quality.UNCERTAIN_CLOCK)


@pytest.mark.parametrize("text", ['{"p":1}', '{"at":null,"p":1}'])
def test_without_a_time_the_gateways_stands(meter: Profile, text: str) -> None:
    (reading,) = decode(meter, text)
    assert (reading.at, reading.quality[1]) == (NOW, Quality.GOOD)


def test_clock_that_is_off_is_doubted_as_in_a_senml_pack(meter: Profile) -> None:
    (ahead,) = decode(meter, f'{{"at":{NOW // 10**9 + 60},"p":1}}')
    assert (ahead.at, ahead.quality[1]) == (NOW + 60 * 10**9, Quality.UNCERTAIN_CLOCK)
    (unset,) = decode(meter, '{"at":5,"p":1}')
    assert (unset.at, unset.claimed_at, unset.quality[1]) == (NOW, 5 * 10**9, Quality.UNCERTAIN_CLOCK)


def test_stamp_without_an_offset_takes_that_of_the_profile() -> None:
    (reading,) = decode(PLUG, '{"Time":"2026-11-20T09:15:00","ENERGY":{"Power":41}}')
    assert (reading.at, reading.quality[0]) == (1_795_137_300 * 10**9, Quality.GOOD)


def test_gas_alarm_behind_zigbee2mqtt_is_heard_while_it_warms_up() -> None:
    assert shown(GAS, '{"gas":true,"state":"preparation","gas_density":null}') == {
        "alarm": (1.0, Quality.UNCERTAIN_WARM_UP),
        "methane": (None, Quality.BAD_MISSING),
        "warm_up": (1.0, Quality.GOOD),
    }


def test_paths_are_compiled_once_for_a_profile() -> None:
    assert json_plan(GAS) is json_plan(GAS)


def test_golden_time_that_cannot_be_read_is_a_fault_of_the_profile(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="the time at at cannot be read"):
        write(tmp_path, METER.replace('"at":1795137300', '"at":"2026-11-20T01:15:00"'))


TREE = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["values", "v", "p", "lid", "valve", "id", "at", "gas"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(payload=st.binary(max_size=80) | TREE.map(lambda tree: json.dumps(tree).encode()))
def test_any_message_is_read_or_refused(meter: Profile, payload: bytes) -> None:
    for profile in (meter, GAS, PLUG):
        try:
            readings = decode(profile, payload)
        except DecodeError:
            continue
        assert [len(reading.values) for reading in readings] in ([], [len(profile.points)])
