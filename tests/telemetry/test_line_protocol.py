"""Lines against a small parser written from InfluxDB's description, not from our encoder (`line_parser`)."""

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocols.quality import Quality
from protocols.reading import Origin, Reading, Value
from telemetry.line_protocol import RESERVED, LineEncoder, Unwritable, field_names
from telemetry.store import Series
from tests.telemetry.line_parser import Parsed, parse
from tests.telemetry.readings import GAS, T0, reading, series_of


def line(one: Reading) -> str | None:
    return LineEncoder(series_of).line(one)


def fields(*values: Value, quality: tuple[int, ...] | None = None) -> dict[str, float | int | str]:
    text = line(reading(T0, *values, quality=quality))
    return parse(text).fields if text else {}


def test_line_of_a_gas_alarm() -> None:
    assert line(reading(T0, 12.5, 0.0, "ok")) == (
        "gas_alarm,device=t:gas:1,district=street/hotpot,origin=live,profile=gengfu/gas-alarm,site=demo "
        'methane_q=0i,methane=12.5,co_q=0i,co=0.0,note_q=0i,note="ok" 1790000000000000000'
    )


@pytest.mark.parametrize(("origin", "tag"), [(Origin.DRILL, "drill"), (Origin.SIMULATED, "simulated")])
def test_origin_is_a_tag_even_after_live_was_written(origin: Origin, tag: str) -> None:
    encoder = LineEncoder(series_of)
    encoder.line(reading(T0, 1.0))
    assert parse(encoder.line(reading(T0, 1.0, origin=origin)) or "").tags["origin"] == tag


@pytest.mark.parametrize("number", [1, True, 10**20, 1e300, 5e-324, -0.0])
def test_numbers_are_always_floats(number: float) -> None:
    found = fields(number)["methane"]
    assert isinstance(found, float)
    assert math.copysign(1, found) * abs(found) == float(number)


@pytest.mark.parametrize("number", [1, True, 10**20])
def test_a_number_among_others_is_a_float_too(number: float) -> None:
    found = fields(2.5, number)
    assert found == {"methane_q": 0, "methane": 2.5, "co_q": 0, "co": float(number)}
    assert isinstance(found["co"], float)


@pytest.mark.parametrize("text", ["1.5", ".", "}.{", '":.'])
def test_a_text_that_looks_like_a_number_or_like_json_stays_a_text(text: str) -> None:
    assert fields(2.5, text) == {"methane_q": 0, "methane": 2.5, "co_q": 0, "co": text}


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_is_no_value_is_skipped(value: Value) -> None:
    assert fields(value, 2.0) == {"co_q": 0, "co": 2.0}


def test_quality_alone_is_written_where_it_says_why() -> None:
    assert fields(None, math.nan, quality=(Quality.BAD_COMM_LOSS, Quality.BAD_SENSOR_FAULT)) == {
        "methane_q": Quality.BAD_COMM_LOSS,
        "co_q": Quality.BAD_SENSOR_FAULT,
    }


def test_value_of_the_wrong_type_does_not_spoil_the_line() -> None:
    assert fields("much", 2.0, quality=(Quality.BAD_TYPE, 0)) == {"methane_q": Quality.BAD_TYPE, "co_q": 0, "co": 2.0}


def test_uncertain_value_is_written_with_its_quality() -> None:
    assert fields(7.5, quality=(Quality.UNCERTAIN_WARM_UP,)) == {"methane_q": Quality.UNCERTAIN_WARM_UP, "methane": 7.5}


@pytest.mark.parametrize("values", [(), (None,), (math.nan, None)])
def test_reading_with_nothing_to_say_has_no_line(values: tuple[Value, ...]) -> None:
    assert line(reading(T0, *values)) is None


def test_stamp_of_a_wrong_clock_is_kept_as_an_integer() -> None:
    assert parse(line(reading(T0, 1.0, claimed_at=T0 - 5)) or "").fields["claimed_at"] == T0 - 5


def test_unregistered_device_is_refused() -> None:
    with pytest.raises(Unwritable, match="not registered"):
        line(reading(T0, 1.0, device="t:gas:9"))


def test_changed_series_takes_effect_at_once() -> None:
    places = {"t:gas:1": GAS}
    encoder = LineEncoder(places.get)
    encoder.line(reading(T0, 1.0))
    places["t:gas:1"] = GAS._replace(area="mall/noodles")
    assert parse(encoder.line(reading(T0, 1.0)) or "").tags["district"] == "mall/noodles"


def test_field_names_are_never_those_of_tags_or_qualities() -> None:
    assert field_names(["time", "device", "a", "a_q", "time_", "b"]) == ["time_", "device_", "a", "a_q_", "time__", "b"]


@given(st.lists(st.sampled_from([*sorted(RESERVED), "a", "a_q", "a_", "a_q_", "a__q", "time_"]), unique=True))
def test_all_fields_of_a_line_have_different_names(points: list[str]) -> None:
    names = field_names(points)
    everything = [*names, *(f"{name}_q" for name in names)]
    assert len(set(everything)) == len(everything)
    assert RESERVED.isdisjoint(everything)


