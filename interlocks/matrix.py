"""Cause-and-effect matrices are data: this is their shape and what a matrix must never hold.

A matrix is instantiated for each area of its kinds (a zone): its causes look at the detectors of the zone, its
effects act on the final elements of the zone, in the listed order. There is no effect that opens a valve or
stops a fan, so no file can ask for one (S1, S2).
"""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from interlocks.errors import MatrixError
from interlocks.votes import Vote
from protocols.document import Source, Strict, Text
from protocols.report import WHATS

Where = Literal["zone", "neighbour", "duct", "well"]


class When(Strict):
    """One way for a cause to be; those of a cause are OR-ed at each detector, and its ``vote`` is taken over these.

    ``high``: >= ``limit`` in ``unit``, any quality (S3). ``flag``: the device's own bit. ``over-range``: above
    the measuring range. ``blind-rising``: bad or lost, and last >= ``limit`` or rising >= ``slope`` a minute.
    ``all-lost``: every detector of the role is bad or lost, in a zone that is not staffed. ``lost-near-gas``: every one
    is, staffed or not, while a neighbour has >= ``limit``, is over range or says so itself; of a whole mall, in one of
    its areas.
    ``reported``: a person reported what ``role`` says (`protocols.report.WHATS`) at the zone or near by, and nobody has
    withdrawn it.
    Only where we observe: ``low``: <= the limit. ``unset``: the device's own bit is not set, or not told, while the bit
    of ``during`` is. ``still``: a controller's counter did not change for ``over_s``.
    ``set``: the limit is what the site says that the point was set to; where it says nothing, nothing is looked at.
    ``where``: at the zone's own devices, at those of a neighbouring tenant, in a duct or fresh-air intake, or in a well
    near by.
    """

    kind: Literal[
        "high", "flag", "over-range", "blind-rising", "all-lost", "lost-near-gas", "low", "unset", "still",
        "reported",
    ]  # fmt: skip
    role: str
    species: tuple[str, ...] = ()
    limit: float | None = None
    unit: str | None = None
    slope: float | None = None
    set: Literal["high", "low"] | None = None
    during: str | None = None
    over_s: Annotated[float, Field(gt=0)] | None = None
    where: Where = "zone"


class Effect(Strict):
    """One effect. ``hold-fan``: nothing is sent, a person decides, and the desk says why. ``inhibit-fan``: a flag of
    the whole zone that moves nothing: no interlock starts a fan there until a person resets the latch.
    ``stop-intake``: what draws air into the zone, where its starter is outside it. ``ask-person`` (to stop these from
    outside the zone) and ``ask-evacuation``: nothing is sent; the desk shows what a person is asked for.

    ``after_s``: seconds after the trip; ``if_failed``: only when this effect of the same trip failed. ``costly``: lost
    detectors alone never bring it about.
    """

    id: Annotated[str, Field(pattern=r"^E[1-9]$")]
    action: Literal[
        "close-valve",
        "close-upstream-valve",
        "start-fan",
        "hold-fan",
        "inhibit-fan",
        "stop-intake",
        "ask-person",
        "ask-evacuation",
    ]
    after_s: Annotated[float, Field(ge=0)] = 0.0
    if_failed: str | None = None
    costly: bool = False


class Expectation(Strict):
    """What an observed station must do by itself once the cause stands: every point of ``role`` reads ``shows`` within
    ``within_s`` (without ``shows``: its counter moves again). Else the alarm rule of the cause's id is reported there.
    """

    role: str
    shows: float | None = None
    within_s: Annotated[float, Field(ge=0)]


