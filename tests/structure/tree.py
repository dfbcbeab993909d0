"""The files of this repository that we wrote, parsed once. Vendored and generated files are left out."""

import ast
import configparser
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
OTHER_ROOTS = ("bench", "dashboards", "docs", "firmware", "sites", "tests", "tools")
FOREIGN = ("console/static/vendor", "firmware/typings", "gengfu-data", "node_modules", "__pycache__")


@cache
def packages() -> tuple[str, ...]:
    """The top-level folders that are Python packages of ours."""
    return tuple(sorted(path.parent.name for path in ROOT.glob("*/__init__.py")))


@cache
def settings() -> dict[str, Any]:
    """`pyproject.toml`."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@cache
def import_contracts() -> configparser.ConfigParser:
    """`.importlinter`."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def is_ours(path: Path) -> bool:
    """Whether we wrote the file."""
    name = path.relative_to(ROOT).as_posix()
    return not any(f"{folder}/" in f"{name}/" for folder in FOREIGN)


def files(pattern: str, *roots: str) -> Iterator[Path]:
    """Our files of a glob pattern, in these top-level folders (all, unless named), in order."""
    for root in roots or (*packages(), *OTHER_ROOTS):
        yield from (path for path in sorted((ROOT / root).rglob(pattern)) if path.is_file() and is_ours(path))


class Module(NamedTuple):
    """A Python file. ``name``: its path from the root of the repository."""

    name: str
    source: str

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return _parse(self)

    @property
    def package(self) -> str:
        """Its folder in dotted form: ``protocols.wire``."""
        return self.name.rpartition("/")[0].replace("/", ".")


@cache
def _parse(module: Module) -> ast.Module:
    return ast.parse(module.source, module.name)


def modules(*roots: str) -> list[Module]:
    """Our Python files in these top-level folders."""
    return [Module(path.relative_to(ROOT).as_posix(), path.read_text()) for path in files("*.py", *roots)]


class Import(NamedTuple):
    """One import: ``journal.entry`` (and ``journal.entry.Entry``, where that name is taken from it)."""

    target: str
    line: int

    def is_in(self, package: str) -> bool:
        """Whether it is the package or something inside it."""
        return f"{self.target}.".startswith(f"{package}.")


def imports(module: Module) -> Iterator[Import]:
    """Every absolute import of a file, wherever it stands. `from a import b` gives ``a.b``."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (Import(f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
