"""`kill -9` and a full disk: what the cursor says is stored is stored, and nothing twice."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from telemetry.duck import DuckStore
from tests.telemetry.crash_writer import PER_BATCH, write_one
from tests.telemetry.readings import series_of

WRITER = [sys.executable, "-m", "tests.telemetry.crash_writer"]
ROOT = Path(__file__).parents[2]
COUNT = """
SELECT (SELECT count(*) FROM reading), (SELECT count(DISTINCT taken_at) FROM reading),
       (SELECT count(*) FROM number), (SELECT count(*) FROM text),
       (SELECT max(taken_at) = (SELECT max(taken_at) FROM newest) FROM reading),
       (SELECT max(value) = (SELECT max(number) FROM latest WHERE point = 0) FROM number WHERE point = 0)
"""


def counted(path: Path) -> tuple[object, ...]:
    with duckdb.connect(str(path)) as database:
        return database.execute(COUNT).fetchone() or ()


def whole(position: int) -> tuple[object, ...]:
    """The counts when everything up to a position is stored exactly once."""
    rows = (position + 1) * PER_BATCH
    return rows, rows, 2 * rows, rows, True, True


def kill_after(path: Path, lines: int) -> int:
    """The last position the writer said was stored before it was killed."""
    with subprocess.Popen([*WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        assert writer.stdout is not None
        for _ in range(lines):
            writer.stdout.readline()
        writer.kill()
        last = [int(line) for line in writer.stdout.read().splitlines() if line]
    return last[-1] if last else -1


def test_killed_writer_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.duckdb"
    for lines in (1, 30, 7, 90):
        said = kill_after(path, lines)
        with closing(DuckStore.open(path, series_of)) as store:
            position = store.cursor()[0]
        assert position >= said
        assert counted(path) == whole(position)


def test_replay_of_a_whole_journal_after_a_crash_gives_no_doubles(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.duckdb"
    kill_after(path, 20)
    with closing(DuckStore.open(path, series_of)) as store:
        position = store.cursor()[0]
        for again in range(position + 3):
            write_one(store, again)
    assert counted(path) == whole(position + 2)


@pytest.mark.parametrize(
    ("threshold", "fault"),
    [("1GB", "TransactionException"), ("200KB", "FatalException")],
    ids=["in a commit", "in a checkpoint"],
)
def test_full_disk_refuses_the_batch_and_takes_it_when_there_is_room(
    tmp_path: Path, threshold: str, fault: str
) -> None:
    path = tmp_path / "telemetry.duckdb"
    command = [*WRITER, str(path), "600000", threshold]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)
    *refused, last = done.stdout.splitlines() or [""]
    assert ({line.split()[0] for line in refused}, done.stderr) == ({fault}, "")
    assert counted(path) == whole(int(last) - 1)
