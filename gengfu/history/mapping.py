"""The mapping of a file of history: which of its columns mean what. TOML, strict; one error names every wrong key.

What it cannot say is the origin: history is LIVE of the past, and nothing in a file makes a drill live (S4).
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from console.present import quality_text
from gengfu import local_time
from gengfu.errors import InputError
from protocols.quality import Quality

Column = Annotated[str, Field(min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
QUALITIES = {quality_text(int(one)): one for one in Quality}
"""Qualities by the word that the API and the export write."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TimePart(_Part):
    """``format``: ``iso``, ``unix_s``, ``unix_ms``, ``unix_us``, ``unix_ns``, or one of `datetime.strptime`.
    ``zone``: of times that name none; the site's, unless it is said."""

    column: Column
    format: str = local_time.ISO
    zone: str | None = None

    @field_validator("format")
    @classmethod
    def _known(cls, form: str) -> str:
        if form != local_time.ISO and form not in local_time.UNIX and "%" not in form:
            raise ValueError(f"iso, {', '.join(local_time.UNIX)}, or a format such as %Y-%m-%d %H:%M:%S")
        return form

    @field_validator("zone")
    @classmethod
    def _zone(cls, zone: str | None) -> str | None:
        if zone is not None:
            local_time.zone_named(zone)
        return zone


class DevicePart(_Part):
    """``id``: all rows are of this device; or ``column``, whose cells are ids, or are keys of ``names``."""

    id: str | None = None
    column: Column | None = None
    names: dict[str, str] = {}

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.id is None) == (self.column is None):
            raise ValueError("give either id or column")
        return self


class PointPart(_Part):
    """One point: the cells of ``column``, or in a long file the rows that say ``name``. What is stored is the cell
    times ``factor`` plus ``offset``, in the unit of the point. ``device``: another than that of the row."""

    point: str
    column: Column | None = None
    name: str | None = None
    device: str | None = None
    factor: Finite = 1.0
    offset: Finite = 0.0

    @field_validator("factor")
    @classmethod
    def _not_zero(cls, factor: float) -> float:
        if factor == 0:
            raise ValueError("0 makes every value the same; leave it out")
        return factor


class LongPart(_Part):
    """A row for each value. ``point``, ``value``: the columns of its name and of itself. ``text``: that of texts, where
    they have one of their own."""

    point: Column
    value: Column
    text: Column | None = None


class QualityPart(_Part):
    """``column`` with the words of the API (``good``, ``bad:sensor-fault``), or keys of ``names``; empty: as a value of
    this device would be judged."""

    column: Column
    names: dict[str, str] = {}

    @field_validator("names")
    @classmethod
    def _known(cls, names: dict[str, str]) -> dict[str, str]:
        wrong = [word for word in names.values() if word not in QUALITIES]
        if wrong:
            raise ValueError(f"no quality {', '.join(map(repr, wrong))}; one of {', '.join(QUALITIES)}")
        return names


class FileMapping(_Part):
    """The whole. ``apostrophes``: one apostrophe in front of a text is taken off, as an export puts it there."""

    encoding: Literal["utf-8", "gbk", "gb18030", "big5", "latin-1"] = "utf-8"
    delimiter: Annotated[str, Field(pattern=r"^[,;\t|]$")] = ","
    apostrophes: bool = False
    time: TimePart
    device: DevicePart
    point: tuple[PointPart, ...] = ()
    long: LongPart | None = None
    quality: QualityPart | None = None
    received_at: TimePart | None = None

    @model_validator(mode="after")
    def _wide_or_long(self) -> Self:
        if self.long is None and not self.point:
            raise ValueError("name the points: [[point]] for a column each, or [long] for a row each")
        for one in self.point:
            if (one.column is None) != (self.long is not None) or (one.name is None) != (self.long is None):
                raise ValueError(f"point {one.point}: give column without [long], and name with it")
            if self.long is not None and one.device is not None:
                raise ValueError(f"point {one.point}: device stands with column only")
        return self

    def columns(self) -> list[str]:
        """Every column that it names."""
        parts = [self.time.column, self.device.column, *(one.column for one in self.point)]
        if self.long is not None:
            parts += [self.long.point, self.long.value, self.long.text]
        parts += [part.column for part in (self.quality, self.received_at) if part is not None]
        return [one for one in parts if one is not None]


EXPORTED = FileMapping(
    apostrophes=True,
    time=TimePart(column="time"),
    device=DevicePart(column="device"),
    long=LongPart(point="point", value="value", text="text"),
    quality=QualityPart(column="quality"),
    received_at=TimePart(column="received_at"),
)
"""The mapping of what `gengfu export` writes."""


def load_mapping(path: Path) -> FileMapping:
    """Read a mapping. Raises `InputError` naming every wrong key."""
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"--map {path}: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"--map {path}: not valid TOML: {error}") from None
    try:
        return FileMapping.model_validate(document)
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, one['loc'])) or 'mapping'}: {one['msg']}" for one in error.errors()]
        raise InputError("\n".join(lines)) from None
