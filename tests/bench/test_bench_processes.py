"""The processes of a benchmark: none is left behind, however the benchmark ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fixtures.waiting import wait_for

ROOT = Path(__file__).parents[2]
BENCHMARK = """\
import os, signal
from bench.processes import beside, end_on_sigterm

def work(told):
    told.send(os.getpid())
    signal.pause()

if __name__ == "__main__":
    end_on_sigterm()
    try:
        with beside(work) as told:
            print(told.recv(), flush=True)
            signal.pause()
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        print("left in order", flush=True)
"""


@contextmanager
def benchmark(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A program, and the process id of who works beside it."""
    (folder / "held_benchmark.py").write_text(BENCHMARK)
    with subprocess.Popen(
        [sys.executable, "-m", "held_benchmark"],
        env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}"},
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            assert program.stdout is not None
            yield program, int(program.stdout.readline())
        finally:
            program.kill()


def is_there(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_who_works_beside_a_benchmark_ends_with_it(tmp_path: Path, number: signal.Signals) -> None:
    with benchmark(tmp_path) as (program, beside):
        assert is_there(beside)
        program.send_signal(number)
        wait_for(lambda: not is_there(beside), 10, "the end of the process beside")


def test_a_second_sigterm_does_not_break_off_the_ending(tmp_path: Path) -> None:
    with benchmark(tmp_path) as (program, _):
        program.terminate()
        told, _ = program.communicate(timeout=10)
        assert told == "left in order\n"
        assert program.returncode == 128 + signal.SIGTERM
