"""Settings: environment over file over defaults; every wrong key is named and no secret is shown."""

import pytest
from pydantic import ValidationError

from gengfu.errors import InputError
from gengfu.settings import load_settings
from telemetry.influx_settings import InfluxSettings


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "gengfu.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_defaults_need_no_file(monkeypatch):
    settings = load_settings()
    assert (settings.http.host, settings.http.port, settings.telemetry.influx.url) == ("127.0.0.1", 8080, None)


def test_environment_goes_over_file_over_what_the_program_passes(file, monkeypatch):
    monkeypatch.setenv("GENGFU__HTTP__PORT", "9002")
    path = file('[http]\nport = 9001\nhost = "::1"\n')
    settings = load_settings(path, data="passed", http={"port": 9000, "metrics_public": False})
    assert (settings.http.port, settings.http.host, settings.http.metrics_public) == (9002, "::1", False)
    assert str(settings.data) == "passed"


def test_influxdb_of_the_demo_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("GENGFU__TELEMETRY__INFLUX__URL", "http://127.0.0.1:8086/")
    assert load_settings().telemetry.influx.url == "http://127.0.0.1:8086"


def test_settings_do_not_change():
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.http.port = 1


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[http]\nprot = 1\n[jurnal]\nx = 1\n", ["http.prot", "jurnal"]),
        ("[http]\nport = 70000\n[telemetry]\nflush_s = 0\n", ["http.port", "telemetry.flush_s"]),
        (
            '[telemetry.influx]\nurl = "127.0.0.1:8086"\ntoken = "x"\n',
            ["telemetry.influx.url", "telemetry.influx.token"],
        ),
    ],
)
def test_every_wrong_key_of_a_file_is_named(file, text, wrong):
    path = file(text)
    with pytest.raises(InputError) as refused:
        load_settings(path)
    assert sorted(line.split(": ")[:2] for line in str(refused.value).splitlines()) == sorted(
        [str(path), key] for key in wrong
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("GENGFU__HTPP__PORT", "1", "environment: GENGFU__HTPP__PORT: unknown key; one of data, site"),
        ("GENGFU__ADMIN_PASSWORD", "geheim", "environment: GENGFU__ADMIN_PASSWORD: unknown key"),
        ("GENGFU__HTTP__PROT", "1", "environment: http.prot: "),
        ("GENGFU__HTTP__PORT", "many", "environment: http.port: "),
        ("GENGFU__HTTP", "nothing", 'environment: error parsing value for field "http"'),
    ],
)
def test_a_wrong_name_or_value_of_the_environment_is_named(monkeypatch, name, value, message):
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError) as refused:
        load_settings()
    assert str(refused.value).startswith(message)
    assert "geheim" not in str(refused.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml: no such settings file; write one or leave out -c"):
        load_settings(tmp_path / "none.toml")


def test_secrets_are_never_shown(file, monkeypatch):
    monkeypatch.setenv("GENGFU_ADMIN_PASSWORD", "geheim-1")
    settings = load_settings()
    assert settings.admin_password is not None
    assert settings.admin_password.get_secret_value() == "geheim-1"
    assert "geheim-1" not in f"{settings!r} {settings}"
    path = file('[telemetry.influx]\nurl = "http://u:geheim-2@localhost"\npassword = "geheim-3"\n[http]\nport = -1\n')
    with pytest.raises(InputError) as refused:
        load_settings(path)
    assert "must not hold a user, password or query" in str(refused.value)
    assert "geheim" not in str(refused.value)


def test_a_token_comes_from_the_environment_and_never_from_the_file(file, monkeypatch):
    monkeypatch.setenv("GENGFU__TELEMETRY__INFLUX__TOKEN", "geheim-4")
    settings = load_settings(file('[telemetry.influx]\nurl = "http://localhost:8086"\nwrite_api = "v2"\n'))
    influx = InfluxSettings(**settings.telemetry.influx.model_dump())
    assert (influx.write_api, influx.read_token()) == ("v2", "geheim-4")
    assert "geheim" not in f"{settings!r} {settings}"
    monkeypatch.delenv("GENGFU__TELEMETRY__INFLUX__TOKEN")
    path = file('[telemetry.influx]\ntoken = "geheim-5"\n')
    with pytest.raises(InputError, match=r"telemetry\.influx\.token: .*use token_file, or the environment"):
        load_settings(path)


def test_two_logins_to_influxdb_are_told_where_they_stand(file):
    path = file('[telemetry.influx]\nusername = "me"\ntoken_file = "/x"\n')
    with pytest.raises(InputError, match=rf"{path}: telemetry\.influx: .*username or token_file, not both"):
        load_settings(path)
