"""What a figure was measured on."""

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path


def describe(folder: Path) -> str:
    """Processor, memory, system, versions, the disk of ``folder``, and what else runs just now."""
    load = os.getloadavg()[0]
    libraries = ", ".join(f"{name} {version(name)}" for name in ("uvloop", "duckdb", "msgspec"))
    return "\n".join(
        (
            f"{_processor()}, {os.cpu_count()} processors, {_memory_gib():.1f} GiB",
            f"{platform.freedesktop_os_release().get('PRETTY_NAME', platform.system())}, kernel {platform.release()}",
            f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {libraries}",
            f"disk: {_disk(folder)}; load average at the start {load:.1f}",
        )
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _disk(folder: Path) -> str:
    """The file system's type: figures of a memory disk say nothing about durability."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    place = folder.resolve()
    holding = [(len(where), kind) for where, kind in mounts if place.is_relative_to(where)]
    return max(holding)[1] if holding else "unknown"
