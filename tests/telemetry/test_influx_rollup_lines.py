"""Which windows a line touches, and the words of statements and lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.reading import Origin, Reading
from telemetry.annotation import Annotation, annotation_line
from telemetry.influx_query import Row
from telemetry.influx_rollup_lines import MINUTE, points, summary_lines, touched
from telemetry.line_protocol import LineEncoder, Unwritable
from telemetry.store import Series

WORD = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=8)


@given(device=WORD, kind=WORD, area=WORD, at=st.integers(-(2**62), 2**62), note=st.text(st.characters(codec="utf-8")))
def test_a_line_touches_the_minute_of_its_reading(device: str, kind: str, area: str, at: int, note: str) -> None:
    series = Series("p", kind, "s", area, ("note",))
    try:
        line = LineEncoder(lambda _: series).line(Reading(device, "p", at, at, Origin.LIVE, (note,), (0,)))
    except Unwritable:
        return
    assert line is not None
    assert touched([line, line]) == {(kind, at // MINUTE * MINUTE): {device}}


def test_devices_of_a_kind_and_minute_are_together() -> None:
    lines = ["gas,device=a x_q=0i,x=1.0 59999999999", "gas,device=b x=1.0 1", "gas,device=a x=1.0 60000000000"]
    assert touched(lines) == {("gas", 0): {"a", "b"}, ("gas", MINUTE): {"a"}}


@pytest.mark.parametrize("line", ["gateway,origin=live,site=s up=1.0 5", "device_health,connection=c,device=d up=1 5"])
def test_what_is_no_reading_touches_nothing(line: str) -> None:
    assert touched([line]) == {}


def test_an_annotation_of_a_device_has_no_numbers_to_roll_up() -> None:
    line = annotation_line(Annotation("alarm", 5, Origin.LIVE, "s", "d", "t", "t", "x", "x", device="a"), 0)
    assert touched([line]).keys() <= {("annotation", 0)}


def test_a_number_with_a_quality_beside_it_is_a_point() -> None:
    types = {"x": "float", "x_q": "integer", "alone": "float", "note": "string", "note_q": "integer", "n": "integer"}
    rows = [Row({}, {"fieldKey": key, "fieldType": kind}) for key, kind in types.items()]
    assert points([*rows, Row({}, {"fieldKey": "x", "fieldType": "string"})]) == ["x"]


def test_a_summary_is_a_line_with_the_tags_that_are_there() -> None:
    columns = {"time": 60, "mean_": 1.5, "min_": 1, "max_": 2, "count_": 2}
    row = Row({"device": "a b", "district": "", "site": "s"}, columns)
    assert list(summary_lines("gas meter", "x=y", [row])) == [
        r"gas\ meter,device=a\ b,site=s x\=y_mean=1.5,x\=y_min=1.0,x\=y_max=2.0,x\=y_count=2i 60"
    ]


def test_what_no_line_can_hold_is_left_out() -> None:
    columns = {"time": 60, "mean_": 1.5, "min_": 1, "max_": 2, "count_": 2}
    rows = [Row({"device": "a\\"}, columns), Row({"device": "b"}, columns)]
    assert [line.split()[0] for line in summary_lines("gas", "x", rows)] == ["gas,device=b"]
    assert list(summary_lines("gas", "x\\", rows)) == []
