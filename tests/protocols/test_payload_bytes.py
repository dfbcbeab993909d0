"""Payloads of bytes: by the table of a profile, and by the decoder that it names."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gengfu.sites import GOLDEN
from protocols.errors import DecodeError, ProfileError
from protocols.payload import decode_payload
from protocols.profile.loader import load_profile, shipped_profiles
from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Origin, Reading, Value

NOW = 1_795_137_310 * 10**9
PROFILES = shipped_profiles()
GAS = PROFILES["milesight/gs101"]
LEVEL = PROFILES["milesight/em500-udl"]
HEAD = """
[profile]
vendor = "acme"
model = "node"
kind = "node"
title = { zh = "节点", en = "Node" }
period_s = 10.0

[payload]
form = "bytes"
"""


def node(folder: Path, head: str, *points: str, golden: str) -> Profile:
    """A profile of points ``p0``, ``p1`` and so on, each given by the rest of its table."""
    tables = [
        f'[[point]]\nname = "p{number}"\ntitle = {{ zh = "值", en = "Value" }}\n{text}\n'
        for number, text in enumerate(points)
    ]
    path = folder / "acme/node.toml"
    path.parent.mkdir()
    path.write_text("\n".join((HEAD + head, *tables, f'[[golden]]\nname = "one"\n{golden}\n')), encoding="utf-8")
    return load_profile(path, GOLDEN)


def decode(profile: Profile, payload: str | bytes, port: int | None = None) -> list[Reading]:
    raw = bytes.fromhex(payload) if isinstance(payload, str) else payload
    return decode_payload(profile, raw, device="d", received_at=NOW, origin=Origin.LIVE, port=port, is_bare=True)


def only(profile: Profile, payload: str) -> tuple[Value, Quality]:
    (reading,) = decode(profile, payload)
    return reading.values[0], Quality(reading.quality[0])


ENUM = 'type = "enum"\nstate = [{ code = 5, name = "on", title = { zh = "开", en = "on" } }]\n'


@pytest.mark.parametrize(
    ("point", "payload", "value", "found"),
    [
        ("in_bytes = { at = 1 }", "00ff", "255.0", Quality.GOOD),
        ('in_bytes = { at = 0, type = "int8" }', "f6", "-10.0", Quality.GOOD),
        ('in_bytes = { at = 0, type = "int16", scale = 0.1 }', "ffcd", "-5.1", Quality.GOOD),
        ('in_bytes = { at = 0, type = "int16", byte_order = "little", scale = 0.1 }', "cdff", "-5.1", Quality.GOOD),
        ('in_bytes = { at = 0, type = "uint24" }', "010203", "66051.0", Quality.GOOD),
        ('in_bytes = { at = 0, type = "int24", byte_order = "little" }', "feffff", "-2.0", Quality.GOOD),
        ('in_bytes = { at = 0, type = "uint32", offset = -40.0 }', "00000064", "60.0", Quality.GOOD),
        ('in_bytes = { at = 0, type = "int64" }', "ffffffffffffffff", "-1.0", Quality.GOOD),
        ('in_bytes = { at = 0, type = "float32", byte_order = "little" }', "0020f147", "123456.0", Quality.GOOD),
        ('in_bytes = { at = 0, type = "float64" }', "3ff8000000000000", "1.5", Quality.GOOD),
        ('in_bytes = { at = 0, type = "bcd16", scale = 0.01 }', "1234", "12.34", Quality.GOOD),
        ('in_bytes = { at = 0, type = "uint16", bit = 0, bits = 14 }', "ce1c", "3612.0", Quality.GOOD),
        ('type = "flag"\nin_bytes = { at = 0, type = "uint16", bit = 9 }', "0200", "1.0", Quality.GOOD),
        (ENUM + "in_bytes = { at = 0 }", "05", "5.0", Quality.GOOD),
        ('type = "text"\nin_bytes = { at = 1, type = "gbk", length = 6 }', "00c6f8000000ff", '"气"', Quality.GOOD),
    ],
)
def test_row_of_the_table(tmp_path: Path, point: str, payload: str, value: str, found: Quality) -> None:
    profile = node(tmp_path, "", point, golden=f'payload = {{ hex = "{payload}" }}\nvalues = {{ p0 = {value} }}')
    assert only(profile, payload)[1] is found


@pytest.mark.parametrize(
    ("point", "payload", "found"),
    [
        ("range = [0.0, 90.0]\nin_bytes = { at = 0 }", "5b", (91.0, Quality.BAD_OVER_RANGE)),
        ("in_bytes = { at = 0, missing = [255] }", "ff", (None, Quality.BAD_MISSING)),
        ('in_bytes = { at = 0, type = "float32" }', "7fc00000", (None, Quality.BAD_MISSING)),
        ('in_bytes = { at = 0, type = "float32" }', "7f800000", (None, Quality.BAD_OVER_RANGE)),
        ('in_bytes = { at = 0, type = "bcd8" }', "1a", (None, Quality.BAD_TYPE)),
        (ENUM + "in_bytes = { at = 0 }", "06", (6.0, Quality.BAD_TYPE)),
    ],
)
def test_value_that_is_none_says_why(tmp_path: Path, point: str, payload: str, found: tuple[Value, Quality]) -> None:
    width = len(payload) // 2
    good = {1: "05", 4: "40a00000"}[width]
    value = "5.0"
    profile = node(tmp_path, "", point, golden=f'payload = {{ hex = "{good}" }}\nvalues = {{ p0 = {value} }}')
    assert only(profile, payload) == found


def test_golden_tells_why_a_point_has_no_value(tmp_path: Path) -> None:
    points = ("in_bytes = { at = 0 }", "in_bytes = { at = 1, missing = [255] }")
    golden = 'payload = {{ hex = "01ff" }}\nvalues = {{ p0 = 1.0 }}\nquality = {{ p1 = "bad:{}" }}'
    assert node(tmp_path, "", *points, golden=golden.format("missing")).id == "acme/node"
    (tmp_path / "other").mkdir()
    with pytest.raises(ProfileError, match="payload decodes to 'bad:missing', the file says 'bad:sensor-fault'"):
        node(tmp_path / "other", "", *points, golden=golden.format("sensor-fault"))


TWO = ("in_bytes = { at = 0 }", "in_bytes = { at = 1 }")
TWO_GOLDEN = 'payload = { hex = "0102" }\nvalues = { p0 = 1.0, p1 = 2.0 }'


def test_payload_shorter_than_its_table_is_refused(tmp_path: Path) -> None:
    profile = node(tmp_path, "", *TWO, golden=TWO_GOLDEN)
    with pytest.raises(DecodeError, match="has 1 bytes, expected 2 at least"):
        decode(profile, "01")
    assert decode(profile, "010203")[0].values == (1.0, 2.0)


def test_point_behind_the_end_is_absent_where_the_profile_allows_less(tmp_path: Path) -> None:
    profile = node(tmp_path, "length = 1", *TWO, golden=TWO_GOLDEN)
    assert decode(profile, "01")[0].values == (1.0, None)


def test_payload_of_another_port_is_refused(tmp_path: Path) -> None:
    profile = node(tmp_path, "ports = [2, 3]", *TWO, golden=TWO_GOLDEN)
    assert decode(profile, "0102", 3)[0].values == (1.0, 2.0)
    with pytest.raises(DecodeError, match="unknown FPort 4: acme/node sends its values at 2, 3"):
        decode(profile, "0102", 4)


def test_decoder_gives_only_the_points_that_the_profile_has(tmp_path: Path) -> None:
    head = 'decoder = "milesight_em400"'
    point = 'name = "distance"\nunit = "mm"'
    path = tmp_path / "acme/node.toml"
    path.parent.mkdir()
    path.write_text(
        f'{HEAD}{head}\n[[point]]\n{point}\ntitle = {{ zh = "距离", en = "Distance" }}\n[[golden]]\nname = "one"\n'
        'payload = { hex = "04824408" }\nvalues = { distance = 2116.0 }\n',
        encoding="utf-8",
    )
    profile = load_profile(path, GOLDEN)
    assert decode(profile, "01755c0367010104824408050001")[0].values == (2116.0,)
    assert decode(profile, "01755c") == []


def test_gas_alarm_before_a_channel_nobody_knows_raises_and_proves_nothing() -> None:
    (reading,) = decode(GAS, "058e0177990001")
    assert (reading.values[0], Quality(reading.quality[0])) == (1.0, Quality.BAD_TYPE)


def test_sensor_fault_without_a_value_blinds_the_alarm() -> None:
    (reading,) = decode(GAS, "ff3f02")
    assert (reading.values[0], Quality(reading.quality[0])) == (None, Quality.BAD_SENSOR_FAULT)


def test_history_makes_a_reading_for_each_time() -> None:
    then = NOW // 10**9 - 600
    rows = b"".join(
        b"\x20\xce" + (then + 60 * n).to_bytes(4, "little") + (1000 + n).to_bytes(2, "little") for n in (1, 0)
    )
    readings = decode(LEVEL, rows + bytes.fromhex("0382e903"))
    assert [(one.at, one.values[1]) for one in readings] == [
        (then * 10**9, 1000.0),
        ((then + 60) * 10**9, 1001.0),
        (NOW, 1001.0),
    ]
    assert {one.quality[1] for one in readings} == {Quality.GOOD}


def test_two_values_of_one_frame_are_two_readings() -> None:
    first, second = decode(LEVEL, "038264000382c800")
    assert [(one.at - NOW, one.values[1], one.quality[1]) for one in (first, second)] == [
        (0, 100.0, Quality.GOOD),
        (1000, 200.0, Quality.UNCERTAIN_CLOCK),
    ]


BY_BYTES = [profile for profile in PROFILES.values() if profile.file.payload.form == "bytes"]


@given(payload=st.binary(max_size=120), port=st.none() | st.integers(0, 255))
def test_any_bytes_are_read_or_refused(payload: bytes, port: int | None) -> None:
    for profile in BY_BYTES:
        try:
            readings = decode(profile, payload, port)
        except DecodeError:
            continue
        assert all(len(reading.values) == len(profile.points) for reading in readings)


@given(payload=st.binary(max_size=40))
def test_any_bytes_are_read_by_a_table_or_refused(table: Profile, payload: bytes) -> None:
    try:
        (reading,) = decode(table, payload)
    except DecodeError:
        assert len(payload) < 20
    else:
        assert len(reading.values) == 5


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    return node(
        tmp_path_factory.mktemp("table"),
        "",
        'in_bytes = { at = 0, type = "float64" }',
        'in_bytes = { at = 8, type = "bcd32" }',
        'type = "text"\nin_bytes = { at = 12, type = "utf8", length = 4 }',
        'in_bytes = { at = 16, type = "uint16", missing = [7] }',
        ENUM + 'in_bytes = { at = 18, type = "int16" }',
        golden='payload = { hex = "3ff8000000000000000000124100000000080005" }\n'
        'values = { p0 = 1.5, p1 = 12.0, p2 = "A", p3 = 8.0, p4 = 5.0 }',
    )


@given(payload=st.binary(max_size=200))
def test_any_senml_payload_is_read_or_refused(payload: bytes) -> None:
    profile = PROFILES["gengfu/smart-bin"]
    try:
        readings = decode(profile, payload)
    except DecodeError:
        return
    assert all(reading.device == "d" for reading in readings)


@pytest.mark.parametrize(
    "payload", [b'[{"bn":"d/","n":"fill","v":66.5}]', bytes.fromhex("81a32162642f00646669 6c6c02f95428")]
)
def test_senml_payload_is_read_as_json_or_cbor(payload: bytes) -> None:
    (reading,) = decode(PROFILES["gengfu/smart-bin"], payload)
    assert reading.values[0] == 66.5


def test_senml_pack_of_another_device_is_refused() -> None:
    with pytest.raises(DecodeError, match="device 'e' is not registered"):
        decode(PROFILES["gengfu/smart-bin"], b'[{"bn":"e/","n":"fill","v":66.5}]')
