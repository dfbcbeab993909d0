"""Writing lines to InfluxDB 1.x, 2.x and 3 over HTTP, stamps in nanoseconds.

A line is stored when the server answered 204 to a request that held it, and nothing else is. Sending a line again is
harmless: the same series and time are overwritten. It has no cursor and never waits before it tries again; that is
`telemetry.influx_sink` and whoever feeds it.
"""

import gzip
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

import urllib3

from telemetry.batch_size import BatchSize
from telemetry.errors import StoreRefused, StoreUnavailable
from telemetry.influx_answer import Answer, make_answer
from telemetry.influx_api import Access, Api, Class, api_of, make_access, version_in
from telemetry.influx_link import Link, tls_context
from telemetry.influx_settings import InfluxSettings
from telemetry.influxql import name

_GZIP_LEVEL = 1
_ANSWER_MAX = 65_536
"""Bytes; 100 refused lines with their reasons have room in it."""
_QUICK = 10
"""An answer within this part of the time-out is quick."""


class Refused(NamedTuple):
    """A line the server will never take, by its place in the call, and why."""

    line: int
    reason: str


class InfluxWriter:
    """One connection to one database or bucket. Not thread-safe: it belongs to the thread that writes."""

    def __init__(self, settings: InfluxSettings, what: Class = "raw") -> None:
        """``what``: where lines go. Reads the secrets. Raises `StoreRefused` if a file of theirs, or that of the
        certificates, is unreadable."""
        self._settings = settings
        self._what = what
        self._access: Access | None = None
        self._access_by("v1")
        self._headers = {"Content-Type": "text/plain; charset=utf-8"}
        if settings.compresses:
            self._headers["Content-Encoding"] = "gzip"
        self._size = BatchSize(settings.batch_lines, settings.timeout_s / _QUICK)
        self._pool = Link(settings.timeout_s, tls_context(settings))
        self._owed: urllib3.Timeout | None = None

    def write(self, lines: Sequence[str]) -> list[Refused]:
        """Store the lines and return those the server refused; all others are stored then.

        Where the server names no line it refuses, the request is sent again in halves until they are found.
        Raises `StoreUnavailable` (call again with the same lines) or `StoreRefused` (an operator must act).
        """
        refused: list[Refused] = []
        todo: list[Sequence[int]] = [range(len(lines))] if lines else []
        while todo:
            places = todo.pop()
            most = self._size.lines
            if len(places) > most:
                todo.append(places[most:])
                places = places[:most]
            answer = self._post([lines[place] for place in places])
            if answer.status != 204:
                todo += self._sort_out(places, answer, refused)
        return refused

    def waits_s(self) -> float:
        """Seconds that the server has owed the present answer; 0 while it owes none. From any thread."""
        owed = self._owed
        return 0.0 if owed is None else owed.get_connect_duration()

    def interrupt(self) -> None:
        """From any thread: a `write` that waits for the server raises `StoreUnavailable` now."""
        self._pool.interrupt()

    def close(self) -> None:
        """Close the connection."""
        self._pool.clear()

    def _sort_out(self, places: Sequence[int], answer: Answer, refused: list[Refused]) -> list[Sequence[int]]:
        """Who is refused for certain goes to ``refused``; returned is what is to be sent again."""
        if answer.status == 413:
            self._size.too_large(len(places))
        named = answer.named(len(places))
        if len(places) == 1 or answer.dropped == len(places):
            named = dict.fromkeys(range(len(places)), answer.reason)
        if named:
            refused += [Refused(places[number], reason) for number, reason in sorted(named.items())]
            rest = [place for number, place in enumerate(places) if number not in named]
            return [rest] if rest else []
        middle = len(places) // 2
        return [places[middle:], places[:middle]]

    def _post(self, lines: Sequence[str]) -> Answer:
        """204, or an answer that speaks of the lines. Anything else is raised."""
        body = "\n".join(lines).encode()
        if self._settings.compresses:
            body = gzip.compress(body, _GZIP_LEVEL)
        access = self._access or self._learn()
        answer = self._send(access, body, len(lines))
        if not _is_done(answer) and not answer.is_for_later:
            # Another secret stands in its file by now, or another generation of server behind the address.
            fresh = self._learn()
            if fresh != access:
                access = fresh
                answer = self._send(access, body, len(lines))
        if _is_done(answer):
            self._access = access
            return answer
        raise self._error(answer, access)

    def _send(self, access: Access, body: bytes, lines: int) -> Answer:
        answer = self._store(access, body, lines)
        if access.api == "v1" and self._settings.create_database:
            if answer.status == 404 and "database not found" in answer.text:
                self._create_database(access)
                answer = self._store(access, body, lines)
            if answer.status == 500 and "retention policy not found" in answer.text:
                self._create_policy(access)
                answer = self._store(access, body, lines)
        return answer

    def _store(self, access: Access, body: bytes, lines: int) -> Answer:
        stopwatch = _stopwatch()
        try:
            answer = self._request("POST", access, access.path, access.fields, body)
        except TimedOut:
            self._size.timed_out()
            raise
        if answer.status == 204:
            self._size.answered(lines, stopwatch.get_connect_duration())
        return answer

    def _create_database(self, access: Access) -> None:
        days = self._settings.keep.raw_days
        policy = f" WITH DURATION {days}d REPLICATION 1" if days else ""
        self._order(access, f"CREATE DATABASE {name(self._settings.database)}{policy}")

    def _create_policy(self, access: Access) -> None:
        """Another that made it at the same moment with other days is left as it is."""
        keep = self._settings.keep
        days = {"1m": keep.minute_days, "1h": keep.hour_days}.get(self._what)
        policy, database = name(access.fields["rp"]), name(self._settings.database)
        duration = f"{days}d" if days else "INF"
        self._order(access, f"CREATE RETENTION POLICY {policy} ON {database} DURATION {duration} REPLICATION 1")

    def _order(self, access: Access, statement: str) -> None:
        answer = self._request("POST", access, "/query", {"q": statement})
        if answer.status != 200:
            raise self._error(answer, access)

    def _access_by(self, api: Api) -> Access:
        return make_access(api, self._settings, self._what)

    def _learn(self) -> Access:
        """How this server is written to, with the secrets as they are now. Raises like `write`."""
        if self._settings.write_api != "auto":
            return self._access_by(self._settings.write_api)
        unknown = self._access_by("v1" if self._settings.username is not None else "v2")
        for path in ("/ping", "/health"):
            answer = self._request("GET", unknown, path, {})
            if answer.is_for_later:
                raise self._error(answer, unknown)
            api = api_of((answer.version, version_in(answer.body)))
            if api:
                return self._access_by(api)
        return self._access_by("v2" if self._settings.read_token() else "v1")

    def _request(
        self, method: str, access: Access, path: str, fields: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        headers = dict(self._headers) if body is not None else {}
        if access.authorization is not None:
            headers["Authorization"] = access.authorization
        url = f"{self._settings.url}{path}?{urlencode(fields)}"
        self._owed = _stopwatch()
        try:
            response = self._pool.request(
                method, url, body=body, headers=headers, redirect=False, preload_content=False
            )
            text = _read(response)
        except urllib3.exceptions.HTTPError as error:
            raise self._fault(error) from error
        finally:
            self._owed = None
        return make_answer(response.status, response.headers, text, access.secrets)

    def _fault(self, error: urllib3.exceptions.HTTPError) -> StoreUnavailable | StoreRefused:
        where = f"InfluxDB at {self._settings.url}"
        if isinstance(error, urllib3.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            return StoreRefused(f"{where}: {error} - set ca_file to the certificate that signs the server's")
        if _is_time_out(error):
            return TimedOut(f"{where} does not answer within timeout_s, {self._settings.timeout_s:g} s: {error}")
        return StoreUnavailable(f"{where} does not answer: {error}")

    def _error(self, answer: Answer, access: Access) -> StoreUnavailable | StoreRefused:
        where = f"InfluxDB at {self._settings.url}, {access.place}"
        if answer.is_for_later:
            return StoreUnavailable(f"{where}: {answer.reason}", retry_after_s=answer.retry_after_s)
        return StoreRefused(f"{where}: {answer.reason} - {access.hint(answer.status)}")


class TimedOut(StoreUnavailable):
    """The server had the request and did not answer in time."""


def _stopwatch() -> urllib3.Timeout:
    """Begun now; its ``get_connect_duration`` says how many seconds ago that was."""
    stopwatch = urllib3.Timeout()
    stopwatch.start_connect()
    return stopwatch


def _is_done(answer: Answer) -> bool:
    return answer.status == 204 or answer.speaks_of_lines


def _is_time_out(error: urllib3.exceptions.HTTPError) -> bool:
    """While the request went out or the answer was awaited; one that concerns the connecting says nothing of them."""
    sending = isinstance(error, urllib3.exceptions.ProtocolError) and isinstance(error.args[-1], TimeoutError)
    return sending or isinstance(error, urllib3.exceptions.ReadTimeoutError)


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    """What a server without end says is cut off, and its connection with it."""
    text = response.read(_ANSWER_MAX)
    if len(text) < _ANSWER_MAX:
        response.release_conn()
    else:
        response.close()
    return text
