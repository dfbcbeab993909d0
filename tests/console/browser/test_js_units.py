"""The pages' modules parse, and their logic passes its own tests under Node."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.programs import missing

HERE = Path(__file__).parent
MODULES = sorted((HERE.parents[2] / "console/static/js").glob("*.js"))


@pytest.fixture(scope="module")
def node() -> str:
    """The path of Node."""
    return shutil.which("node") or missing("Node is missing; run: make check, which installs the locked packages")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_modules_parse(node: str) -> None:
    faults = [done.stderr for path in MODULES if (done := run(node, "--check", str(path))).returncode]
    assert MODULES
    assert faults == []


def test_logic_passes_its_tests(node: str) -> None:
    files = [str(path) for path in sorted((HERE / "js").glob("*.test.mjs"))]
    done = run(node, "--test", "--test-reporter=tap", *files)
    assert done.returncode == 0, done.stdout
    counted = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert counted is not None, done.stdout
    assert int(counted[1]) > 60
