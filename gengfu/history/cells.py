"""From a row of a file of history to values of points, or to what is wrong with its cells."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import NamedTuple

from console.extract_csv import APOSTROPHE
from device_registry.devices import Device, Site
from gengfu import local_time
from gengfu.history.mapping import QUALITIES, FileMapping, PointPart, TimePart
from protocols.profile.model import Point
from protocols.quality import Quality
from protocols.reading import Value

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_LIVE = ("drill", "simulated")
ORIGIN = "origin"
SHOWN = 40
"""Characters of a wrong cell that are shown."""


class HistoryValue(NamedTuple):
    """One value for the store. ``place``: of its point, in `Reading.values`. ``value`` is ``None`` where only the
    quality is known. Times are UTC ns."""

    device: str
    place: int
    at: int
    value: Value
    quality: int
    received_at: int


class WrongCell(Exception):
    """A cell that cannot be taken: its column, what stands there, and what is wrong with it (``what``)."""

    def __init__(self, column: str, value: str, what: str) -> None:
        super().__init__(f"column {column!r}: {value[:SHOWN]!r} {what}" if column else f"{value[:SHOWN]!r} {what}")
        self.column = column
        self.what = what


class RowReader:
    """Reads rows of one file. ``header``: its columns; ``now``: UTC ns, the end of the past and the default of
    ``received_at``."""

    def __init__(self, mapping: FileMapping, header: Sequence[str], site: Site, now: int) -> None:
        self._mapping = mapping
        self._place = {name: place for place, name in enumerate(header)}
        self._width = len(header)
        self._site = site
        self._now = now
        self._zones: dict[str | None, tzinfo] = {None: local_time.zone_named(site.time_zone)}
        self._by_name = {one.name: one for one in mapping.point if one.name is not None}

    def read(self, cells: Sequence[str]) -> list[HistoryValue]:
        """The values of a row; an empty cell is none. Raises `WrongCell`."""
        if len(cells) != self._width:
            raise WrongCell("", ",".join(cells), f"has {len(cells)} cells, the header {self._width}")
        self._refuse_other_origins(cells)
        at = self._time(self._mapping.time, cells)
        received_at = self._received_at(cells)
        quality = self._quality(cells)
        if self._mapping.long is not None:
            found = [self._long(cells, quality)]
        else:
            found = [self._wide(one, cells, quality) for one in self._mapping.point]
        return [
            HistoryValue(device, index, at, value, code, received_at)
            for device, index, value, code in filter(None, found)
        ]

    def _cell(self, column: str, cells: Sequence[str]) -> str:
        return cells[self._place[column]]

    def _refuse_other_origins(self, cells: Sequence[str]) -> None:
        origin = self._cell(ORIGIN, cells) if ORIGIN in self._place else ""
        if origin.strip().lower() in _NOT_LIVE:
            raise WrongCell(
                ORIGIN, origin, "is no live value; only live history is imported (gengfu export --origin live)"
            )

    def _time(self, part: TimePart, cells: Sequence[str]) -> int:
        text = self._cell(part.column, cells)
        zone = self._zones.get(part.zone)
        if zone is None:
            zone = self._zones[part.zone] = local_time.zone_named(part.zone or self._site.time_zone)
        try:
            at = local_time.parse(text, zone, part.format)
        except ValueError as error:
            raise WrongCell(part.column, text, str(error)) from None
        if at > self._now:
            raise WrongCell(part.column, text, "is in the future; correct the time, or its zone in the mapping")
        return at

    def _received_at(self, cells: Sequence[str]) -> int:
        part = self._mapping.received_at
        return self._time(part, cells) if part is not None and self._cell(part.column, cells) else self._now

    def _quality(self, cells: Sequence[str]) -> Quality | None:
        part = self._mapping.quality
        word = self._cell(part.column, cells).strip() if part is not None else ""
        if part is None or not word:
            return None
        quality = QUALITIES.get(part.names.get(word, word))
        if quality is None:
            raise WrongCell(part.column, word, "is no quality; name it under names of [quality] in the mapping")
        return quality

    def _device(self, id_: str | None, cells: Sequence[str]) -> Device:
        part = self._mapping.device
        column, word = "", id_ or part.id or ""
        if not word and part.column is not None:
            column, word = part.column, self._text(self._cell(part.column, cells)) or ""
        device = self._site.devices.get(part.names.get(word, word) if column else word)
        if device is None:
            raise WrongCell(column, word, "is no device of this site; add it, or name it under names of [device]")
        return device

    def _long(self, cells: Sequence[str], quality: Quality | None) -> tuple[str, int, Value, int] | None:
        part = self._mapping.long
        assert part is not None
        word = self._text(self._cell(part.point, cells)) or ""
        how = self._by_name.get(word)
        if how is None and self._by_name:
            raise WrongCell(part.point, word, "is no name of a [[point]] of the mapping")
        device = self._device(None, cells)
        point = _point(device, how.point if how else word, part.point)
        text = self._text(self._cell(part.text, cells)) if part.text is not None else None
        column = part.value
        if part.text is None and point.type == "text":
            text = self._text(self._cell(part.value, cells))
        number = None if part.text is None and point.type == "text" else self._number(column, cells)
        if text is not None and number is not None:
            raise WrongCell(column, str(number), "stands beside a text; leave one of them empty")
        return self._judged(device, point, column, text if number is None else _converted(number, how), quality)

    def _wide(
        self, how: PointPart, cells: Sequence[str], quality: Quality | None
    ) -> tuple[str, int, Value, int] | None:
        assert how.column is not None
        device = self._device(how.device, cells)
        point = _point(device, how.point, how.column)
        if point.type == "text":
            value: Value = self._text(self._cell(how.column, cells))
        else:
            number = self._number(how.column, cells)
            value = None if number is None else _converted(number, how)
        return self._judged(device, point, how.column, value, quality)

    def _number(self, column: str, cells: Sequence[str]) -> float | None:
        cell = self._cell(column, cells).strip()
        if not cell:
            return None
        if not _NUMBER.fullmatch(cell) or not math.isfinite(float(cell)):
            raise WrongCell(column, cell, "is no number such as -12.5; a decimal point, and no thousands marks")
        return float(cell)

    def _text(self, cell: str) -> str | None:
        if not cell:
            return None
        return cell.removeprefix(APOSTROPHE) if self._mapping.apostrophes else cell

    def _judged(
        self, device: Device, point: Point, column: str, value: Value, quality: Quality | None
    ) -> tuple[str, int, Value, int] | None:
        """The value with its quality: the one that is given, else the one that a reading would get. ``None`` where
        nothing is said of it."""
        if value is None and quality is None:
            return None
        if isinstance(value, float) and not math.isfinite(value):
            raise WrongCell(
                column, str(value), "is what factor and offset make of the cell; correct them in the mapping"
            )
        is_fitting = value is None or isinstance(value, str) == (point.type == "text")
        code = point.quality_of(value) if quality is None else quality
        # one that says itself that it does not fit was stored so once; of others it is a slip of the mapping
        if quality is Quality.BAD_TYPE or (is_fitting and (quality is not None or code is not Quality.BAD_TYPE)):
            return device.id, point.index, value, int(code)
        raise WrongCell(column, str(value), f"does not fit the point {point.name}: {_expected(point)}")


def _expected(point: Point) -> str:
    if point.codes:
        return f"one of {', '.join(f'{code:g}' for code in sorted(point.codes))}"
    return "a text" if point.type == "text" else "a number"


def _point(device: Device, name: str, column: str) -> Point:
    point = device.profile.by_name.get(name)
    if point is None:
        known = ", ".join(device.profile.by_name)
        raise WrongCell(column, name, f"is no point of {device.id}; it has {known}")
    return point


def _converted(number: float, how: PointPart | None) -> float:
    if how is None or (how.factor == 1.0 and how.offset == 0.0):
        return number
    return number * how.factor + how.offset


def by_device(values: Sequence[HistoryValue]) -> Mapping[tuple[str, int], list[HistoryValue]]:
    """The values by device and time."""
    groups: dict[tuple[str, int], list[HistoryValue]] = {}
    for one in values:
        groups.setdefault((one.device, one.at), []).append(one)
    return groups
