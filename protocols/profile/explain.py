"""What pydantic found wrong with the shape of a file, as lines for people."""

import difflib
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from protocols.profile.problem import Problem

_UNION_TAGS = frozenset({"float", "str", "int", "[key]"})


def problems_of(error: ValidationError, data: object, model: type[BaseModel]) -> list[Problem]:
    """(path, what to do) for each error, tables of a list named by their ``name`` where they have one."""
    found: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        if detail["type"] == "too_short" and detail["input"]:
            continue  # its items were wrong, which is told of each of them
        loc = detail["loc"]
        while len(loc) > 1 and loc[-1] in _UNION_TAGS:
            loc = loc[:-1]
        path = _path(loc, data)
        what = _what(detail, loc, model)
        found[path] = f"{found[path]}, or {what}" if path in found and found[path] != what else what
    return list(found.items())


def _path(loc: tuple[int | str, ...], data: object) -> str:
    path = ""
    here = data
    for step in loc:
        here = _child(here, step)
        if isinstance(step, str):
            path += f".{step}" if path else step
        else:
            name = here.get("name") if isinstance(here, dict) else None
            path += f"[{name if isinstance(name, str) else step + 1}]"
    return path


def _child(here: object, step: int | str) -> object:
    if isinstance(here, dict):
        return here.get(step)
    if isinstance(here, list) and isinstance(step, int) and step < len(here):
        return here[step]
    return None


def _what(detail: ErrorDetails, loc: tuple[int | str, ...], model: type[BaseModel]) -> str:
    kind, given = detail["type"], detail["input"]
    if kind == "missing":
        return "is missing: add it"
    if kind == "extra_forbidden":
        return f"unknown key: remove it{_near(str(loc[-1]), loc, model)}"
    if kind == "literal_error":
        return f"must be one of {detail['ctx']['expected']}, not {_shown(given)}"
    if kind == "string_pattern_mismatch":
        return f"{_shown(given)} must match {detail['ctx']['pattern']}"
    return f"{detail['msg'].replace('Input should', 'must').replace('tuple', 'list')}, not {_shown(given)}"


def _shown(given: Any) -> str:
    text = repr(list(given) if isinstance(given, tuple) else given)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _near(key: str, loc: tuple[int | str, ...], model: type[BaseModel]) -> str:
    parent = model
    for step in loc[:-1]:
        if isinstance(step, str):
            parent = next(_models(parent.model_fields[step].annotation), parent)
    close = difflib.get_close_matches(key, parent.model_fields, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models inside an annotation like ``tuple[PointPart, ...]`` or ``GasPart | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models(inner)
