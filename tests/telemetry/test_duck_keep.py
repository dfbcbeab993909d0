"""Retention: whole days go, class by class, after they were rolled up; and nothing else does."""

import random
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from pydantic import ValidationError

from protocols.quality import Quality
from protocols.reading import Reading
from telemetry import duck_session
from telemetry.duck import DuckStore
from telemetry.duck_keep import HOUR, MINUTE, Retention
from telemetry.keep import FOR_EVER, Keep
from telemetry.store import Aggregate
from tests.telemetry.readings import SECOND, T0, reading, series_of

DAY = 86_400 * SECOND
BASE = T0 - T0 % DAY
SHORT = Keep(raw_days=2, minute_days=4, hour_days=6)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.duckdb"


def day_of(number: int) -> list[Reading]:
    """Nothing but numbers that are told apart: a value a minute, its day in front."""
    return [reading(BASE + number * DAY + n * MINUTE, number * 10_000.0 + n, 1.0, f"day {number}") for n in range(1440)]


def measure(store: DuckStore, days: Iterable[int]) -> None:
    for number in days:
        store.write(day_of(number), {0: number})
    # What is due is removed by the writes that follow, a day of each class by each.
    for _ in range(12):
        store.write([], {})


def samples(store: DuckStore, every: int, how: Aggregate = "count") -> dict[int, int]:
    """Values by day, asked in buckets of this length."""
    counted: dict[int, int] = {}
    for number in range(-2, 12):
        begin = BASE + number * DAY
        found = store.aggregate("t:gas:1", "methane", begin, begin + DAY, every, how, fill="none")
        if found:
            counted[number] = sum(one.samples for one in found)
    return counted


