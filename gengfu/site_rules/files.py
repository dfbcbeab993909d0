"""Reads what stands beside a site's document: `rules/*.toml` and `interlocks/*.toml`.

Each table is judged by itself, so that a mistake in one hides none in another.
"""

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from alarms.rule import AlarmRule
from gengfu.site_rules.finding import Finding, Where
from gengfu.site_rules.shapes import MatrixOverride, RuleOverride
from interlocks.matrix import Matrix
from protocols.document import Strict

FOLDERS = ("rules", "interlocks")
HERE = "zone"
"""Where a cause looks if nothing else is said."""

Part = TypeVar("Part", bound=Strict)


class Own(NamedTuple):
    """One rule or matrix of the site's own, or one override, and where it stands."""

    part: AlarmRule | Matrix | RuleOverride | MatrixOverride
    where: Where


@dataclass
class SiteFiles:
    """What was read, in the order of the files, and what could not be."""

    parts: list[Own] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def read(self, file: Path) -> None:
        """Add what stands in one file."""
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            self._refuse(Where(str(file), "file"), f"cannot be read: {error.strerror}")
            return
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            self._refuse(Where(str(file), "file"), f"not valid TOML: {error}")
            return
        for name, value in data.items():
            self._table(file, name, value)

    def read_folder(self, folder: Path) -> None:
        """Add what stands in the files of a folder, in the order of their names."""
        try:
            files = sorted(folder.iterdir())
        except FileNotFoundError:
            return
        except OSError as error:
            self._refuse(Where(str(folder), "folder"), f"cannot be read: {error.strerror}")
            return
        for file in files:
            if file.suffix == ".toml":
                self.read(file)
            elif ".toml" in file.name.lower():
                self.findings.append(
                    Finding(Where(str(file), "file"), "is not read: its name must end in .toml", warning=True)
                )

    def _table(self, file: Path, name: str, value: object) -> None:
        if name == "matrix" and isinstance(value, dict):
            self._take(Matrix, value, Where(str(file), f"matrix[{value.get('id', '?')}]"))
            return
        if name not in ("rule", "override"):
            what = "unknown table: write [[rule]], [[override]] or [matrix]"
            self._refuse(Where(str(file), name), what)
            return
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self._refuse(Where(str(file), name), f"is no list of tables: write [[{name}]]")
            return
        for number, entry in enumerate(value, 1):
            if name == "rule":
                self._take(AlarmRule, entry, Where(str(file), f"rule[{entry.get('id', number)}]"))
            elif ("rule" in entry) == ("matrix" in entry):
                what = "name what it changes: either rule or matrix"
                self._refuse(Where(str(file), f"override[{number}]"), what)
            elif "rule" in entry:
                self._take(RuleOverride, entry, Where(str(file), f"override[{entry['rule']}]"))
            else:
                self._take(MatrixOverride, entry, Where(str(file), f"override[{entry['matrix']}]"))

    def _take(self, shape: type[Part], entry: dict[str, Any], where: Where) -> None:
        try:
            # as JSON, because the strict shapes take arrays as tuples from JSON only
            part = shape.model_validate_json(json.dumps(entry, default=str))
        except ValidationError as error:
            for one in error.errors(include_url=False):
                self._refuse(where.at(_path(one["loc"], entry)), _what(one["type"], one["msg"]))
            return
        assert isinstance(part, AlarmRule | Matrix | RuleOverride | MatrixOverride)
        self.parts.append(Own(part, where))

    def _refuse(self, where: Where, what: str) -> None:
        self.findings.append(Finding(where, what))


def read_beside(document: Path) -> SiteFiles:
    """What the folder of a site's document holds; nothing where it has no such folders."""
    found = SiteFiles()
    for name in FOLDERS:
        found.read_folder(document.parent / name)
    return found


def read_alone(file: Path) -> SiteFiles:
    """What one file holds."""
    found = SiteFiles()
    found.read(file)
    return found


def label(kind: str, role: str | None, where: str | None = None) -> str:
    """How a condition is named in the key of a message: its kind and role, and where it looks, if elsewhere."""
    return " ".join(word for word in (kind, role, where if where != HERE else None) if word)


def _path(loc: Sequence[int | str], entry: object) -> str:
    """The place of a mistake; entries of a list by what tells them apart, else by their number from 1."""
    return "".join(_steps(loc, entry)).removeprefix(".")


def _steps(loc: Sequence[int | str], here: Any) -> Iterator[str]:
    for step in loc:
        if isinstance(step, str):
            here = here.get(step) if isinstance(here, dict) else None
            yield f".{step}"
            continue
        here = here[step] if isinstance(here, list) and step < len(here) else None
        yield f"[{_name(here) or step + 1}]"


def _name(entry: object) -> str:
    if not isinstance(entry, dict):
        return ""
    return (
        str(entry["id"])
        if "id" in entry
        else label(entry["kind"], entry.get("role"), entry.get("where"))
        if "kind" in entry
        else ""
    )


def _what(kind: str, message: str) -> str:
    if kind == "missing":
        return "is missing: add it"
    if kind == "extra_forbidden":
        return "unknown key: it cannot be changed by a site, or its name is wrong; remove it"
    return message.replace("Input should", "must")
