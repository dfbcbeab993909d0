"""Roll-ups answer as the raw values would, whatever comes late, twice or out of order, and after what a kill leaves."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.quality import Quality
from protocols.reading import Origin, Reading
from telemetry import duck_rollup, duck_schema, duck_session
from telemetry.duck import DuckStore
from telemetry.duck_aggregate import RAW, Stretch, plan
from telemetry.duck_keep import HOUR, MINUTE
from telemetry.duck_rollup import Mark
from telemetry.store import Aggregate, Bucket, Days, Every, Question
from tests.telemetry.readings import SECOND, T0, reading, series_of

DAY = 86_400 * SECOND
BASE = T0 - T0 % DAY
HOW: tuple[Aggregate, ...] = ("mean", "min", "max", "count", "sum", "first", "last")
NOTHING_REMOVED = Mark(0, 0, None, None, None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.duckdb"


@pytest.fixture
def store(path: Path) -> Iterator[DuckStore]:
    with closing(DuckStore.open(path, series_of)) as opened:
        yield opened


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write rolls up what the writes before it brought, to hours too, in steps of a few values."""
    monkeypatch.setattr(duck_session, "SETTLE_AFTER", 1)
    monkeypatch.setattr(duck_rollup, "STEP_VALUES", 7)
    monkeypatch.setattr(duck_rollup, "MINUTES_AT_LEAST", 5)
    monkeypatch.setattr(duck_rollup, "MINUTES_BEFORE_HOURS", 3)


def count(path: Path, table: str) -> int:
    with duckdb.connect(str(path)) as database:
        return len(database.table(table).fetchall())


