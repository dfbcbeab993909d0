"""What a profile file must mean, beyond its shape: units that exist, a basis for every %LEL, names that are there.

Each check yields problems as (path to the key, what to do). Commands and Modbus addresses have modules of their own.
Point names and their order are append-only: stored readings hold values by position.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from protocols.errors import UnitError
from protocols.gas import GAS_DIMENSIONS, LFL
from protocols.profile.compile import QUALITY_WORDS
from protocols.profile.draft import RESERVED
from protocols.profile.problem import Problem
from protocols.profile.rules_commands import check_commands
from protocols.profile.rules_modbus import BIT_TABLES, check_modbus
from protocols.profile.rules_opcua import check_opcua
from protocols.profile.rules_payload import check_payload, may_mark
from protocols.profile.rules_report import check_reports
from protocols.profile.schema import GasPart, GoldenBlock, GoldenPart, PointPart, ProfileFile, QualityPart
from protocols.units import unit

RESERVED_KINDS = frozenset(
    {
        "annotation",
        "connection",
        "connection_error",
        "consumer",
        "device_error",
        "device_health",
        "gateway",
    }
)
"""Measurements of InfluxDB that say what happened and how the gateway is: readings of a kind stand in the one of its
name."""

_SENML_NAME = re.compile(r"[A-Za-z0-9:._-][A-Za-z0-9:./_-]*")


def check(file: ProfileFile) -> Iterator[Problem]:
    """Every problem of meaning in the file."""
    if file.profile.kind in RESERVED_KINDS:
        what = f"{file.profile.kind!r} is a name of lines that Gengfu writes itself: take another kind"
        yield "profile.kind", what
    yield from _unique(("point", part.name) for part in file.point)
    yield from _senml_names(file)
    for part in file.point:
        for path, what in _point(part):
            yield f"point[{part.name}]{path}", what
    yield from check_modbus(file)
    yield from check_payload(file)
    yield from check_opcua(file)
    yield from check_reports(file)
    points = {part.name: part for part in file.point}
    for number, rule in enumerate(file.quality, 1):
        for path, what in _quality(rule, points):
            yield f"quality[{number}]{path}", what
    yield from _over_range_first(file.quality)
    yield from _unique(("command", part.name) for part in file.command)
    yield from check_commands(file, points)
    yield from _unique(("golden", part.name) for part in file.golden)
    for golden in file.golden:
        for path, what in _golden(golden, points):
            yield f"golden[{golden.name}]{path}", what


def _unique(names: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    for (table, name), count in Counter(names).items():
        if count > 1:
            yield f"{table}[{name}].name", f"{count} {table}s have the name {name!r}: give each its own"


def _senml_names(file: ProfileFile) -> Iterator[Problem]:
    owner: dict[str, str] = {}
    for part in file.point:
        name = part.senml or part.name
        path = f"point[{part.name}].{'senml' if part.senml else 'name'}"
        if name in RESERVED:
            yield path, f"{name!r} is reserved for the device's own counters: take another SenML name"
        elif _SENML_NAME.fullmatch(name) is None:
            yield path, f"{name!r} is no SenML name: use A-Z a-z 0-9 - : . / _ (RFC 8428 section 4.5.1)"
        elif owner.setdefault(name, part.name) != part.name:
            yield path, f"point {owner[name]!r} has the SenML name {name!r} already: give each its own"


def _point(part: PointPart) -> Iterator[Problem]:
    try:
        dimension = unit(part.unit).dimension
    except UnitError as error:
        yield ".unit", str(error)
        dimension = ""
    yield from _range(part)
    yield from _states(part)
    yield from _gas(part, dimension)


def _range(part: PointPart) -> Iterator[Problem]:
    number = part.type == "number"
    if part.range is None:
        if number and part.life_safety:
            yield ".range", "a life-safety number needs its measuring range: over-range is the highest alarm level (S3)"
        return
    low, high = part.range
    if part.type not in ("number", "counter"):
        yield ".range", f"only a number or a counter has a range, this is of type {part.type}: remove it"
    elif not (math.isfinite(low) and math.isfinite(high) and low < high):
        yield ".range", f"must be [low, high] with low < high, not [{low}, {high}]"


def _states(part: PointPart) -> Iterator[Problem]:
    if part.type != "enum":
        if part.state:
            yield ".state", f"only an enum has states, this is of type {part.type}: remove them"
        return
    if not part.state:
        yield ".state", "an enum needs its states: add { code, name, title } for each"
    for code, count in Counter(state.code for state in part.state).items():
        if count > 1:
            yield ".state", f"{count} states have the code {code}: give each its own"
    for name, count in Counter(state.name for state in part.state).items():
        if count > 1:
            yield ".state", f"{count} states have the name {name!r}: give each its own"


def _gas(part: PointPart, dimension: str) -> Iterator[Problem]:
    needs_lfl = dimension == "explosive-limit" or part.role == "gas"
    if part.gas is None:
        if needs_lfl or (part.life_safety and dimension in GAS_DIMENSIONS):
            yield ".gas", "a gas value needs its gas: add species, lfl_basis, lfl_vol_percent and calibration_gas (S12)"
        return
    if dimension and dimension not in GAS_DIMENSIONS:
        yield ".gas", f"unit {part.unit!r} is no concentration: remove gas, or correct the unit"
    if not part.gas.calibration_gas.strip():
        yield ".gas.calibration_gas", "name the gas the sensor is calibrated with (S12)"
    yield from _lfl(part.gas, needs_lfl)


def _lfl(gas: GasPart, needed: bool) -> Iterator[Problem]:
    given = gas.lfl_vol_percent
    if gas.lfl_basis == "none":
        if needed:
            yield ".gas.lfl_basis", "must be iec, nfpa or custom: a %LEL without a basis has no meaning (S12)"
        if given is not None:
            yield ".gas.lfl_vol_percent", "has no meaning with lfl_basis = 'none': remove it, or name the basis"
        return
    if given is None:
        yield ".gas.lfl_vol_percent", "add the vol% that is 100 %LEL (S12)"
        return
    if gas.lfl_basis == "custom":
        return
    listed = LFL.get((gas.species, gas.lfl_basis))
    if listed is None:
        yield ".gas.lfl_basis", f"no {gas.lfl_basis} limit of {gas.species} is listed: use 'custom' with its source"
    elif listed.vol_percent != given:
        yield (
            ".gas.lfl_vol_percent",
            f"{gas.species} has {listed.vol_percent} vol% on the {gas.lfl_basis} basis, not {given}: "
            "correct it, or use 'custom'",
        )


def _quality(rule: QualityPart, points: dict[str, PointPart]) -> Iterator[Problem]:
    for name in rule.affects:
        if name not in points:
            yield ".affects", f"there is no point {name!r}"
    subject = points.get(rule.point)
    if subject is None:
        yield ".point", f"there is no point {rule.point!r}"
    elif subject.type not in ("flag", "enum"):
        yield ".point", f"{rule.point!r} is of type {subject.type}: only a flag or an enum tells quality"
    elif rule.equals not in codes_of(subject):
        yield ".equals", f"{rule.point!r} is never {rule.equals}: use one of {_listed(codes_of(subject))}"


def _over_range_first(rules: tuple[QualityPart, ...]) -> Iterator[Problem]:
    """Of two bad reasons the first rule wins; over-range is the highest alarm level and must not lose (S3)."""
    bad_before: set[str] = set()
    for number, rule in enumerate(rules, 1):
        hidden = sorted(bad_before.intersection(rule.affects))
        if rule.quality == "bad:over-range" and hidden:
            yield f"quality[{number}]", f"move it before every other bad quality of {', '.join(hidden)} (S3)"
        elif rule.quality.startswith("bad:") and rule.quality != "bad:over-range":
            bad_before.update(rule.affects)


def codes_of(part: PointPart) -> tuple[int, ...]:
    """The codes a flag or an enum can have."""
    return (0, 1) if part.type == "flag" else tuple(state.code for state in part.state)


def _listed(codes: Iterable[int]) -> str:
    return ", ".join(str(code) for code in codes)


def _golden(golden: GoldenPart, points: dict[str, PointPart]) -> Iterator[Problem]:
    if golden.senml is None and not golden.modbus and golden.payload is None and not golden.opcua:
        yield "", "give its bytes: senml, modbus, payload or opcua"
    if not golden.values:
        yield ".values", "name at least one value"
    for name in golden.values:
        if name not in points:
            yield f".values.{name}", f"there is no point {name!r}"
    yield from _golden_quality(golden, points)
    for number, block in enumerate(golden.modbus, 1):
        for what in _block(block):
            yield f".modbus[{number}].hex", what


def _golden_quality(golden: GoldenPart, points: dict[str, PointPart]) -> Iterator[Problem]:
    for name, word in golden.quality.items():
        if name not in points:
            yield f".quality.{name}", f"there is no point {name!r}"
        elif not may_mark(golden, name):
            yield f".quality.{name}", "only a point with a value has a quality here"
        if word not in QUALITY_WORDS or word == "good":
            known = ", ".join(key for key in QUALITY_WORDS if key != "good")
            yield f".quality.{name}", f"{word!r} is none of {known}"


def _block(block: GoldenBlock) -> Iterator[str]:
    try:
        size = len(bytes.fromhex(block.hex))
    except ValueError:
        yield "is no hexadecimal text"
        return
    wanted = (block.count + 7) // 8 if block.table in BIT_TABLES else 2 * block.count
    if size != wanted:
        yield f"count = {block.count} takes {wanted} bytes, there are {size}"
