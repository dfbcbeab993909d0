"""From a profile to few requests, and from register bytes to exact values."""

import json
import struct
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import ProfileError
from protocols.modbus.golden import decode_golden
from protocols.modbus.plan import decode_blocks, plan_point, plan_reads
from protocols.profile.compile import compile_profile
from protocols.profile.model import Profile
from protocols.profile.schema import ProfileFile
from protocols.quality import Quality
from tests.fixtures.modbus_profiles import decode, flag, point, profile, ranges

SHIPPED = sorted((Path(__file__).parents[2] / "protocols/profiles").glob("*/*.toml"))
GAS = next(path for path in SHIPPED if path.stem == "gas-alarm")


def load(path: Path) -> Profile:
    return compile_profile(ProfileFile.model_validate_json(json.dumps(tomllib.loads(path.read_text()))))


GOLDEN = [
    pytest.param(load(path), golden, id=f"{path.stem}: {golden['name']}")
    for path in SHIPPED
    for golden in tomllib.loads(path.read_text())["golden"]
    if golden.get("modbus")
]


@pytest.mark.parametrize(("one", "golden"), GOLDEN)
def test_golden_registers_decode_to_exactly_their_values(one: Profile, golden: dict[str, Any]) -> None:
    part = next(part for part in one.file.golden if part.name == golden["name"])
    values, quality = decode_golden(one, part)
    named = {point.name: value for point, value in zip(one.points, values, strict=True) if value is not None}
    marked = {point.name for point, mark in zip(one.points, quality, strict=True) if mark and point.name in named}
    assert (named, marked) == (golden["values"], set(golden.get("quality", {})))


def test_every_board_of_ours_is_read_with_one_request() -> None:
    plans = {path.stem: len(plan_reads(load(path))) for path in SHIPPED if path.parent.name == "gengfu"}
    assert {name: reads for name, reads in plans.items() if reads} == {
        "gas-alarm": 1,
        "hydrogen-node": 1,
        "lpg-alarm": 1,
        "smart-bin": 1,
    }


def test_points_of_a_golden_that_covers_only_some_registers_are_absent() -> None:
    one = profile(point("a"), point("b", address=1, type="uint32"), point("c", address=3))
    block = {"table": "input", "address": 0, "count": 2, "hex": "0007 0001"}
    file = ProfileFile.model_validate_json(
        json.dumps(
            {**json.loads(one.file.model_dump_json()), "golden": [{"name": "x", "values": {}, "modbus": [block]}]}
        )
    )
    assert decode_golden(one, file.golden[0]) == ((7.0, None, None), (0, 0, 0))


def test_golden_whose_bytes_do_not_fit_its_count_is_refused() -> None:
    gas = load(GAS)
    golden = gas.file.golden[0]
    short = golden.model_copy(update={"modbus": (golden.modbus[0].model_copy(update={"hex": "000c"}),)})
    with pytest.raises(ProfileError, match="2 bytes, but count 25 needs 50"):
        decode_golden(gas, short)


def test_near_points_share_a_request_and_far_ones_do_not() -> None:
    points = point("a"), point("b", address=9), point("c", address=19)
    assert ranges(profile(*points)) == [("input", 0, 10), ("input", 19, 1)]
    assert ranges(profile(*points, max_gap=9)) == [("input", 0, 20)]


def test_request_never_asks_for_more_than_the_device_allows() -> None:
    one = profile(*(point(f"p{at}", address=at) for at in range(20)), max_registers=8)
    assert ranges(one) == [("input", 0, 8), ("input", 8, 8), ("input", 16, 4)]


def test_wide_point_is_never_cut_in_two() -> None:
    one = profile(point("a"), point("b", address=7, type="uint32"), max_registers=8)
    assert ranges(one) == [("input", 0, 1), ("input", 7, 2)]


def test_each_table_has_its_own_requests() -> None:
    one = profile(point("a"), point("b", "holding"), flag("c", "coil", 3), flag("d", "discrete"))
    assert ranges(one) == [("coil", 3, 1), ("discrete", 0, 1), ("input", 0, 1), ("holding", 0, 1)]