def test_each_class_is_kept_for_its_days(path: Path) -> None:
    with closing(DuckStore.open(path, series_of, keep=SHORT)) as store:
        measure(store, range(10))
        assert {at // DAY for at in raw_times(store)} == {BASE // DAY + 8, BASE // DAY + 9}
        assert samples(store, MINUTE) == dict.fromkeys(range(4, 10), 1440)
        minutes = [
            len(
                store.aggregate("t:gas:1", "methane", BASE + n * DAY, BASE + n * DAY + HOUR, MINUTE, "sum", fill="none")
            )
            for n in (5, 6, 9)
        ]
        assert minutes == [1, 60, 60]  # of day 5 only hours are left, each at its begin
        assert [one.value for one in store.latest() if one.point == "note"] == ["day 9"]
        assert store.samples("t:gas:1", "note", BASE, BASE + 8 * DAY) == []
    with duckdb.connect(str(path)) as database:
        oldest = database.execute(
            "SELECT (SELECT min(minute) FROM by_minute) // 1440, (SELECT min(hour) FROM by_hour) // 24,"
            " (SELECT epoch_ns(min(taken_at)) FROM reading), (SELECT epoch_ns(min(taken_at)) FROM text)"
        ).fetchone()
    assert oldest == (BASE // DAY + 6, BASE // DAY + 4, BASE + 8 * DAY, BASE + 8 * DAY)


def raw_times(store: DuckStore) -> set[int]:
    return {one.at for one in store.samples("t:gas:1", "methane", 0, 2**62, limit=100_000)}


def test_nothing_is_removed_without_a_limit(path: Path) -> None:
    with closing(DuckStore.open(path, series_of, keep=FOR_EVER)) as store:
        measure(store, range(4))
        assert samples(store, SECOND) == dict.fromkeys(range(4), 1440)


@pytest.mark.parametrize("how", ["mean", "min", "max", "count", "sum", "first", "last"])
@pytest.mark.parametrize("every", [MINUTE, 7 * MINUTE, HOUR, DAY])
def test_what_was_removed_answers_as_before(path: Path, every: int, how: Aggregate) -> None:
    asked = ("t:gas:1", "methane", BASE, BASE + 6 * DAY - DAY // 2, every, how)
    with closing(DuckStore.open(path, series_of)) as store:
        measure(store, range(6))
        before = store.aggregate(*asked)
    with closing(DuckStore.open(path, series_of, keep=Keep(raw_days=1))) as store:
        measure(store, ())
        assert {at // DAY for at in raw_times(store)} == {BASE // DAY + 5}
        assert store.aggregate(*asked) == before


def test_buckets_shorter_than_what_is_left_hold_it_where_it_begins(path: Path) -> None:
    with closing(DuckStore.open(path, series_of, keep=Keep(raw_days=1))) as store:
        store.write([reading(BASE + second * SECOND, float(second)) for second in range(120)], {})
        measure(store, (1, 2))
        found = store.aggregate("t:gas:1", "methane", BASE, BASE + 2 * MINUTE, 10 * SECOND, "max", fill="none")
    assert found == [(BASE, 59.0, 60), (BASE + MINUTE, 119.0, 60)]


def test_what_came_late_is_rolled_up_before_its_day_goes(path: Path) -> None:
    with closing(DuckStore.open(path, series_of, keep=Keep(raw_days=2))) as store:
        store.write(day_of(0), {})
        store.write(day_of(1), {})
        store.write([reading(BASE + 30 * SECOND, 7.0), *day_of(2)], {})
        measure(store, ())
        assert samples(store, HOUR) == {0: 1441, 1: 1440, 2: 1440}
        assert min(raw_times(store)) == BASE + DAY


def test_what_is_taken_before_all_that_is_kept_is_set_aside(path: Path) -> None:
    with closing(DuckStore.open(path, series_of, keep=Keep(raw_days=1))) as store:
        measure(store, range(3))
        again = store.write([reading(BASE, 0.0, 1.0, "day 0"), reading(BASE + 2 * DAY + 1, 1.0)], {0: 9})
        (letter,) = store.dead_letters()
        assert (again, store.cursor(), samples(store, HOUR)[0]) == (1, {0: 9}, 1440)
    assert f"taken at {BASE} ns, before {BASE + 2 * DAY} ns" in letter.reason


def raw_days(store: DuckStore) -> set[int]:
    """The days, counted from `BASE`, of which raw values are there."""
    return {(at - BASE) // DAY for at in raw_times(store) if abs(at - BASE) < 1000 * DAY}


def test_a_clock_gone_astray_counts_as_one_day(path: Path) -> None:
    with closing(DuckStore.open(path, series_of, keep=Keep(raw_days=3))) as store:
        measure(store, (0, 1))
        for year in (1971, 2099):
            at = (year - 1970) * 365 * DAY
            store.write([reading(at, 1.0, quality=(Quality.UNCERTAIN_CLOCK,))], {})
        measure(store, ())
        assert raw_days(store) == {0, 1}


def test_months_without_data_count_for_nothing(path: Path) -> None:
    with closing(DuckStore.open(path, series_of, keep=Keep(raw_days=3))) as store:
        measure(store, (0, 1, 300, 301))
        assert raw_days(store) == {1, 300, 301}


def test_a_removal_cut_off_removes_nothing_and_is_done_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(DuckStore.open(path, series_of, keep=FOR_EVER)) as store:
        measure(store, range(3))
    whole = Retention.remove_a_day

    def cut_off(retention: Retention) -> None:
        whole(retention)
        raise InterruptedError("power cut")

    with closing(DuckStore.open(path, series_of, keep=Keep(raw_days=1))) as store:
        with monkeypatch.context() as broken:
            broken.setattr(duck_session.Retention, "remove_a_day", cut_off)
            with pytest.raises(InterruptedError):
                store.write([], {0: 99})
        assert (samples(store, SECOND), store.cursor()) == (dict.fromkeys(range(3), 1440), {0: 2})
        measure(store, ())
        assert {at // DAY for at in raw_times(store)} == {BASE // DAY + 2}
        assert samples(store, HOUR) == dict.fromkeys(range(3), 1440)


def test_removed_days_give_their_room_back(tmp_path: Path) -> None:
    noise = random.Random(7)
    sizes = []
    for name, keep in (("all", FOR_EVER), ("some", Keep(raw_days=1, minute_days=1, hour_days=1))):
        file = tmp_path / name
        with closing(DuckStore.open(file, series_of, keep=keep)) as store:
            for number in range(30):
                times = range(BASE + number * DAY, BASE + (number + 1) * DAY, 10 * SECOND)
                store.write([reading(at, noise.random(), noise.random()) for at in times], {})
        sizes.append(file.stat().st_size)
    assert sizes[1] < sizes[0] / 2


@pytest.mark.parametrize(
    "days",
    [{"raw_days": 0}, {"raw_days": -1}, {"raw_days": 800}, {"minute_days": 800, "hour_days": 799}, {"raw_days": None}],
)
def test_a_coarser_class_is_kept_at_least_as_long(days: dict[str, int | None]) -> None:
    with pytest.raises(ValidationError):
        Keep.model_validate(days)
    assert Keep() == Keep(raw_days=90, minute_days=730, hour_days=None)
