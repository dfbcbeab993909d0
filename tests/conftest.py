"""Fixtures of all tests stand in `tests/fixtures/`, one file for each subject."""

import atexit
import os
import sys
from pathlib import Path

# Node and npm stand beside the interpreter, also where pytest was started without `make`.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

pytest_plugins = [
    "tests.fixtures.waiting",
    "tests.fixtures.programs",
    "tests.fixtures.influx",
    "tests.fixtures.postgres",
    "tests.fixtures.side_by_side",
    "tests.fixtures.boards_seen",
]


def _say_no_more() -> None:
    """Whoever reads the output looks for pytest's closing line, behind which DuckDB's binding would list at exit
    what it takes for leaks of its own types (seen with 2.0.0 at the end of a test session, not of a plain process)."""
    if "_duckdb" in sys.modules:
        sys.stderr.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


atexit.register(_say_no_more)
