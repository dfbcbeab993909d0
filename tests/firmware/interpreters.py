"""Running the firmware's files under the two interpreters that must agree."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIRMWARE = ROOT / "firmware/micropython"
HERE = Path(__file__).parent


def module_paths() -> dict[str, str]:
    """The environment in which each interpreter finds the firmware and `protocols.wire`."""
    path = f"{FIRMWARE}:{ROOT}"
    return {**os.environ, "MICROPYPATH": f"{path}:.frozen", "PYTHONPATH": path}


def run(interpreter: Path | str, *arguments: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a file of this folder to its end. A bad exit code is no error; output is text."""
    command = [str(interpreter), *map(str, arguments)]
    return subprocess.run(
        command, env=module_paths(), capture_output=True, text=True, timeout=timeout, check=False, cwd=HERE
    )
