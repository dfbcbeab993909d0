"""`gengfu import`: look at every row first, then store the good ones."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from device_registry.devices import Site
from gengfu.errors import InputError
from gengfu.extracting import whole_file
from gengfu.history.cells import HistoryValue, WrongCell, by_device
from gengfu.history.file import Row, open_file
from gengfu.history.mapping import FileMapping
from protocols.reading import Origin, Reading, Value
from telemetry.duck_history import HistoryStore

BATCH = 20_000
"""Values stored in one transaction."""
TOLD = 20
"""Wrong rows that are told one by one."""
_WHY = ("import_line", "import_column", "import_why")

Shown = Callable[[float, int], None]
"""Told the share of the file that is read, and the rows so far."""
Rejects = Callable[[Row, WrongCell], None]
"""Takes rows that are not imported."""


class Job(NamedTuple):
    """What is imported where. ``now``: UTC ns."""

    file: Path
    mapping: FileMapping
    site: Site
    now: int


class Checked(NamedTuple):
    """What a look at the file found. ``told``: the first wrong rows. ``first``, ``last``: of the values, UTC ns."""

    rows: int
    values: int
    wrong: int
    told: tuple[str, ...]
    devices: int
    first: int | None
    last: int | None


def check(job: Job, shown: Shown) -> Checked:
    """Read the whole file and store nothing. Raises `InputError`, `MissingError`."""
    rows = values = wrong = 0
    told: list[str] = []
    devices: set[str] = set()
    first: int | None = None
    last: int | None = None
    with open_file(job.file, job.mapping, job.site, job.now) as opened:
        for row in opened.rows():
            rows += 1
            values += len(row.values)
            if row.wrong is not None:
                wrong += 1
                if len(told) < TOLD:
                    told.append(f"{job.file}:{row.line}: {row.wrong}")
            for one in row.values:
                devices.add(one.device)
                first = one.at if first is None else min(first, one.at)
                last = one.at if last is None else max(last, one.at)
            shown(opened.share, rows)
    return Checked(rows, values, wrong, tuple(told), len(devices), first, last)


class Stored(NamedTuple):
    """``values`` are new; ``rejected`` rows were not taken."""

    values: int
    rejected: int


def store(job: Job, into: HistoryStore, reject: Rejects, shown: Shown) -> Stored:
    """Store every good row, once however often it is done; the others go to ``reject``."""
    stored = rejected = rows = 0
    waiting: list[HistoryValue] = []
    with open_file(job.file, job.mapping, job.site, job.now) as opened:
        for row in opened.rows():
            rows += 1
            wrong = row.wrong or _too_old(row, into, job.mapping)
            if wrong is not None:
                reject(row, wrong)
                rejected += 1
                continue
            waiting += row.values
            if len(waiting) >= BATCH:
                stored += into.write(_readings(job.site, waiting))
                waiting = []
                shown(opened.share, rows)
    return Stored(stored + into.write(_readings(job.site, waiting)), rejected)


def _too_old(row: Row, into: HistoryStore, mapping: FileMapping) -> WrongCell | None:
    if into.raw_from is None or not any(one.at < into.raw_from for one in row.values):
        return None
    return WrongCell(mapping.time.column, "", "is older than what this site still keeps as single values")


def _readings(site: Site, values: Sequence[HistoryValue]) -> list[Reading]:
    """A reading for each device and time. Of a point that stands there twice, the first."""
    return [_reading(site, device, at, group) for (device, at), group in by_device(values).items()]


def _reading(site: Site, id_: str, at: int, group: Sequence[HistoryValue]) -> Reading:
    profile = site.devices[id_].profile
    values: list[Value] = [None] * len(profile.points)
    quality = [0] * len(profile.points)
    for one in reversed(group):
        # absent and good has no row in a store; what was written without a value keeps its row as not-a-number
        values[one.place] = float("nan") if one.value is None else one.value
        quality[one.place] = one.quality
    return Reading(id_, profile.id, at, group[0].received_at, Origin.LIVE, tuple(values), tuple(quality))


def refuse(_row: Row, wrong: WrongCell) -> None:
    """`Rejects` where every row must be good: what the look at the file did not find, the store did."""
    raise InputError(f"{wrong}. Leave such rows out (--skip-bad leaves them out)")


@contextmanager
def rejects_beside(job: Job) -> Iterator[Rejects]:
    """Writes the rows that are not imported to FILE.rejected.csv, as they stand there, with the reason behind."""
    target = job.file.with_name(job.file.name + ".rejected.csv")
    with (
        open_file(job.file, job.mapping, job.site, job.now) as opened,
        whole_file(target, force=True) as part,
        part.open("w", encoding=job.mapping.encoding, errors="surrogateescape", newline="") as out,
    ):
        writer = csv.writer(out, delimiter=job.mapping.delimiter)
        writer.writerow([*opened.header, *_WHY])

        def reject(row: Row, wrong: WrongCell) -> None:
            writer.writerow([*row.cells, row.line, wrong.column, wrong.what])

        yield reject
