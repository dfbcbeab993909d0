"""Which final elements a gateway can prove, and how often: the valves of a site that it may close, and the shipped
period (`proof_tests.toml`) or what the site says."""

import json
import tomllib
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field

from device_registry.devices import Device, Site
from interlocks.zone import Member
from protocols.document import Source, Strict
from protocols.profile.schema import CommandPart
from protocols.proof_test import Element, ProofPlan, proof_test_id

DAY_S = 86_400.0


class ProofFigures(Strict):
    """``every_days``: how long a proof holds."""

    every_days: Annotated[float, Field(gt=0)]
    source: Annotated[tuple[Source, ...], Field(min_length=1)]


class ProofFile(Strict):
    """The whole file."""

    proof_test: ProofFigures


@cache
def proof_figures() -> ProofFigures:
    """The figures that come with the program."""
    text = (Path(__file__).parent / "proof_tests.toml").read_text(encoding="utf-8")
    return ProofFile.model_validate_json(json.dumps(tomllib.loads(text))).proof_test


class Valve(NamedTuple):
    """The valve of a device. ``command`` closes it, and is read back at ``place`` in a reading, the point ``point``;
    ``opened``: what it reads when it is open."""

    device: Device
    place: int
    point: str
    opened: float
    command: CommandPart
    within_s: float

    @property
    def id(self) -> str:
        """Of its proof tests."""
        return proof_test_id(self.device.id, self.point)


def valve_of(device: Device, observed: Collection[str]) -> Valve | None:
    """The valve that can be proved. ``observed``: kinds of area in which nothing is commanded (S15)."""
    found = Member(device.id, device.profile, device.period_s).valve()
    command = next((one for one in device.profile.file.command if one.effect == "close-valve"), None)
    if found is None or command is None or command.read_back is None or device.area.kind in observed:
        return None
    index, _, opened = found
    point = device.points[index].name
    if command.read_back.point != point:
        return None
    return Valve(device, index, point, opened, command, command.read_back.within_s)


def plan_of(site: Site, observed: Collection[str], before: ProofPlan, wall: int) -> ProofPlan:
    """The elements of a site; those that were not there ``before`` are seen since now (``wall``, UTC ns)."""
    elements = {}
    for device in site.devices.values():
        valve = valve_of(device, observed)
        if valve is not None:
            days = device.part.proof_test_days or proof_figures().every_days
            known = before.elements.get(valve.id)
            since = wall if known is None else known.since
            elements[valve.id] = Element(device.id, valve.point, since, days * DAY_S)
    return ProofPlan(elements)
