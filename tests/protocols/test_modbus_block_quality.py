"""The quality of integers that are decoded together is what each value would get alone."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.plan import decode_blocks, plan_reads
from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Value
from tests.fixtures.modbus_profiles import decode, enum, flag, point, profile

GOOD, OVER, UNDER, MISSING, TYPE = (
    Quality.GOOD, Quality.BAD_OVER_RANGE, Quality.BAD_UNDER_RANGE, Quality.BAD_MISSING, Quality.BAD_TYPE,
)  # fmt: skip
registers = st.sampled_from([0, 1, 5, 6, 32767, 32768, 65534, 65535]) | st.integers(0, 65535)
numbers: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "low": st.sampled_from([0.0, -5.0, -0.05, 0.3, 1.0]),
        "span": st.sampled_from([0.1, 1.0, 7.3, 100.0, 6553.4]),
        "type": st.sampled_from(["int16", "uint16"]),
        "scale": st.sampled_from([1.0, 0.1, 0.01, 0.001, 0.5]),
        "missing": st.lists(st.sampled_from([0, 5, 6, 32767]), max_size=2, unique=True),
    }
)


def number(name: str, address: int, low: float, span: float, **modbus: Any) -> dict[str, Any]:
    return {**point(name, address=address, **modbus), "range": [low, low + span], "slack": 0.1}


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """Three numbers, a state and a flag that speaks of the first number, in any order."""
    codes = draw(st.sampled_from([(0, 1, 2), (0, 2), (5,)]))
    points = [
        *(number(f"p{at}", at, **draw(numbers)) for at in range(3)),
        enum("state", *codes, address=3, type="uint16"),
        flag("fault", address=4, type="uint16", bit=0),
    ]
    rule = {"point": "fault", "equals": 1, "affects": ["p0"], "quality": "bad:sensor-fault"}
    return profile(*draw(st.permutations(points)), quality=[rule])


def read(one: Profile, *contents: int) -> tuple[tuple[Value, ...], tuple[int, ...]]:
    """From registers 0 on."""
    blocks = plan_reads(one)
    return decode(one, *(_bytes(contents[block.address : block.address + block.count]) for block in blocks))


def _bytes(contents: tuple[int, ...]) -> bytes:
    return b"".join(one.to_bytes(2, "big") for one in contents)


@given(profiles(), st.lists(registers, min_size=5, max_size=5))
def test_qualities_are_those_of_the_values(one: Profile, contents: list[int]) -> None:
    values, quality = read(one, *contents)
    for value, mark, alone in zip(values, quality, one.qualify(values), strict=True):
        assert (mark == alone) if value is not None else mark in (MISSING, Quality.BAD_SENSOR_FAULT)


@st.composite
def meters(draw: st.DrawFn) -> Profile:
    """Three integers and nothing else, so that one shortcut may decode all of them; in any order, with or without
    registers between them."""
    places = draw(st.permutations(draw(st.sampled_from([(0, 1, 2), (0, 1, 4), (1, 2, 3)]))))
    order = draw(st.sampled_from(["ABCD", "BADC"]))
    wide = st.just({"low": 0.0, "span": 65535.0, "type": "uint16"})
    return profile(*(number(f"p{at}", at, **draw(wide | numbers), byte_order=order) for at in places))


@given(meters(), st.lists(registers, min_size=5, max_size=5))
def test_shortcut_of_a_meter_gives_what_its_columns_give(one: Profile, contents: list[int]) -> None:
    (block,) = plan_reads(one)
    data = _bytes(tuple(contents[block.address : block.address + block.count]))
    assert decode_blocks(one, [block], [data]) == decode_blocks(one, [replace(block, shortcut=None)], [data])


def test_meter_with_a_number_that_speaks_of_another_is_no_such_meter() -> None:
    rule = {"point": "code", "equals": 7, "affects": ["t"], "quality": "bad:sensor-fault"}
    one = profile(point("t", type="uint16"), point("code", address=1, type="uint16"), quality=[rule])
    assert [read(one, 1, code)[1] for code in (6, 7)] == [(GOOD, GOOD), (Quality.BAD_SENSOR_FAULT, GOOD)]


def test_all_that_is_good_of_a_meter_is_decoded_at_once() -> None:
    one = profile(*(number(f"p{at}", at, 0.0, 100.0, type="int16", scale=0.1) for at in range(3)))
    (block,) = plan_reads(one)
    assert block.shortcut is not None
    assert block.shortcut(bytes.fromhex("0001 03e8 0000")) == ((0.1, 100.0, 0.0), (GOOD, GOOD, GOOD))
    assert block.shortcut(bytes.fromhex("0001 03e9 0000")) is None


@pytest.mark.parametrize(
    ("raw", "quality"), [(0, GOOD), (1000, GOOD), (1001, OVER), (65535, GOOD), (65534, UNDER), (32768, MISSING)]
)
def test_range_ends_with_its_last_integer(raw: int, quality: Quality) -> None:
    one = profile(number("t", 0, 0.0, 100.0, type="int16", scale=0.1, missing=[-32768]))
    assert read(one, raw)[1] == (quality,)


@pytest.mark.parametrize(("raw", "quality"), [(0, MISSING), (1, GOOD), (65534, GOOD), (65535, MISSING)])
def test_register_without_a_range_is_good_but_for_its_missing_codes(raw: int, quality: Quality) -> None:
    assert read(profile(point("t", type="uint16", missing=[0, 65535])), raw)[1] == (quality,)


@pytest.mark.parametrize(("codes", "raw", "quality"), [((0, 1), 2, TYPE), ((0, 2), 1, TYPE), ((0, 2), 2, GOOD)])
def test_code_that_no_state_has_is_of_the_wrong_type(codes: tuple[int, ...], raw: int, quality: Quality) -> None:
    assert read(profile(enum("t", *codes, type="uint16")), raw)[1] == (quality,)


def test_flag_that_speaks_of_good_numbers_marks_them() -> None:
    rule = {"point": "fault", "equals": 1, "affects": ["t"], "quality": "bad:sensor-fault"}
    one = profile(point("t", type="uint16"), flag("fault", address=1, type="uint16", bit=0), quality=[rule])
    assert [read(one, 7, word)[1] for word in (0, 1)] == [(GOOD, GOOD), (Quality.BAD_SENSOR_FAULT, GOOD)]


@pytest.mark.parametrize(("words", "quality"), [((0x42C8, 0), GOOD), ((0x42CA, 0), OVER)])
def test_other_number_beside_good_integers_keeps_its_own_quality(words: tuple[int, int], quality: Quality) -> None:
    other = {**point("f", address=1, type="float32"), "range": [0, 100]}
    assert read(profile(point("t", type="uint16"), other), 7, *words)[1] == (GOOD, quality)


def test_flag_with_a_missing_code_beside_good_integers_is_missing_alone() -> None:
    one = profile(point("t", type="uint16"), flag("f", address=1, type="uint16", bit=0, missing=[65535]))
    assert read(one, 7, 65535) == ((7.0, None), (GOOD, MISSING))
