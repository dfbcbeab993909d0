"""Writing lines to InfluxDB over its v1 HTTP API (`/write`, `/query`), stamps in nanoseconds.

A line is stored when the server answered 204, and nothing else is. Sending a line again is harmless: the same
series and time are overwritten. It has no cursor and never retries; that is `telemetry.influx_sink`.
"""

import gzip
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

import urllib3

from telemetry.errors import StoreRefused, StoreUnavailable
from telemetry.influx_settings import InfluxSettings

_GZIP_LEVEL = 1
_REASON_MAX = 500
_DROPPED = re.compile(r'dropped=(\d+)["}\s]*$')
"""At the very end: a parse error quotes the line, which may hold anything."""
_RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})
_HINTS = {
    401: "check username and password_file",
    403: "the user may not write to this database",
    404: "create the database, or check that the url is that of an InfluxDB",
}


class Refused(NamedTuple):
    """A line the server will never take, by its place in the call, and why."""

    line: int
    reason: str


class _Answer(NamedTuple):
    status: int
    reason: str


class InfluxWriter:
    """One connection to one database. Not thread-safe: it belongs to the thread that writes."""

    def __init__(self, settings: InfluxSettings) -> None:
        """Reads the password. Raises `StoreRefused` if its file cannot be read."""
        self._settings = settings
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        self._compresses = settings.compresses
        if self._compresses:
            headers["Content-Encoding"] = "gzip"
        self._auth: dict[str, str] = {}
        if settings.username is not None:
            self._auth = urllib3.util.make_headers(basic_auth=f"{settings.username}:{settings.password()}")
        self._headers = {**headers, **self._auth}
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=1,
            retries=False,
            timeout=urllib3.Timeout(connect=settings.timeout_s, read=settings.timeout_s),
        )

    def write(self, lines: Sequence[str]) -> list[Refused]:
        """Store the lines and return those the server refused; all others are stored then.

        The server names no line it refuses, so a refused batch is sent again in halves until the lines are found.
        Raises `StoreUnavailable` (call again with the same lines) or `StoreRefused` (an operator must act).
        """
        refused: list[Refused] = []
        open_ranges = [(0, len(lines))] if lines else []
        while open_ranges:
            first, end = open_ranges.pop()
            answer = self._post(lines[first:end])
            if answer.status == 204:
                continue
            if end - first == 1 or _dropped(answer) == end - first:
                refused.extend(Refused(line, answer.reason[:_REASON_MAX]) for line in range(first, end))
            else:
                middle = (first + end) // 2
                open_ranges += [(middle, end), (first, middle)]
        return refused

    def close(self) -> None:
        """Close the connection."""
        self._pool.clear()

    def _post(self, lines: Sequence[str]) -> _Answer:
        """204, or 400 or 413: the last two speak of the lines. Anything else is raised."""
        body = "\n".join(lines).encode()
        if self._compresses:
            body = gzip.compress(body, _GZIP_LEVEL)
        fields = {"db": self._settings.database, "precision": "ns"}
        answer = self._request("/write", fields, body)
        if answer.status == 404 and self._settings.create_database and "database not found" in answer.reason:
            self._create_database()
            answer = self._request("/write", fields, body)
        if answer.status in (204, 400, 413):
            return answer
        raise self._error(answer)

    def _create_database(self) -> None:
        name = self._settings.database.replace("\\", "\\\\").replace('"', '\\"')
        answer = self._request("/query", {"q": f'CREATE DATABASE "{name}"'}, None)
        if answer.status != 200:
            raise self._error(answer)

    def _request(self, path: str, fields: Mapping[str, str], body: bytes | None) -> _Answer:
        url = f"{self._settings.url}{path}?{urlencode(fields)}"
        try:
            response = self._pool.request(
                "POST", url, body=body, headers=self._headers if body is not None else self._auth, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise StoreUnavailable(f"InfluxDB at {self._settings.url} does not answer: {error}") from error
        text = response.headers.get("X-Influxdb-Error") or response.data.decode("utf-8", "replace")
        return _Answer(response.status, f"{response.status}: {text.strip()}")

    def _error(self, answer: _Answer) -> StoreUnavailable | StoreRefused:
        where = f"InfluxDB at {self._settings.url}, database {self._settings.database!r}"
        reason = answer.reason[:_REASON_MAX]
        if answer.status in _RETRYABLE:
            return StoreUnavailable(f"{where}: {reason}")
        hint = _HINTS.get(answer.status, "a line is stored only on 204: check that the url is that of an InfluxDB")
        return StoreRefused(f"{where}: {reason} - {hint}")


def _dropped(answer: _Answer) -> int | None:
    """How many points the server says it dropped: where that is all of them, no search is needed."""
    found = _DROPPED.search(answer.reason)
    return int(found.group(1)) if found else None
