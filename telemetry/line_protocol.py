r"""InfluxDB line protocol, written from readings. It does not parse, send or retry.

Layout of a line (InfluxDB 1.x documents, «Line protocol reference»; 2.x and 3 read the same)::

    <kind>,device=..,district=..,origin=..,profile=..,site=.. <point>_q=0i,<point>=12.5,... <ns>

* measurement: the device kind. Tags, sorted by key: `device`, `district` (the area), `origin`, `profile`, `site`;
  an empty tag is left out, because the server refuses it.
* Each point has its value and ``<point>_q``, the quality byte as an integer (suffix ``i``). Good values carry it
  too, so that ``WHERE "methane_q" < 128`` finds them. Numbers are always floats, so that no field ever changes type.
* Not written: absent and non-finite values (the quality alone, if it is not good), and values of the wrong type
  (BAD_TYPE): one text in a float field would make the server refuse the whole line.
* ``claimed_at``, integer ns: the device's own stamp where the line's time had to be another.

Escapes: comma and space in measurements, also ``=`` in tags and field keys, with ``\``; in a string ``"`` and ``\``.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from protocols.quality import Quality
from protocols.reading import Origin, Reading, Value
from telemetry.sink import NOT_REGISTERED, SeriesOf, is_ordinary, refusal
from telemetry.store import Series

_FLOAT_MAX = 1.7976931348623157e308
_MEASUREMENT = str.maketrans({",": r"\,", " ": r"\ "})
_KEY = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\="})
_STRING = str.maketrans({'"': r"\"", "\\": r"\\"})
_UNWRITABLE = re.compile(r"[\x00-\x1f]|\\[,= ]|\\\Z")
RESERVED = frozenset({"device", "district", "origin", "profile", "site", "time", "claimed_at"})
"""Words a field may not have: InfluxDB 3 refuses a field named like a tag, 1.x drops one named ``time``."""


class Unwritable(ValueError):
    """A reading, or its series, that line protocol cannot carry. The message says why."""


class Field(NamedTuple):
    """The pieces of one point's fields. ``good`` is the quality of a good value and the key of its number."""

    good: str
    value: str
    quality: str


class Shape(NamedTuple):
    """What is the same for all series with the same points. ``record``: a record whose JSON is, but for its
    punctuation, what good numbers are in a line; ``None`` where a name has marks that JSON uses itself."""

    fields: tuple[Field, ...]
    record: type[msgspec.Struct] | None


class Head(NamedTuple):
    """The constant part of every line of one device and origin."""

    series: Series
    text: str
    shape: Shape


def field_names(points: Sequence[str]) -> list[str]:
    """Field name of each point: its own, with ``_`` added while it is reserved or another point's quality."""
    taken = RESERVED | {f"{point}_q" for point in points}
    names: list[str] = []
    for point in points:
        name = point
        while name in taken:
            name += "_"
        taken |= {name, f"{name}_q"}
        names.append(name)
    return names


def key_text(text: str, what: str, escapes: dict[int, str] = _KEY) -> str:
    """A tag, or the key of a field, as it stands in a line. ``what`` names it in the message of `Unwritable`."""
    # A backslash there would escape our escape, or the separator behind it; none for it or for a line end exists.
    if _UNWRITABLE.search(text):
        raise Unwritable(
            f"{what} {text!r} cannot be written: it holds a control character, or a backslash before a comma, a space, "
            "an equals sign or its end"
        )
    return text.translate(escapes)


def string_text(text: str) -> str:
    """A string field as it stands in a line, with its quotes."""
    return f'"{text.translate(_STRING)}"'


def make_head(device: str, origin: Origin, series: Series) -> Head:
    """The head of a series. Raises `Unwritable`."""
    tags = {
        "device": device,
        "district": series.area,
        "origin": origin.name.lower(),
        "profile": series.profile,
        "site": series.site,
    }
    if not series.kind or series.kind.startswith("#"):
        raise Unwritable(f"kind {series.kind!r} of device {device!r} cannot be a measurement")
    text = key_text(series.kind, "kind", _MEASUREMENT)
    for key, value in tags.items():
        if value:
            text += f",{key}={key_text(value, key)}"
    return Head(series, text + " ", _shape(series.points))


