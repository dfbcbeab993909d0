"""The way into the interpreter of a board whose firmware runs.

A running board hears no Ctrl-C (`hal.Watchdog`), and its watchdog cannot be stopped. The line ``hold`` on its console
makes it restart without its firmware, for one start. It does so when nothing stands: no alarm, no closing, no fan.
"""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Protocol

import serial

from tools.test_servers import Failed

LINE = b"\r\nhold\r\n"
"""The end of a line before it: what stood there, typed or as noise, is a line of its own."""
ANSWERS_S = 9.0
ASKED_EVERY_S = 3.0
ASKED_AGAIN_S = 15.0
"""It shows that a board which waits still lives; and one that was held says so again, if its words got lost."""
SILENT_S = 60.0
SLOW_S = 20.0
COMES_BACK_S = 30.0
LOOK_S = 0.2

COMING, WAITS, REFUSED, UNKNOWN, HELD, PROMPT = range(6)
STANDS = (
    "the board waits: something stands, a valve is closing or a fan runs. It restarts into its interpreter as soon as "
    "that has ended, and does not watch from then on; giving up here does not call it off."
)
CANNOT = "the board cannot be held: its flash refuses a file; lay a new image over BOOTSEL or esptool"
NOT_YET = "the board has taken `hold` and has not restarted yet; it may wait for the end of an alarm. Waiting with it."


class Stream(Protocol):
    """A serial line. Its calls raise what the caller of `Hold` names when the line is gone."""

    def read(self) -> bytes:
        """What is there, or comes in a moment; maybe nothing."""
        ...

    def write(self, data: bytes) -> object:
        """Send all of it."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Port:
    """The board's serial port, as a `Stream`. Raises `OSError`."""

    def __init__(self, name: str) -> None:
        self._serial = serial.Serial(name, 115200, timeout=0.1)

    def read(self) -> bytes:
        """What is there, or comes within 0.1 s."""
        return self._serial.read(self._serial.in_waiting or 1)

    def write(self, data: bytes) -> None:
        """Send all of it."""
        self._serial.write(data)

    def close(self) -> None:
        """As mpremote does it: in another order some boards with an ESP32 would restart."""
        with contextlib.suppress(OSError):  # no such wires on some ports, or no port any more
            self._serial.rts = False
            self._serial.dtr = False
        self._serial.close()


def meaning(line: bytes) -> int | None:
    """What a line of a board says about being held: one of the names above, ``None`` if nothing."""
    if b"slots: held for maintenance" in line:
        return HELD
    if b"NameError" in line and b"hold" in line:
        return PROMPT
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return _of_event(said) if isinstance(said, dict) else None


def _of_event(said: dict[str, object]) -> int | None:
    if said.get("event") == "answer":
        text = str(said.get("text"))
        return COMING if text.startswith("held ") else REFUSED if text.startswith("hold:") else None
    if said.get("event") != "error":
        return None
    if said.get("line") == "hold":
        return UNKNOWN
    return WAITS if str(said.get("message")).startswith("restart: it waits") else None


class Hold:
    """``connect`` opens the line, again after the board's reset took it away; ``gone``: what its calls raise then.
    ``tell`` gets a line for the person who waits. ``patience``: how much slower than a chip the board is;
    ``clock``: seconds."""

    def __init__(
        self,
        connect: Callable[[], Stream],
        tell: Callable[[str], None],
        gone: type[Exception] = OSError,
        patience: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._tell = tell
        self._gone = gone
        self._patience = patience
        self._clock = clock
        self._stream = connect()
        self._rest = b""
        self._early: list[int] = []

    def run(self) -> bool:
        """Whether the board is in its interpreter now, with no watchdog; ``False``: no firmware took the line.

        Waits for as long as the board does. Raises `Failed` if the board cannot be held, falls silent or does not
        come back.
        """
        try:
            if not self._taken():
                return False
            self._await()
            return True
        finally:
            self._stream.close()

    def _taken(self) -> bool:
        began = asked = self._clock()
        self._stream.write(LINE)
        while self._clock() - began < ANSWERS_S * self._patience:
            found = self._heard()
            if REFUSED in found:
                raise Failed(CANNOT)
            if COMING in found:
                self._early = found
                return True
            if PROMPT in found or UNKNOWN in found:
                return False
            if self._clock() - asked > ASKED_EVERY_S * self._patience:
                asked = self._clock()
                self._stream.write(LINE)
        return False

    def _await(self) -> None:
        began = asked = heard = self._clock()
        told = False
        while True:
            try:
                found, self._early = self._early or self._heard(), []
                now = self._clock()
                if now - asked > ASKED_AGAIN_S * self._patience:
                    asked = now
                    self._stream.write(LINE)
            except self._gone:
                self._reconnect()
                found, now = [], self._clock()
                asked = heard = now
            if HELD in found or PROMPT in found:
                return
            if REFUSED in found:
                raise Failed(CANNOT)
            if found:
                heard = now
            if now - heard > SILENT_S * self._patience:
                raise Failed("the board took hold and then fell silent: look whether it runs")
            if not told and (WAITS in found or now - began > SLOW_S * self._patience):
                told = True
                self._tell(STANDS if WAITS in found else NOT_YET)

    def _heard(self) -> list[int]:
        """The meanings of the whole lines that have come."""
        *lines, self._rest = (self._rest + self._stream.read()).split(b"\n")
        return [said for said in map(meaning, lines) if said is not None]

    def _reconnect(self) -> None:
        """The port goes with the reset. Ask anew: what the board said before we were back is lost."""
        self._stream.close()
        self._rest = b""
        deadline = self._clock() + COMES_BACK_S * self._patience
        while True:
            time.sleep(LOOK_S)
            try:
                self._stream = self._connect()
                self._stream.write(LINE)
                return
            except self._gone as error:
                if self._clock() > deadline:
                    raise Failed(f"the board restarted, and its port did not come back: {error}") from error
