"""Annotation lines: any text, against the parser of InfluxDB's description and on a real influxd."""

from collections.abc import Iterator
from contextlib import closing
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.reading import Origin
from telemetry.annotation import MEASUREMENT, STEP_NS, Annotation, annotation_line
from telemetry.influx import InfluxWriter
from telemetry.influx_settings import InfluxSettings
from telemetry.line_protocol import Unwritable
from telemetry.sink import TIME_MAX
from tests.fixtures.influx import Influxd
from tests.telemetry.line_parser import parse
from tests.telemetry.readings import T0

LEAK = Annotation(
    "alarm",
    T0,
    Origin.LIVE,
    "demo",
    "street/hotpot",
    "Gas leak",
    "燃气泄漏",
    "Kitchen",
    "厨房",
    "t:gas:1",
    "critical",
    "t:gas:1~CK-04",
    "CK-04",
    "unacknowledged",
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ['"', "\\", '\\"', "\\\\", "a\nb", "\r\n", "a,b=c d", "燃气 泄漏,一级", " ", "\\\n", '",x="']
)
PLACE = st.text(st.sampled_from("abc/区, =\"'"), min_size=1, max_size=10)


def test_a_line_has_its_tags_its_fields_and_its_time() -> None:
    one = parse(annotation_line(LEAK, 7))
    assert (one.measurement, one.at) == (MEASUREMENT, T0 + 7)
    assert one.tags == {
        "device": "t:gas:1",
        "district": "street/hotpot",
        "kind": "alarm",
        "origin": "live",
        "priority": "critical",
        "site": "demo",
    }
    assert one.fields == {
        "alarm": "t:gas:1~CK-04",
        "rule": "CK-04",
        "state": "unacknowledged",
        "text": "Kitchen",
        "text_zh": "厨房",
        "title": "Gas leak",
        "title_zh": "燃气泄漏",
    }


def test_what_there_is_none_of_is_left_out() -> None:
    bare = Annotation("plan", T0, Origin.DRILL, "demo", "", "", "", "", "")
    one = parse(annotation_line(bare, 0))
    assert one.tags == {"kind": "plan", "origin": "drill", "site": "demo"}
    assert one.fields == {"title": ""}


@pytest.mark.parametrize("at", [TIME_MAX, -TIME_MAX - 10])
def test_a_time_that_no_store_has_is_refused(at: int) -> None:
    with pytest.raises(Unwritable, match="1677 to 2262"):
        annotation_line(LEAK._replace(at=at), 1)


def test_a_place_that_no_tag_can_carry_is_refused() -> None:
    with pytest.raises(Unwritable, match="district"):
        annotation_line(LEAK._replace(district="a\nb"), 1)


@given(position=st.integers(1, 2**50), step=st.integers(1, STEP_NS - 1))
def test_entries_of_one_instant_have_times_of_their_own(position: int, step: int) -> None:
    first, second = (parse(annotation_line(LEAK, one)).at for one in (position, position + step))
    assert first != second
    assert 0 <= first - T0 < STEP_NS


@given(title=TEXT, text=TEXT, state=TEXT, district=PLACE, origin=st.sampled_from(Origin))
def test_a_line_reads_back_as_what_it_was_made_of(
    title: str, text: str, state: str, district: str, origin: Origin
) -> None:
    made = LEAK._replace(title=title, title_zh=text, text=text, state=state, district=district, origin=origin)
    one = parse(annotation_line(made, 3))
    assert one.tags["district"] == district
    assert one.tags["origin"] == origin.name.lower()
    assert one.fields["title"] == title
    assert (one.fields.get("text", ""), one.fields.get("text_zh"), one.fields.get("state", "")) == (text, "厨房", state)
    assert one.at == T0 + 3


@pytest.fixture(scope="module")
def examples(influxd: Influxd) -> Iterator[tuple[InfluxWriter, str, Iterator[int]]]:
    database = influxd.database("annotations")
    with closing(InfluxWriter(InfluxSettings(url=influxd.url, database=database))) as writer:
        yield writer, database, count()


@pytest.mark.server
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=TEXT, text=TEXT, district=PLACE)
def test_the_real_server_reads_any_text_as_we_meant_it(
    influxd: Influxd, examples: tuple[InfluxWriter, str, Iterator[int]], title: str, text: str, district: str
) -> None:
    writer, database, numbers = examples
    made = LEAK._replace(title=title, text=text, district=district, device=f"d{next(numbers)}")
    assert writer.write([annotation_line(made, 5)]) == []
    (row,) = influxd.query(f"SELECT * FROM annotation WHERE device = '{made.device}'", database)
    assert (row["title"], row.get("text") or "", row["district"], row["time"]) == (title, text, district, T0 + 5)
