"""Settings of the InfluxDB connection: what is refused, and that no secret is ever shown."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from telemetry.errors import StoreRefused
from telemetry.influx_settings import InfluxSettings


@pytest.mark.parametrize("url", ["http://127.0.0.1:8086", "https://influx.example/base/"])
def test_plain_url_is_taken(url: str) -> None:
    assert InfluxSettings(url=url).url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:8086", "ftp://host", "http://", "http://h?p=hunter2", "http://me:hunter2@host", "http://h/#hunter2"],
)
def test_other_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ValidationError, match="must") as caught:
        InfluxSettings(url=url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "compresses"),
    [
        ("http://127.0.0.1:8086", False),
        ("http://127.8.0.1", False),
        ("http://localhost:8086/base", False),
        ("https://[::1]:8086", False),
        ("http://10.0.0.7:8086", True),
        ("http://[2001:db8::1]:8086", True),
        ("https://influx.example", True),
        ("https://localhost.example", True),
    ],
)
def test_what_goes_over_a_network_is_compressed(url: str, compresses: bool) -> None:
    assert InfluxSettings(url=url).compresses is compresses


@pytest.mark.parametrize("url", ["http://127.0.0.1:8086", "https://influx.example"])
@pytest.mark.parametrize("compress", [True, False])
def test_compression_can_be_chosen(url: str, compress: bool) -> None:
    assert InfluxSettings(url=url, compress=compress).compresses is compress


def test_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        InfluxSettings.model_validate({"url": "http://h", "tokens": "x"})


def test_password_is_read_without_its_line_end_and_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text(" hunter2 \r\n")
    chosen = InfluxSettings(url="http://h", username="me", password_file=path)
    assert chosen.read_password() == " hunter2 "
    assert "hunter2" not in repr(chosen)


def test_missing_password_file_is_named(tmp_path: Path) -> None:
    chosen = InfluxSettings(url="http://h", username="me", password_file=tmp_path / "missing")
    with pytest.raises(StoreRefused, match="missing: No such file"):
        chosen.read_password()


def test_secrets_given_directly_are_not_shown() -> None:
    chosen = InfluxSettings(url="http://h", token="hunter2")
    assert chosen.read_token() == "hunter2"
    assert InfluxSettings(url="http://h", username="me", password="hunter3").read_password() == "hunter3"
    assert "hunter" not in f"{chosen!r} {chosen} {chosen.model_dump()}"


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"username": "me", "token": "hunter2"}, "set username or token_file"),
        ({"username": "me", "token_file": "/hunter2"}, "set username or token_file"),
        ({"username": "me", "write_api": "v2"}, "v2 takes token_file"),
        ({"password": "hunter2", "password_file": "/x"}, "from both"),
        ({"token": "hunter2", "token_file": "/x"}, "from both"),
        ({"write_api": "v3"}, "'auto', 'v1' or 'v2'"),
        ({"org": ""}, "at least 1"),
        ({"minutes_to": "x", "hours_to": "x"}, "three different names"),
        ({"hours_to": "rp_1m"}, "three different names"),
        ({"hours_to": "gengfu_1m"}, "three different names"),
        ({"bucket": "raw", "minutes_to": "raw"}, "three different names"),
    ],
)
def test_what_contradicts_itself_is_refused_without_showing_it(keys: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=told) as caught:
        InfluxSettings.model_validate({"url": "http://h", **keys})
    assert "hunter2" not in str(caught.value)
