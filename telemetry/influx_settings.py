"""How to reach an InfluxDB. Secrets stay in their file: no field, repr or message here ever holds one."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from telemetry.errors import StoreRefused


class InfluxSettings(BaseModel):
    """Where lines go. ``url``: ``http(s)://host:port`` with an optional path, without user or password.

    ``timeout_s``: for connecting, and again for the answer. ``batch_lines``: most lines of one request.
    ``create_database``: create it when the server answers that it does not exist. ``compress``: pack what is sent;
    ``None``: unless the url is that of this machine, where packing costs more than the bytes it saves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str
    database: Annotated[str, Field(min_length=1, max_length=64)] = "gengfu"
    username: str | None = None
    password_file: Path | None = None
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 10.0
    batch_lines: Annotated[int, Field(ge=1, le=50_000)] = 5000
    create_database: bool = True
    compress: bool | None = None

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

    def password(self) -> str:
        """The password of the file, without its line end; empty without a file. Raises `StoreRefused`."""
        if self.password_file is None:
            return ""
        try:
            return self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise StoreRefused(f"password_file {self.password_file}: {reason}") from None


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
