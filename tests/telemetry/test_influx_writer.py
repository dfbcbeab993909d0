"""The writer finds out what it writes to, and who it may be: shims of 2.x and 3 before a real 1.6.7, and itself."""

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from telemetry.errors import StoreRefused, StoreUnavailable
from telemetry.influx import InfluxWriter, Refused
from telemetry.influx_settings import InfluxSettings
from tests.fixtures.authority import Authority
from tests.fixtures.http_faults import fault_proxy
from tests.fixtures.http_peer import HttpPeer, Reply, Request
from tests.fixtures.influx import Influxd
from tests.fixtures.influx_v2_shim import ORG, TOKEN, Generation, InfluxV2Shim

pytestmark = pytest.mark.server
MakeWriter = Callable[..., InfluxWriter]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def make_writer(stack: ExitStack) -> MakeWriter:
    def make(url: str, **keys: Any) -> InfluxWriter:
        writer = InfluxWriter(InfluxSettings(url=url, **{"timeout_s": 20.0, **keys}))
        stack.callback(writer.close)
        return writer

    return make


def shim_before(stack: ExitStack, upstream: str, generation: Generation = "2.7", **keys: Any) -> InfluxV2Shim:
    shim = InfluxV2Shim(upstream, generation, **keys)
    stack.callback(shim.close)
    return shim


def values(server: Influxd, database: str) -> list[object]:
    return [row["v"] for row in server.query('SELECT "v" FROM "m"', database)]


class Told(HttpPeer):
    """Answers as it is told, one reply for each path; 404 for others."""

    def __init__(self, **replies: Reply) -> None:
        self.replies = {f"/{path}": reply for path, reply in replies.items()}
        super().__init__()

    def answer(self, request: Request) -> Reply:
        return self.replies.get(request.path, Reply(404))

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]


@pytest.mark.parametrize("generation", ["2.0", "2.7", "3"])
def test_the_generation_is_asked_once_and_remembered(
    influxd: Influxd, stack: ExitStack, make_writer: MakeWriter, generation: Generation
) -> None:
    shim, database = shim_before(stack, influxd.url, generation), influxd.database()
    writer = make_writer(shim.url, bucket=database, org=ORG, token=TOKEN)
    for number in range(3):
        assert writer.write([f"m v={number}.0 {number}"]) == []
    asked = ["/ping", "/health"] if generation == "2.0" else ["/ping"]
    assert [request.path for request in shim.requests] == [*asked, *["/api/v2/write"] * 3]
    assert values(influxd, database) == [0, 1, 2]


@pytest.mark.parametrize(("write_api", "path"), [("v1", "/write"), ("v2", "/api/v2/write")])
def test_a_way_that_is_set_is_not_asked_for(
    stack: ExitStack, make_writer: MakeWriter, write_api: str, path: str
) -> None:
    peer = Told(write=Reply(204), **{"api/v2/write": Reply(204)})
    stack.callback(peer.close)
    make_writer(peer.url, write_api=write_api).write(["m v=1"])
    assert peer.paths() == [path]


@pytest.mark.parametrize(("token", "path"), [("x", "/api/v2/write"), (None, "/write")])
def test_a_server_that_does_not_say_what_it_is_gets_what_the_login_fits(
    stack: ExitStack, make_writer: MakeWriter, token: str | None, path: str
) -> None:
    peer = Told(write=Reply(204), **{"api/v2/write": Reply(204)})
    stack.callback(peer.close)
    make_writer(peer.url, token=token).write(["m v=1"])
    assert peer.paths() == ["/ping", "/health", path]


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_is_only_starting_is_asked_again(stack: ExitStack, make_writer: MakeWriter, status: int) -> None:
    peer = Told(ping=Reply(status, {"Retry-After": "7"}))
    stack.callback(peer.close)
    writer = make_writer(peer.url)
    with pytest.raises(StoreUnavailable, match=str(status)) as caught:
        writer.write(["m v=1"])
    assert caught.value.retry_after_s == 7.0
    peer.replies = {"/ping": Reply(204, {"X-Influxdb-Version": "1.8.10"}), "/write": Reply(204)}
    assert writer.write(["m v=1"]) == []