@pytest.mark.parametrize(
    ("kind", "packed", "value"),
    [
        ("int16", struct.pack(">h", -5), -5.0),
        ("uint16", b"\xff\xfe", 65534.0),
        ("int32", struct.pack(">i", -70000), -70000.0),
        ("uint32", struct.pack(">I", 4_000_000_000), 4e9),
        ("int64", struct.pack(">q", -(2**40)), -float(2**40)),
        ("uint64", struct.pack(">Q", 2**53), float(2**53)),
        ("float32", struct.pack(">f", 1.5), 1.5),
        ("float64", struct.pack(">d", 0.1), 0.1),
    ],
)
def test_every_number_type_decodes(kind: str, packed: bytes, value: float) -> None:
    assert decode(profile(point("a", type=kind)), packed)[0] == (value,)


@given(st.integers(-32768, 32767), st.integers(0, 6), st.integers(1, 999), st.integers(-500, 500))
def test_scaled_integers_are_the_nearest_decimal(raw: int, digits: int, factor: int, shift: int) -> None:
    scale, offset = float(f"{factor}e-{digits}"), float(f"{shift}e-{digits}")
    one = profile(point("a", type="int16", scale=scale, offset=offset))
    exact = float(f"{raw * factor + shift}e-{digits}")
    assert decode(one, struct.pack(">h", raw))[0] == (exact,)


def test_bits_of_one_register_become_flags() -> None:
    one = profile(*(flag(f"b{bit}", bit=bit) for bit in (0, 3, 15)))
    assert decode(one, b"\x80\x01")[0] == (1.0, 0.0, 1.0)


def test_coils_and_discrete_inputs_become_flags() -> None:
    one = profile(*(flag(f"b{at}", "discrete", at) for at in (0, 1, 9)))
    assert decode(one, b"\x02\x02")[0] == (0.0, 1.0, 1.0)


def test_missing_code_is_no_value_and_bad() -> None:
    one = profile(point("a", type="int16", scale=0.1, missing=[-32768]), point("b", address=1))
    assert decode(one, b"\x80\x00\x00\x01") == ((None, 1.0), (Quality.BAD_MISSING, Quality.GOOD))


def test_missing_code_does_not_hide_that_the_device_says_over_range() -> None:
    rule = {"point": "lock", "equals": 1, "affects": ["a"], "quality": "bad:over-range"}
    one = profile(point("a", type="int16", missing=[-32768]), flag("lock", address=1, bit=0), quality=(rule,))
    assert decode(one, b"\x80\x00\x00\x01") == ((None, 1.0), (Quality.BAD_OVER_RANGE, Quality.GOOD))


@pytest.mark.parametrize(
    ("number", "quality"),
    [("nan", Quality.BAD_MISSING), ("inf", Quality.BAD_OVER_RANGE), ("-inf", Quality.BAD_UNDER_RANGE)],
)
def test_number_that_is_none_never_becomes_a_value(number: str, quality: Quality) -> None:
    one = profile(point("a", type="float32"))
    assert decode(one, struct.pack(">f", float(number))) == ((None,), (quality,))


def test_point_without_an_address_is_absent() -> None:
    one = profile({"name": "a"}, point("b"))
    assert decode(one, b"\x00\x05") == ((None, 5.0), (0, 0))


@given(st.data())
def test_any_register_bytes_decode_without_an_error(data: Any) -> None:
    one = load(GAS)
    blocks = plan_reads(one)
    answers = [data.draw(st.binary(min_size=2 * block.count, max_size=2 * block.count)) for block in blocks]
    values, quality = decode_blocks(one, blocks, answers)
    assert len(values) == len(quality) == len(one.points)
    assert all(value is None or isinstance(value, float) for value in values)


def test_one_point_can_be_read_alone() -> None:
    block = plan_point(load(GAS), "valve")
    assert (block.address, block.count, block.request) == (3, 1, bytes.fromhex("0400030001"))


def test_reading_alone_a_point_without_address_is_refused() -> None:
    with pytest.raises(ProfileError, match="'a' has no modbus part"):
        plan_point(profile({"name": "a"}, point("b")), "a")


@pytest.mark.parametrize(
    "wrong",
    [
        point("a", "coil", 0, type="int32"),
        point("a", bit=3, type="uint32"),
        point("a", address=65535, type="uint32"),
        {**point("a"), "type": "text"},
    ],
)
def test_impossible_address_is_refused_with_its_place(wrong: dict[str, Any]) -> None:
    with pytest.raises(ProfileError, match=r"t/t: point\[a\]\.modbus"):
        plan_reads(profile(wrong))


def test_register_with_two_owners_is_refused() -> None:
    with pytest.raises(ProfileError, match="has this register"):
        plan_reads(profile(point("wide", type="uint32"), point("low", address=1)))
