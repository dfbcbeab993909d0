"""Grafana's two steps from the text of a panel to the text that InfluxDB gets, with the traps they hold."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dashboards.interpolation import (
    Chosen,
    NotReplaced,
    Span,
    Value,
    as_regex,
    duration,
    interpolate,
    on_the_page,
)

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
SPAN = Span(1_795_000_000_000, 1_795_000_000_000 + HOUR)
ONE, TWO = ("a:1",), ("a:1", "b.2/x")


def page(text: str, value: Value, *, is_multi: bool = False) -> str:
    return on_the_page(text, {"v": Chosen(value, is_multi)}, SPAN)


@pytest.mark.parametrize(
    ("text", "value", "is_multi", "expected"),
    [
        ("x =~ /^$v$/", TWO, True, r"x =~ /^(a:1|b\.2\/x)$/"),
        ("x =~ /^$v$/", ONE, True, "x =~ /^(a:1)$/"),
        ("x =~ /^$v$/", "b.2/x", True, r"x =~ /^b\.2\/x$/"),
        ("x =~ /^${v}$/", TWO, True, r"x =~ /^(a:1|b\.2\/x)$/"),
        ("x =~ /^[[v]]$/", TWO, True, r"x =~ /^(a:1|b\.2\/x)$/"),
        ("x = '$v'", "b.2/x", True, r"x = 'b\.2\/x'"),
        ("x = '$v'", "b.2/x", False, "x = 'b.2/x'"),
        ("x =~ /^$v$/", "b.2/x", False, r"x =~ /^b\.2\/x$/"),
        ("x !~ /^($v)$/", TWO, False, r"x !~ /^((a:1|b\.2\/x))$/"),
        ("x =~ /^${v:regex}$/", TWO, False, r"x =~ /^(a:1|b\.2\/x)$/"),
        ("x =~ /^${v:regex}$/", ONE, True, "x =~ /^a:1$/"),
        ("${v:raw} ${v:pipe} ${v:csv}", TWO, True, "a:1,b.2/x a:1|b.2/x a:1,b.2/x"),
        ("${v:singlequote} [[v:doublequote]]", ("it's", 'a"b'), True, r"""'it\'s','a"b' "it's","a\"b" """.strip()),
    ],
)
def test_a_variable_is_replaced_as_its_place_needs(text: str, value: Value, is_multi: bool, expected: str) -> None:
    assert page(text, value, is_multi=is_multi) == expected


@pytest.mark.parametrize(
    ("text", "value", "is_multi"),
    [("x =~ /^$v$/", "8th/floor", True), ("x =~ /^$v$/", "8th/floor", False), ("x =~ /^${v}$/", "a/b", False)],
)
def test_what_grafana_does_not_escape_stays_so(text: str, value: str, is_multi: bool) -> None:
    assert page(text, value, is_multi=is_multi) == f"x =~ /^{value}$/"
    by_regex = "x =~ /^${v:regex}$/"
    assert page(by_regex, value, is_multi=is_multi) == f"x =~ /^{value.replace('/', chr(92) + '/')}$/"


def test_all_is_every_option_or_a_text_of_its_own() -> None:
    every = {"v": Chosen(TWO, is_multi=True, is_all=True)}
    own = {"v": Chosen(TWO, is_multi=True, is_all=True, custom_all="$w.*"), "w": Chosen("b")}
    assert on_the_page("/^$v$/", every, SPAN) == r"/^(a:1|b\.2\/x)$/"
    assert on_the_page("/^${v:regex}$/ ${v:text}", own, SPAN) == "/^b.*$/ All"


def test_the_server_replaces_four_macros() -> None:
    text = "SELECT x WHERE $timeFilter GROUP BY time($__interval), time($interval) $__interval_ms ${__interval}"
    assert interpolate(text, {}, SPAN._replace(points=60)) == (
        "SELECT x WHERE time >= 1795000000000ms and time <= 1795003600000ms "
        "GROUP BY time(1m), time(1m) 60000 1m"
    )  # fmt: skip


def test_the_edges_of_the_range() -> None:
    text = "$__from ${__to} ${__from:date:seconds} ${__from:date}"
    assert interpolate(text, {}, SPAN) == "1795000000000 1795003600000 1795000000 2026-11-18T11:06:40.000Z"


@pytest.mark.parametrize(
    "text",
    [
        "$foo",
        "${foo}",
        "[[foo]]",
        "$__range",
        "${__range_s}",
        "$__rate_interval",
        "$__timeFilter",
        "${v.x}",
        "${v:new}",
    ],
)
def test_what_is_left_over_is_an_error(text: str) -> None:
    with pytest.raises(NotReplaced):
        interpolate(f"SELECT {text}", {"v": Chosen("a")}, SPAN)


def test_a_regular_expression_with_an_anchor_is_no_variable() -> None:
    assert interpolate("x =~ /^a$/ AND y =~ /[[:alpha:]]$/", {}, SPAN) == "x =~ /^a$/ AND y =~ /[[:alpha:]]$/"


@pytest.mark.parametrize(
    ("ms", "points", "least", "expected"),
    [
        (HOUR, 1000, 1, "5s"),
        (3 * DAY, 1000, 1, "5m"),
        (30 * DAY, 1000, 1, "30m"),
        (30 * DAY, 30, 1, "1d"),
        (HOUR, 1000, MINUTE, "1m"),
        (500, 1000, 1, "1ms"),
        (HOUR, 1000, 2 * DAY, "2d"),
    ],
)
def test_an_interval_is_rounded(ms: int, points: int, least: int, expected: str) -> None:
    assert duration(Span(0, ms, points, least).interval_ms) == expected


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1), min_size=1))
def test_a_regular_expression_matches_the_chosen_values_and_no_other(values: list[str]) -> None:
    found = re.compile(f"^{as_regex(tuple(values))}$")
    assert all(found.fullmatch(value) for value in values)
    assert not found.fullmatch("".join(values) + "!")
    assert re.search(r"(?<!\\)(?:\\\\)*/", found.pattern) is None
