"""What people write down: each kind of evidence is taken when it is right, and else refused with the reason."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.answers import check_answer
from operations.errors import ActionRefused
from operations.plan import Evidence, Option
from protocols.document import Text
from protocols.moment import SECOND
from tests.operations.story import START

TITLE = Text(zh="项", en="Item")
OPTIONS = tuple(Option(id=name, title=Text(zh=name, en=name.upper())) for name in ("gas", "air"))
KINDS = {
    "text": Evidence(id="x", title=TITLE),
    "count": Evidence(id="x", kind="count", at_least=6, title=TITLE),
    "reading": Evidence(id="x", kind="reading", unit="%{LEL}", title=TITLE),
    "time": Evidence(id="x", kind="time", title=TITLE),
    "choice": Evidence(id="x", kind="choice", options=OPTIONS, title=TITLE),
    "checklist": Evidence(id="x", kind="checklist", options=OPTIONS, title=TITLE),
}
NOW = datetime.fromtimestamp(START // SECOND, UTC)


def refused(kind, text):
    try:
        check_answer(KINDS[kind], text, START)
    except ActionRefused as error:
        return error.en if error.zh.startswith("项:") else f"no Chinese: {error.zh}"
    return ""


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("text", " ", "Item: needs 1 to 2000 characters"),
        ("text", "x" * 2001, "Item: needs 1 to 2000 characters"),
        ("count", "6", ""),
        ("count", "5", "Item: needs a whole number of at least 6, not '5'"),
        ("count", "6.0", "Item: needs a whole number of at least 6, not '6.0'"),
        ("count", "٧", "Item: needs a whole number of at least 6, not '٧'"),
        ("count", "9" * 2000, "Item: needs a whole number of at least 6, not '99999999999999999999'"),
        ("reading", "-0.4", ""),
        ("reading", "low", "Item: needs a number in %{LEL}, not 'low'"),
        ("reading", "nan", "Item: needs a number in %{LEL}, not 'nan'"),
        ("reading", "1e999", "Item: needs a number in %{LEL}, not '1e999'"),
        ("choice", "gas", ""),
        ("choice", "Gas", "Item: 'Gas' is none of gas (GAS), air (AIR)"),
        ("choice", "gas air", "Item: 'gas air' is none of gas (GAS), air (AIR)"),
        ("checklist", "air  gas", ""),
        ("checklist", "gas", "Item: not ticked: AIR"),
        ("checklist", "gas air water", "Item: no line is called 'water'; use gas, air"),
        ("time", NOW.isoformat(), ""),
        ("time", NOW.replace(tzinfo=None).isoformat(), "Item: needs a time such as 2026-11-23T10:32:00+08:00, not "),
        ("time", "10:32", "Item: needs a time such as 2026-11-23T10:32:00+08:00, not '10:32'"),
        ("time", "ok", "Item: needs a time such as 2026-11-23T10:32:00+08:00, not 'ok'"),
        ("time", "9999-12-31T23:59:59+00:00", "is in the future; give the time at which it was"),
        ("time", "0001-01-01T00:00:00+14:00", ""),
    ],
)
def test_an_answer_is_of_its_kind(kind, text, reason):
    found = refused(kind, text)
    assert reason in found
    assert bool(found) is bool(reason)


def test_a_time_may_be_ahead_by_the_clock_of_a_phone_and_no_further():
    assert refused("time", (NOW + timedelta(seconds=60)).isoformat()) == ""
    assert "in the future" in refused("time", (NOW + timedelta(seconds=61)).isoformat())
    far_east = (NOW + timedelta(hours=8)).replace(tzinfo=None).isoformat()
    assert refused("time", far_east + "+08:00") == ""


@given(kind=st.sampled_from(sorted(KINDS)), text=st.text(max_size=60))
def test_whatever_is_written_is_taken_or_refused_with_words(kind, text):
    reason = refused(kind, text)
    if not reason and kind == "reading":
        assert math.isfinite(float(text))
    if not reason and kind == "choice":
        assert text in ("gas", "air")
