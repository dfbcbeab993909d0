"""Why the board started, and the note that the run before left about it.

A chip tells a cut of the supply from a reset, but not always who asked for the reset (the RP2040 makes its software
resets with its watchdog). So a run that ends on purpose leaves a note in the folder of the records; a run that was cut
leaves none. The note is taken away by the start that reads it: it speaks of one reset only.
"""

import os

UNKNOWN = 0
POWER_ON = 1
HARD = 2
WATCHDOG = 3
SOFTWARE = 4
DEEP_SLEEP = 5
# No cause of its own: a `SOFTWARE` reset after a run that died at its start.
DIED = 6

NAME = "reset"
# By the code they stand for.
_WORDS = (b"", b"", b"", b"watchdog", b"software", b"", b"died")


def leave(folder: str, cause: int) -> None:
    """Note ``cause`` (`WATCHDOG`, `SOFTWARE` or `DIED`). A flash that refuses it costs the cause, not the reset."""
    try:
        with open(folder + "/" + NAME, "wb") as file:
            file.write(_WORDS[cause])
    except OSError:
        pass


def take(folder: str) -> int | None:
    """The cause that was noted, ``None`` without a note. An unreadable note is `UNKNOWN`. It is gone afterwards."""
    path = folder + "/" + NAME
    try:
        with open(path, "rb") as file:
            word = file.read(16)
        os.remove(path)
    except OSError:
        return None
    return _WORDS.index(word) if word in _WORDS[WATCHDOG:] and word else UNKNOWN


def folder(path: str) -> str:
    """Make the folder, and those above it, if it is not there; returns it. Raises `OSError` if it cannot be."""
    made = ""
    for part in path.split("/"):
        made += part + "/"
        try:
            os.stat(made)
        except OSError:
            os.mkdir(made[:-1])
    return path
