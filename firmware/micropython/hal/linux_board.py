"""The unix port as a board: records, identity, reset and watchdog."""

import asyncio
import os
import sys
import time

from hal import reset_marker
from hal.linux import emit

# EX_TEMPFAIL of sysexits.h: whoever started the board starts it again.
RESTART = 75
_ID_BYTES = 8


class _Run:
    """What this run knows of itself since `storage` was called."""

    folder = ""
    cause = reset_marker.UNKNOWN


def storage(settings: dict) -> str:
    """The folder of the records (``--state``), made if it is not there; raises `OSError`.

    To be called once, before `reset_cause`, `unique_id` and `reset`: they live there.
    """
    _Run.folder = reset_marker.folder(settings["state"])
    noted = reset_marker.take(_Run.folder)
    _Run.cause = reset_marker.POWER_ON if noted is None else noted
    return _Run.folder


def factory() -> str | None:
    """``None``: this port's settings are its command line."""
    return None


def hold() -> bool:
    """``False``: a process needs no console to be replaced."""
    return False


def reset_cause() -> int:
    """`reset_marker`'s codes: a killed process is a cut supply (1), exit 75 a software reset (4)."""
    return _Run.cause


def unique_id() -> bytes:
    """8 bytes, drawn at random by the first run in this folder and kept there."""
    path = _Run.folder + "/unique-id"
    try:
        with open(path, "rb") as file:
            found = file.read()
    except OSError:
        found = b""
    if len(found) != _ID_BYTES:
        found = os.urandom(_ID_BYTES)
        with open(path, "wb") as file:
            file.write(found)
    return found


def reset(cause: int = reset_marker.SOFTWARE) -> None:
    """End with exit code 75; whoever started the board starts it again. Does not return."""
    reset_marker.leave(_Run.folder, cause)
    sys.exit(RESTART)


def give_up() -> None:
    """As `reset`: whoever started the board can always reach it."""
    reset()


class Watchdog:
    """Ends the board with exit code 75 and cause 3 if it was not fed for ``timeout_ms``.

    A process has no timer of its own that could interrupt it here: no signals, no threads, no second process. So

    * tasks that stop feeding while the loop turns (a dead or waiting task): found, at most a quarter of the time late;
    * a step that held the loop for longer and then came back: found at once when it does;
    * a loop that never comes back: **not found from inside**. Whoever started the board sees it: ``emit("alive")``
      leaves with the feeding, at least twice in ``timeout_ms``; one who misses it kills the process and writes
      ``watchdog`` into the file ``reset`` of the state folder.

    On a microcontroller the same name is the chip's own timer, which finds all three.
    """

    def __init__(self, timeout_ms: int):
        self._timeout_ms = timeout_ms
        self._fed = self._told = time.ticks_ms()
        self._guard = asyncio.create_task(self._watch())

    def feed(self) -> None:
        """The work was done. Too late is too late: a feed after the time is up does not save the board."""
        self._check()
        self._fed = time.ticks_ms()
        if time.ticks_diff(self._fed, self._told) >= self._timeout_ms // 3:
            self._told = self._fed
            emit("alive")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep_ms(max(1, self._timeout_ms // 4))
            self._check()

    def _check(self) -> None:
        if time.ticks_diff(time.ticks_ms(), self._fed) > self._timeout_ms:
            reset(reset_marker.WATCHDOG)
