"""A damaged file beside the journal must not stop the watch: it is set aside, never deleted, and a new one begun."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gengfu import clock

log = logging.getLogger("gengfu")

T = TypeVar("T")

COMPANIONS = ("", "-wal", "-shm", ".wal")
"""What SQLite and DuckDB keep beside a file."""


def open_or_set_aside(path: Path, open_it: Callable[[], T], damaged: type[Exception]) -> T:
    """What ``open_it`` opens at ``path``; when it says ``damaged``, the file is renamed and a new one is opened.

    Raises what the second try raises: then it is not the file that is wrong.
    """
    try:
        return open_it()
    except damaged as error:
        suffix = f".damaged-{clock.wall()}"
        for companion in COMPANIONS:
            part = path.with_name(path.name + companion)
            if part.exists():
                part.rename(part.with_name(part.name + suffix))
        log.error("%s; set aside as %s%s, a new one is begun", error, path, suffix)
        return open_it()
