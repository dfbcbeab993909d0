"""What happens to the fleet and when: a strict TOML file of events. One error lists every wrong key."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from device_registry.devices import Device
from device_registry.site import DeviceId
from gengfu.errors import InputError
from protocols.document import Strict
from protocols.profile.schema import Name

NEEDED = {
    "ramp": frozenset({"point", "to", "over_s"}),
    "jump": frozenset({"point", "to"}),
    "fault": frozenset[str](),
    "dead": frozenset[str](),
    "back": frozenset[str](),
}
"""What an event must say besides when and to whom."""


class EventPart(Strict):
    """One event, ``at_s`` seconds of the simulation after its start.

    ``ramp``: ``point`` goes to the value ``to`` within ``over_s``; ``jump``: at once. ``fault``: the device reports a
    fault. ``dead``: it says nothing more. ``back``: all this is over; what was shut stays shut.
    """

    at_s: Annotated[float, Field(ge=0)]
    device: DeviceId
    what: Literal["ramp", "jump", "fault", "dead", "back"]
    point: Name | None = None
    to: float | None = None
    over_s: Annotated[float, Field(gt=0)] | None = None


class ScriptFile(Strict):
    """The whole file."""

    event: tuple[EventPart, ...]


def load_script(path: Path, devices: Mapping[str, Device]) -> tuple[EventPart, ...]:
    """The events of a file in the order of time. Raises `InputError` naming every wrong key."""
    try:
        found = ScriptFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")), strict=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no TOML in UTF-8: {error}") from None
    except ValidationError as error:
        told = (f"{_where(one['loc'])}: {one['msg']}" for one in error.errors(include_input=False))
        raise InputError("\n" + "\n".join(f"{path}: {one}" for one in told)) from None
    problems = [
        f"{path}: event[{number}].{what}"
        for number, event in enumerate(found.event, 1)
        for what in _wrong(event, devices.get(event.device))
    ]
    if problems:
        raise InputError("\n" + "\n".join(problems))
    return tuple(sorted(found.event, key=lambda one: one.at_s))


def _where(place: tuple[int | str, ...]) -> str:
    return "".join(f"[{one + 1}]" if isinstance(one, int) else f".{one}" for one in place).lstrip(".")


def _wrong(event: EventPart, device: Device | None) -> Iterator[str]:
    given = {key for key in ("point", "to", "over_s") if getattr(event, key) is not None}
    for key in sorted(NEEDED[event.what] - given):
        yield f"{key}: is missing: a {event.what} needs it"
    for key in sorted(given - NEEDED[event.what]):
        yield f"{key}: means nothing to a {event.what}: remove it"
    if device is None:
        yield f"device: {event.device!r} is not in the site document: correct it"
        return
    if event.point is None:
        return
    point = device.profile.by_name.get(event.point)
    if point is None or point.type == "text":
        numbers = ", ".join(one.name for one in device.profile.points if one.type != "text")
        yield f"point: {event.point!r} is no number of {device.profile.id}; one of {numbers}"
    elif point.codes and event.to is not None and event.to not in point.codes:
        yield f"to: {event.to:g} is no code of {event.point!r}: correct it"