@lru_cache(1024)
def _shape(points: tuple[str, ...]) -> Shape:
    fields = tuple(_field(name) for name in field_names(points))
    return Shape(fields, _record([field.good for field in fields]))


def _record(names: list[str]) -> type[msgspec.Struct] | None:
    if not _JSON_MARKS.isdisjoint("".join(names)):
        return None
    slots: list[tuple[str, Any, None]] = [(f"f{number}", float | None, None) for number in range(len(names))]
    rename = {slot: name for (slot, _, _), name in zip(slots, names, strict=True)}
    return msgspec.defstruct("Record", slots, rename=rename, omit_defaults=True, gc=False)


def _field(name: str) -> Field:
    key = key_text(name, "point")
    return Field(f"{key}_q=0i,{key}", f",{key}=", f"{key}_q=")


def _value_text(value: Value, quality: int) -> str:
    """A value as it stands in a line, or an empty string if it is not written."""
    if value is None or quality == Quality.BAD_TYPE:
        return ""
    if isinstance(value, str):
        return string_text(value)
    number = float(value)
    return repr(number) if -_FLOAT_MAX <= number <= _FLOAT_MAX else ""


def _fields(field: Field, value: Value, quality: int) -> str:
    text = _value_text(value, quality)
    if not text:
        return f"{field.quality}{quality}i" if quality else ""
    return f"{field.quality}{quality}i{field.value}{text}"


_encode = msgspec.json.Encoder().encode
_JSON_MARKS = frozenset('"\\:{}.')
"""A dot as well: that of a float is told by being the only one of its field."""
_EQUALS = bytes.maketrans(b":", b"=")


def _good_numbers(values: tuple[Any, ...], record: type[msgspec.Struct] | None) -> str:
    """The fields of good values in one go, or an empty string if one of them is no finite float with a dot.

    JSON writes the same shortest digits as `repr`, in a fifth of its time. What is not finite (``null``), an integer
    and a flag have no dot.
    """
    if record is None:
        return ""
    try:
        sum(values)
    except TypeError:  # a text, whose dots prove nothing, or an absent value
        return ""
    text = _encode(record(*values))
    return text.translate(_EQUALS, b'"{}').decode() if text.count(b".") == len(values) else ""


def _fields_of(reading: Reading, shape: Shape) -> str:
    """All fields of a line, value by value; empty when nothing is left to write."""
    return ",".join(filter(None, map(_fields, shape.fields, reading.values, reading.quality)))


class LineEncoder:
    """Lines for InfluxDB, with the head of each series made once."""

    def __init__(self, series_of: Callable[[str], Series | None]) -> None:
        self._series_of: SeriesOf = series_of
        self._heads: dict[tuple[str, int], Head] = {}

    def line(self, reading: Reading) -> str | None:
        """One line without its end, or ``None`` when nothing of the reading is left to write.

        Raises `Unwritable` for a reading that does not fit its device's series, or has none.
        """
        series = self._series_of(reading.device)
        if series is None:
            raise Unwritable(NOT_REGISTERED)
        is_good = is_ordinary(reading, series)
        reason = "" if is_good else refusal(reading, series)
        if reason:
            raise Unwritable(reason)
        head = self._head(reading, series)
        fields = _good_numbers(reading.values, head.shape.record) if is_good else ""
        fields = fields or _fields_of(reading, head.shape)
        if not fields:
            return None
        if reading.claimed_at is not None:
            fields += f",claimed_at={reading.claimed_at}i"
        return f"{head.text}{fields} {reading.at}"

    def _head(self, reading: Reading, series: Series) -> Head:
        key = reading.device, reading.origin
        head = self._heads.get(key)
        if head is None or (head.series is not series and head.series != series):
            head = self._heads[key] = make_head(reading.device, reading.origin, series)
        return head
