"""The processes of a benchmark: how ours is set up, who works beside it, and that all of them end."""

import ctypes
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TypeVar

from gengfu.precedence import without_precedence

Made = TypeVar("Made")
PR_SET_PDEATHSIG = 1
"""Of prctl(2)."""


@contextmanager
def beside(work: Callable[..., None], *arguments: Any, daemon: bool = True) -> Iterator[Connection]:
    """``work(connection, *arguments)`` in a process of its own, whose CPU time is not ours; ended by its pid.

    ``daemon=False``: it may start processes of its own.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_begin, args=(work, there, *arguments), daemon=daemon)
    process.start()
    there.close()
    try:
        yield here
    finally:
        process.terminate()
        process.join()
        here.close()


def _begin(work: Callable[..., None], *arguments: Any) -> None:
    # It ends with whoever started it, even when that one is killed: left behind it would hold a shell's pipe open.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    without_precedence(os.getpid())
    work(*arguments)


def alone(work: Callable[..., None], *arguments: Any) -> Any:
    """What ``work(connection, *arguments)`` tells, in a process of its own; raises `EOFError` when it failed."""
    with beside(work, *arguments, daemon=False) as told:
        return told.recv()


def many_sockets() -> None:
    """As many open sockets as the system lets us have; the processes beside ours inherit it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def end_on_sigterm() -> None:
    """Leave as by an exception, so that the servers that were started are ended too. For a program of its own."""
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    # `timeout` signals a process and then its whole group: the second signal must not break off the ending.
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def cpu_s() -> float:
    """CPU seconds of this process, its threads and the kernel's work for it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def given(one: Made) -> Callable[[], Made]:
    """A factory of what is there already, as asyncio wants one for a protocol."""
    return lambda: one
