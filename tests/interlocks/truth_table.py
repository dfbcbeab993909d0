"""Truth tables of the shipped matrices: a table for each (`truth/<matrix>.toml`), and how a case is played.

A table is written by hand from the safety rules; nothing in it comes from the engine. It says for each place of the
zone, and for each input there, which rows trip, what is sent and what is left to people. A line may end in a condition:
``when permitted`` (every permissive of the fan is known to be true), ``when stuck`` (the zone's own valve does not
move), ``when unstaffed``, or ``unless`` one of them.
"""

import tomllib
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from interlocks.engine import InterlockEngine
from interlocks.outbox import Failure
from interlocks.record import InterlockRecord
from interlocks.reported import Reported
from protocols.command import Command
from protocols.moment import SECOND
from protocols.reading import Origin, Reading
from tests.fixtures.kitchens import ALL_TRUE
from tests.fixtures.malls import MATRICES
from tests.fixtures.stories import MONO, at
from tests.interlocks.truth_inputs import tell
from tests.interlocks.truth_zones import BESIDE_A_LEAK, LEAK, NEIGHBOUR, OWN, ZONES

TRUTH = Path(__file__).parent / "truth"
BEGINS = 8
"""Seconds of quiet before the input."""
STEP = 4
"""A device that is to speak every 2 s is lost after 5: no step is as long."""
CLOSED_HOURS_S, STUCK_S = 900, 15
FANS = {
    "true": ALL_TRUE,
    "false": ALL_TRUE._replace(starter_outside_zone=False),
    "unknown": ALL_TRUE._replace(starter_outside_zone=None),
}
Sent = list[tuple[float, str, str]]


class Case(NamedTuple):
    """One row of the generated table. ``stuck``: the valves of the zone itself do not move; ``staffed``: somebody is
    there."""

    place: str
    input: str
    origin: Origin = Origin.LIVE
    fan: str = "true"
    stuck: bool = False
    staffed: bool = True


class Result(NamedTuple):
    """``sent``: (seconds after the input, device, command), sorted. ``causes``: that trip, sorted. ``held``: actions
    that are left to a person."""

    sent: Sent
    causes: list[str]
    held: set[str]


NOTHING = Result([], [], set())


class Table(NamedTuple):
    """The hand-written table of one matrix."""

    matrix: str
    at: Mapping[str, Mapping[str, Any]]

    def inputs(self, place: str) -> list[str]:
        """Those that the table mentions at a place."""
        rows = self.at[place]
        return [*rows["nothing"], *(name for row in rows.get("row", ()) for name in row["is"])]

    def causes(self) -> set[str]:
        """Rows of the matrix that the table mentions."""
        lines = [line for rows in self.at.values() for row in rows.get("row", ()) for line in row["causes"]]
        return {line.split()[0] for line in lines}

    def cases(self, place: str) -> Iterator[Case]:
        """Each input at a place, with every origin and permissive; and live with a stuck valve, and in closed hours."""
        for name in self.inputs(place):
            yield from (Case(place, name, origin, fan) for origin, fan in product(Origin, FANS))
            yield Case(place, name, stuck=True)
            yield Case(place, name, staffed=False)

    def expected(self, case: Case) -> Result:
        """What the table says of a case."""
        rows = self.at[case.place]
        if case.input in rows["nothing"] or case.origin is not Origin.LIVE:
            return NOTHING  # S5: never from a drill or a simulation
        row = next(row for row in rows["row"] if case.input in row["is"])
        sent = [line.split() for line in _lines(row, "sends", case)]
        return Result(
            sorted((float(seconds), device, command) for seconds, device, command in sent),
            sorted(_lines(row, "causes", case)),
            set(_lines(row, "held", case)),
        )


def tables() -> dict[str, Table]:
    """The tables by the id of their matrix."""
    found = [tomllib.loads(file.read_text(encoding="utf-8")) for file in sorted(TRUTH.glob("*.toml"))]
    return {one["matrix"]: Table(one["matrix"], one["at"]) for one in found}


