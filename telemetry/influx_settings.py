"""How to reach an InfluxDB. No repr and no message here ever holds a secret."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from telemetry.errors import StoreRefused
from telemetry.keep import FOR_EVER, Keep

Name = Annotated[str, Field(min_length=1, max_length=255)]


class InfluxKeys(BaseModel):
    """Every setting but the address.

    ``write_api``: `v1` is ``/write`` (InfluxDB 1.x), `v2` is ``/api/v2/write`` (1.8 and later, 2.x, 3), `auto` asks the
    server which it is. ``database``: of v1. ``org``, ``bucket``: of v2; without a bucket it is ``database``.
    ``username`` with ``password_file``, or ``token_file``; ``password`` and ``token`` are for the environment.
    ``ca_file``: the certificates (PEM) that sign the server's, instead of the system's. ``verify_tls``: whether the
    server must prove who it is.

    ``timeout_s``: for connecting, and again for the answer. ``batch_lines``: most lines of one request.
    ``create_database``: create it when a 1.x server answers that it does not exist. ``compress``: pack what is sent;
    ``None``: unless the url is that of this machine, where packing costs more than the bytes it saves.

    ``roll_ups``: whether minutes and hours are made. ``minutes_to``, ``hours_to``: where they go: a retention policy
    (v1; else `rp_1m`, `rp_1h`), or a bucket (v2; else that of the raw values with `_1m`, `_1h`). ``keep``: the days of
    a database or policy that we create on v1; one that is there stays as it is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    write_api: Literal["auto", "v1", "v2"] = "auto"
    database: Annotated[str, Field(min_length=1, max_length=64)] = "gengfu"
    org: Name = "gengfu"
    bucket: Name | None = None
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    token: SecretStr | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    verify_tls: bool = True
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 45.0
    batch_lines: Annotated[int, Field(ge=1, le=50_000)] = 5000
    create_database: bool = True
    compress: bool | None = None
    roll_ups: bool = True
    minutes_to: Name | None = None
    hours_to: Name | None = None
    keep: Keep = FOR_EVER

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if self.username is not None and (self.token or self.token_file):
            raise ValueError("set username or token_file, not both")
        if self.username is not None and self.write_api == "v2":
            raise ValueError("v2 takes token_file, no username; InfluxDB 1.8 takes user:password as its token")
        if self.password and self.password_file:
            raise ValueError("the password comes from password_file or from the environment, not from both")
        if self.token and self.token_file:
            raise ValueError("the token comes from token_file or from the environment, not from both")
        return self

    @model_validator(mode="after")
    def _classes_are_apart(self) -> Self:
        raw = self.bucket or self.database
        places = [
            ("", self.minutes_to or "rp_1m", self.hours_to or "rp_1h"),
            (raw, self.minutes_to or f"{raw}_1m", self.hours_to or f"{raw}_1h"),
        ]
        if any(len(set(names)) < len(names) for names in places):
            raise ValueError("minutes_to, hours_to and where the raw values go must be three different names")
        return self

    def read_password(self) -> str:
        """The password, of its file without the line end; empty without one. Raises `StoreRefused`."""
        return _secret(self.password, self.password_file, "password_file")

    def read_token(self) -> str:
        """The token, of its file without the line end; empty without one. Raises `StoreRefused`."""
        token = _secret(self.token, self.token_file, "token_file")
        if not (token.isascii() and token.isprintable()):
            # A header cannot carry it, and the library that refuses it there would show it.
            where = f"token_file {self.token_file}" if self.token_file else "token"
            raise StoreRefused(f"{where}: holds a line end or a character that no token has; write the token alone")
        return token


class InfluxSettings(InfluxKeys):
    """Where lines go. ``url``: ``http(s)://host:port`` with an optional path, without user or password."""

    url: str

    @field_validator("url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be http://host:port or https://host:port")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("must not hold a user, password or query; use username and password_file")
        return url.rstrip("/")

    @property
    def compresses(self) -> bool:
        """``compress``, decided."""
        return not _is_this_machine(urlsplit(self.url).hostname or "") if self.compress is None else self.compress


def _secret(given: SecretStr | None, path: Path | None, key: str) -> str:
    if given is not None:
        return given.get_secret_value()
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise StoreRefused(f"{key} {path}: {reason}") from None


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
