"""What the hardware-in-the-loop tests know of a board, whether it is silicon, an emulated chip or a process."""

import abc
import json
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, ClassVar, Self

from tests.fixtures.waiting import wait_for

DEVICE = "hil:1"
UNIT = 5
READY_S = 30.0

NETWORK = "network"
"""It speaks UDP to this machine."""
POWER_CUT = "power-cut"
"""Its supply can be cut from here."""
FLASH_CUT = "flash-cut"
"""Its supply can be cut in the middle of a flash write."""
PINS = "pins"
"""The levels of its pins can be seen and set from here."""
EXEC = "exec"
"""MicroPython statements can be run on it while the firmware does not."""


class BoardFailed(AssertionError):
    """The board ended, or said what it should not; the message has its last words."""


class Board(abc.ABC):
    """One board. Leaving the context stops it and gives back what it held."""

    name: ClassVar[str]
    capabilities: ClassVar[frozenset[str]]
    time_scale: ClassVar[float] = 1.0
    """How many times longer than on the board itself a test must be ready to wait."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.product = "gas-alarm"

    @property
    def title(self) -> str:
        """What it is, in a line for people."""
        return self.name

    @abc.abstractmethod
    def start(self, product: str = "gas-alarm", **settings: object) -> None:
        """Put the settings on the board and start the firmware; returns when it said `started`.

        ``settings``: names with ``_`` for ``-``. Records of earlier starts stay.
        """

    @abc.abstractmethod
    def put(self, files: Mapping[str, bytes]) -> None:
        """Write files to its file system; the firmware does not run."""

    @abc.abstractmethod
    def exec(self, code: str) -> str:
        """Run MicroPython statements on it and return what they printed; the firmware does not run."""

    @abc.abstractmethod
    def reset(self) -> None:
        """Restart the running firmware by the board's own reset; returns when it said `started` again."""

    @abc.abstractmethod
    def power_cut(self) -> None:
        """Take the supply away, at once and without a warning. `start` gives it back."""

    @abc.abstractmethod
    def uart(self, number: int = 0) -> str:
        """A URL for pyserial: the other end of a serial line of the board."""

    @abc.abstractmethod
    def stimulate(self, line: str) -> None:
        """Do something to the board's world (firmware/micropython/README.md, «The bench»)."""

    @abc.abstractmethod
    def stop(self) -> None:
        """End the board and give back what it held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def of(self, event: str) -> list[dict[str, Any]]:
        """The events of a name, so far."""
        return [one for one in list(self.events) if one.get("event") == event]

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = 10.0) -> Any:
        """`wait_for`, as patient as this board is slow. Raises `BoardFailed` with the board's last words."""
        try:
            return wait_for(condition, seconds * self.time_scale, what)
        except AssertionError as error:
            raise BoardFailed(f"{self.name}: {error}; its last words: {self.events[-12:]}") from error

    def act(self, line: str) -> None:
        """Stimulate, and wait until the board has taken it."""
        before = len(self.of("stimulus")) + len(self.of("error"))
        self.stimulate(line)
        self.wait(lambda: len(self.of("stimulus")) + len(self.of("error")) > before, f"{line!r} to be taken")
        if self.events and (refused := [one for one in self.of("error") if one.get("line") == line]):
            raise BoardFailed(f"{self.name}: {line!r} is refused: {refused[-1]['message']}")

    def _hear(self, line: str) -> None:
        """Take a line of the board's console."""
        try:
            found = json.loads(line) if line.startswith("{") else None
        except ValueError:
            found = None
        self.events.append(found if isinstance(found, dict) else {"event": "output", "text": line})

    def _await_started(self, before: int) -> None:
        self.wait(lambda: len(self.of("started")) > before, "the board to start", READY_S)


def arguments(product: str, settings: Mapping[str, object]) -> dict[str, str]:
    """The settings of a board in a test, as texts by name; what a test does not name is quick."""
    given: dict[str, object] = {
        "product": product,
        "device": DEVICE,
        "period": 0.2,
        "warm_up": 0,
        "seed": 1,
        "unit": UNIT,
    }
    given |= settings
    return {name.replace("_", "-"): str(value) for name, value in given.items()}
