"""JSON of a device's maker, by the paths of its profile.

    at the path                                     the point
    nothing                                         is absent
    null                                            has no value, bad:missing
    a word of ``words``                             has its number or code
    anything else, or of a wrong type               has no value, bad:type

A message whose one field is odd is not refused, as a SenML pack would be: a gas flag may stand beside it, and a broker
would not bring it again. What no path leads to is left. A number that is too large for a double is over range (see
`protocols.profile.draft`).
"""

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import msgspec

from protocols.errors import DecodeError
from protocols.payload.stamps import instant
from protocols.profile.draft import Draft
from protocols.profile.model import Point, Profile
from protocols.profile.parts_payload import JsonPart, path_steps
from protocols.quality import Quality
from protocols.reading import Value

Steps: TypeAlias = tuple[str | int, ...]
_Read: TypeAlias = Callable[[object], tuple[Value, Quality]]

_ABSENT = object()
_DECIMALS = 9
_NUMBER = re.compile(r"\s*[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?\s*")
_WRONG = (None, Quality.BAD_TYPE)


class JsonPlan(NamedTuple):
    """A profile's paths, compiled."""

    points: tuple[tuple[Point, Steps, _Read], ...]
    time: Steps | None
    utc_offset: str | None


@lru_cache(maxsize=256)
def json_plan(profile: Profile) -> JsonPlan:
    """Compile the paths of a profile that `protocols.profile.rules_payload` has nothing against."""
    payload = profile.file.payload
    points = tuple(
        (point, path_steps(part.in_json.path), _reader(point, part.in_json))
        for point, part in zip(profile.points, profile.file.point, strict=True)
        if part.in_json is not None
    )
    return JsonPlan(points, path_steps(payload.time) if payload.time else None, payload.utc_offset)


def read_json(profile: Profile, payload: bytes) -> list[tuple[int | None, Draft]]:
    """The sample of a message, which may hold none of the points, with the device's own time (UTC ns, ``None`` where it
    gives none). Raises `DecodeError`."""
    plan = json_plan(profile)
    tree = _parse(payload)
    draft = Draft(profile)
    for point, steps, read in plan.points:
        raw = _find(tree, steps)
        if raw is not _ABSENT:
            draft.keep(point, *read(raw))
    stamp = None if plan.time is None else _find(tree, plan.time)
    at = None if stamp is None or stamp is _ABSENT else instant(stamp, plan.utc_offset)
    return [(at, draft)]


def _parse(payload: bytes) -> object:
    try:
        if not payload.isascii():
            payload.decode("utf-8")
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError("syntax", f"the payload is no JSON: {error}") from None


def _find(tree: object, steps: Steps) -> object:
    for step in steps:
        if isinstance(tree, dict) and isinstance(step, str):
            tree = tree.get(step, _ABSENT)
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
        else:
            return _ABSENT
    return tree


def _reader(point: Point, part: JsonPart) -> _Read:
    read = _text if point.type == "text" else _code_or_number(point, part)
    return lambda raw: (None, Quality.BAD_MISSING) if raw is None else read(raw)


def _text(raw: object) -> tuple[Value, Quality]:
    return (raw, Quality.GOOD) if isinstance(raw, str) else _WRONG


def _code_or_number(point: Point, part: JsonPart) -> _Read:
    words = {word: float(code) for word, code in part.words.items()}
    number = _number(point, part)

    def read(raw: object) -> tuple[Value, Quality]:
        if isinstance(raw, str | bool):
            word = raw if isinstance(raw, str) else "true" if raw else "false"
            if word in words:
                return words[word], Quality.GOOD
            if isinstance(raw, bool) and point.type == "flag":
                return float(raw), Quality.GOOD
            if isinstance(raw, str) and part.quoted and _NUMBER.fullmatch(raw):
                return number(float(raw))
        elif isinstance(raw, int | float):
            return number(_double(raw))
        return _WRONG

    return read


def _number(point: Point, part: JsonPart) -> Callable[[float], tuple[Value, Quality]]:
    is_plain = part.scale == 1.0 and part.offset == 0.0

    def read(value: float) -> tuple[Value, Quality]:
        if (point.type == "flag" and value not in (0, 1)) or (point.type == "enum" and not value.is_integer()):
            return _WRONG
        if is_plain or not math.isfinite(value):
            return value, Quality.GOOD
        return round(value * part.scale + part.offset, _DECIMALS), Quality.GOOD

    return read


def _double(raw: float) -> float:
    try:
        return float(raw)
    except OverflowError:
        return math.inf if raw > 0 else -math.inf