class Cause(Strict):
    """One row. ``delay_s``: how long it must stand (0 for gas); with ``accumulate`` in all: the time counts up while it
    stands, and down while it does not. ``stage``: of the plan it asks for. ``vote``: how many
    detectors must say so (`interlocks.votes`), of 2ooN within ``within_s`` of one another. ``on_lost``: what holds when
    all of these have failed: their ``alarm`` only, or the row ``all-lost`` of this matrix too. ``unless_closed``: it
    stands only while a valve of the zone's own is not closed beyond doubt: the device did not do it by itself."""

    id: Annotated[str, Field(pattern=r"^[A-Z]{2}-[0-9][a-z]?$")]
    title: Text
    when: Annotated[tuple[When, ...], Field(min_length=1)]
    delay_s: Annotated[float, Field(ge=0)] = 0.0
    accumulate: bool = False
    vote: Vote = "1ooN"
    within_s: Annotated[float, Field(ge=0)] = 0.0
    on_lost: Literal["alarm", "all-lost"] | None = None
    effect: tuple[Effect, ...] = ()
    stage: Literal["verify", "full", "fire"] | None = None
    unless_closed: bool = False
    expect: tuple[Expectation, ...] = ()


class Matrix(Strict):
    """A matrix. ``mode = observe`` records and commands nothing (S15). ``reset_after_s``: how long every cause
    must have been gone, on good fresh values, before a reset is taken."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    title: Text
    areas: Annotated[tuple[str, ...], Field(min_length=1)]
    mode: Literal["act", "observe"]
    reset_after_s: Annotated[float, Field(ge=0)] = 600.0
    cause: Annotated[tuple[Cause, ...], Field(min_length=1)]
    source: Annotated[tuple[Source, ...], Field(min_length=1)]


class MatrixFile(Strict):
    """A file with one matrix."""

    matrix: Matrix


def load_matrix(file: Path) -> Matrix:
    """Read one matrix. Raises `MatrixError` naming every wrong key."""
    try:
        # as JSON, because the strict shapes take arrays as tuples from JSON only
        matrix = MatrixFile.model_validate_json(json.dumps(tomllib.loads(file.read_text(encoding="utf-8")))).matrix
    except tomllib.TOMLDecodeError as error:
        raise MatrixError([f"{file.name}: not valid TOML: {error}"]) from None
    except ValidationError as error:
        raise MatrixError([f"{file.name}: {_path(one['loc'])}: {one['msg']}" for one in error.errors()]) from None
    problems = [f"{file.name}: {problem}" for problem in check_matrix(matrix)]
    if problems:
        raise MatrixError(problems)
    return matrix


_NEEDS = {
    "high": {"limit", "unit"},
    "flag": set[str](),
    "over-range": set[str](),
    "blind-rising": {"limit", "unit", "slope"},
    "all-lost": set[str](),
    "lost-near-gas": {"limit", "unit"},
    "low": {"limit", "unit"},
    "unset": set[str](),
    "still": {"over_s"},
    "reported": set[str](),
}
_ONLY_OBSERVED = ("low", "unset", "still")
LOST = ("all-lost", "lost-near-gas")
"""Kinds that speak of a whole zone."""


def check_matrix(matrix: Matrix) -> list[str]:
    """What the shape cannot say: effects that exist, fields each kind needs, observe-only matrices (S15)."""
    problems = []
    names = [cause.id for cause in matrix.cause]
    if len(set(names)) < len(names):
        problems.append("cause: an id stands twice")
    for cause in matrix.cause:
        if matrix.mode == "observe" and cause.effect:
            problems.append(f"cause {cause.id}: an observe-only matrix has no effects (S15)")
        found = _check_cause(cause) + _check_vote(cause, matrix) + _check_observed(cause, matrix)
        found += _check_reported(cause, matrix)
        problems += [f"cause {cause.id}: {problem}" for problem in found]
    return problems


def _check_observed(cause: Cause, matrix: Matrix) -> list[str]:
    """Only who is observed is expected to act by itself, and a cause is no proof of what follows from it (S15)."""
    if matrix.mode != "observe":
        problems = ['expect: only a matrix with mode = "observe" waits for what others do'] if cause.expect else []
        kinds = sorted({when.kind for when in cause.when} & set(_ONLY_OBSERVED))
        return problems + [f'{kind}: only a matrix with mode = "observe" looks at it' for kind in kinds]
    problems = [f"vote {cause.vote}: what is only observed has no vote"] if cause.vote != "1ooN" else []
    problems += ["unless_closed: what is only observed closes nothing"] if cause.unless_closed else []
    roles = [one.role for one in cause.expect]
    if len(set(roles)) < len(roles):
        problems.append("expect: a role stands twice")
    still = {when.role for when in cause.when if when.kind == "still"}
    own = {when.role for when in cause.when} - still
    problems += [f"expect: {role} is the cause itself, and proves nothing" for role in sorted(own & set(roles))]
    beating = {one.role for one in cause.expect if one.shows is None}
    problems += [f"expect: {role} needs shows: only what stands still moves again" for role in sorted(beating - still)]
    return problems


def _check_vote(cause: Cause, matrix: Matrix) -> list[str]:
    """A vote that all inputs may be lost to says what holds then; what is costly is not brought about by loss (S7)."""
    problems = []
    if cause.vote != "1ooN" and cause.on_lost is None:
        problems.append(
            f'vote {cause.vote} needs on_lost ("alarm" or "all-lost"): what holds when every input has failed'
        )
    lost = sorted({when.kind for when in cause.when if when.kind in LOST})
    if cause.vote != "1ooN":
        problems += [f"{kind} is no vote: give it a row of its own" for kind in lost]
    if cause.within_s and cause.vote != "2ooN":
        problems.append(f"within_s is for vote 2ooN: the vote {cause.vote} is on what is said at once")
    answered = {when.role for one in matrix.cause for when in one.when if when.kind == "all-lost"}
    if cause.on_lost == "all-lost" and not answered & {when.role for when in cause.when}:
        problems.append("on_lost = all-lost: no cause of this matrix is all-lost of such a role")
    if any(when.kind == "all-lost" for when in cause.when):
        costly = (effect.id for effect in cause.effect if effect.costly)
        problems += [
            f"effect {one}: costly, and lost detectors alone never bring it about: leave it out" for one in costly
        ]
    return problems


def _check_reported(cause: Cause, matrix: Matrix) -> list[str]:
    """What people report is no value and no vote, says nothing of a station, and never switches a motor on."""
    reported = [when for when in cause.when if when.kind == "reported"]
    if not reported:
        return []
    problems = [
        f"reported: {when.role!r} is nothing that is reported: one of {', '.join(WHATS)}"
        for when in reported
        if when.role not in WHATS
    ]
    problems += [
        "reported takes no species and no where: a report is of an area"
        for when in reported
        if when.species or when.where != "zone"
    ]
    if cause.vote != "1ooN":
        problems.append("reported is no vote: give it a row of its own")
    if matrix.mode == "observe":
        problems.append("reported: a station is judged by its own points (S15)")
    fans = (effect.id for effect in cause.effect if effect.action == "start-fan")
    problems += [f"effect {one}: no fan is started on a report: nobody measured where the gas is (S1)" for one in fans]
    return problems


def _check_cause(cause: Cause) -> list[str]:
    problems = []
    ids = [effect.id for effect in cause.effect]
    if len(set(ids)) < len(ids):
        problems.append("an effect id stands twice")
    for place, effect in enumerate(cause.effect):
        if effect.if_failed is not None and effect.if_failed not in ids[:place]:
            problems.append(f"effect {effect.id}: if_failed = {effect.if_failed!r} is no earlier effect of this cause")
    for number, when in enumerate(cause.when):
        if when.kind == "lost-near-gas" and when.where != "neighbour":
            problems.append(f'when[{number}]: lost-near-gas looks at a neighbour: where = "neighbour"')
        problems += [f"when[{number}]: {problem}" for problem in _check_keys(when)]
    return problems


def _check_keys(when: When) -> list[str]:
    given = {name for name in ("limit", "unit", "slope", "set", "during", "over_s") if getattr(when, name) is not None}
    needs = {"set"} if when.set is not None and when.kind in ("high", "low") else _NEEDS[when.kind]
    may = needs | {"during"} if when.kind == "unset" else needs
    problems = [f"{when.kind} needs {name}" for name in sorted(needs - given)]
    problems += [f"{when.kind} takes no {name}" for name in sorted(given - may)]
    return problems


def _path(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in place) or "file"
