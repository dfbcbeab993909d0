"""What a server's value says as a point's value, and that nothing a server can send raises."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import ProfileError
from protocols.opcua.values import Sample, decode_golden, judge, parts_of
from protocols.profile.golden import check_golden
from protocols.profile.loader import shipped_profiles
from protocols.quality import Quality
from protocols.reading import Value
from tests.fixtures.modbus_profiles import profile
from tests.fixtures.opcua_profiles import enum, point

STATION = shipped_profiles()["gengfu/hydrogen-station"]
BOTH_WAYS = {"opcua": {"words": {"true": 2, "false": 1}}}
NUMBER = point("n", range=[0.0, 100.0])
TENTHS = point("n", range=[0.0, 100.0], opcua={"scale": 0.1})
FLAG = point("f", "flag")
BIT = point("f", "flag", opcua={"bit": 3})
VALVE = enum("e", "unknown", "open", "closed")
SWITCH = enum("e", "unknown", "open", "closed", **BOTH_WAYS)
WORDS = enum("e", "unknown", "open", "closed", opcua={"words": {"ZU": 2}})
TEXT = point("t", "text")


def one(part: dict[str, Any], value: object, status: int = 0) -> tuple[Value, Quality]:
    """What a profile of one point makes of a value."""
    made = profile(part)
    values, quality = judge(made, parts_of(made), [(0, Sample(value, status))])
    return values[0], Quality(quality[0])


@pytest.mark.parametrize(
    ("part", "sent", "value", "quality"),
    [
        (NUMBER, 3.25, 3.25, "GOOD"),
        (NUMBER, 3, 3.0, "GOOD"),
        (NUMBER, True, 1.0, "GOOD"),
        (NUMBER, 101.0, 101.0, "BAD_OVER_RANGE"),
        (NUMBER, -1, -1.0, "BAD_UNDER_RANGE"),
        (NUMBER, "3", None, "BAD_TYPE"),
        (NUMBER, [3.0], None, "BAD_TYPE"),
        (NUMBER, object(), None, "BAD_TYPE"),
        (NUMBER, 2**64, None, "BAD_TYPE"),
        (NUMBER, None, None, "BAD_MISSING"),
        (NUMBER, math.nan, None, "BAD_MISSING"),
        (NUMBER, math.inf, math.nextafter(100.0, math.inf), "BAD_OVER_RANGE"),
        (TENTHS, 12, 1.2, "GOOD"),
        (TENTHS, 12.0, 12.0 * 0.1, "GOOD"),
        (FLAG, True, 1.0, "GOOD"),
        (FLAG, 0, 0.0, "GOOD"),
        (FLAG, 1.0, 1.0, "GOOD"),
        (FLAG, 2, None, "BAD_TYPE"),
        (BIT, 0b1000, 1.0, "GOOD"),
        (BIT, 0b0111, 0.0, "GOOD"),
        (BIT, -1, 1.0, "GOOD"),
        (BIT, 8.0, None, "BAD_TYPE"),
        (VALVE, 2, 2.0, "GOOD"),
        (VALVE, 7, 7.0, "BAD_TYPE"),
        (VALVE, 1.5, None, "BAD_TYPE"),
        (VALVE, "closed", None, "BAD_TYPE"),
        (SWITCH, True, 2.0, "GOOD"),
        (SWITCH, False, 1.0, "GOOD"),
        (WORDS, "ZU", 2.0, "GOOD"),
        (WORDS, "AUF", None, "BAD_TYPE"),
        (TEXT, "气", "气", "GOOD"),
        (TEXT, 3, None, "BAD_TYPE"),
    ],
)
def test_value_is_what_its_point_says(part: dict[str, Any], sent: object, value: Value, quality: str) -> None:
    assert one(part, sent) == (value, Quality[quality])


@pytest.mark.parametrize(
    ("sent", "status", "value", "quality"),
    [
        (55.0, 0x808C0000, 55.0, "BAD_SENSOR_FAULT"),  # a bad value is kept, and judged (S3)
        (55.0, 0x40900000, 55.0, "UNCERTAIN_STALE"),
        (101.0, 0x808C0000, 101.0, "BAD_OVER_RANGE"),  # no fault hides an over-range
        (None, 0x80310000, None, "BAD_COMM_LOSS"),
        ("x", 0x80310000, None, "BAD_COMM_LOSS"),
        (None, 0x40900000, None, "BAD_MISSING"),
        ("x", 0x40900000, None, "BAD_TYPE"),
    ],
)
def test_status_makes_it_worse_and_never_better(sent: object, status: int, value: Value, quality: str) -> None:
    assert one(NUMBER, sent, status) == (value, Quality[quality])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(object),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=5,
)


@given(st.sampled_from([NUMBER, TENTHS, FLAG, BIT, VALVE, SWITCH, WORDS, TEXT]), ANYTHING, st.integers(0, 2**32 - 1))
def test_any_value_with_any_status_is_judged(part: dict[str, Any], sent: object, status: int) -> None:
    value, quality = one(part, sent, status)
    assert value is None or isinstance(value, str) or math.isfinite(value)
    assert (quality >> 6) >= min(status >> 30, 2)
    assert value is not None or quality.is_bad


def test_every_point_of_the_hydrogen_station_has_a_golden_sample() -> None:
    assert list(check_golden(STATION, {"opcua": decode_golden})) == []
    covered = {one.point for part in STATION.file.golden for one in part.opcua}
    assert covered == set(STATION.by_name)
    assert STATION.file.command == ()


def test_golden_sample_that_the_file_tells_otherwise_is_found() -> None:
    wrong = profile(NUMBER)
    golden = wrong.file.golden[0].model_validate(
        {"name": "g", "opcua": ({"point": "n", "value": 3.0},), "values": {"n": 4.0}}
    )
    assert decode_golden(wrong, golden).values == (3.0,)


def test_profile_without_a_node_is_told() -> None:
    with pytest.raises(ProfileError, match="no point has an OPC UA node"):
        parts_of(profile({"name": "n"}))
