"""Plant one small fault after another in the interlocks and the origin guard, and see whether a test notices.

`python -m tools.mutants [--only interlocks/votes.py,...] [--every N] [--offset K] [--tests FILE,...]
[--minutes M]`: each fault is planted in a copy of this folder under .cache, never here; one that no test notices has
survived, and is printed with its line.
Run by a person, for it takes hours: docs/mutants.md explains the survivors.
"""

import argparse
import ast
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / ".cache/mutants"
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".cache", "gengfu-data", "node_modules", "__pycache__", "dist", "*.log"
)
INTERLOCK_TESTS = (
    "tests/interlocks/test_votes.py", "tests/interlocks/test_kitchen_causes.py", "tests/interlocks",
)  # fmt: skip
GUARD_TESTS = ("tests/gateway/test_actuator.py", "tests/gateway/test_command_safety.py")
GUARD = "gateway/actuator.py"
TIMEOUT_S = 300.0

_COMPARISONS: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip


class Mutant(NamedTuple):
    """``line``: where the fault is; ``was`` and ``became``: the code there; ``source``: the whole file with it."""

    file: str
    line: int
    was: str
    became: str
    source: str


class Fault(NamedTuple):
    """``place``: number of the node in the file that is made wrong; ``change``: in which of its ways."""

    file: str
    place: int
    change: int


def faults(file: str, source: str) -> Iterator[Fault]:
    """Every fault for a file, in the order in which its tree is walked. Annotations and docstrings are left alone."""
    for place, node in enumerate(_places(ast.parse(source))):
        yield from (Fault(file, place, change) for change in range(_changes(node)))


def mutant(fault: Fault, source: str) -> Mutant:
    """The file with the fault."""
    tree = ast.parse(source)
    node = list(_places(tree))[fault.place]
    was = ast.unparse(node)
    _plant(node, fault.change)
    return Mutant(fault.file, node.lineno, was, ast.unparse(node), ast.unparse(ast.fix_missing_locations(tree)))


def _places(tree: ast.Module) -> Iterator[ast.expr | ast.stmt]:
    """Nodes that can be made wrong."""
    annotations = {
        id(inner)
        for node in ast.walk(tree)
        for name in ("annotation", "returns")
        if (note := getattr(node, name, None)) is not None
        for inner in ast.walk(note)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.stmt) and id(node) not in annotations and _changes(node):
            yield node


def _changes(node: ast.AST) -> int:
    """In how many ways it can."""
    match node:
        case ast.Compare(ops=[op]):
            return int(type(op) in _COMPARISONS)
        case ast.BoolOp():
            return 1 + len(node.values)
        case ast.BinOp():
            return int(type(node.op) in _OPERATORS)
        case ast.UnaryOp(op=ast.Not()) | ast.If() | ast.IfExp() | ast.Expr(value=ast.Call()):
            return 1
        case ast.Constant(value=bool() | int() | float()):
            return 1
    return 0


def _plant(node: ast.expr | ast.stmt, change: int) -> None:
    match node:
        case ast.Compare(ops=[op]):
            node.ops = [_COMPARISONS[type(op)]()]
        case ast.BoolOp() if change == 0:
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.BoolOp():
            del node.values[change - 1]
            if len(node.values) == 1:
                node.values *= 2
        case ast.UnaryOp():
            node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
        case ast.If() | ast.IfExp():
            node.test = ast.UnaryOp(ast.Not(), node.test)
        case ast.BinOp():
            node.op = _OPERATORS[type(node.op)]()
        case ast.Constant():
            node.value = _another(node.value)
        case ast.Expr():
            node.value = ast.Constant(None)


def _another(value: object) -> float | bool:
    assert isinstance(value, int | float), f"{value!r} was not to be changed"
    return not value if isinstance(value, bool) else value + 1


def prepare() -> None:
    """A fresh copy of this folder."""
    shutil.rmtree(COPY, ignore_errors=True)
    shutil.copytree(ROOT, COPY, ignore=LEFT_OUT, symlinks=True)


def survives(planted: Mutant, tests: tuple[str, ...]) -> bool:
    """Whether no test notices. A run that does not end counts as noticed."""
    place = COPY / planted.file
    before = place.read_text(encoding="utf-8")
    place.write_text(planted.source, encoding="utf-8")
    try:
        return _passes(tests)
    finally:
        place.write_text(before, encoding="utf-8")


def _passes(tests: tuple[str, ...]) -> bool:
    present = [test for test in tests if (COPY / test).exists()]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", *present]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(COPY)}
    try:
        done = subprocess.run(
            command, cwd=COPY, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def chosen(only: str, every: int, offset: int) -> list[Fault]:
    """The faults of the files asked for; of these each ``every``-th, from ``offset`` on."""
    every_file = [*sorted(file.relative_to(ROOT).as_posix() for file in (ROOT / "interlocks").glob("*.py")), GUARD]
    names = only.split(",") if only else every_file
    found = [one for name in names for one in faults(name, (ROOT / name).read_text(encoding="utf-8"))]
    return found[offset::every]


def main() -> int:
    """Plant and report. The answer is 1 where a fault survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="files, by comma")
    parser.add_argument("--every", type=int, default=1, help="only each N-th fault")
    parser.add_argument("--offset", type=int, default=0, help="from this one on")
    parser.add_argument("--tests", default="", help="tests that shall notice, by comma; without: all of the package")
    parser.add_argument("--minutes", type=float, default=0.0, help="stop after so long; 0: never")
    asked = parser.parse_args()
    wanted = chosen(asked.only, asked.every, asked.offset)
    prepare()
    tests = tuple(asked.tests.split(",")) if asked.tests else INTERLOCK_TESTS
    if not _passes(tests):
        sys.stderr.write(f"the tests fail without any fault; see {COPY}\n")
        return 2
    ends = time.monotonic() + asked.minutes * 60 if asked.minutes else None
    ran, survivors = 0, 0
    for fault in wanted:
        if ends is not None and time.monotonic() >= ends:
            break
        ran += 1
        planted = mutant(fault, (COPY / fault.file).read_text(encoding="utf-8"))
        survived = survives(planted, GUARD_TESTS if fault.file == GUARD else tests)
        survivors += survived
        word = "SURVIVED" if survived else "noticed"
        sys.stdout.write(f"{word} {planted.file}:{planted.line}: {planted.was}  ->  {planted.became}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{ran} of {len(wanted)} faults planted, {survivors} survived\n")
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
