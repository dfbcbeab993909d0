"""Which start of the machine this is: the monotonic clock counts from there, and goes on over restarts of ours."""

from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id(file: Path = BOOT_ID) -> str:
    """Empty where the machine does not tell."""
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
