"""A replay of stored readings through changed alarm rules: 1,000 gas alarms over a day, a million readings.

    python -m bench.replay [--readings 1000000] [--folder DIR]        (make bench ONLY=replay)

The journal is a real one, written as the gateway does. Each device reports every 86.4 s, the whole fleet evenly spread;
one in a thousand readings shows a leak, the next of its device none. All shipped rules run, and the early warning of
kitchens is laid over them with another limit. The whole of `gengfu.replaying.run` is counted, the making of the journal
and of the site is not.
"""

import argparse
import asyncio
import itertools
import resource
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

import alarms
from bench.processes import alone, cpu_s, end_on_sigterm, resident_mb
from bench.rows import Row, print_rows
from bench.rules import QUIET, WALL
from device_registry.load import load_site
from gengfu.replaying.run import Job, run
from gengfu.rules import shipped
from journal.entry import Entry, partition_of
from journal.sqlite import SqliteJournal
from protocols.moment import SECOND
from protocols.profile.loader import shipped_profiles
from protocols.reading import Origin, Reading, encode_reading

DEVICES, READINGS = 1_000, 1_000_000
STEP = 86_400 * SECOND // READINGS
"""Between two readings of the fleet."""
AT_ONCE = 5_000
"""Readings of one commit."""
LOUD_EVERY = 1_009
"""A prime, so that it is another device each time."""
RULE, DELAY = "CK-01", 30 * SECOND

SITE = """
[site]
id = "street"
title = { zh = "美食街", en = "Food Street" }

[[connection]]
id = "coap"
transport = "coap"
listen = "127.0.0.1:5683"

[[area]]
id = "kitchens"
title = { zh = "厨房", en = "Kitchens" }
kind = "commercial-kitchen"
"""
DEVICE = """
[[device]]
id = "{}"
title = {{ zh = "报警器", en = "Gas alarm" }}
profile = "gengfu/gas-alarm"
area = "kitchens"
connection = "coap"
period_s = 90.0
"""


def _name(number: int) -> str:
    return f"gas:{number % DEVICES}"


def _site(folder: Path) -> Path:
    document = folder / "site.toml"
    document.write_text(SITE + "".join(DEVICE.format(_name(one)) for one in range(DEVICES)), encoding="utf-8")
    return document


def _trial(folder: Path) -> Path:
    """The shipped rules of gas, the first of them with another limit."""
    text = (Path(alarms.__file__).parent / "rules" / "gas.toml").read_text(encoding="utf-8")
    file = folder / "trial.toml"
    file.write_text(text.replace("limit = 10.0", "limit = 15.0", 1), encoding="utf-8")
    return file


def _entry(number: int, quiet: Reading, loud: Reading, step: int) -> Entry:
    at = WALL + number * step
    one = loud if number % LOUD_EVERY == 0 else quiet
    reading = msgspec.structs.replace(one, device=_name(number), at=at, received_at=at)
    return Entry("reading", reading.identity, partition_of(reading.device), at, encode_reading(reading))


async def _record(folder: Path, readings: int) -> None:
    profile = shipped_profiles()["gengfu/gas-alarm"]

    def sample(**given: float) -> Reading:
        values = tuple((QUIET | given).get(point.name) for point in profile.points)
        return Reading("", profile.id, 0, 0, Origin.LIVE, values, profile.qualify(values))

    quiet, loud = sample(), sample(methane=12.0)
    journal = SqliteJournal.open(folder, now=WALL)
    numbers = iter(range(readings))
    while batch := [*itertools.islice(numbers, AT_ONCE)]:
        await journal.append([_entry(one, quiet, loud, STEP) for one in batch])
    await journal.close()


def record(told: Connection, folder: Path, readings: int) -> None:
    """Makes the data folder of a site that ran, and tells how large its journal is, MB."""
    asyncio.run(_record(folder / "data" / "journal", readings))
    told.send(sum(one.stat().st_size for one in folder.rglob("*.sqlite")) / 2**20)


def replay(told: Connection, folder: Path, readings: int) -> None:
    """Tells the CPU seconds of a replay, and by how many MB memory grew at most."""
    site = load_site(_site(folder), shipped_profiles())
    running, before = shipped().alarms, resident_mb()
    job = Job(folder / "data", site, running, (_trial(folder),), (), WALL, WALL + readings * STEP, 0, (Origin.LIVE,))
    began = cpu_s()
    found = run(job, lambda _at, _readings: None)
    used = cpu_s() - began
    raised = [found.outcome.before.tally(RULE).raised, found.outcome.after.tally(RULE).raised]
    assert found.replay.readings == readings
    assert found.replay.stops == []
    assert raised == [len(range(0, readings - DELAY // STEP, LOUD_EVERY)), 0], f"{raised} alarms raised"
    told.send((used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10 - before))


def measure(folder: Path | None = None, readings: int = READINGS) -> list[Row]:
    """All rows."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        size = alone(record, Path(place), readings)
        used, grown = alone(replay, Path(place), readings)
    what = f"replay of {readings:,} stored readings of {DEVICES:,} devices"
    return [
        Row(f"{what}: CPU time", used, "s"),
        Row(f"{what}: readings per CPU second", readings / used, "1/s"),
        Row(f"{what}: memory it takes at most, beside a journal of {size:.0f} MB", grown, "MB"),
    ]


if __name__ == "__main__":
    end_on_sigterm()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readings", type=int, default=READINGS)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    print_rows(measure(options.folder, options.readings))
