"""Limits that charts show, from the shipped alarm rules and `limits.toml`, each told with its source."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


class Figure(NamedTuple):
    """A number with where it comes from. ``unit``: UCUM, as in profiles and rules."""

    value: float
    unit: str
    source: str
    verified: bool

    @property
    def told(self) -> str:
        """«25 %LEL (secondary pages ...; 未核实 unverified)»: said wherever the number is drawn."""
        mark = "已核实 verified" if self.verified else "未核实 unverified"
        return f"{self.value:g} {self.unit.replace('{', '').replace('}', '')} ({self.source}; {mark})"


@cache
def document(name: str) -> dict[str, Any]:
    """A TOML file of the repository. ``name``: its path from the root."""
    return tomllib.loads((ROOT / name).read_text())


def rule_limit(file: str, rule: str) -> Figure:
    """The numeric limit of a shipped alarm rule. Raises `StopIteration` when it has none any more."""
    part = next(one for one in document(f"alarms/rules/{file}.toml")["rule"] if one["id"] == rule)
    condition = next(one for one in part["any"] if "limit" in one)
    source = part["source"][0]
    told = f"{rule}: {source['what']}, {source['source']}"
    return Figure(condition["limit"], condition["unit"], told, source["verified"])


def limit(name: str) -> Figure:
    """A figure of `limits.toml`."""
    part = document("dashboards/grafana/limits.toml")[name]
    return Figure(part["value"], part["unit"], part["source"], part["verified"])


def rule_ids(*files: str) -> list[str]:
    """Ids of the shipped alarm rules in these files."""
    return [part["id"] for file in files for part in document(f"alarms/rules/{file}.toml")["rule"]]


def states(profile: str, point: str) -> dict[str, str]:
    """The codes of an enumeration, each with its name in both languages. ``profile``: ``gengfu/gas-alarm``."""
    points = document(f"protocols/profiles/{profile}.toml")["point"]
    found = next(part for part in points if part["name"] == point)
    return {str(one["code"]): f"{one['title']['zh']} {one['title']['en']}" for one in found["state"]}
