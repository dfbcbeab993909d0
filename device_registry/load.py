"""A site from its file: read, check shape and meaning, join with the profiles.

A file is used only when everything about it is right. What is wrong comes as one `SiteError` with every wrong
key as ``file: path: what to do``; entries of a list are named by their id.
"""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from device_registry.credentials import is_device_token
from device_registry.devices import Device, Site
from device_registry.errors import SiteError
from device_registry.problem import Problem
from device_registry.rules import check
from device_registry.site import SiteConfig
from protocols.profile.model import Profile


def load_site(path: Path, profiles: Mapping[str, Profile]) -> Site:
    """The site of a file. ``profiles``: every profile a device may name, by id. Raises `SiteError`."""
    config = _shape(path, _read(path))
    problems = list(check(config, profiles))
    if problems:
        raise _error(path, problems)
    return compile_site(config, profiles)


def compile_site(config: SiteConfig, profiles: Mapping[str, Profile]) -> Site:
    """The site of a document that `device_registry.rules.check` found right."""
    areas = {part.id: part for part in config.area}
    connections = {part.id: part for part in config.connection}
    devices = {
        part.id: Device(part.id, part, profiles[part.profile], areas[part.area], part.connection)
        for part in config.device
    }
    return Site(
        config.site.id,
        config.site.title,
        config.site.time_zone,
        MappingProxyType(areas),
        MappingProxyType(connections),
        MappingProxyType(devices),
        config.site.simulated,
    )


def _error(path: Path, problems: Iterable[Problem]) -> SiteError:
    return SiteError([f"{path}: {key}: {what}" for key, what in problems])


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SiteError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise SiteError([f"{path}: byte {error.start}: is not UTF-8: save the file as UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise SiteError([f"{path}: {error}: correct the TOML syntax"]) from None


def _shape(path: Path, data: dict[str, object]) -> SiteConfig:
    try:
        return SiteConfig.model_validate(_tuples(data))
    except ValidationError as error:
        details = error.errors(include_url=False)
        # A list whose entries are wrong counts as too short besides: its entries are told of.
        told = [one for one in details if one["type"] != "too_short" or not one["input"]]
        raise _error(path, [(_where(one, data), _what(one)) for one in told]) from None


def _where(detail: ErrorDetails, data: object) -> str:
    """pydantic names the entry whose discriminator is wrong, not the discriminator."""
    path = _path(detail["loc"], data)
    return f"{path}.transport" if detail["type"].startswith("union_tag") else path


_TAG_PLACE = 2
"""``connection``, its number, and then the transport, which pydantic puts there and the document does not."""


def _tuples(data: object) -> object:
    """TOML arrays as tuples, which is what the strict schema takes."""
    if isinstance(data, dict):
        return {key: _tuples(value) for key, value in data.items()}
    return tuple(_tuples(value) for value in data) if isinstance(data, list) else data


def _path(loc: tuple[int | str, ...], data: object) -> str:
    path, here = "", data
    for place, step in enumerate(loc):
        if place == _TAG_PLACE and loc[0] == "connection":
            continue
        if isinstance(step, str):
            path += f".{step}" if path else step
            here = here.get(step) if isinstance(here, dict) else None
        else:
            here = here[step] if isinstance(here, list) and step < len(here) else None
            name = here.get("id") if isinstance(here, dict) else None
            path += f"[{name if isinstance(name, str) else step + 1}]"
    return path


def _what(detail: ErrorDetails) -> str:  # noqa: PLR0911 - one sentence for each kind of mistake
    given = detail["input"]
    # Whoever pastes the token where its digest belongs shall not find it in a log.
    shown = repr("(a token)" if isinstance(given, str) and is_device_token(given) else given)
    shown = shown if len(shown) <= 60 else f"{shown[:60]}..."
    match detail["type"]:
        case "missing" | "union_tag_not_found":
            return "is missing: add it"
        case "extra_forbidden":
            return "unknown key: remove it or correct its name"
        case "too_short":
            return "is empty: add at least one"
        case "literal_error":
            return f"must be one of {detail['ctx']['expected']}, not {shown}"
        case "union_tag_invalid":
            return f"must be one of {detail['ctx']['expected_tags']}, not {detail['ctx']['tag']!r}"
        case "string_pattern_mismatch":
            return f"{shown} must match {detail['ctx']['pattern']}"
        case _:
            return f"{detail['msg'].replace('Input should', 'must').replace('tuple', 'list')}, not {shown}"
