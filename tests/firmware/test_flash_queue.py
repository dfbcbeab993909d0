"""The offline queue on a real littlefs, and under `kill -9`: what it wears, and what a cut may cost."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.firmware.interpreters import HERE, module_paths, run

pytestmark = pytest.mark.board

HOURS_OF_A_YEAR = 8766
BLOCKS = 350
ENDURANCE = 100_000


def probe(micropython: Path, work: str) -> dict[str, Any]:
    """What the littlefs probe found."""
    done = run(micropython, HERE / "littlefs_probe.py", work)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_cut_at_any_write_or_erase_of_littlefs_loses_and_doubles_nothing(micropython: Path) -> None:
    found = probe(micropython, "cuts")
    assert found["cuts"] > 150
    assert found["faults"] == []


def test_year_without_a_gateway_does_not_wear_out_the_flash(micropython: Path) -> None:
    found = probe(micropython, "wear")
    assert found["waiting"] + found["lost"] == found["readings"]
    assert found["erases"] * HOURS_OF_A_YEAR / BLOCKS < ENDURANCE / 10


@pytest.mark.parametrize("after", [1, 7, 23, 60, 111])
def test_killed_board_finds_all_that_it_was_told_is_kept(micropython: Path, tmp_path: Path, after: int) -> None:
    told = 0
    for _ in range(3):
        command = [str(micropython), str(HERE / "queue_probe.py"), str(tmp_path)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, env=module_paths(), stdin=pipe, stdout=pipe, text=True, cwd=HERE) as board:
            assert board.stdout is not None
            found = json.loads(board.stdout.readline())
            assert found == list(range(len(found)))
            # one more may have been kept than the board had the time to tell
            assert len(found) - told in (0, 1)
            lines = [board.stdout.readline() for _ in range(after)]
            board.kill()
            told = int((lines + board.stdout.read().split("\n")[:-1])[-1])
    done = run(micropython, HERE / "queue_probe.py", tmp_path, "end")
    found = json.loads(done.stdout)
    assert found == list(range(len(found)))
    assert len(found) - told in (0, 1)
