"""A progress bar: one line on standard error, only where that is a terminal."""

import sys
import time
from types import TracebackType
from typing import Self

WIDTH = 30
EVERY_S = 0.1


class Progress:
    """``with Progress("checking") as bar: bar.show(0.4, "120000 rows")``. Leaves no line behind."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._on = sys.stderr.isatty()
        self._shown_at = 0.0
        self._length = 0

    def __enter__(self) -> Self:
        return self

    def show(self, share: float, beside: str) -> None:
        """``share``: of the whole, 0 to 1. At most ten times a second."""
        now = time.monotonic()
        if not self._on or now - self._shown_at < EVERY_S:
            return
        self._shown_at = now
        share = min(1.0, max(0.0, share))
        bar = "#" * round(share * WIDTH)
        self._write(f"{self._what} [{bar:<{WIDTH}}] {share:4.0%}  {beside}")

    def _write(self, line: str) -> None:
        # what the line before had beyond this one is wiped
        sys.stderr.write("\r" + line.ljust(self._length) + ("\r" if not line else ""))
        sys.stderr.flush()
        self._length = len(line)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._length:
            self._write("")
