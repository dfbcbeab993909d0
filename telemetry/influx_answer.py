"""What an InfluxDB answered to a write: stored, some lines refused, come back later, or never. Pure.

    204                     stored, all of it
    400, 422 about lines    some lines are refused; the others may be stored already (1.x, 3) or not (2.x when one
                            cannot be parsed), so they are sent again until a 204 covers them
    413                     too large
    408, 429, 5xx           come back, not before ``Retry-After``
    anything else           refused until an operator acts; that is so of a 400 that does not speak of lines, too

Which lines: 3 names them, up to 100 an answer. 1.x and 2.x say how many points they dropped (`dropped=`), which
names them only if it is all. 2.x answers 422 where 1.x answers 400; a release candidate of 2.0 answered 500 (influxdb
issue 19779). (1.6.7 was seen; 2.x and 3 are as their documents and issue threads show them.)
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import msgspec

REASON_MAX = 500
RETRY_AFTER_MAX_S = 300.0
"""A server that asks for more is asked again all the same: five minutes of readings are easily held."""
_RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
_DROPPED = re.compile(r'dropped=(\d+)["}\s]*$')
"""At the very end: a parse error quotes the line, which may hold anything."""
_OF_LINES = re.compile(r"partial write|unable to parse|pars(?:e|ing)\b|field type|retention|schema|line protocol", re.I)


class Answer(NamedTuple):
    """``status``, and what was said. ``retry_after_s``: 0.0 unless the server asked for more. ``secrets``: what a
    reason never shows, should the server repeat it. ``version``: what the server calls itself, if it does."""

    status: int
    text: str
    body: bytes
    retry_after_s: float
    secrets: tuple[str, ...] = ()
    version: str | None = None

    @property
    def reason(self) -> str:
        """Status and text, not too long for a message."""
        return self._shown(self.text)

    @property
    def speaks_of_lines(self) -> bool:
        """Whether it refuses lines (or their number), and not the request as a whole."""
        if self.status == 500:
            return self.dropped is not None and "partial write" in self.text
        return self.status == 413 or (self.status in (400, 422) and bool(_OF_LINES.search(self.text)))

    @property
    def is_for_later(self) -> bool:
        """Whether the same request may be taken another time."""
        return self.status in _RETRYABLE and not self.speaks_of_lines

    @property
    def dropped(self) -> int | None:
        """How many points the server says it dropped: where that is all of them, no search is needed."""
        found = _DROPPED.search(self.text)
        return int(found.group(1)) if found else None

    def named(self, count: int) -> dict[int, str]:
        """The lines it names, of ``count`` that were sent: place (from 0) -> reason. Empty when it names none."""
        if self.status not in (400, 422):
            return {}
        return {
            one.line_number - 1: self._shown(one.error_message)
            for one in _line_errors(self.body)
            if 1 <= one.line_number <= count
        }

    def _shown(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return f"{self.status}: {text}"[:REASON_MAX]


class _LineError(msgspec.Struct):
    line_number: int
    error_message: str


class _Errors(msgspec.Struct):
    data: list[_LineError] | _LineError | None = None
    """A list, or the first one alone where the server stored nothing."""


def make_answer(status: int, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...] = ()) -> Answer:
    """``headers``: their names in any case, as ``get`` of the mapping does not mind it."""
    text = headers.get("X-Influxdb-Error") or body.decode("utf-8", "replace")
    later_s = _retry_after_s(headers.get("Retry-After"), headers.get("Date"))
    return Answer(status, text.strip(), body, later_s, secrets, headers.get("X-Influxdb-Version"))


def _line_errors(body: bytes) -> list[_LineError]:
    try:
        data = msgspec.json.decode(body, type=_Errors).data
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    return data if isinstance(data, list) else [data] if data else []


def _retry_after_s(value: str | None, now: str | None) -> float:
    """RFC 9110, 10.2.3: seconds, or a date, which is compared with the server's own clock. 0.0 if it is neither."""
    if value is None:
        return 0.0
    try:
        asked_s = float(value) if value.strip().isdecimal() else _seconds_between(now, value)
    except (TypeError, ValueError):  # no date, or one without a zone
        return 0.0
    return min(max(asked_s, 0.0), RETRY_AFTER_MAX_S)


def _seconds_between(first: str | None, second: str) -> float:
    if first is None:
        return 0.0
    return (parsedate_to_datetime(second) - parsedate_to_datetime(first)).total_seconds()
