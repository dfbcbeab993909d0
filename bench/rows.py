"""Rows of figures: what was measured, beside what it should be and what others reach."""

import argparse
import csv
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

REFERENCE = Path(__file__).with_name("reference.toml")
COLUMNS = ("group", "name", "value", "unit", "better", "must", "aim", "floor", "peer")


class Row(NamedTuple):
    """One measured figure."""

    name: str
    value: float
    unit: str


class Reference(NamedTuple):
    """What a figure is held against. ``better``: lower or higher. All but ``better`` may be unknown.

    ``floor``: what the machine could do without us; ``peer``: another program doing the same work. ``remark``
    says where the two come from.
    """

    better: str
    must: float | None = None
    aim: float | None = None
    floor: float | None = None
    peer: float | None = None
    remark: str = ""

    def verdict(self, value: float) -> str:
        """``aim``, ``must`` or ``MISSED``; empty where nothing is asked."""
        for name, bound in (("aim", self.aim), ("must", self.must)):
            if bound is not None and (value <= bound if self.better == "lower" else value >= bound):
                return name
        return "MISSED" if self.must is not None else ""


class Figure(NamedTuple):
    """A row in its group, with its reference."""

    group: str
    row: Row
    reference: Reference


def references() -> dict[tuple[str, str], Reference]:
    """By group and name of the row."""
    entries = tomllib.loads(REFERENCE.read_text(encoding="utf-8"))["row"]
    return {(one.pop("group"), one.pop("name")): Reference(**one) for one in entries}


def figures(group: str, rows: Iterable[Row]) -> list[Figure]:
    """The rows with their references. Where none is written down, time and memory are better low."""
    known = references()
    return [Figure(group, row, known.get((group, row.name), _unwritten(row.unit))) for row in rows]


def _unwritten(unit: str) -> Reference:
    return Reference("higher" if unit.endswith("/s") or unit == "%" else "lower")


def write_csv(path: Path, found: Sequence[Figure]) -> None:
    """The table for programs; an unknown cell is empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for group, row, held in found:
            bounds = ("" if one is None else f"{one:g}" for one in (held.must, held.aim, held.floor, held.peer))
            table.writerow([group, row.name, f"{row.value:.6g}", row.unit, held.better, *bounds])


def text_table(found: Sequence[Figure]) -> str:
    """The table for people, in Markdown."""
    lines = [
        "| group | what | value | unit | must | aim | floor | peer | reached |",
        "|---|---|--:|---|--:|--:|--:|--:|---|",
    ]
    for group, row, held in found:
        bounds = " | ".join("" if one is None else f"{one:g}" for one in (held.must, held.aim, held.floor, held.peer))
        lines.append(f"| {group} | {row.name} | {row.value:,.4g} | {row.unit} | {bounds} | {held.verdict(row.value)} |")
    remarks = sorted({f"* {one.reference.remark}" for one in found if one.reference.remark})
    return "\n".join([*lines, "", *remarks]) if remarks else "\n".join(lines)


def run_alone(about: str | None, measure: Callable[[Path, float], list[Row]]) -> None:
    """One benchmark from the command line: ``measure(folder, seconds)``, a line for each figure."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the disk to be judged")
    given = parser.parse_args()
    for row in measure(given.folder, given.seconds):
        print(f"{row.name:<72}{row.value:>12,.1f} {row.unit}")
