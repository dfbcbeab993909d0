"""Rules for our code that ruff and mypy do not know."""

import ast
import re
import tokenize
from collections.abc import Iterator, Mapping
from io import StringIO
from itertools import pairwise
from pathlib import PurePosixPath

import pytest

from tests.structure.tree import Module, files, modules, packages, settings

FILE_LINES = 400
FUNCTION_LINES = 50
CLOCKS = frozenset(
    {f"time.{name}{ending}" for name in ("time", "monotonic", "perf_counter") for ending in ("", "_ns")}
    | {f"{head}{name}" for head in ("", "datetime.") for name in ("datetime.now", "datetime.utcnow")}
    | {"time.sleep", "datetime.today", "date.today", "datetime.datetime.today", "datetime.date.today"}
)
MAY_READ_THE_CLOCK = ("gengfu/", "gateway/transports/")
READS_THE_CLOCK: Mapping[str, str] = {}
"""Other files that read the clock, each with the reason."""
SUPERVISOR = "gengfu/supervisor.py"
REFUSED_FOLDERS = frozenset({"common", "core", "helpers", "models", "utils"})
IGNORE = re.compile(r"#\s*type:\s*ignore(?P<code>\[[a-z-]+(, ?[a-z-]+)*\])?(?P<rest>.*)")


def too_long(sources: list[Module]) -> list[str]:
    """Files longer than `FILE_LINES`."""
    lengths = [(module.name, len(module.source.splitlines())) for module in sources]
    return [f"{name}: {length} lines" for name, length in lengths if length > FILE_LINES]


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, methods and inner ones included."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def too_long_functions(sources: list[Module]) -> list[str]:
    """Functions longer than `FUNCTION_LINES`, their docstring included."""
    return [
        f"{module.name}:{node.lineno}: {node.name} has {length} lines"
        for module in sources
        for node in functions(module)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]


def clock_reads(sources: list[Module]) -> list[str]:
    """Uses of a clock, called or passed on, under the name it was imported by."""
    found = []
    for module in sources:
        aliases = {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ImportFrom) and node.module in ("time", "datetime")
            for alias in node.names
        }
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
                head, dot, rest = ast.unparse(node).partition(".")
                name = f"{aliases.get(head, head)}{dot}{rest}"
                if name in CLOCKS:
                    found.append(f"{module.name}:{node.lineno}: reads {name}; pass `now` in")
    return found


def broad_handlers(sources: list[Module]) -> list[str]:
    """`except Exception`, `except BaseException` and bare `except`, unless they clean up and raise again."""
    return [
        f"{module.name}:{node.lineno}: catches everything"
        for module in sources
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and ast.unparse(node.body[-1]) != "raise"
        and (node.type is None or re.search(r"\b(Base)?Exception\b", ast.unparse(node.type)))
    ]


def bare_ignores(sources: list[Module]) -> list[str]:
    """`type: ignore` without a code and a reason after it, `noqa` without a code."""
    found = []
    for module in sources:
        for token in tokenize.generate_tokens(StringIO(module.source).readline):
            if token.type != tokenize.COMMENT:
                continue
            ignore = IGNORE.search(token.string)
            if ignore and not (ignore["code"] and re.search(r"[a-z]{3}", ignore["rest"])):
                found.append(f"{module.name}:{token.start[0]}: type: ignore without code or reason")
            if re.search(r"#\s*noqa(?!: ?[A-Z]+\d)", token.string):
                found.append(f"{module.name}:{token.start[0]}: noqa without code")
    return found


def refused_names(names: list[str]) -> list[str]:
    """Folders and files whose name says nothing."""
    return [name for name in names if REFUSED_FOLDERS & {part.split(".")[0] for part in PurePosixPath(name).parts}]


def program() -> list[Module]:
    """The code that runs in service."""
    return modules(*packages())


def test_files_are_short() -> None:
    assert too_long(modules()) == []