def expected(
    rows: dict[int, tuple[float, Quality]], start: int, end: int, every: int, how: Aggregate
) -> dict[int, tuple[object, int]]:
    """Bucket -> (value, samples), reckoned value by value."""
    buckets: dict[int, list[float]] = {}
    for at in sorted(rows):
        if start <= at < end and not rows[at][1].is_bad:
            buckets.setdefault(at // every * every, []).append(rows[at][0])
    reckon: dict[str, Callable[[list[float]], float]] = {
        "mean": lambda kept: math.fsum(kept) / len(kept),
        "min": min,
        "max": max,
        "count": len,
        "sum": math.fsum,
        "first": lambda kept: kept[0],
        "last": lambda kept: kept[-1],
    }
    return {at: (pytest.approx(reckon[how](kept), rel=1e-12, abs=1e-6), len(kept)) for at, kept in buckets.items()}


# Few minutes of few hours, so that many values share one.
TIMES = st.builds(
    lambda hour, minute, ns: hour * HOUR + minute * MINUTE + ns,
    st.integers(-2, 1),
    st.sampled_from([0, 1, 59]),
    st.integers(0, MINUTE - 1),
)
EDGES = st.builds(
    lambda half_hours, more: half_hours * 30 * MINUTE + more,
    st.integers(-6, 6),
    st.sampled_from([0, 0, 0, 1, -1, MINUTE, 90 * SECOND]),
)
VALUES = st.tuples(st.floats(-1e6, 1e6), st.sampled_from([Quality.GOOD, Quality.UNCERTAIN_STALE, Quality.BAD_TYPE]))


@pytest.mark.usefixtures("eager")
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.dictionaries(TIMES, VALUES, min_size=4, max_size=25), min_size=1, max_size=4),
    edges=st.tuples(EDGES, EDGES).filter(lambda edges: edges[0] < edges[1]),
    every=st.sampled_from([SECOND, 90 * SECOND, MINUTE, 5 * MINUTE, 90 * MINUTE, HOUR, 2 * HOUR]),
    how=st.sampled_from(HOW),
    before=st.booleans(),
    steps=st.sampled_from([0, 2, 15]),
)
def test_roll_ups_equal_the_raw_values(
    store: DuckStore,
    batches: list[dict[int, tuple[float, Quality]]],
    edges: tuple[int, int],
    every: int,
    how: Aggregate,
    before: bool,
    steps: int,
) -> None:
    # Each example has a time of its own in the one store, on both sides of 1970.
    number = len(store.samples("t:gas:1", "note", -(2**62), 2**62))
    zero = (number // 2 + 1) * 10 * DAY * (-1 if number % 2 else 1)
    store.write([reading(zero + 5 * DAY, None, None, "example")], {})
    rows: dict[int, tuple[float, Quality]] = {}
    for batch in batches:
        # A stamp that a batch before had is a double: the first one stays.
        store.write([reading(zero + at, value, quality=(code,)) for at, (value, code) in batch.items()], {})
        rows = {zero + at: one for at, one in batch.items()} | rows
    for _ in range(steps):  # until nothing, something or all of it is rolled up
        store.write([], {})
    begin, end = zero + (edges[0] // every * every if before else edges[0]), zero + edges[1]
    found = store.aggregate("t:gas:1", "methane", begin, end, every, how, fill="none")
    assert {one.at: (one.value, one.samples) for one in found} == expected(rows, begin, end, every, how)


@pytest.mark.usefixtures("eager")
def test_the_roll_ups_are_really_asked(store: DuckStore, path: Path) -> None:
    store.write([reading(BASE + n * SECOND, float(n)) for n in range(0, 7200, 10)], {})
    for extra in range(120):  # steps of a few values: each write brings the roll-ups a step further
        store.write([reading(BASE + 3 * HOUR + extra, 0.0)], {})
    before = store.aggregate("t:gas:1", "methane", BASE, BASE + 2 * HOUR, HOUR, "mean")
    store.close()
    with duckdb.connect(str(path)) as database:
        database.execute("DELETE FROM number WHERE batch = 1")
    with closing(DuckStore.open(path, series_of)) as again:
        assert again.aggregate("t:gas:1", "methane", BASE, BASE + 2 * HOUR, HOUR, "mean") == before
        assert [one.samples for one in before] == [360, 360]
        by_second = again.aggregate("t:gas:1", "methane", BASE, BASE + 2 * HOUR, 30 * SECOND, "mean", fill="none")
    assert by_second == []


@pytest.mark.usefixtures("eager")
def test_values_of_several_steps_make_rows_that_add_up(store: DuckStore, path: Path) -> None:
    for second in (50, 10, 30, 20):
        store.write([reading(BASE + second * SECOND, float(second))], {})
    asked: list[Aggregate] = ["first", "last", "min", "max", "sum", "count", "mean"]
    found = [store.aggregate("t:gas:1", "methane", BASE, BASE + MINUTE, MINUTE, how) for how in asked]
    assert [bucket.value for (bucket,) in found] == [10.0, 50.0, 10.0, 50.0, 110.0, 4.0, 27.5]
    store.close()
    assert count(path, "by_minute") == 4


def test_a_store_without_roll_ups_of_its_tail_answers_from_the_tail(store: DuckStore, path: Path) -> None:
    store.write([reading(BASE + n * MINUTE, float(n)) for n in range(120)], {})
    (whole,) = store.aggregate("t:gas:1", "methane", BASE, BASE + DAY, DAY, "mean")
    assert whole == (BASE, 59.5, 120)
    store.close()
    assert count(path, "by_minute") == 120
    with closing(DuckStore.open(path, series_of)) as again:
        again.write([reading(BASE + n * MINUTE + 1, float(n)) for n in range(120)], {})
        assert again.aggregate("t:gas:1", "methane", BASE, BASE + DAY, DAY, "count") == [(BASE, 240.0, 240)]


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("step", ["roll_minutes", "roll_hours"])
def test_a_step_that_fails_moves_nothing_and_is_done_again(
    store: DuckStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    for n in range(30):
        store.write([reading(BASE + n * MINUTE, 1.0)], {0: n})
    whole = getattr(duck_rollup, step)

    def cut_off(*arguments: object) -> None:
        whole(*arguments)
        raise InterruptedError("power cut")

    with monkeypatch.context() as broken:
        broken.setattr(duck_rollup, step, cut_off)
        broken.setattr(duck_rollup, "MINUTES_AT_LEAST", 0)
        broken.setattr(duck_rollup, "MINUTES_BEFORE_HOURS", 0)
        with pytest.raises(InterruptedError):
            store.write([reading(BASE + 30 * MINUTE, 1.0)], {0: 30})
    assert store.cursor() == {0: 29}
    store.write([reading(BASE + 30 * MINUTE, 1.0)], {0: 30})
    for every in (SECOND, MINUTE, HOUR):
        found = store.aggregate("t:gas:1", "methane", BASE, BASE + HOUR, every, "count", fill="none")
        assert sum(one.samples for one in found) == 31


def raw_file(path: Path, batches: Sequence[Sequence[Reading]]) -> None:
    """A file of version 1, as a release without roll-ups left it."""
    with closing(DuckStore.open(path, series_of)) as store:
        for batch in batches:
            store.write(batch, {})
    with duckdb.connect(str(path)) as database:
        for table in ("by_minute", "by_hour", "mark", "received_day", "letter_count", "dead_letter"):
            database.execute(f"DROP TABLE {table}")
        database.execute("CREATE TABLE dead_letter (partition INTEGER, position BIGINT, reason VARCHAR, data BLOB)")
        database.execute("UPDATE schema_version SET version = 1")


@pytest.mark.usefixtures("eager")
def test_a_file_of_version_1_opens_and_is_rolled_up_step_by_step(path: Path) -> None:
    raw_file(path, [[reading(BASE + n * MINUTE + k, float(n)) for k in range(9)] for n in range(10)])
    asked = Question("methane", BASE, BASE + HOUR, HOUR, "sum", "t:gas:1")
    with closing(DuckStore.open(path, series_of)) as store:
        assert store.grouped(asked) == {"": [Bucket(BASE, 405.0, 90)]}
        for n in range(20):
            store.write([reading(BASE - DAY + n, 1.0)], {})
            assert store.grouped(asked) == {"": [Bucket(BASE, 405.0, 90)]}
    assert count(path, "by_minute") >= 10
    with duckdb.connect(str(path)) as database:
        assert database.execute("SELECT version FROM schema_version").fetchone() == (3,)
        days = database.execute("SELECT day FROM received_day ORDER BY day").fetchall()
        assert days == [(BASE // DAY - 1,), (BASE // DAY,)]
        assert database.execute("SELECT minute_batch >= 10 FROM mark").fetchone() == (True,)
        database.execute("DELETE FROM number WHERE batch <= 10")
    with closing(DuckStore.open(path, series_of)) as store:
        assert store.grouped(asked) == {"": [Bucket(BASE, 405.0, 90)]}


def test_a_file_that_could_not_be_upgraded_stays_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw_file(path, [[reading(BASE, 1.0)]])
    with monkeypatch.context() as broken:
        broken.setattr(duck_schema, "_STEPS", ("", duck_schema._ROLL_UPS + "SELECT error('power cut')"))
        with pytest.raises(duckdb.Error, match="power cut"):
            DuckStore.open(path, series_of)
    with closing(DuckStore.open(path, series_of)) as store:
        assert [one.value for one in store.samples("t:gas:1", "methane", BASE, BASE + 1)] == [1.0]


def test_sums_beyond_the_largest_number_do_not_stop_the_store(store: DuckStore, path: Path) -> None:
    store.write([reading(BASE + n, 1.7e308) for n in range(3)], {})
    store.close()
    with closing(DuckStore.open(path, series_of)) as again:
        assert again.aggregate("t:gas:1", "methane", BASE, BASE + MINUTE, MINUTE, "max") == [(BASE, 1.7e308, 3)]


def test_times_at_both_ends_can_be_rolled_up(path: Path) -> None:
    edge = 2**63 - 2
    with closing(DuckStore.open(path, series_of)) as store:
        store.write(
            [Reading("t:gas:1", "gengfu/gas-alarm", at, BASE, Origin.LIVE, (1.0,), (0,)) for at in (-edge, edge)], {}
        )
    assert count(path, "by_minute") == 2


M, H = MINUTE, HOUR


@pytest.mark.parametrize(
    ("start", "end", "level", "mark", "stretches"),
    [
        (0, 2 * H, H, NOTHING_REMOVED, [(H, 0, 2 * H)]),
        (0, 2 * H, M, NOTHING_REMOVED, [(M, 0, 2 * H)]),
        (0, 2 * H, RAW, NOTHING_REMOVED, [(RAW, 0, 2 * H)]),
        (1, 59, H, NOTHING_REMOVED, [(RAW, 1, 59)]),
        (M + 1, 3 * M, H, NOTHING_REMOVED, [(RAW, M + 1, 2 * M), (M, 2 * M, 3 * M)]),
        (
            H - M - 1,
            2 * H + M + 1,
            H,
            NOTHING_REMOVED,
            [
                (RAW, H - M - 1, H - M),
                (M, H - M, H),
                (H, H, 2 * H),
                (M, 2 * H, 2 * H + M),
                (RAW, 2 * H + M, 2 * H + M + 1),
            ],
        ),
        (5, 3 * H, RAW, Mark(0, 0, 2 * H, H, None), [(H, 5, H), (M, H, 2 * H), (RAW, 2 * H, 3 * H)]),
        (5, 3 * H, M, Mark(0, 0, 2 * H, None, None), [(M, 5, 2 * H), (M, 2 * H, 3 * H)]),
        (3 * H, 4 * H, RAW, Mark(0, 0, 2 * H, H, None), [(RAW, 3 * H, 4 * H)]),
        (5, 9, RAW, Mark(0, 0, 2 * H, H, None), [(H, 5, 9)]),
        (9, 9, H, NOTHING_REMOVED, []),
    ],
)
def test_each_stretch_is_answered_from_the_coarsest_class_that_is_exact(
    start: int, end: int, level: int, mark: Mark, stretches: list[tuple[int, int, int]]
) -> None:
    assert plan(start, end, level, mark) == [Stretch(*one) for one in stretches]


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "Asia/Shanghai"])
def test_calendar_days_from_roll_ups_are_those_from_raw_values(store: DuckStore, zone: str) -> None:
    for hour in range(0, 100, 20):
        store.write([reading(BASE + (hour * 60 + n) * MINUTE, float(n)) for n in range(1200)], {})
    every: list[Every] = [Days(1, zone), MINUTE]
    days, minutes = (
        store.aggregate("t:gas:1", "methane", BASE, BASE + 100 * HOUR, one, "sum", fill="none") for one in every
    )
    sums = {day.at: 0.0 for day in days}
    for one in minutes:
        sums[max(at for at in sums if at <= one.at)] += one.value or 0.0
    assert {day.at: day.value for day in days} == sums
