"""MicroPython's raw REPL over any serial line: how statements and files get onto a board without an agent on it.

Protocol: docs.micropython.org, «The MicroPython Interactive Interpreter Mode (aka REPL)», raw mode.
"""

import contextlib
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tests.hil.line import Line, LineGone

INTERRUPT, RAW, NORMAL, END = b"\x03", b"\x01", b"\x02", b"\x04"
BANNER = b"raw REPL; CTRL-B to exit\r\n>"
CHUNK = 512
"""Bytes of a file in one statement: as a literal four times as long, still within what a board parses at once."""


class ReplError(AssertionError):
    """The board raised, or did not answer."""


class RawRepl:
    """``url`` as for pyserial. Entering the context interrupts what runs on the board; our firmware does not let it:
    `tools.board_hold` comes first."""

    def __init__(self, url: str, timeout_s: float = 20.0) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._line: Line | None = None

    def __enter__(self) -> Self:
        self._line = Line(self._url, 115200)
        for _ in range(5):
            self._line.write(b"\r" + INTERRUPT + INTERRUPT + b"\r" + RAW)
            if self._until(BANNER, self._timeout_s / 5) is not None:
                return self
        self.__exit__(None, None, None)
        raise ReplError(f"{self._url}: no raw REPL")

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._line is not None:
            with contextlib.suppress(LineGone):
                self._line.write(b"\r" + NORMAL)
            self._line.close()
            self._line = None

    def exec(self, code: str) -> str:
        """What the statements printed. Raises `ReplError` with the board's traceback, `LineGone`."""
        self._open_line().write(code.encode() + END)
        answer = self._until(END + b">", self._timeout_s)
        if answer is None or not answer.startswith(b"OK"):
            raise ReplError(f"{self._url}: no answer to {code[:60]!r}: {answer!r}")
        printed, _, error = answer[2:-2].partition(END)
        if error:
            raise ReplError(error.decode(errors="replace"))
        return printed.decode(errors="replace").replace("\r\n", "\n")

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write files, making their folders."""
        folders = {"/".join(name.split("/")[:depth]) for name in files for depth in range(1, name.count("/") + 1)}
        self.exec(f"import os\nfor each in {sorted(folders)!r}:\n try: os.mkdir('/' + each)\n except OSError: pass\n")
        for name, content in files.items():
            self.exec(f"f = open('/{name}', 'wb')")
            for at in range(0, len(content), CHUNK):
                self.exec(f"f.write({content[at : at + CHUNK]!r})")
            self.exec("f.close()")

    def _open_line(self) -> Line:
        if self._line is None:
            raise ReplError(f"{self._url}: not open")
        return self._line

    def _until(self, ending: bytes, timeout_s: float) -> bytes | None:
        """What arrives up to ``ending``, ``None`` if it does not come in time."""
        found = b""
        deadline = time.monotonic() + timeout_s
        line = self._open_line()
        while time.monotonic() < deadline:
            found += line.read(0.05)
            if found.endswith(ending):
                return found
        return None
