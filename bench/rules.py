"""The alarm engine by itself: readings judged per CPU second, memory of an alarm, and how long a start takes.

    python -m bench.rules        (make bench ONLY=alarms)

5,000 gas alarms in kitchens, each under ten rules: those shipped for it, and copies of one with limits of their own.
Three kinds of traffic: all quiet; one reading in a hundred above the limits of every rule, the next of its device
below them; and every reading so that none can be let through at a glance. No journal, no interlock, no transport.
"""

import gc
import itertools
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from alarms.alarm import encode
from alarms.engine import AlarmEngine, Watched
from alarms.rule import AlarmRule
from alarms.states import AlarmState
from bench.processes import alone, cpu_s, end_on_sigterm, resident_mb
from bench.rows import Row, print_rows
from gengfu.rules import shipped
from protocols.moment import SECOND, Moment
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile
from protocols.reading import Origin, Reading

DEVICES, RULES = 5_000, 10
ROUNDS = 60
"""Readings of each device."""
STANDING = 100_000
WALL, MONO = 1_800_000_000 * SECOND, 7_000 * SECOND
KITCHEN = "commercial-kitchen"
PROFILE = "gengfu/gas-alarm"
COPIED = "CK-04"
QUIET = {
    "methane": 1.2,
    "co": 4.0,
    "alarm": 0.0,
    "fault": 0.0,
    "warm_up": 0.0,
    "over_range": 0.0,
    "alarm_level": 0.0,
    "co_alarm": 0.0,
    "valve": 1.0,
    "fan": 1.0,
}
Traffic = Iterator[Reading]


def ten_rules(profile: Profile) -> dict[str, AlarmRule]:
    """Those that are shipped for the device at a kitchen, and copies of one until there are ten alarms of a device."""
    book = shipped().alarms
    bound = Watched("one", profile, KITCHEN, 10.0).bound_to(book)
    rules = {one.rule.id: one.rule for one in bound[:RULES]}
    for number in range(RULES - min(RULES, len(bound))):
        first = book[COPIED].any[0]
        condition = first.model_copy(update={"limit": 51.0 + number})
        rules[f"XX-{number}"] = book[COPIED].model_copy(update={"id": f"XX-{number}", "any": (condition,)})
    return rules


def _engine(devices: int) -> AlarmEngine:
    profile = shipped_profiles()[PROFILE]
    rules = ten_rules(profile)
    watched = [Watched(f"gas:{number}", profile, KITCHEN, 10.0) for number in range(devices)]
    engine = AlarmEngine(rules, watched, Moment(WALL, MONO))
    each = len(watched[0].bound_to(rules))
    assert each == RULES, f"{each} alarms of a device"
    return engine


def _reading(profile: Profile, device: str, at: int, **values: float) -> Reading:
    given = QUIET | values
    points = tuple(given.get(point.name) for point in profile.points)
    return Reading(device, profile.id, at, at, Origin.LIVE, points, profile.qualify(points))


def _traffic(kind: str, rounds: int) -> Traffic:
    """``quiet``; ``mixed``: one in a hundred above every limit; ``judged``: none ordinary, and none in alarm."""
    profile = shipped_profiles()[PROFILE]
    quiet, loud = _reading(profile, "", 0), _reading(profile, "", 0, methane=62.0)
    doubtful = msgspec.structs.replace(quiet, quality=_doubted(quiet, profile))
    names = [f"gas:{number}" for number in range(DEVICES)]
    turn = itertools.count()
    for round_ in range(rounds):
        at = WALL + (1 + round_) * 10 * SECOND
        for name in names:
            number = next(turn)
            is_loud = kind == "mixed" and (number + round_) % 100 == 0
            one = doubtful if kind == "judged" else loud if is_loud else quiet
            yield msgspec.structs.replace(one, device=name, at=at, received_at=at)


def _doubted(reading: Reading, profile: Profile) -> tuple[int, ...]:
    """The sensor warms up: every rule has to look."""
    values = dict(zip((point.name for point in profile.points), reading.values, strict=True)) | {"warm_up": 1.0}
    return profile.qualify(tuple(values[point.name] for point in profile.points))


def _rate(kind: str) -> float:
    """Readings a CPU second, the second half of them; their making is not counted."""
    engine = _engine(DEVICES)
    rounds = ROUNDS if kind == "quiet" else ROUNDS // 3
    cpu = taken = 0.0
    transitions = 0
    gc.collect()
    gc.freeze()
    for number, part in enumerate(_batches(_traffic(kind, rounds), DEVICES)):
        now = Moment(part[0].at, MONO + part[0].at - WALL)
        began = cpu_s()
        engine.tick(now)
        for reading in part:
            engine.observe(reading, now)
        if engine.has_news:
            transitions += len(engine.drain()[0])
        if number >= rounds // 2:
            cpu += cpu_s() - began
            taken += len(part)
    assert (transitions > 0) == (kind == "mixed"), f"{transitions} transitions in {kind} traffic"
    return taken / cpu


def _batches(traffic: Traffic, size: int) -> Iterator[Sequence[Reading]]:
    while part := list(itertools.islice(traffic, size)):
        yield part


def _standing() -> dict[str, bytes]:
    """What is stored of so many alarms, had each device raised all of its own."""
    state = {}
    for record in _engine(STANDING // RULES).records():
        record.state, record.active, record.raised_at = AlarmState.UNACKNOWLEDGED, True, WALL
        record.value, record.first_value = 62.0, 51.0
        state[f"alarm/{record.alarm}"] = encode(record)
    return state


def judge(told: Connection, kind: str) -> None:
    """A process of its own for each kind of traffic."""
    told.send(_rate(kind))


def store(told: Connection) -> None:
    """Tells what is stored of 100,000 alarms that stand."""
    told.send(_standing())


def restore(told: Connection, state: dict[str, bytes]) -> None:
    """Tells what 100,000 alarms hold in memory, normal and standing, and how many CPU seconds it takes to have them
    again."""
    _engine(1)
    gc.collect()
    before, began = resident_mb(), cpu_s()
    engine = _engine(STANDING // RULES)
    built, held = cpu_s() - began, resident_mb() - before
    began = cpu_s()
    engine.load(state)
    loaded = cpu_s() - began
    stand = sum(one.state is not AlarmState.NORMAL for one in engine.records())
    told.send((held * 2**20 / STANDING, (resident_mb() - before) * 2**20 / STANDING, built, loaded, stand))


def measure(_folder: Path | None = None) -> list[Row]:
    """All rows. Nothing is written."""
    rows = [
        Row(f"{words}, 10 rules a device, 5000 devices: readings per CPU second", alone(judge, kind), "1/s")
        for kind, words in (
            ("mixed", "one reading in a hundred raises"),
            ("quiet", "all quiet"),
            ("judged", "every reading judged rule by rule"),
        )
    ]
    held, loaded_size, built, loaded, stand = alone(restore, alone(store))
    return [
        *rows,
        Row("memory of an alarm, with its share of its device", held, "B"),
        Row("the same of one that stands", loaded_size, "B"),
        Row(f"{stand:,} standing alarms restored: engine made anew", built, "s"),
        Row(f"{stand:,} standing alarms restored: engine made anew and state taken back", built + loaded, "s"),
    ]


if __name__ == "__main__":
    end_on_sigterm()
    print_rows(measure())
