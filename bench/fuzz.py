"""Malformed frames at every door of the real program while devices report; fails when it is not well afterwards.

    python -m bench.fuzz [--frames 100000] [--seed 1]

`tests.e2e.fuzz_run` says what is thrown and what must hold: the program is ready and has reported no error, every
reading that was acknowledged is stored once, and its memory has not grown by more than the bound. Exit code 1 if not.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from bench.machine import describe
from tests.e2e.fuzz_run import MOST_GROWTH_MB, Gauntlet

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=100_000, help="at each door (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache", help="on the disk to be judged")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    print(describe(given.folder), flush=True)
    with tempfile.TemporaryDirectory(dir=given.folder) as place:
        outcome = asyncio.run(Gauntlet(Path(place), given.seed).run(given.frames))
    print("\n| door | frames | s |\n|---|--:|--:|")
    for door, frames in outcome.thrown.items():
        print(f"| {door} | {frames:,} | {outcome.seconds[door]:.1f} |")
    growth = outcome.mb_after - outcome.mb_before
    print(f"\nacknowledged, and stored once: {outcome.acknowledged:,} readings of other devices")
    print(
        f"resident: {outcome.mb_before:.1f} MB before, {outcome.mb_after:.1f} MB after (bound: +{MOST_GROWTH_MB:g} MB)"
    )
    return 0 if growth < MOST_GROWTH_MB else 1


if __name__ == "__main__":
    sys.exit(main())
