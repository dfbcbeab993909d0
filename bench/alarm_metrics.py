"""The alarm metrics of a long journal: a day, a week and 30 days of 100,000 and of a million alarm transitions.

    python -m bench.alarm_metrics [--folder DIR]        (make bench ONLY=alarm-metrics)

5,000 alarms of as many devices are raised, acknowledged and go, evenly over 30 days; the journal is sealed once a day
and holds nothing else: a site's readings, which are read past, come on top. The question is the one of the API, asked
in the process that keeps the journal; «held» is the longest time for which its event loop could do nothing else.
"""

import argparse
import asyncio
import gc
import itertools
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from alarms.alarm import AlarmTransition, encode
from alarms.states import AlarmState, Event
from bench.processes import alone, cpu_s, end_on_sigterm, resident_mb
from bench.rows import Row, print_rows
from console.alarm_metrics import MetricsQuery
from gengfu.alarm_metrics import AlarmMeters
from gengfu.rules import shipped
from journal.entry import Entry, partition_of
from journal.sqlite import SqliteJournal
from journal.writer import Limit
from protocols.moment import SECOND
from protocols.reading import Origin

ALARMS, DAYS = 5_000, 30
SIZES = (100_000, 1_000_000)
SPANS = {"a day": 1, "a week": 7, "30 days": DAYS}
DAY = 86_400 * SECOND
BEGUN = 1_800_000_000 * SECOND
AT_ONCE = 5_000
BEAT_S = 0.001
_N, _U, _A = AlarmState.NORMAL, AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED
_COURSE = ((Event.RAISE, _N, _U), (Event.ACKNOWLEDGE, _U, _A), (Event.RETURN, _A, _N))


def _transitions(many: int) -> Iterator[AlarmTransition]:
    step = DAYS * DAY // many
    for number in range(many):
        at, device = BEGUN + number * step, f"gas:{number % ALARMS}"
        event, before, after = _COURSE[number // ALARMS % len(_COURSE)]
        yield AlarmTransition(
            f"{device}~CK-01", device, "methane", "CK-01", Origin.LIVE, "high", False, event, before, after,
            at, at, 12.0, 0, at, who="li" if event is Event.ACKNOWLEDGE else "",
        )  # fmt: skip


async def _record(folder: Path, many: int) -> None:
    journal = SqliteJournal.open(folder, now=BEGUN)
    rest, sealed = _transitions(many), BEGUN
    while batch := [*itertools.islice(rest, AT_ONCE)]:
        if batch[0].at >= sealed + DAY:
            sealed = batch[0].at
            assert await journal.seal(sealed, Limit(0, 0))
        await journal.append(
            [Entry("alarm", f"{one.alarm}/{one.at}", partition_of(one.device), one.at, encode(one)) for one in batch]
        )
    await journal.close()


async def _longest(working: "asyncio.Task[object]") -> float:
    """For how long at most the loop did nothing but the work, s."""
    longest, last = 0.0, time.perf_counter()
    while not working.done():
        await asyncio.sleep(BEAT_S)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    return longest - BEAT_S


async def _ask(folder: Path, many: int) -> list[Row]:
    journal = SqliteJournal.open(folder, now=BEGUN + DAYS * DAY)
    meters, rows = AlarmMeters(journal, shipped()), []
    tail = journal.tail(20_000)
    meters.warm(tail, is_all=False, now=BEGUN + DAYS * DAY)
    end = BEGUN + DAYS * DAY
    for words, days in SPANS.items():
        gc.collect()
        gc.freeze()  # as the program has it (`gengfu.collector`)
        before, began, clock = resident_mb(), cpu_s(), time.perf_counter()
        asked = asyncio.create_task(meters.measure(MetricsQuery(end - days * DAY, end, Origin.LIVE)))
        held = await _longest(asked)
        took, cpu, found = time.perf_counter() - clock, cpu_s() - began, await asked
        assert found is not None
        expected = sum(one.event is Event.RAISE and one.at >= end - days * DAY for one in _transitions(many))
        assert found.everything.numbers()["announced"] == expected
        what = f"metrics of {words} of {many:,} alarm transitions in {DAYS} days"
        rows += [
            Row(f"{what}: answered after", took, "s"),
            Row(f"{what}: CPU time", cpu, "s"),
            Row(f"{what}: event loop held at most", held * 1000, "ms"),
            Row(f"{what}: memory it took on", resident_mb() - before, "MB"),
        ]
    await journal.close()
    return rows


def record(told: Connection, folder: Path, many: int) -> None:
    """Makes the journal."""
    asyncio.run(_record(folder, many))
    told.send(None)


def ask(told: Connection, folder: Path, many: int) -> None:
    """Tells the rows."""
    told.send(asyncio.run(_ask(folder, many)))


def measure(folder: Path | None = None) -> list[Row]:
    """All rows."""
    rows: list[Row] = []
    for many in SIZES:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            alone(record, Path(place), many)
            rows += alone(ask, Path(place), many)
    return rows


if __name__ == "__main__":
    end_on_sigterm()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    print_rows(measure(parser.parse_args().folder))