@pytest.mark.parametrize("wrong", ["two\nlines", "tab\there", "end\\", "\x00", "a\\,b", "a\\=b", "a\\ b"])
@pytest.mark.parametrize("place", ["kind", "area", "site"])
def test_name_that_line_protocol_cannot_carry_is_refused(place: str, wrong: str) -> None:
    names = {"kind": GAS.kind, "area": GAS.area, "site": GAS.site, place: wrong}
    series = Series(GAS.profile, names["kind"], names["site"], names["area"], GAS.points)
    with pytest.raises(Unwritable, match="cannot be written"):
        LineEncoder(lambda device: series).line(reading(T0, 1.0))


@pytest.mark.parametrize("wrong", ["two\nlines", "end\\", "a\\=b"])
def test_point_that_line_protocol_cannot_carry_is_refused(wrong: str) -> None:
    with pytest.raises(Unwritable, match="cannot be written"):
        LineEncoder(lambda device: GAS._replace(points=("methane", wrong))).line(reading(T0, 1.0))


@pytest.mark.parametrize("kind", ["", "#comment"])
def test_measurement_that_would_be_no_line_is_refused(kind: str) -> None:
    with pytest.raises(Unwritable, match="measurement"):
        LineEncoder(lambda device: GAS._replace(kind=kind)).line(reading(T0, 1.0))


NAME = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda text: not re.search(r"\\([,= ]|\Z)", text) and not text.startswith("#")
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.lists(st.none() | st.floats() | TEXT, min_size=1, max_size=6)


@given(
    names=st.tuples(NAME, NAME, NAME, NAME),
    points=st.lists(NAME, min_size=6, max_size=6, unique=True),
    values=VALUES,
    data=st.data(),
    at=st.integers(-(2**63) + 2, 2**63 - 2),
)
def test_any_reading_comes_back_from_its_line(
    names: tuple[str, str, str, str], points: list[str], values: list[Value], data: st.DataObject, at: int
) -> None:
    device, kind, site, area = names
    codes = data.draw(st.lists(st.sampled_from(Quality), min_size=len(values), max_size=len(values)))
    series = Series("v/m", kind, site, area, tuple(points))
    one = Reading(device, "v/m", at, 0, Origin.LIVE, tuple(values), tuple(int(code) for code in codes))
    text = LineEncoder(lambda _: series).line(one)
    expected: dict[str, float | int | str] = {}
    for name, value, code in zip(field_names(points), values, codes, strict=False):
        written = code != Quality.BAD_TYPE and (isinstance(value, str) or (value is not None and math.isfinite(value)))
        if written and value is not None:
            expected[name] = value
        if written or code:
            expected[f"{name}_q"] = int(code)
    if not expected:
        assert text is None
        return
    tags = {"device": device, "district": area, "origin": "live", "profile": "v/m", "site": site}
    assert parse(text or "") == Parsed(kind, tags, expected, at)


CODE = st.sampled_from([Quality.GOOD, Quality.UNCERTAIN_CLOCK])
ALL_GOOD = (Quality.GOOD, Quality.GOOD, Quality.GOOD)


@given(
    points=st.lists(NAME, min_size=3, max_size=3, unique=True),
    values=st.tuples(st.floats(), st.floats(), st.floats()),
    codes=st.just(ALL_GOOD) | st.tuples(CODE, CODE, CODE),
)
@example(["a", "%s", "b%"], (0.1, 1e22, -0.0), ALL_GOOD)
@example(["a.b", "温度", "c"], (0.1, 0.2, 0.3), ALL_GOOD)
@example(["a.b", "c", "d"], (math.nan, math.inf, 1.5), ALL_GOOD)
@example(['q"', "k:", "{}"], (0.1, 0.2, 0.3), ALL_GOOD)
@example(["a", "b", "c"], (1e308, 1e308, 0.5), ALL_GOOD)
@example(["a", "b", "c"], (1.0, math.nan, math.inf), ALL_GOOD)
def test_numbers_come_back_to_the_last_digit(
    points: list[str], values: tuple[float, ...], codes: tuple[Quality, ...]
) -> None:
    """Of a whole reading of good numbers the line is made in one go."""
    series = Series("v/m", "kind", "site", "", tuple(points))
    one = Reading("d", "v/m", T0, 0, Origin.LIVE, values, tuple(map(int, codes)))
    text = LineEncoder(lambda _: series).line(one)
    found = parse(text).fields if text else {}
    expected: dict[str, float] = {}
    for name, value, code in zip(field_names(points), values, codes, strict=True):
        if math.isfinite(value):
            expected[name] = value
            assert math.copysign(1, value) == math.copysign(1, float(found[name]))
        if math.isfinite(value) or code:
            expected[f"{name}_q"] = int(code)
    assert found == expected


@pytest.mark.parametrize("points", [(), ("methane",)])
def test_a_reading_without_points_has_no_line(points: tuple[str, ...]) -> None:
    series = Series("v/m", "kind", "site", "", points)
    assert LineEncoder(lambda _: series).line(Reading("d", "v/m", T0, 0, Origin.LIVE, (), ())) is None
