"""What the gateway can see of its own machine: its journal, its disk, its supply, its clock."""

import asyncio
import ctypes
import os
from collections.abc import Callable
from pathlib import Path

from gengfu import clock
from gengfu.own_devices.device import EVERY_S, Facts
from journal.sqlite import SqliteJournal
from protocols.moment import SECOND, Moment

SUPPLIES = Path("/sys/class/power_supply")
"""Where Linux shows the supplies of a machine (Documentation/ABI/testing/sysfs-class-power)."""
STEP_S = 1.0
"""A clock that goes on otherwise than time by less was slewed, or looked at late."""
_UNSYNCHRONISED = 0x40
"""STA_UNSYNC of adjtimex(2)."""


class Senses:
    """Of one machine. ``folder``: where the process keeps everything."""

    def __init__(self, journal: SqliteJournal, max_bytes: int, folder: Path, supplies: Path = SUPPLIES) -> None:
        self._journal = journal
        self._max_bytes = max_bytes
        self._folder = folder
        self._supplies = supplies
        self._clock = ClockOffset()

    async def run(self, tell: Callable[[Facts], None]) -> None:
        """Look every `EVERY_S`, for ever, and tell. In a thread: a disk that hangs is waited for, and nobody else
        waits."""
        while True:
            tell(await asyncio.to_thread(self.look))
            await asyncio.sleep(EVERY_S)

    def look(self) -> Facts:
        """What is known now, by point of the gateway."""
        return {
            "journal_fill": 100.0 * self._journal.used_bytes / self._max_bytes,
            "disk_refuses": float(self._journal.refusal is not None or is_read_only(self._folder)),
            "mains_lost": mains_lost(self._supplies),
            "clock_offset": self._clock(clock.now()),
        }


def is_read_only(folder: Path) -> bool:
    """Whether nothing can be written there, by the word of the file system; also where it is gone."""
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except OSError:
        return True


def mains_lost(supplies: Path) -> float | None:
    """1.0 on battery, 0.0 on mains; ``None`` for a machine that shows no supply that could tell."""
    online: list[bool] = []
    running_down: list[bool] = []
    for one in supplies.iterdir() if supplies.is_dir() else ():
        match _word(one / "type"):
            case "Mains" | "USB":
                online.append(_word(one / "online") == "1")
            case "Battery" | "UPS":
                running_down.append(_word(one / "status") == "Discharging")
    if online:
        return float(not any(online))
    return float(any(running_down)) if running_down else None


def _word(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):  # a supply that is being plugged out
        return ""


class _Timex(ctypes.Structure):
    """The beginning of ``struct timex``, and more than what follows it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("more", ctypes.c_long * 32),
    )


def kernel_bound_s() -> float | None:
    """How far the clock may be off by the kernel's own account, seconds: it grows from the last synchronisation on.
    ``None``: the clock is not synchronised, and nobody knows."""
    asked = _Timex()
    if ctypes.CDLL(None).adjtimex(ctypes.byref(asked)) < 0 or asked.status & _UNSYNCHRONISED:
        return None
    return float(asked.maxerror) / 1e6


class ClockOffset:
    """How far the clock is known to be off, seconds. A clock that is moved was wrong before or is wrong now: what it
    was moved by is told once. One that is not synchronised, and is not moved, tells nothing: 0."""

    def __init__(self, bound: Callable[[], float | None] = kernel_bound_s) -> None:
        self._bound = bound
        self._before: int | None = None

    def __call__(self, now: Moment) -> float:
        """As of ``now``; to be called again and again."""
        ahead = now.wall - now.mono
        moved_s = 0.0 if self._before is None else abs(ahead - self._before) / SECOND
        self._before = ahead
        return max(self._bound() or 0.0, moved_s if moved_s >= STEP_S else 0.0)
