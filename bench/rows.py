"""Rows of figures: what was measured, beside what it should be and what others reach."""

import argparse
import csv
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.processes import end_on_sigterm

REFERENCE = Path(__file__).with_name("reference.toml")
COLUMNS = (
    "group",
    "name",
    "value",
    "unit",
    "better",
    "must",
    "aim",
    "floor",
    "peer",
    "ratio",
    "quoted_floor",
    "must_at_this_speed",
    "reached",
)
HEADINGS = (
    "group",
    "what",
    "value",
    "unit",
    "must",
    "aim",
    "floor",
    "value / floor",
    "quoted floor",
    "must at this speed",
    "peer",
    "reached",
)
SPEED = "speed of the machine: bare Modbus reads per CPU second"
SPEED_QUOTED = 104_000
"""The same reads on the day of the quoted floors."""
_TEXT = (0, 1, 3, 11)
"""Columns of `HEADINGS` that are no numbers."""


class Row(NamedTuple):
    """One measured figure. ``floor``: what the bare work gave in the same run, in the same unit."""

    name: str
    value: float
    unit: str
    floor: float | None = None


class Reference(NamedTuple):
    """What a figure is held against. ``better``: lower or higher. All but ``better`` may be unknown.

    ``quoted_floor``: what the bare work gave elsewhere; ``peer``: another program doing the same work, elsewhere.
    ``remark`` says where the two come from. ``by_cpu``: it is a matter of how fast the processor is just now.
    """

    better: str
    must: float | None = None
    aim: float | None = None
    quoted_floor: float | None = None
    peer: float | None = None
    remark: str = ""
    by_cpu: bool = False

    def verdict(self, value: float) -> str:
        """``aim``, ``must`` or ``MISSED``; empty where nothing is asked."""
        for name, bound in (("aim", self.aim), ("must", self.must)):
            if bound is not None and (value <= bound if self.better == "lower" else value >= bound):
                return name
        return "MISSED" if self.must is not None else ""


class Figure(NamedTuple):
    """A row in its group, with its reference. ``speed``: of the machine during its group; 1 is the one of the quoted
    floors."""

    group: str
    row: Row
    reference: Reference
    speed: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value against the floor of the same run; 1 is the floor."""
        return self.row.value / self.row.floor if self.row.floor else None

    @property
    def must_at_this_speed(self) -> float | None:
        """The must as it would be, had it been set on a machine of this speed. It changes no verdict."""
        must, speed = self.reference.must, self.speed
        if must is None or speed is None or not self.reference.by_cpu:
            return None
        return must / speed if self.reference.better == "lower" else must * speed

    @property
    def reached(self) -> str:
        """The verdict, by the absolute bounds."""
        return self.reference.verdict(self.row.value)


def references() -> dict[tuple[str, str], Reference]:
    """By group and name of the row."""
    entries = tomllib.loads(REFERENCE.read_text(encoding="utf-8"))["row"]
    return {(one.pop("group"), one.pop("name")): Reference(**one) for one in entries}


def figures(group: str, rows: Iterable[Row]) -> list[Figure]:
    """The rows with their references. Where none is written down, time and memory are better low.

    A row of the name `SPEED` among them tells the speed of the machine.
    """
    known, found = references() | {(group, SPEED): Reference("higher", quoted_floor=SPEED_QUOTED)}, list(rows)
    speed = next((row.value / SPEED_QUOTED for row in found if row.name == SPEED), None)
    return [Figure(group, row, known.get((group, row.name), _unwritten(row.unit)), speed) for row in found]


def _unwritten(unit: str) -> Reference:
    return Reference("higher" if unit.endswith("/s") or unit == "%" else "lower")


def write_csv(path: Path, found: Sequence[Figure]) -> None:
    """The table for programs; an unknown cell is empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows(map(_csv_row, found))


def _csv_row(one: Figure) -> tuple[str, ...]:
    row, held = one.row, one.reference
    bounds = (held.must, held.aim, row.floor, held.peer, one.ratio, held.quoted_floor, one.must_at_this_speed)
    return (one.group, row.name, f"{row.value:.6g}", row.unit, held.better, *map(_short, bounds), one.reached)


def text_table(found: Sequence[Figure]) -> str:
    """The table for people, in Markdown."""
    lines = [
        _line(HEADINGS),
        f"|{'|'.join('---' if at in _TEXT else '--:' for at in range(len(HEADINGS)))}|",
        *(_line(_text_row(one)) for one in found),
    ]
    remarks = sorted({f"* {one.reference.remark}" for one in found if one.reference.remark})
    return "\n".join([*lines, "", *remarks]) if remarks else "\n".join(lines)


def _text_row(one: Figure) -> tuple[str, ...]:
    row, held = one.row, one.reference
    against = (held.must, held.aim, row.floor, one.ratio, held.quoted_floor, one.must_at_this_speed, held.peer)
    return (one.group, row.name, _plain(row.value), row.unit, *map(_plain, against), one.reached)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(number: float | None) -> str:
    """For people."""
    if number is None:
        return ""
    return f"{number:,.0f}" if number >= 1000 else f"{number:.4g}"


def _short(number: float | None) -> str:
    """For programs."""
    return "" if number is None else f"{number:.6g}"


def run_alone(about: str | None, measure: Callable[[Path, float], list[Row]], seconds: float = 8.0) -> None:
    """One benchmark from the command line: ``measure(folder, seconds)``, a line for each figure."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=seconds)
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the disk to be judged")
    given = parser.parse_args()
    end_on_sigterm()
    print_rows(measure(given.folder, given.seconds))


def print_rows(rows: Iterable[Row]) -> None:
    """A line for each figure of one benchmark, the floor of the same run beside it."""
    for row in rows:
        beside = "" if row.floor is None else f"   floor {_plain(row.floor)}, ratio {row.value / row.floor:.3g}"
        print(f"{row.name:<72}{_plain(row.value):>12} {row.unit}{beside}")
