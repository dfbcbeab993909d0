"""Properties of the uplink: any bytes, every prefix of a golden pack, and packs read back as they were."""

import json
import math
from typing import Any

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.errors import DecodeError
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Point, Profile
from protocols.reading import Origin, Reading, decode_reading, encode_reading
from protocols.uplink import decode_pack, encode_readings

NOW = 1_700_000_000 * 10**9
PROFILES = shipped_profiles()
GAS = PROFILES["gengfu/gas-alarm"]
SITE: dict[str, Profile] = {"t:1": GAS, "t:2": PROFILES["gengfu/smart-bin"], "t:3": PROFILES["gengfu/hydrogen-node"]}
GOLDEN = [part.senml.encode() for one in PROFILES.values() for part in one.file.golden if part.senml]

ON_A_BUSY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
THOROUGH = settings(ON_A_BUSY_MACHINE, max_examples=300)

LABELS = ["bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vs", "vb", "vd", "s", "t", "ut", "x", "x_"]
NAMES = st.sampled_from(
    ["t:1/", "t:1/methane", "methane", "co", "alarm", "valve", "seq", "boot", "undated", "t:9/", "", "fill"]
)
NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([0, 1, 10, 11, 1_700_000_000, -5, 2**63, 2**28]))
SCALARS = st.one_of(NUMBERS, st.booleans(), st.none(), st.text('a_é气"\\\0', max_size=5), st.binary(max_size=5))
RECORDS = st.dictionaries(st.sampled_from(LABELS), st.one_of(SCALARS, NAMES), max_size=5)
LIKELY = st.fixed_dictionaries(
    {"n": NAMES, "v": NUMBERS}, optional={"bn": NAMES, "t": NUMBERS, "u": st.sampled_from(["ppm", "%", "Cel", "?"])}
)
PACKS = st.lists(st.one_of(RECORDS, LIKELY), max_size=5)
CBOR_LABEL = {"bn": -2, "bt": -3, "bu": -4, "bv": -5, "bs": -6, "bver": -1, "n": 0, "u": 1, "v": 2, "vs": 3, "vb": 4}
CBOR_LABEL |= {"s": 5, "t": 6, "ut": 7, "vd": 8}


def check(payload: bytes, content_format: int) -> None:
    """What is taken is a sound reading; anything else is a `DecodeError`."""
    try:
        readings = decode_pack(payload, content_format, received_at=NOW, origin=Origin.LIVE, find_profile=SITE.get)
    except DecodeError:
        return
    assert len({(one.device, one.at) for one in readings}) == len(readings)
    for one in readings:
        assert len(one.values) == len(one.quality) == len(SITE[one.device].points)
        assert all(math.isfinite(value) for value in one.values if isinstance(value, float))
        assert decode_reading(encode_reading(one)) == one


@given(st.binary(max_size=200), st.sampled_from([110, 112, 50, 60, 0]))
@ON_A_BUSY_MACHINE
def test_any_bytes_are_readings_or_one_error(payload: bytes, content_format: int) -> None:
    check(payload, content_format)


@given(PACKS)
@THOROUGH
def test_any_json_pack_is_readings_or_one_error(pack: list[dict[str, Any]]) -> None:
    check(json.dumps(pack, default=lambda data: data.hex()).encode(), 110)


@given(PACKS)
@THOROUGH
def test_any_cbor_pack_is_readings_or_one_error(pack: list[dict[str, Any]]) -> None:
    check(cbor2.dumps([{CBOR_LABEL.get(key, key): value for key, value in one.items()} for one in pack]), 112)


@pytest.mark.parametrize("payload", GOLDEN)
def test_every_prefix_of_a_golden_pack_is_refused(payload: bytes) -> None:
    for end in range(len(payload)):
        with pytest.raises(DecodeError):
            decode_pack(payload[:end], 110, received_at=NOW, origin=Origin.LIVE, find_profile=SITE.get)


@given(st.sampled_from(GOLDEN), st.integers(0, 300), st.integers(0, 255))
@ON_A_BUSY_MACHINE
def test_golden_pack_with_one_byte_changed_is_readings_or_one_error(payload: bytes, place: int, byte: int) -> None:
    place %= len(payload)
    check(payload[:place] + bytes([byte]) + payload[place + 1 :], 110)


def value_of(point: Point) -> st.SearchStrategy[float]:
    if point.type == "flag":
        return st.sampled_from([0.0, 1.0])
    if point.type == "enum":
        return st.sampled_from(sorted(point.codes))
    return st.floats(-200, 200, allow_nan=False)


VALUES = st.tuples(*(st.one_of(st.none(), value_of(point)) for point in GAS.points)).filter(any)
SAMPLES = st.lists(
    st.tuples(VALUES, st.one_of(st.none(), st.integers(0, 2**53 - 1))),
    min_size=1,
    max_size=4,
)
OFFSETS = st.lists(st.integers(-6 * 86400 * 10**9, 5 * 10**9), min_size=4, max_size=4, unique=True)


@given(SAMPLES, OFFSETS, st.one_of(st.none(), st.integers(0, 100)))
@ON_A_BUSY_MACHINE
def test_readings_written_as_senml_are_read_back_to_the_nanosecond(
    samples: list[tuple[tuple[float | None, ...], int | None]], offsets: list[int], boot: int | None
) -> None:
    readings = [
        Reading("t:1", GAS.id, NOW + at, NOW, Origin.LIVE, values, GAS.qualify(values), boot, sequence)
        for (values, sequence), at in zip(samples, sorted(offsets), strict=False)
    ]
    pack = encode_readings(readings, {GAS.id: GAS})
    assert decode_pack(pack, 110, received_at=NOW, origin=Origin.LIVE, find_profile=SITE.get) == readings
