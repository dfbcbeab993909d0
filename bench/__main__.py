"""Runs the benchmarks and writes `bench/results/latest.csv`, a table and what they were measured on.

    python -m bench [--only modbus,coap] [--folder DIR]        (make bench ONLY=modbus,coap)

Each group runs in a process of its own, one after the other, within 10 minutes together. Exit codes: 0 done,
1 a benchmark failed, 2 usage.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import (
    alarm,
    coap,
    flood,
    hil,
    hil_reaction,
    journal,
    link,
    modbus_influx,
    modbus_line,
    modbus_start,
    mqtt,
    parts,
    telemetry,
)
from bench.machine import describe
from bench.rows import Figure, Row, figures, text_table, write_csv

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results" / "latest.csv"
LONGEST_S = 240.0


def _telemetry(folder: Path) -> list[Row]:
    with tempfile.TemporaryDirectory(dir=folder) as place, parts.influxd(Path(place)) as server:
        found = telemetry.measure(folder, 100, server.url if server else None)
    return [Row(*one) for one in found]


GROUPS: dict[str, Callable[[Path], list[Row]]] = {
    "modbus": lambda folder: modbus_influx.measure(folder) + modbus_influx.decoded(),
    "modbus-scale": modbus_influx.scale,
    "modbus-start": modbus_start.measure,
    "modbus-line": modbus_line.measure,
    "coap": coap.measure,
    "link": link.measure,
    "mqtt": mqtt.measure,
    "alarm": alarm.measure_all,
    "flood": flood.measure,
    "journal": lambda folder: [Row(*one) for one in journal.measure(folder)],
    "telemetry": _telemetry,
    "hil": hil.measure,
    "hil-reaction": hil_reaction.measure,
}


def _run(group: str, folder: Path) -> list[Figure] | None:
    """The figures of a group, or ``None`` when it failed."""
    began = time.monotonic()
    print(f"{group} ...", end="", flush=True)
    command = [sys.executable, "-m", "bench", "--child", group, "--folder", str(folder)]
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=LONGEST_S, check=False)
    except subprocess.TimeoutExpired:
        print(f" not done after {LONGEST_S:g} s", flush=True)
        return None
    if done.returncode:
        print(f" failed ({done.returncode})", flush=True)
        return None
    print(f" {time.monotonic() - began:.0f} s", flush=True)
    return figures(group, [Row(**json.loads(line)) for line in done.stdout.splitlines()])


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description="measure, and write bench/results/latest.csv")
    parser.add_argument("--only", default="", metavar="A,B", help=f"groups: {', '.join(GROUPS)}")
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache", help="on the disk to be judged")
    parser.add_argument("--child", choices=GROUPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.child:
        for row in GROUPS[given.child](given.folder):
            print(json.dumps(row._asdict()))
        return 0
    wanted = [name for name in given.only.split(",") if name] or list(GROUPS)
    unknown = [name for name in wanted if name not in GROUPS]
    if unknown:
        parser.error(f"no group {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    return _all(wanted, given.folder)


def _all(wanted: list[str], folder: Path) -> int:
    print(describe(folder), end="\n\n", flush=True)
    found = [(group, _run(group, folder)) for group in wanted]
    measured = [one for _, rows in found for one in rows or ()]
    write_csv(RESULTS, measured)
    print(
        f"\n{text_table(measured)}\n\nFloors and peers were measured elsewhere. {RESULTS.relative_to(ROOT)} has it all."
    )
    return 1 if any(rows is None for _, rows in found) else 0


if __name__ == "__main__":
    sys.exit(main())