def test_a_server_exchanged_for_another_generation_is_noticed(
    influxd: Influxd, stack: ExitStack, make_writer: MakeWriter
) -> None:
    """Behind the same address: 1.6.7, then a 2.7, then 1.6.7 again."""
    database, shim = influxd.database(), shim_before(stack, influxd.url)
    proxy = stack.enter_context(fault_proxy(influxd.url))
    writer = make_writer(proxy.url, database=database, org=ORG, token=TOKEN)
    for number, upstream in enumerate([influxd.url, shim.url, influxd.url]):
        proxy.upstream = upstream
        assert writer.write([f"m v={number}.0 {number}"]) == []
    assert values(influxd, database) == [0, 1, 2]
    assert [request.path for request in proxy.requests] == [
        *("/ping", "/write"),
        *("/write", "/ping", "/api/v2/write"),
        *("/api/v2/write", "/ping", "/write"),
    ]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"token": "wr0ng-token"}, r"401.*check token_file"),
        ({}, r"401.*check token_file"),
        ({"username": "me", "password": "wr0ng-word"}, r"401.*take a token, and no username"),
        ({"token": TOKEN, "org": "nobody"}, r"org 'nobody'.*404.*check org, bucket"),
        ({"token": TOKEN, "org": ORG, "bucket": "nowhere"}, r"bucket 'nowhere'.*404.*create the bucket"),
    ],
)
def test_a_v2_server_that_refuses_us_is_told_with_what_to_do(
    influxd: Influxd, stack: ExitStack, make_writer: MakeWriter, keys: dict[str, Any], told: str
) -> None:
    shim = shim_before(stack, influxd.url)
    with pytest.raises(StoreRefused, match=told) as caught:
        make_writer(shim.url, **keys).write(["m v=1"])
    assert "wr0ng" not in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_token_changed_in_its_file_is_taken_without_a_restart(
    influxd: Influxd, stack: ExitStack, make_writer: MakeWriter, tmp_path: Path
) -> None:
    shim, database, path = shim_before(stack, influxd.url), influxd.database(), tmp_path / "token"
    path.write_text(TOKEN)
    writer = make_writer(shim.url, database=database, org=ORG, token_file=path)
    writer.write(["m v=1.0 1"])
    shim.token = "the-next-one"
    with pytest.raises(StoreRefused, match="401"):
        writer.write(["m v=2.0 2"])
    path.write_text("the-next-one\n")
    assert writer.write(["m v=2.0 2"]) == []
    assert values(influxd, database) == [1, 2]


def json_web_token(secret: str, user: str) -> str:
    def part(content: dict[str, object]) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=")

    signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part({"username": user, "exp": 4_000_000_000})
    mark = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(mark).rstrip(b"=")).decode()


def test_a_json_web_token_is_taken_by_the_real_1_6_7(influxd_own: Influxd, make_writer: MakeWriter) -> None:
    influxd_own.query("CREATE USER admin WITH PASSWORD 'word' WITH ALL PRIVILEGES")
    database = influxd_own.database()
    influxd_own.stop()
    configuration = influxd_own.folder / "influxd.conf"
    changed = '[http]\n  auth-enabled = true\n  shared-secret = "between us"'
    configuration.write_text(configuration.read_text().replace("[http]", changed))
    influxd_own.start()
    assert (
        make_writer(influxd_own.url, database=database, token=json_web_token("between us", "admin")).write(
            ["m v=1.0 1"]
        )
        == []
    )
    with pytest.raises(StoreRefused, match="401"):
        make_writer(influxd_own.url, database=database, token=json_web_token("between others", "admin")).write(
            ["m v=1"]
        )


@pytest.mark.parametrize("generation", ["2.0", "2.7", "3"])
def test_refused_lines_are_found_in_every_generation(
    influxd: Influxd, stack: ExitStack, make_writer: MakeWriter, generation: Generation
) -> None:
    shim, database = shim_before(stack, influxd.url, generation), influxd.database()
    influxd.write("m v=0.0 1000", database)
    writer = make_writer(shim.url, database=database, org=ORG, token=TOKEN)
    lines = [f"m v={number}.0 {number}" for number in range(20)]
    lines[3], lines[11], lines[19] = 'm v="text" 3', "m v= 11", 'm v="text" 19'
    refused = writer.write(lines)
    assert sorted(one.line for one in refused) == [3, 11, 19]
    assert all("field type conflict" in one.reason for one in refused if one.line != 11)
    assert next(one.reason for one in refused if one.line == 11).count("unable to parse") == 1
    assert len(values(influxd, database)) == 18


def test_more_refused_lines_than_an_answer_names_are_all_found(
    influxd: Influxd, stack: ExitStack, make_writer: MakeWriter
) -> None:
    shim, database = shim_before(stack, influxd.url, "3"), influxd.database()
    writer = make_writer(shim.url, database=database, org=ORG, token=TOKEN)
    lines = [f"m v={number}.0 {number}" if number % 2 else f"m v= {number}" for number in range(260)]
    assert sorted(one.line for one in writer.write(lines)) == list(range(0, 260, 2))
    assert len(values(influxd, database)) == 130
    assert [request.path for request in shim.requests].count("/api/v2/write") == 3


def test_a_400_that_does_not_speak_of_lines_sets_none_aside(stack: ExitStack, make_writer: MakeWriter) -> None:
    peer = Told(write=Reply(400, {}, b'{"error":"database is required"}'))
    stack.callback(peer.close)
    with pytest.raises(StoreRefused, match="database is required"):
        make_writer(peer.url, write_api="v1").write(["m v=1", "m v=2"])


