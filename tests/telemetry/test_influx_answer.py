"""Answers to a write, as 1.6.7 gave them and as the documents and issue threads of 2.x and 3 show them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import HTTPHeaderDict

from telemetry.influx_answer import REASON_MAX, RETRY_AFTER_MAX_S, make_answer

CONFLICT = 'field type conflict: input field "v" on measurement "m" is type string, already exists as type float'
NAMED = b"""{"error": "partial write of line protocol occurred", "data": [
    {"original_line": "m v=hi 1", "line_number": 2, "error_message": "invalid column type"},
    {"original_line": "m 1", "line_number": 4, "error_message": "No fields were provided"}]}"""


def answer(status: int, body: bytes = b"", secrets: tuple[str, ...] = (), **headers: str) -> Any:
    named = HTTPHeaderDict({name.replace("_", "-"): value for name, value in headers.items()})
    return make_answer(status, named, body, secrets)


@pytest.mark.parametrize(
    ("status", "body", "dropped"),
    [
        (400, f'{{"error":"partial write: {CONFLICT} dropped=3"}}\n', 3),
        (400, '{"error":"unable to parse \'bad\': missing fields"}\n', None),
        (400, '{"error":"partial write: points beyond retention policy dropped=1"}\n', 1),
        (400, '{"error":"unable to parse \'m v=\\"dropped=7\': unbalanced quotes"}\n', None),
        (
            422,
            f'{{"code":"unprocessable entity","message":"failure writing points to database: '
            f'partial write: {CONFLICT} dropped=11"}}',
            11,
        ),
        (
            500,
            f'{{"code":"internal error","message":"unexpected error writing points to database: '
            f'partial write: {CONFLICT} dropped=32"}}',
            32,
        ),
        (413, "", None),
    ],
)
def test_refused_lines_are_told_from_a_refused_request(status: int, body: str, dropped: int | None) -> None:
    found = answer(status, body.encode())
    assert (found.speaks_of_lines, found.is_for_later, found.dropped) == (True, False, dropped)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, '{"error":"database is required"}'),
        (400, '{"error":"unexpected EOF"}'),
        (400, '{"code":"invalid","message":"Please provide either orgID or org"}'),
        (401, '{"code":"unauthorized","message":"unauthorized access"}'),
        (403, '{"error":"forbidden to write: unable to parse the token"}'),
        (404, '{"error":"database not found: \\"x\\""}'),
        (302, ""),
        (200, "ok"),
    ],
)
def test_what_no_second_try_mends_is_neither_of_lines_nor_for_later(status: int, body: str) -> None:
    found = answer(status, body.encode())
    assert (found.speaks_of_lines, found.is_for_later) == (False, False)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_an_overloaded_server_is_asked_again(status: int) -> None:
    found = answer(status, b'{"error":"partial write: timeout"}')
    assert (found.speaks_of_lines, found.is_for_later) == (False, True)


def test_named_lines_are_counted_from_the_first_that_was_sent() -> None:
    assert answer(400, NAMED).named(4) == {1: "400: invalid column type", 3: "400: No fields were provided"}


def test_a_named_line_that_was_not_sent_names_nothing() -> None:
    assert answer(400, NAMED).named(1) == {}
    assert answer(400, NAMED.replace(b'"line_number": 2', b'"line_number": 0')).named(3) == {}


def test_the_first_line_alone_may_be_named() -> None:
    body = b'{"error":"parsing failed for write_lp endpoint","data":{"line_number":2,"error_message":"no fields"}}'
    assert answer(400, body).named(2) == {1: "400: no fields"}


@pytest.mark.parametrize("status", [204, 413, 500, 401])
def test_only_an_answer_about_lines_names_them(status: int) -> None:
    assert answer(status, NAMED).named(4) == {}


@given(body=st.binary() | st.text().map(str.encode), status=st.integers(200, 599))
def test_any_body_is_read_without_an_error(body: bytes, status: int) -> None:
    found = answer(status, body)
    assert isinstance(found.named(5), dict)
    assert len(found.reason) <= REASON_MAX
    assert not (found.speaks_of_lines and found.is_for_later)


def test_a_secret_that_the_server_repeats_is_not_shown() -> None:
    body = b'{"error":"parsing failed","data":[{"line_number":1,"error_message":"no hunter2 here"}]}'
    found = answer(400, body, ("hunter2",))
    assert "hunter2" not in found.reason + found.named(1)[0]
    assert found.named(1)[0] == "400: no *** here"
    assert "hunter2" not in answer(401, secrets=("hunter2",), X_Influxdb_Error="hunter2 is wrong").reason


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("999999", RETRY_AFTER_MAX_S),
        ("9" * 400, RETRY_AFTER_MAX_S),
        ("-3", 0.0),
        ("soon", 0.0),
        ("", 0.0),
        ("Sun, 22 Nov 2026 08:00:20 GMT", 20.0),
        ("Sun, 22 Nov 2026 07:59:00 GMT", 0.0),
        ("Sun, 22 Nov 2027 08:00:00 GMT", RETRY_AFTER_MAX_S),
        ("Sun, 22 Nov 2026 08:00:20 -0000", 0.0),
    ],
)
def test_the_time_to_come_back_is_bounded_and_a_date_is_judged_by_the_servers_clock(value: str, seconds: float) -> None:
    assert answer(429, retry_after=value, date="Sun, 22 Nov 2026 08:00:00 GMT").retry_after_s == seconds


def test_a_date_without_the_servers_own_says_nothing() -> None:
    assert answer(503, retry_after="Sun, 22 Nov 2026 08:00:20 GMT").retry_after_s == 0.0


@given(value=st.text(max_size=40), date=st.text(max_size=40))
def test_any_time_to_come_back_is_read_without_an_error(value: str, date: str) -> None:
    found = make_answer(503, {"Retry-After": value, "Date": date}, b"")
    assert 0.0 <= found.retry_after_s <= RETRY_AFTER_MAX_S
