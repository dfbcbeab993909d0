"""How values, units, qualities and times are written."""

import pytest

from console.errors import BadParameter
from console.present import finite, iso, parse_step, parse_time, quality_text, unit_text
from protocols.quality import Quality

NOW = 1_795_000_000_000_000_000


@pytest.mark.parametrize(
    ("code", "text"),
    [("%{LEL}", "%LEL"), ("%{vol}", "vol%"), ("[ppm]", "ppm"), ("Cel", "°C"), ("1", ""), ("By", "B"), ("kPa", "kPa")],
)
def test_units_are_written_for_people(code: str, text: str) -> None:
    assert unit_text(code) == text


def test_every_quality_has_severity_and_reason() -> None:
    assert {quality_text(one) for one in Quality} == {
        "good",
        "uncertain:clock",
        "uncertain:warm-up",
        "uncertain:under-test",
        "uncertain:stale",
        "uncertain:expired",
        "bad:over-range",
        "bad:under-range",
        "bad:sensor-fault",
        "bad:comm-loss",
        "bad:missing",
        "bad:type",
    }


@pytest.mark.parametrize(("code", "text"), [(0x7F, "uncertain:other"), (0x9F, "bad:other"), (0xFF, "bad:other")])
def test_a_quality_of_a_newer_release_keeps_its_severity(code: int, text: str) -> None:
    assert quality_text(code) == text


def test_a_code_without_a_name_in_the_good_range_is_not_called_good() -> None:
    assert quality_text(0x3F) == "bad:other"


def test_what_json_cannot_carry_becomes_none() -> None:
    assert [finite(one) for one in (float("nan"), float("inf"), 1.5, "x", None)] == [None, None, 1.5, "x", None]


def test_times_have_milliseconds_that_are_cut() -> None:
    assert iso(NOW + 1_999_999) == "2026-11-18T11:06:40.001Z"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-18T11:06:40Z", NOW),
        ("2026-11-18t11:06:40.000000001z", NOW + 1),
        ("2026-11-18T19:06:40.5+08:00", NOW + 500_000_000),
        ("2026-11-18T19:06:40 08:00", NOW),
        ("2026-11-18T06:06:40-05:00", NOW),
        ("1970-01-01T00:00:00Z", 0),
        ("now", NOW),
        ("-1h", NOW - 3600 * 10**9),
        ("-500ms", NOW - 500_000_000),
        ("-2d", NOW - 2 * 86400 * 10**9),
    ],
)
def test_times_are_understood(text: str, at: int) -> None:
    assert parse_time("query.from", text, NOW) == at


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-11-18T11:06:40",
        "2026-11-18",
        "2026-13-18T11:06:40Z",
        "2026-11-18T25:06:40Z",
        "2026-11-18T11:06:40+25:00",
        "1969-12-31T23:59:59Z",
        "2300-01-01T00:00:00Z",
        "-1w",
        "-",
        "-99999d",
        "２026-11-18T11:06:40Z",
    ],
)
def test_other_times_are_refused_by_name(text: str) -> None:
    with pytest.raises(BadParameter) as caught:
        parse_time("query.from", text, NOW)
    assert caught.value.where == "query.from"


@pytest.mark.parametrize("text", ["0s", "10", "s", "1.5s", "10 s", "-1s", "1w"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(BadParameter):
        parse_step("query.every", text)
