"""Runs the benchmarks and writes `bench/results/latest.csv`, a table and what they were measured on.

    python -m bench [--only modbus,coap] [--folder DIR]        (make bench ONLY=modbus,coap)

Each group runs in a process of its own, one after the other, within 10 minutes together; one that takes longer runs
only when it is named. Exit codes: 0 done, 1 a benchmark failed, 2 usage.
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
    alarm_metrics,
    burst,
    coap,
    flood,
    hil,
    hil_reaction,
    history,
    journal,
    latest,
    link,
    memory,
    modbus,
    modbus_influx,
    modbus_line,
    modbus_start,
    mqtt,
    opcua,
    operations,
    replay,
    rules,
    servers,
    telemetry,
)
from bench.floors.modbus import bare_reads
from bench.machine import describe
from bench.processes import end_on_sigterm
from bench.rows import SPEED, Figure, Row, figures, references, text_table, write_csv

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results" / "latest.csv"
LONGEST_S = 240.0
ENDING_S = 30.0


def _telemetry(folder: Path) -> list[Row]:
    with tempfile.TemporaryDirectory(dir=folder) as place, servers.influxd(Path(place)) as server:
        return telemetry.measure(folder, 100, server.url if server else None)


GROUPS: dict[str, Callable[[Path], list[Row]]] = {
    "modbus": lambda folder: modbus_influx.measure(folder) + modbus_influx.decoded(),
    "modbus-scale": modbus_influx.scale,
    "modbus-start": modbus_start.measure,
    "modbus-line": modbus_line.measure,
    "coap": coap.measure,
    "link": link.measure,
    "mqtt": mqtt.measure,
    "burst": burst.measure,
    "opcua": opcua.measure,
    "alarm": alarm.measure_all,
    "alarms": rules.measure,
    "alarm-metrics": alarm_metrics.measure,
    "flood": flood.measure,
    "journal": journal.measure,
    "operations": operations.measure,
    "telemetry": _telemetry,
    "latest": latest.measure,
    "history": history.measure,
    "hil": hil.measure,
    "hil-reaction": hil_reaction.measure,
    "memory": memory.measure,
    "replay": replay.measure,
}
LONG = {"memory": 900.0, "history": 600.0, "replay": 600.0, "alarm-metrics": 600.0}
"""Groups that run only when they are named, and how many seconds they may take."""


def _speed(group: str) -> list[Row]:
    """The speed of the machine, just before a group of which a figure depends on it."""
    if not any(of == group and one.by_cpu for (of, _), one in references().items()):
        return []
    return [Row(SPEED, bare_reads(modbus.simulate), "1/s")]


def _end(child: subprocess.Popen[str]) -> None:
    """Not by SIGKILL at once: the group ends the servers that it started."""
    child.terminate()
    try:
        child.wait(ENDING_S)
    except subprocess.TimeoutExpired:
        child.kill()


def _run(group: str, folder: Path) -> list[Figure] | None:
    """The figures of a group, or ``None`` when it failed."""
    began = time.monotonic()
    print(f"{group} ...", end="", flush=True)
    command = [sys.executable, "-m", "bench", "--child", group, "--folder", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        longest_s = LONG.get(group, LONGEST_S)
        try:
            told, _ = child.communicate(timeout=longest_s)
        except subprocess.TimeoutExpired:
            print(f" not done after {longest_s:g} s", flush=True)
            return None
        finally:
            _end(child)
    if child.returncode:
        print(f" failed ({child.returncode})", flush=True)
        return None
    print(f" {time.monotonic() - began:.0f} s", flush=True)
    return figures(group, [Row(**json.loads(line)) for line in told.splitlines()])


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description="measure, and write bench/results/latest.csv")
    parser.add_argument("--only", default="", metavar="A,B", help=f"groups: {', '.join(GROUPS)}")
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache", help="on the disk to be judged")
    parser.add_argument("--child", choices=GROUPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    end_on_sigterm()
    if given.child:
        for row in (*_speed(given.child), *GROUPS[given.child](given.folder)):
            print(json.dumps(row._asdict()))
        return 0
    wanted = [name for name in given.only.split(",") if name] or [name for name in GROUPS if name not in LONG]
    unknown = [name for name in wanted if name not in GROUPS]
    if unknown:
        parser.error(f"no group {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    return _all(wanted, given.folder)


def _all(wanted: list[str], folder: Path) -> int:
    print(describe(folder), end="\n\n", flush=True)
    began = time.monotonic()
    found = [(group, _run(group, folder)) for group in wanted]
    measured = [one for _, rows in found for one in rows or ()]
    write_csv(RESULTS, measured)
    print(f"\n{text_table(measured)}\n\n{RESULTS.relative_to(ROOT)} has it all. {time.monotonic() - began:.0f} s.")
    return 1 if any(rows is None for _, rows in found) else 0


if __name__ == "__main__":
    sys.exit(main())
