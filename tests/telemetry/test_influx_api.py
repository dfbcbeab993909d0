"""Which way a server is written to, and with which header."""

import base64
from pathlib import Path
from typing import Any

import pytest

from telemetry.errors import StoreRefused
from telemetry.influx_api import Api, api_of, make_access, version_in
from telemetry.influx_settings import InfluxSettings

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VybmFtZSI6Im1lIn0.c2ln-_"


def settings(**keys: Any) -> InfluxSettings:
    return InfluxSettings(url="http://h", **keys)


@pytest.mark.parametrize(
    ("version", "api"),
    [
        ("1.6.7~rc0", "v1"),
        ("1.8.10", "v1"),
        ("0.13.0", "v1"),
        ("v2.7.11", "v2"),
        ("2.1.1, 2.1.1", "v2"),
        ("3.1.0-nightly", "v2"),
        ("12.0", "v2"),
        ("", None),
        (None, None),
        ("unknown", None),
    ],
)
def test_the_version_decides(version: str | None, api: Api | None) -> None:
    assert api_of([version]) == api


def test_the_first_version_that_is_one_decides() -> None:
    assert api_of(["", None, "3.0.0", "1.8"]) == "v2"
    assert api_of([]) is None


@pytest.mark.parametrize(
    ("body", "version"),
    [
        (b'{"version":"3.1.0","revision":"a9"}', "3.1.0"),
        (b'{"name":"influxdb","status":"pass","version":"v2.0.9"}', "v2.0.9"),
        (b"OK", None),
        (b"", None),
        (b'["version"]', None),
        (b'{"version":3}', None),
        (b"\xff{", None),
    ],
)
def test_the_version_in_a_body_is_found(body: bytes, version: str | None) -> None:
    assert version_in(body) == version


def test_v1_writes_to_the_database() -> None:
    access = make_access("v1", settings(database="city"))
    assert (access.path, access.fields) == ("/write", {"db": "city", "precision": "ns"})
    assert access.authorization is None


def test_v2_writes_to_the_bucket_or_what_would_be_the_database() -> None:
    access = make_access("v2", settings(database="city", org="works"))
    assert (access.path, access.fields) == ("/api/v2/write", {"org": "works", "bucket": "city", "precision": "ns"})
    assert make_access("v2", settings(database="city", bucket="b")).fields["bucket"] == "b"


def test_roll_ups_go_to_places_of_their_own() -> None:
    by_rule, named = settings(database="city"), settings(bucket="b", minutes_to="m", hours_to="h")
    assert [make_access("v1", by_rule, what).fields["rp"] for what in ("1m", "1h")] == ["rp_1m", "rp_1h"]
    assert [make_access("v1", named, what).fields["rp"] for what in ("1m", "1h")] == ["m", "h"]
    assert [make_access("v2", by_rule, what).fields["bucket"] for what in ("1m", "1h")] == ["city_1m", "city_1h"]
    assert [make_access("v2", named, what).fields["bucket"] for what in ("1m", "1h")] == ["m", "h"]
    assert make_access("v1", by_rule, "1h").place == "database 'city', retention policy 'rp_1h'"


@pytest.mark.parametrize(
    ("api", "token", "header"),
    [
        ("v1", "user:word", "Token user:word"),
        ("v1", "abc==", "Token abc=="),
        ("v1", JWT, f"Bearer {JWT}"),
        ("v2", "abc==", "Token abc=="),
        ("v2", JWT, f"Token {JWT}"),
    ],
)
def test_a_token_goes_as_the_server_takes_it(api: Api, token: str, header: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{token}\n")
    access = make_access(api, settings(token_file=path))
    assert access.authorization == header
    assert token in access.secrets


def test_a_user_goes_as_basic_in_utf_8() -> None:
    access = make_access("v1", settings(username="値", password="p:w"))
    assert access.authorization == f"Basic {base64.b64encode('値:p:w'.encode()).decode()}"
    assert {"p:w", base64.b64encode("値:p:w".encode()).decode()} == set(access.secrets)


@pytest.mark.parametrize("token", ["hunter2\nX-Other: 1", "hunter2\r", "hünter2", "hunter2\x00"])
@pytest.mark.parametrize("api", ["v1", "v2"])
def test_a_token_that_no_header_carries_is_refused_without_showing_it(api: Api, token: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(f"{token}x\n".encode())
    with pytest.raises(StoreRefused, match="token: holds a line end or a character") as caught:
        make_access(api, settings(token_file=path))
    assert "nter2" not in str(caught.value)