def test_requests_after_one_that_was_too_large_are_smaller(stack: ExitStack, make_writer: MakeWriter) -> None:
    class Narrow(HttpPeer):
        def answer(self, request: Request) -> Reply:
            return Reply(413 if len(request.body) > 3000 else 204)

    peer = Narrow()
    stack.callback(peer.close)
    writer, lines = make_writer(peer.url, write_api="v1", batch_lines=800), ["m v=1.0 1"] * 800
    assert writer.write(lines) == []
    first = len(peer.requests)
    assert writer.write(lines) == []
    assert [len(request.body) > 3000 for request in peer.requests[:first]].count(True) == 2
    assert [len(request.body) > 3000 for request in peer.requests[first:]].count(True) == 0


def test_an_answer_without_an_end_is_cut_off(stack: ExitStack, make_writer: MakeWriter) -> None:
    noise = b'{"error":"unable to parse ' + b"x" * 3_000_000 + b'"}'
    peer = Told(write=Reply(400, {}, noise))
    stack.callback(peer.close)
    writer = make_writer(peer.url, write_api="v1")
    (refused,) = writer.write(["m v=1"])
    assert refused == Refused(0, refused.reason)
    assert len(refused.reason) == 500
    writer.write(["m v=1"])
    assert peer.connections == 2  # the rest of the first answer stays unread


@pytest.mark.parametrize(
    "status_line", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 204\r\nA: b" + b"c" * 70_000 + b"\r\n\r\n", b""]
)
def test_what_is_no_http_is_unavailable(stack: ExitStack, make_writer: MakeWriter, status_line: bytes) -> None:
    class Other(HttpPeer):
        def answer(self, request: Request) -> Reply:
            return Raw(200, cut_at=len(status_line), body=status_line)

    peer = Other()
    stack.callback(peer.close)
    with pytest.raises(StoreUnavailable, match="does not answer"):
        make_writer(peer.url).write(["m v=1"])


class Raw(Reply):
    """Its body, and nothing before it."""

    def encode(self) -> bytes:
        return self.body


def tls_shim(stack: ExitStack, upstream: str, authority: Authority) -> InfluxV2Shim:
    signed = authority.sign("influx")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed.certificate, signed.key)
    return shim_before(stack, upstream, tls=context)


def test_a_server_signed_by_our_own_authority_is_written_to(
    influxd: Influxd, stack: ExitStack, make_writer: MakeWriter, tmp_path: Path
) -> None:
    authority, database = Authority(tmp_path, "ours"), influxd.database()
    shim = tls_shim(stack, influxd.url, authority)
    writer = make_writer(shim.url, database=database, org=ORG, token=TOKEN, ca_file=authority.file)
    assert writer.write(["m v=1.0 1"]) == []
    assert values(influxd, database) == [1]


def test_a_server_that_proves_nothing_gets_no_token(
    influxd: Influxd, stack: ExitStack, make_writer: MakeWriter, tmp_path: Path
) -> None:
    shim = tls_shim(stack, influxd.url, Authority(tmp_path, "theirs"))
    other = Authority(tmp_path, "ours").file
    for ca_file in (None, other):
        with pytest.raises(StoreRefused, match=r"CERTIFICATE_VERIFY_FAILED.*set ca_file") as caught:
            make_writer(shim.url, org=ORG, token=TOKEN, ca_file=ca_file).write(["m v=1"])
        assert TOKEN not in str(caught.value)
    assert shim.requests == []


def test_a_check_that_is_off_is_warned_of(
    influxd: Influxd, stack: ExitStack, make_writer: MakeWriter, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shim, database = tls_shim(stack, influxd.url, Authority(tmp_path, "theirs")), influxd.database()
    writer = make_writer(shim.url, database=database, org=ORG, token=TOKEN, verify_tls=False)
    (warning,) = [record for record in caplog.records if record.name == "telemetry.influx"]
    assert (warning.levelname, warning.getMessage().startswith("verify_tls is off")) == ("WARNING", True)
    assert writer.write(["m v=1.0 1"]) == []


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_file_without_certificates_is_named(make_writer: MakeWriter, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreRefused, match=rf"ca_file {path}: "):
        make_writer("https://127.0.0.1:1", ca_file=path)


def test_no_secret_is_in_the_log(
    influxd: Influxd, stack: ExitStack, make_writer: MakeWriter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    shim = shim_before(stack, influxd.url)
    shim.token = "an0ther"
    with pytest.raises(StoreRefused):
        make_writer(shim.url, org=ORG, token=TOKEN).write(["m v=1"])
    assert "/api/v2/write" in caplog.text
    assert TOKEN not in caplog.text
