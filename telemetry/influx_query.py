"""Asking an InfluxDB in InfluxQL over its `/query` (1.x; 2.x with a DBRP mapping of the bucket; 3 Core)."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

import urllib3

from telemetry.errors import QueryRefused, StoreRefused, StoreUnavailable
from telemetry.influx_answer import REASON_MAX, Answer, make_answer
from telemetry.influx_api import Access, make_access
from telemetry.influx_link import Link, tls_context
from telemetry.influx_settings import InfluxSettings

ANSWER_MAX = 64 * 2**20
"""Bytes: ten times what the most buckets of one answer take."""
_POOL = 4
_HINT = "check the url, and that the user or token may read"
_NOTHING_YET = re.compile(r"database not found", re.IGNORECASE)


class Row(NamedTuple):
    """A row of a statement: the tags it is grouped by, then its columns by name; ``time`` in UTC ns."""

    tags: Mapping[str, str]
    columns: Mapping[str, Any]


class InfluxQuery:
    """Connections to one database or bucket. Any thread may ask."""

    def __init__(self, settings: InfluxSettings) -> None:
        """Raises `StoreRefused` if a file of a secret or of the certificates is unreadable. The server is not asked for
        anything yet."""
        self._settings = settings
        self._database = settings.bucket or settings.database
        make_access("v1", settings)
        self._pool = Link(settings.timeout_s, tls_context(settings), _POOL)

    def ask(self, statements: Sequence[str]) -> list[list[Row]]:
        """The rows of each statement; none where the database, the measurement or the field is not there yet.

        Raises `StoreUnavailable` (ask again later), `StoreRefused` (an operator must act) or `QueryRefused` (the
        answer is longer than `ANSWER_MAX`).
        """
        access = make_access("v1", self._settings)
        where = f"InfluxDB at {self._settings.url}, database {self._database!r}"
        answer = self._send(access, urlencode({"db": self._database, "epoch": "ns", "q": "; ".join(statements)}))
        if answer.is_for_later:
            raise StoreUnavailable(f"{where}: {answer.reason}", retry_after_s=answer.retry_after_s)
        if answer.status not in (200, 404):
            raise StoreRefused(f"{where}: {answer.reason} - {_HINT}")
        results = _results(answer)
        errors = [answer.text] if results is None else [one["error"] for one in results if "error" in one]
        if errors and len(statements) > 1:
            # Of several statements 1.6.7 says no more than that one was «not executed»: alone each says why.
            return [rows for one in statements for rows in self.ask([one])]
        if any(_NOTHING_YET.search(error) for error in errors):
            return [[]]
        if errors or results is None:
            raise StoreRefused(f"{where}: {_without(answer.secrets, '; '.join(errors))} - {_HINT}")
        return [_rows(one, where) for one in results]

    def interrupt(self) -> None:
        """From any thread: an `ask` that waits for the server raises `StoreUnavailable` now."""
        self._pool.interrupt()

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _send(self, access: Access, query: str) -> Answer:
        headers = {"Accept": "application/json"}
        if access.authorization is not None:
            headers["Authorization"] = access.authorization
        url = f"{self._settings.url}/query?{query}"
        try:
            response = self._pool.request("GET", url, headers=headers, redirect=False, preload_content=False)
            body = response.read(ANSWER_MAX + 1)
        except urllib3.exceptions.HTTPError as error:
            # Not the whole of it: it repeats the address with the question.
            raise StoreUnavailable(
                f"InfluxDB at {self._settings.url} does not answer: {type(error).__name__}"
            ) from error
        if len(body) > ANSWER_MAX:
            response.close()
            raise QueryRefused(f"the answer is longer than {ANSWER_MAX} bytes. Ask for longer buckets or fewer groups")
        response.release_conn()
        return make_answer(response.status, response.headers, body, access.secrets)


def _number(digits: str) -> int | float:
    # The server writes a float without a fraction as an integer, and minus zero would lose its sign.
    return -0.0 if digits == "-0" else int(digits)


def _results(answer: Answer) -> list[dict[str, Any]] | None:
    """One for each statement; ``None`` for what is no answer to InfluxQL."""
    try:
        return list(json.loads(answer.body, parse_int=_number)["results"])
    except (ValueError, KeyError, TypeError):
        return None


def _without(secrets: Sequence[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text[:REASON_MAX]


def _rows(result: Mapping[str, Any], where: str) -> list[Row]:
    rows: list[Row] = []
    for series in result.get("series", ()):
        if series.get("partial"):
            raise StoreRefused(f"{where}: the server cuts its answers; set max-row-limit to 0")
        tags = series.get("tags") or {}
        rows += [Row(tags, dict(zip(series["columns"], values, strict=True))) for values in series["values"]]
    return rows