def _lines(row: Mapping[str, Any], key: str, case: Case) -> Iterator[str]:
    holds = {"permitted": case.fan == "true", "stuck": case.stuck, "unstaffed": not case.staffed}
    for line in row.get(key, ()):
        said, when, condition = line.partition(" when ")
        said, unless, other = said.partition(" unless ")
        if (not when or all(holds[one] for one in condition.split(" and "))) and not (unless and holds[other]):
            yield said


class Played:
    """A case, played: quiet, then the input again and again, and final elements that answer or do not."""

    def __init__(self, matrix: str, case: Case) -> None:
        rig = ZONES[matrix]
        self._case = case
        self._say = rig.say
        self._devices, inputs, lasts = rig.places[case.place]
        self._input = inputs[case.input]
        self._zone = rig.zone(FANS[case.fan], case.staffed)
        self._engine = InterlockEngine([one for one in MATRICES if one.id == matrix], [self._zone], at(0))
        beside = (*self._zone.members, *self._zone.neighbours, *self._zone.ducts, *self._zone.wells)
        self._profiles = {one.device: one.profile for one in beside}
        self._moved: dict[str, dict[str, float]] = {one.device: {} for one in beside}
        self._unsettled: list[tuple[float, Command]] = []
        self.sent: Sent = []
        self.failures: list[Failure] = []
        for second in range(0, BEGINS + max(rig.lasts[case.stuck], lasts[case.stuck]), STEP):
            self._step(second)
        if self._input.lasts and case.origin is Origin.LIVE:
            self._wait(second + STEP, BEGINS + CLOSED_HOURS_S + 2 * STEP)

    def _wait(self, begin: int, end: int) -> None:
        """Through the closed hours. Silence of the others, who are quiet, is no cause; that of one with a leak is."""
        if BESIDE_A_LEAK not in self._case.place:
            self._until(end)
        elif not self._case.staffed:
            for second in range(begin, end, STEP):
                self._step(second)

    @property
    def record(self) -> InterlockRecord:
        """The live record."""
        return next(one for one in self._engine.records() if one.origin is Origin.LIVE)

    def result(self) -> Result:
        """What came of it."""
        held = {one.action for one in self.record.effects if one.status == "held"}
        return Result(sorted(self.sent), sorted({cause for cause, _ in self.record.causes}), held)

    def _step(self, second: int) -> None:
        """What was told before is done or is not; then each device tells of itself, and people of what they report."""
        self._until(second)
        if second == BEGINS and self._input.reported is not None:
            self._engine.heed([Reported(*self._input.reported)], self._case.origin, at(second))
            self._take(second)
        due = [one for one in self._unsettled if second >= one[0] + (STUCK_S if self._is_stuck(one[1]) else 1)]
        self._unsettled = [one for one in self._unsettled if one not in due]
        for _, command in due:
            if not self._is_stuck(command):
                self._moved[command.device][command.name.partition("-")[2] or "intake"] = 2.0
        for device in self._moved:
            for reading in self._said(device, second):
                self._engine.observe(reading, at(second))
                self._take(second)
        for _, command in due:
            self._engine.settled(command.id, not self._is_stuck(command), at(second))
            self._take(second)

    def _is_stuck(self, command: Command) -> bool:
        """Whether the valve does not move, or its board cannot be reached."""
        is_silent = self._input.then is None and OWN in self._devices
        return command.device == OWN and command.name == "close-valve" and (self._case.stuck or is_silent)

    def _said(self, device: str, second: float) -> list[Reading]:
        feedback = self._moved[device]
        if device not in self._devices:
            leaks = device == NEIGHBOUR and BESIDE_A_LEAK in self._case.place
            return [self._say(second, device, **feedback, **(LEAK if leaks else {}))]
        if second < BEGINS:
            return [self._say(second, device, **feedback, **self._input.before)]
        return tell(self._say, self._input, self._profiles[device], device, second, self._case.origin, **feedback)

    def _until(self, second: float) -> None:
        while (due := self._engine.due()) is not None and due <= at(second).mono:
            self._engine.tick(at((due - MONO) / SECOND))
            self._take(round((due - MONO) / SECOND, 3))

    def _take(self, second: float) -> None:
        out = self._engine.drain()
        self.sent += [(second - BEGINS, one.device, one.name) for one in out.commands]
        self._unsettled += [(second, one) for one in out.commands]
        self.failures += out.failures