def test_a_long_file_is_found() -> None:
    assert too_long([Module("a.py", "\n" * 401)]) == ["a.py: 401 lines"]
    assert too_long([Module("a.py", "\n" * 400)]) == []


def test_functions_are_short() -> None:
    assert too_long_functions(modules(*packages(), "firmware", "tools", "bench")) == []


def test_a_long_function_is_found() -> None:
    long = "class A:\n    async def f(self):\n" + "        x = 1\n" * 50
    assert too_long_functions([Module("a.py", long)]) == ["a.py:2: f has 51 lines"]


def test_time_is_an_argument() -> None:
    found = clock_reads(program())
    assert [one for one in found if not one.startswith((*MAY_READ_THE_CLOCK, *READS_THE_CLOCK))] == []
    assert [name for name in READS_THE_CLOCK if not any(one.startswith(name) for one in found)] == []


@pytest.mark.parametrize(
    "source",
    [
        "import time\nx = time.time()",
        "from time import monotonic as m\nx = m()",
        "from datetime import datetime\nx = datetime.now(UTC)",
        "import datetime\nx = datetime.datetime.now()",
        "import time\ndef f(clock=time.monotonic_ns): ...",
    ],
)
def test_a_look_at_the_clock_is_found(source: str) -> None:
    assert len(clock_reads([Module("a.py", source)])) == 1


def test_a_time_that_is_not_the_clock_is_not_found() -> None:
    assert clock_reads([Module("a.py", "import time\ntime.gmtime(5)\nreading.time\nloop.time()")]) == []


def test_only_the_supervisor_catches_everything() -> None:
    """And the poller, which hands it to the task that the supervisor keeps: raised into the bus that calls it, it would
    break the connection over which a valve may have to be closed."""
    allowed = (SUPERVISOR, "gateway/poller.py:")
    assert [one for one in broad_handlers(program()) if not one.startswith(allowed)] == []


@pytest.mark.parametrize("clause", ["except:", "except Exception:", "except (OSError, BaseException) as e:"])
def test_a_broad_handler_is_found(clause: str) -> None:
    assert len(broad_handlers([Module("a.py", f"try:\n    x\n{clause}\n    pass")])) == 1
    assert broad_handlers([Module("a.py", "try:\n    x\nexcept OSError:\n    pass")]) == []
    assert broad_handlers([Module("a.py", f"try:\n    x\n{clause}\n    y.close()\n    raise")]) == []


def test_checks_are_silenced_only_with_code_and_reason() -> None:
    assert bare_ignores(modules()) == []


@pytest.mark.parametrize(
    "comment", ["# type: ignore", "# type: ignore[attr-defined]", "# type: ignore because", "# noqa"]
)
def test_a_bare_ignore_is_found(comment: str) -> None:
    assert len(bare_ignores([Module("a.py", f"x = 1  {comment}")])) == 1
    good = "x = 1  # type: ignore[attr-defined]  # the library has no stubs\ny = 2  # noqa: N818"
    assert bare_ignores([Module("a.py", good)]) == []


def test_types_are_checked_without_exceptions() -> None:
    text = str(settings()["tool"]["mypy"])
    assert settings()["tool"]["mypy"]["strict"] is True
    assert [word for word in ("ignore_errors", "disable_error_code", "ignore_missing_imports") if word in text] == []


def test_folders_and_files_have_telling_names() -> None:
    assert refused_names([module.name for module in modules()]) == []


def test_a_name_that_says_nothing_is_found() -> None:
    assert refused_names(["gateway/utils/x.py", "alarms/common.py", "gateway/score.py"]) == [
        "gateway/utils/x.py",
        "alarms/common.py",
    ]


def test_tests_have_unique_names_and_no_packages() -> None:
    names = [path.name for path in files("*.py", "tests")]
    assert "__init__.py" not in names
    tests = sorted(name for name in names if name.startswith("test_"))
    assert [name for one, name in pairwise(tests) if one == name] == []
