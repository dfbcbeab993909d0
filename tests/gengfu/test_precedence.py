"""The program goes first on its machine where the system lets it; what it starts besides itself does not."""

import os
import subprocess
import sys
import threading

from gengfu.precedence import precedence, without_precedence
from tests.fixtures.nice import nice_of, nice_of_program

NOBODY = 65_534
"""A user without any right."""
IMPORT = "import os; from gengfu.precedence import precedence\n"
TELL = "with precedence(): print(os.getpriority(os.PRIO_PROCESS, 0))"


def told(*prefix: str) -> int:
    """The nice value that a process has within `precedence`."""
    done = subprocess.run([*prefix, sys.executable, "-c", IMPORT + TELL], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_threads_that_begin_meanwhile_go_first_and_it_ends_with_the_block() -> None:
    before, first = nice_of(), nice_of_program()
    seen: list[int] = []
    with precedence():
        thread = threading.Thread(target=lambda: seen.append(nice_of()))
        thread.start()
        thread.join()
        assert [*seen, nice_of()] == [first, first]
    assert nice_of() == before


def test_who_starts_it_with_a_nice_value_keeps_it() -> None:
    assert told() == nice_of_program()
    assert told("nice", "-n", "5") == nice_of() + 5


def test_without_the_right_nothing_happens() -> None:
    drop = f"os.setgroups([]); os.setuid({NOBODY})\n" if os.getuid() == 0 else ""
    done = subprocess.run([sys.executable, "-c", IMPORT + drop + TELL], capture_output=True, text=True, check=True)
    assert int(done.stdout) == nice_of()


def test_a_process_that_it_started_stands_in_line() -> None:
    before = nice_of()
    with precedence(), subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        assert nice_of(child.pid) == nice_of()
        without_precedence(child.pid)
        assert nice_of(child.pid) == before
    without_precedence(child.pid)  # it has ended
