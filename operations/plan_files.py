"""Reading plan files: the shipped ones, and any other."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from operations.checks import check_plan
from operations.errors import PlanError
from operations.plan import Plan

SHIPPED = Path(__file__).with_name("plans")


def load_plan(file: Path) -> Plan:
    """Read one plan. Raises `PlanError` naming everything that is wrong as ``file: path: what to do``."""
    try:
        # Strict JSON takes an array for a tuple; a TOML date becomes a text and is refused where none is expected.
        plan = Plan.model_validate_json(json.dumps(tomllib.loads(file.read_text(encoding="utf-8")), default=str))
    except OSError as error:
        raise PlanError([f"{file.name}: file: {error.strerror}; name a file that can be read"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PlanError([f"{file.name}: file: not valid TOML: {error}"]) from None
    except ValidationError as error:
        raise PlanError([f"{file.name}: {_path(one['loc'])}: {one['msg']}" for one in error.errors()]) from None
    problems = [f"{file.name}: {problem}" for problem in check_plan(plan)]
    if problems:
        raise PlanError(problems)
    return plan


def load_plans(*files: Path) -> dict[str, Plan]:
    """All plans by id. Raises `PlanError` with every problem of every file."""
    problems: list[str] = []
    plans: dict[str, Plan] = {}
    for file in files:
        try:
            plan = load_plan(file)
        except PlanError as error:
            problems += error.problems
            continue
        if plan.id in plans:
            problems.append(f"{file.name}: plan.id: {plan.id!r} is taken by another file; rename one")
        plans[plan.id] = plan
    if problems:
        raise PlanError(problems)
    return plans


def shipped_plans() -> Mapping[str, Plan]:
    """The plans that come with the program."""
    return load_plans(*sorted(SHIPPED.glob("*.toml")))


def _path(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in place) or "file"
