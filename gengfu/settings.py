"""Settings: how a process runs. TOML and environment (``GENGFU__HTTP__PORT=9000``), read once, frozen.

Unknown keys are refused. Secrets come from the environment or from files, and are never printed.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from gengfu.errors import InputError
from telemetry.influx_settings import InfluxKeys, InfluxSettings
from telemetry.keep import Keep

PREFIX = "GENGFU__"

Port = Annotated[int, Field(ge=0, le=65535)]


class Part(BaseModel):
    """Base of the sections."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HttpPart(Part):
    """Where the console listens. Port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: Port = 8080
    metrics_public: bool = True


class InfluxPart(InfluxKeys):
    """InfluxDB as a second store; without a ``url`` there is none. The other keys are those of the store itself."""

    url: str | None = None

    @field_validator("url")
    @classmethod
    def _plain(cls, url: str | None) -> str | None:
        """The rules of the store itself, so that a wrong address is told before anything starts."""
        if url is None:
            return None
        try:
            return InfluxSettings(url=url).url
        except ValidationError as error:
            raise ValueError(str(error.errors()[0]["ctx"]["error"])) from None

    @field_validator("password", "token", mode="before")
    @classmethod
    def _not_from_a_file(cls, secret: Any, info: ValidationInfo) -> Any:
        if isinstance(secret, _InFile):
            raise ValueError(f"a secret does not stand in this file: use {info.field_name}_file, or the environment")
        return secret


class _InFile:
    """Stands for a secret that was found in the settings file, so that the check of its key can refuse it."""


class _SettingsFile(TomlConfigSettingsSource):
    """The settings file, with what must not stand there marked."""

    def __call__(self) -> dict[str, Any]:
        found = super().__call__()
        telemetry = found.get("telemetry")
        influx = telemetry.get("influx") if isinstance(telemetry, dict) else None
        if isinstance(influx, dict):
            influx.update({key: _InFile() for key in ("password", "token") if key in influx})
        operations = found.get("operations")
        if isinstance(operations, dict) and _password_in(str(operations.get("database_url", ""))):
            operations["database_url"] = _InFile()
        return found


class TelemetryPart(Part):
    """Stores of telemetry beside the embedded one. ``flush_s``: how often the embedded store commits; ``keep``: for how
    many days it holds what."""

    influx: InfluxPart = InfluxPart()
    flush_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    keep: Keep = Keep()


class OperationsPart(Part):
    """Where response plans are kept: a file in the data folder, or a PostgreSQL server by its ``database_url``.

    ``password_file``: holds the server's password; in the environment it may stand in the URL.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    database_url: SecretStr | None = None
    password_file: Path | None = None

    @field_validator("database_url", mode="before")
    @classmethod
    def _without_a_password_in_a_file(cls, url: Any) -> Any:
        if isinstance(url, _InFile):
            raise ValueError("a secret does not stand in this file: use password_file, or the environment")
        return url

    @field_validator("database_url")
    @classmethod
    def _of_a_server(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith("postgresql://"):
            raise ValueError("needs a URL such as postgresql://user@host/gengfu; leave it out for a file")
        return url

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password_file is None:
            return self
        if self.database_url is None:
            raise ValueError("password_file is for a database_url; name one")
        if _password_in(self.database_url.get_secret_value()):
            raise ValueError("the password comes from password_file or from the URL, not from both")
        return self

    def password(self) -> str | None:
        """Of its file, without the line end; ``None`` without one. Raises `InputError`."""
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise InputError(f"operations.password_file: {self.password_file}: {error.strerror}") from None


def _password_in(url: str) -> bool:
    try:
        return urlsplit(url).password is not None
    except ValueError:
        return True  # nobody can tell: better too careful


class JournalPart(Part):
    """The journal's bounds. ``max_mb``: size at which bulk telemetry is refused to the devices."""

    max_mb: Annotated[int, Field(ge=16)] = 4096
    keep_days: Annotated[float, Field(gt=0)] = 14.0


class Settings(BaseSettings):
    """All settings of ``gengfu up``. ``data``: folder of every store. ``site``: the site document."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    data: Path = Path("gengfu-data/site")
    site: Path | None = None
    profiles: tuple[Path, ...] = ()
    http: HttpPart = HttpPart()
    telemetry: TelemetryPart = TelemetryPart()
    journal: JournalPart = JournalPart()
    operations: OperationsPart = OperationsPart()
    admin_password: SecretStr | None = Field(default=None, validation_alias="GENGFU_ADMIN_PASSWORD")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file over what the program passes as defaults."""
        return (env_settings, _SettingsFile(settings_cls), init_settings)


def load_settings(path: Path | None = None, **defaults: Any) -> Settings:
    """Read the file and the environment. Raises `InputError` naming every wrong key."""
    if path is not None and not path.is_file():
        raise InputError(f"{path}: no such settings file; write one or leave out -c")

    _refuse_unknown_names()

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    try:
        return FromFile(**defaults)
    except ValidationError as error:
        where = str(path) if path else "environment"
        lines = [
            f"{where}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)
        ]
        raise InputError("\n".join(lines)) from None
    except SettingsError as error:
        raise InputError(f"environment: {error}; a section is written as JSON, or key by key") from None
    except ValueError as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None


def _refuse_unknown_names() -> None:
    """pydantic-settings reads the names it knows and says nothing of others: a slip would go unnoticed."""
    known = [name for name, field in Settings.model_fields.items() if field.validation_alias is None]
    asked = {name: name[len(PREFIX) :].lower() for name in os.environ if name.upper().startswith(PREFIX)}
    wrong = [name for name, key in asked.items() if key.partition("__")[0] not in known]
    if wrong:
        raise InputError("\n".join(f"environment: {name}: unknown key; one of {', '.join(known)}" for name in wrong))
