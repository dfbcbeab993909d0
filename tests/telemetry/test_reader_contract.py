"""What every reader of telemetry must answer. A new implementation joins by one line in `implementations.READERS`."""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from protocols.quality import Quality
from protocols.reading import Origin, Value
from telemetry.errors import QueryRefused
from telemetry.store import Aggregate, Sample
from tests.telemetry.implementations import READERS, FilledReader
from tests.telemetry.readings import SECOND, T0, reading

YEAR = 365 * 86400 * SECOND


@pytest.fixture(params=READERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FilledReader]:
    opened = READERS[request.param](tmp_path, lambda: request.getfixturevalue("influxd"))
    yield opened
    opened.close()


def values(store: FilledReader, point: str = "methane", **arguments: Any) -> list[tuple[int, Value]]:
    found = store.samples("t:gas:1", point, T0 - YEAR, T0 + YEAR, **arguments)
    return [((one.at - T0) // SECOND, one.value) for one in found]


def newest(store: FilledReader) -> dict[tuple[str, Origin, str], tuple[int, Value, int]]:
    return {(one.device, one.origin, one.point): (one.at - T0, one.value, one.quality) for one in store.latest()}


def test_sample_comes_back_with_its_nanosecond_and_quality(store: FilledReader) -> None:
    store.write([reading(T0 + 1, 12.5, quality=(Quality.UNCERTAIN_WARM_UP,))], {})
    expected = [Sample("t:gas:1", Origin.LIVE, "methane", T0 + 1, 12.5, Quality.UNCERTAIN_WARM_UP)]
    assert store.samples("t:gas:1", "methane", T0, T0 + 2) == expected


def test_range_holds_its_start_and_not_its_end(store: FilledReader) -> None:
    store.write([reading(T0 + n, float(n)) for n in range(4)], {})
    assert [one.value for one in store.samples("t:gas:1", "methane", T0 + 1, T0 + 3)] == [1.0, 2.0]


def test_limit_keeps_the_oldest(store: FilledReader) -> None:
    store.write([reading(T0 + n * SECOND, float(n)) for n in (2, 0, 1)], {})
    assert values(store, limit=2) == [(0, 0.0), (1, 1.0)]


@pytest.mark.parametrize("value", [0.0, -0.0, 5e-324, 1.7976931348623157e308, 1.0 / 3.0, 2.0**53 + 2, -273.15])
def test_every_number_comes_back_exactly(store: FilledReader, value: float) -> None:
    store.write([reading(T0, value)], {})
    assert [repr(one.value) for one in store.samples("t:gas:1", "methane", T0, T0 + 1)] == [repr(value)]


@pytest.mark.parametrize("text", ["", "阀门已关", 'say "no"\\', "two\nlines", "12.5", "nan", "\x00", "NULL"])
def test_every_text_comes_back_exactly(store: FilledReader, text: str) -> None:
    store.write([reading(T0, 1.0, 2.0, text)], {})
    assert values(store, "note") == [(0, text)]


def test_absent_value_leaves_no_sample_and_the_older_latest(store: FilledReader) -> None:
    store.write([reading(T0, 1.0, 7.0), reading(T0 + SECOND, None, 8.0)], {})
    assert values(store) == [(0, 1.0)]
    assert newest(store)["t:gas:1", Origin.LIVE, "methane"] == (0, 1.0, Quality.GOOD)


def test_absent_value_with_a_reason_is_kept_as_that_reason(store: FilledReader) -> None:
    store.write([reading(T0, 1.0), reading(T0 + SECOND, None, quality=(Quality.BAD_COMM_LOSS,))], {})
    assert values(store) == [(0, 1.0), (1, None)]
    assert newest(store)["t:gas:1", Origin.LIVE, "methane"] == (SECOND, None, Quality.BAD_COMM_LOSS)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_number_that_is_none_becomes_a_sample_without_value(store: FilledReader, value: float) -> None:
    store.write([reading(T0, value, quality=(Quality.BAD_TYPE,)), reading(T0 + SECOND, 2.0)], {})
    assert values(store) == [(0, None), (1, 2.0)]


def test_shorter_reading_of_an_older_profile_is_its_first_points(store: FilledReader) -> None:
    store.write([reading(T0, 3.0)], {})
    assert set(newest(store)) == {("t:gas:1", Origin.LIVE, "methane")}


def test_late_reading_does_not_become_the_latest(store: FilledReader) -> None:
    store.write([reading(T0, 9.0)], {})
    store.write([reading(T0 - SECOND, 1.0)], {})
    assert newest(store)["t:gas:1", Origin.LIVE, "methane"] == (0, 9.0, Quality.GOOD)


def test_latest_of_a_batch_out_of_order_is_the_newest(store: FilledReader) -> None:
    store.write([reading(T0 + SECOND, 9.0), reading(T0, 1.0)], {})
    assert newest(store)["t:gas:1", Origin.LIVE, "methane"] == (SECOND, 9.0, Quality.GOOD)


def test_origins_of_one_instant_are_kept_apart(store: FilledReader) -> None:
    batch = [reading(T0, 1.0), reading(T0, 55.0, origin=Origin.DRILL), reading(T0, 7.0, origin=Origin.SIMULATED)]
    assert store.write(batch, {}) == 3
    assert [values(store, origin=origin) for origin in Origin] == [[(0, 1.0)], [(0, 55.0)], [(0, 7.0)]]


def test_drill_never_overwrites_live_in_latest(store: FilledReader) -> None:
    store.write([reading(T0, 1.0)], {})
    store.write([reading(T0 + SECOND, 55.0, origin=Origin.DRILL)], {})
    found = newest(store)
    assert found["t:gas:1", Origin.LIVE, "methane"] == (0, 1.0, Quality.GOOD)
    assert found["t:gas:1", Origin.DRILL, "methane"] == (SECOND, 55.0, Quality.GOOD)


def test_aggregate_never_mixes_origins(store: FilledReader) -> None:
    store.write([reading(T0, 1.0), reading(T0 + 1, 99.0, origin=Origin.DRILL)], {})
    (bucket,) = store.aggregate("t:gas:1", "methane", T0, T0 + SECOND, SECOND, "max")
    assert bucket == (T0, 1.0, 1)


def test_devices_with_the_same_points_are_kept_apart(store: FilledReader) -> None:
    store.write([reading(T0, 1.0), reading(T0, 2.0, device="t:gas:2"), reading(T0, 50.0, device="t:bin:1")], {})
    assert values(store) == [(0, 1.0)]
    assert [one.value for one in store.samples("t:bin:1", "fill", T0, T0 + 1)] == [50.0]


@pytest.mark.parametrize(("device", "point"), [("t:gas:9", "methane"), ("t:gas:1", "speed"), ("t:bin:1", "methane")])
def test_unknown_device_or_point_has_no_samples_and_empty_buckets(store: FilledReader, device: str, point: str) -> None:
    store.write([reading(T0, 1.0), reading(T0, 2.0, device="t:bin:1")], {})
    assert store.samples(device, point, T0, T0 + 1) == []
    assert store.aggregate(device, point, T0, T0 + 1, SECOND, "mean") == [(T0, None, 0)]


def test_empty_buckets_between_are_included(store: FilledReader) -> None:
    store.write([reading(T0 + SECOND, 4.0), reading(T0 + 3 * SECOND, 8.0)], {})
    found = store.aggregate("t:gas:1", "methane", T0, T0 + 5 * SECOND, SECOND, "mean")
    seconds = [((one.at - T0) // SECOND, one.value, one.samples) for one in found]
    assert seconds == [(0, None, 0), (1, 4.0, 1), (2, None, 0), (3, 8.0, 1), (4, None, 0)]


def test_buckets_are_aligned_to_multiples_of_their_length(store: FilledReader) -> None:
    store.write([reading(T0 + 1, 1.0)], {})
    found = store.aggregate("t:gas:1", "methane", T0 + 1, T0 + 61 * SECOND, 60 * SECOND, "count")
    assert [one.at % (60 * SECOND) for one in found] == [0, 0]


def test_bad_values_are_left_out_and_uncertain_ones_are_not(store: FilledReader) -> None:
    store.write(
        [
            reading(T0, 1.0),
            reading(T0 + 1, 3.0, quality=(Quality.UNCERTAIN_CLOCK,)),
            reading(T0 + 2, 100.0, quality=(Quality.BAD_SENSOR_FAULT,)),
            reading(T0 + 3, 200.0, quality=(Quality.BAD_OVER_RANGE,)),
        ],
        {},
    )
    assert store.aggregate("t:gas:1", "methane", T0, T0 + SECOND, SECOND, "mean") == [(T0, 2.0, 2)]


def test_empty_range_has_no_buckets(store: FilledReader) -> None:
    assert store.aggregate("t:gas:1", "methane", T0, T0, SECOND, "mean") == []


@pytest.mark.parametrize("every", [0, -1])
def test_bucket_without_length_is_refused(store: FilledReader, every: int) -> None:
    with pytest.raises(QueryRefused, match="every"):
        store.aggregate("t:gas:1", "methane", T0, T0 + 1, every, "mean")


def test_more_buckets_than_memory_should_hold_are_refused(store: FilledReader) -> None:
    with pytest.raises(QueryRefused, match="longer buckets"):
        store.aggregate("t:gas:1", "methane", T0, T0 + 10 * YEAR, SECOND, "mean")


def test_ten_years_in_daily_buckets(store: FilledReader) -> None:
    day = 86400 * SECOND
    start = T0 - T0 % day
    store.write([reading(start, 1.0), reading(start + 3650 * day - 1, 2.0)], {})
    found = store.aggregate("t:gas:1", "methane", start, start + 3650 * day, day, "sum")
    assert (len(found), found[0], found[-1]) == (3650, (start, 1.0, 1), (start + 3649 * day, 2.0, 1))
    assert sum(one.samples for one in found[1:-1]) == 0


@pytest.fixture
def summer_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process in a zone that moves its clocks."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("summer_time")
def test_no_hour_is_lost_or_doubled_where_clocks_are_moved(store: FilledReader) -> None:
    hour = 3600 * SECOND
    start = 1_792_886_400 * SECOND  # 2026-10-25T00:00Z: summer time ends at 01:00Z
    assert start % hour == 0
    store.write([reading(start + n * hour, float(n)) for n in range(5)], {})
    found = store.aggregate("t:gas:1", "methane", start, start + 5 * hour, hour, "last")
    assert found == [(start + n * hour, float(n), 1) for n in range(5)]


REFERENCE: dict[Aggregate, Callable[[Any], float]] = {
    "mean": np.mean,
    "min": np.min,
    "max": np.max,
    "count": len,
    "first": lambda array: float(array[0]),
    "last": lambda array: float(array[-1]),
    "sum": np.sum,
}
# Around 1970, so that times before it are tried too.
ROWS = st.dictionaries(
    st.integers(-2000, 2000),
    st.tuples(st.floats(-1e6, 1e6), st.sampled_from([Quality.GOOD, Quality.UNCERTAIN_STALE, Quality.BAD_TYPE])),
    max_size=30,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=ROWS,
    start=st.integers(-2500, 2500),
    length=st.integers(0, 5000),
    every=st.integers(50, 3000),
    how=st.sampled_from(sorted(REFERENCE)),
)
@example({-1: (1.0, Quality.GOOD), 0: (2.0, Quality.GOOD)}, -1000, 2000, 1000, "last")
def test_aggregate_equals_the_reference(
    store: FilledReader,
    rows: dict[int, tuple[float, Quality]],
    start: int,
    length: int,
    every: int,
    how: Aggregate,
) -> None:
    device = "t:gas:1"
    # Each example has a century of its own in the one store, so that no file is made for each.
    origin_at = len(store.samples(device, "note", -(2**62), 2**62)) * 10**15 // every * every
    marker = reading(origin_at + 10**14, None, None, "example")
    store.write([marker], {})
    store.write([reading(origin_at + at, value, quality=(code,)) for at, (value, code) in rows.items()], {})
    found = store.aggregate(device, "methane", origin_at + start, origin_at + start + length, every, how)
    expected = []
    for bucket in range(start // every * every, start + length, every) if length else ():
        edges = max(bucket, start), min(bucket + every, start + length)
        kept = [rows[at][0] for at in sorted(rows) if edges[0] <= at < edges[1] and not rows[at][1].is_bad]
        value = pytest.approx(REFERENCE[how](np.array(kept)), rel=1e-12, abs=1e-6) if kept else None
        expected.append((origin_at + bucket, value, len(kept)))
    assert found == expected
