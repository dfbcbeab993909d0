"""The configuration of a board on a real littlefs that loses its power."""

import json
from pathlib import Path

import pytest

from tests.firmware.interpreters import HERE, run

pytestmark = pytest.mark.board


def test_cut_at_any_write_or_erase_leaves_the_confirmed_configuration_or_a_later_one(micropython: Path) -> None:
    done = run(micropython, HERE / "littlefs_probe.py", "config")
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["cuts"] > 20
    assert found["faults"] == []
