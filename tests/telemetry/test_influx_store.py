"""What only the reader of InfluxDB has: a server that may be away, wrong or strange, and tags of other times."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from protocols.reading import Origin, Reading
from telemetry import influx_query
from telemetry.errors import QueryRefused, StoreError, StoreRefused, StoreUnavailable
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_store import InfluxStore
from telemetry.line_protocol import LineEncoder
from telemetry.store import Question, Series
from tests.fixtures.influx import Influxd
from tests.telemetry.readings import BIN, DEVICES, GAS, SECOND, T0

MINUTE = 60 * SECOND


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    """A server that says one thing; its url, and the authorizations it was shown."""
    shown: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown.append(self.headers.get("Authorization") or "")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", shown
        finally:
            server.shutdown()
            thread.join()


def ask(settings: InfluxSettings) -> object:
    store = InfluxStore(settings, DEVICES)
    try:
        return store.samples("t:gas:1", "methane", T0, T0 + 1)
    finally:
        store.close()


ERROR = b'{"results":[{"statement_id":0,"error":"engine: database is locked by s3cret"}]}'
CUT = b'{"results":[{"series":[{"name":"g","columns":["time","value","quality"],"values":[[1,2,0]],"partial":true}]}]}'


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (
            401,
            b'{"error":"authorization failed: s3cret"}',
            StoreRefused,
            r"401: .*authorization failed: \*\*\*.*may read",
        ),
        (404, b"page not found", StoreRefused, "page not found - check the url"),
        (503, b"busy", StoreUnavailable, "503: busy"),
        (200, b"<html>", StoreRefused, "<html> - check the url"),
        (200, b'{"fine":true}', StoreRefused, "fine.* - check the url"),
        (200, ERROR, StoreRefused, r"database is locked by \*\*\*"),
        (200, CUT, StoreRefused, "max-row-limit"),
    ],
)
def test_what_a_server_says_instead_of_an_answer_is_told_without_secrets(
    status: int, body: bytes, error: type[StoreError], words: str, tmp_path: Path
) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    with answering(status, body) as (url, shown), pytest.raises(error, match=words) as caught:
        ask(InfluxSettings(url=url, token_file=secret))
    assert "s3cret" not in str(caught.value)
    assert shown == ["Token s3cret"]


def test_an_answer_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(influx_query, "ANSWER_MAX", 1000)
    with (
        answering(200, b'{"results":[' + b" " * 1000) as (url, _),
        pytest.raises(QueryRefused, match="longer than 1000"),
    ):
        ask(InfluxSettings(url=url))


def test_a_server_that_is_away_is_asked_again_later(influxd_own: Influxd) -> None:
    settings = InfluxSettings(url=influxd_own.url, database=influxd_own.database())
    assert ask(settings) == []
    influxd_own.stop()
    with pytest.raises(StoreUnavailable, match="does not answer"):
        ask(settings)
    influxd_own.start()
    assert ask(settings) == []


def test_a_database_that_is_not_there_yet_is_empty(influxd: Influxd) -> None:
    store = InfluxStore(InfluxSettings(url=influxd.url, database="nobody_made_it"), DEVICES)
    assert (store.samples("t:gas:1", "methane", T0, T0 + 1), store.latest()) == ([], [])
    assert store.aggregate("t:gas:1", "methane", T0, T0 + SECOND, SECOND, "mean") == [(T0, None, 0)]
    store.close()


Filled = Callable[[dict[str, Series]], InfluxStore]


@pytest.fixture
def open_store(influxd: Influxd) -> Iterator[Filled]:
    """A store over one database, for any registry."""
    database = influxd.database()
    opened: list[InfluxStore] = []

    def make(series: dict[str, Series]) -> InfluxStore:
        opened.append(InfluxStore(InfluxSettings(url=influxd.url, database=database), series))
        encoder = LineEncoder(series.get)
        at, value = T0 + len(opened), float(len(opened))
        lines = [
            encoder.line(Reading(one, found.profile, at, at, Origin.LIVE, (value, 2.0), (0, 0)))
            for one, found in series.items()
        ]
        influxd.write("\n".join(filter(None, lines)), database)
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_a_tag_is_what_the_device_was_when_it_measured(open_store: Filled) -> None:
    open_store({"t:gas:1": GAS})
    store = open_store({"t:gas:1": GAS._replace(area="mall/noodles")})
    asked = Question("methane", T0, T0 + SECOND, SECOND, "count", group="area")
    assert {name: found[0].samples for name, found in store.grouped(asked).items()} == {
        "mall/noodles": 1,
        "street/hotpot": 1,
    }
    assert len(store.samples("t:gas:1", "methane", T0, T0 + SECOND)) == 2
    assert [(one.at, one.value) for one in store.latest() if one.point == "methane"] == [(T0 + 2, 2.0)]


SHARED = {"t:gas:1": GAS._replace(points=("level", "co")), "t:bin:1": BIN._replace(points=("level", "weight"))}


def test_a_point_that_two_kinds_have_is_put_together(open_store: Filled) -> None:
    open_store(SHARED)
    store = open_store(SHARED)
    asked = Question("level", T0, T0 + SECOND, SECOND, group="site")
    for how, value in (("mean", 1.5), ("sum", 6.0), ("min", 1.0), ("max", 2.0), ("count", 4.0)):
        assert store.grouped(asked._replace(how=how)) == {"demo": [(T0, value, 4)]}
    for how in ("first", "last"):
        with pytest.raises(QueryRefused, match="several kinds of devices: name a device or a profile"):
            store.grouped(asked._replace(how=how))
        assert store.grouped(asked._replace(how=how, profile=GAS.profile))["demo"][0].samples == 2


def test_a_point_with_the_name_of_a_tag_is_found(open_store: Filled) -> None:
    store = open_store({"t:gas:1": GAS._replace(points=("site", "site_q"))})
    (one,) = store.samples("t:gas:1", "site", T0, T0 + SECOND)
    assert (one.point, one.value, one.origin) == ("site", 1.0, Origin.LIVE)
    assert sorted((one.point, one.value) for one in store.latest()) == [("site", 1.0), ("site_q", 2.0)]
    assert store.aggregate("t:gas:1", "site_q", T0, T0 + SECOND, SECOND, "max") == [(T0, 2.0, 1)]


def test_more_points_than_one_request_names_are_all_found(open_store: Filled) -> None:
    many = {f"t:{n}": GAS._replace(kind=f"kind{n}", points=("a", "b")) for n in range(31)}
    found = {(one.device, one.point): one.value for one in open_store(many).latest()}
    assert found == {(device, point): value for device in many for point, value in (("a", 1.0), ("b", 2.0))}


@pytest.mark.parametrize(
    "word", ["it's", 'say "x"', "back\\slash", "x' OR device != '", "a;b", "'; DROP SERIES FROM /.*/; --"]
)
def test_words_in_a_statement_are_only_words(open_store: Filled, word: str) -> None:
    odd = GAS._replace(kind=word, profile=word, points=(word, "co"))
    store = open_store({word: odd, "t:gas:2": odd})
    asked = Question(word, T0, T0 + SECOND, SECOND, "count")
    for one in (asked._replace(device=word), asked._replace(profile=word, device="t:gas:2")):
        assert store.grouped(one) == {"": [(T0, 1.0, 1)]}
    assert store.grouped(asked._replace(group="device")).keys() == {word, "t:gas:2"}
    assert [sample.device for sample in store.samples(word, word, T0, T0 + SECOND)] == [word]
    assert {sample.device for sample in store.latest() if sample.point == word} == {word, "t:gas:2"}
