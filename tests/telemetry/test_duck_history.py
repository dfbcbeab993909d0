"""History in the store: it is there, once, and is never taken for the present."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from protocols.quality import Quality
from protocols.reading import Origin, Reading, Value
from telemetry.duck import DuckStore
from telemetry.duck_history import open_history
from telemetry.errors import QueryRefused, StoreLocked
from tests.telemetry.readings import SECOND, T0, reading, series_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.duckdb"


def write_history(path: Path, *readings: Reading) -> int:
    with open_history(path, series_of) as history:
        return history.write(readings)


def write_live(path: Path, readings: Sequence[Reading]) -> int:
    with closing(DuckStore.open(path, series_of)) as store:
        return store.write(readings, {})


def values(path: Path, point: str = "methane") -> list[tuple[int, Value]]:
    with closing(DuckStore.open(path, series_of)) as store:
        found = store.samples("t:gas:1", point, T0 - 10**6 * SECOND, T0 + 10**6 * SECOND)
    return [((one.at - T0) // SECOND, one.value) for one in found]


def newest(path: Path) -> list[tuple[str, int, Value]]:
    with closing(DuckStore.open(path, series_of)) as store:
        return [(one.point, (one.at - T0) // SECOND, one.value) for one in store.latest()]


def test_history_is_stored_once_however_often_it_is_imported(path: Path) -> None:
    readings = [reading(T0 + n * SECOND, float(n), 1.0, "文") for n in range(3)]
    assert write_history(path, *readings) == 9
    assert write_history(path, *readings) == 0
    assert values(path) == [(0, 0.0), (1, 1.0), (2, 2.0)]
    assert values(path, "note") == [(0, "文"), (1, "文"), (2, "文")]


def test_a_second_file_adds_the_other_points_of_the_same_times(path: Path) -> None:
    write_history(path, reading(T0, 1.0))
    assert write_history(path, reading(T0, 9.0, 2.0)) == 1
    assert (values(path), values(path, "co")) == ([(0, 1.0)], [(0, 2.0)])


def test_a_point_that_was_a_text_then_is_not_stored_beside_it_as_a_number(path: Path) -> None:
    write_history(path, reading(T0, "off"))
    assert write_history(path, reading(T0, 5.0)) == 0
    assert values(path) == [(0, "off")]


def test_history_is_never_the_newest_value(path: Path) -> None:
    write_live(path, [reading(T0, 1.0)])
    write_history(path, reading(T0 + 5 * SECOND, 60.0, 300.0))
    assert newest(path) == [("methane", 0, 1.0)]
    write_live(path, [reading(T0 + 2 * SECOND, 2.0)])
    assert newest(path) == [("methane", 2, 2.0)]


def test_live_values_that_were_not_settled_yet_stay_the_newest(path: Path) -> None:
    with closing(DuckStore.open(path, series_of)) as store:
        store.write([reading(T0, 1.0)], {})
        copy = path.read_bytes(), path.with_name(path.name + ".wal").read_bytes()
    # as after kill -9: what the close above settled is not in the file
    path.write_bytes(copy[0])
    path.with_name(path.name + ".wal").write_bytes(copy[1])
    write_history(path, reading(T0 - SECOND, 60.0))
    assert newest(path) == [("methane", 0, 1.0)]


def test_what_the_device_measured_itself_stays(path: Path) -> None:
    write_live(path, [reading(T0, 1.0)])
    assert write_history(path, reading(T0, 60.0), reading(T0 + SECOND, 2.0)) == 1
    assert values(path) == [(0, 1.0), (1, 2.0)]


def test_a_device_that_sends_again_what_history_has_is_not_stored_twice(path: Path) -> None:
    write_history(path, reading(T0 + 5 * SECOND, 60.0))
    assert write_live(path, [reading(T0 + 5 * SECOND, 60.0), reading(T0 + 4 * SECOND, 1.0)]) == 1
    assert values(path) == [(4, 1.0), (5, 60.0)]


def test_history_is_in_the_aggregates(path: Path) -> None:
    write_live(path, [reading(T0 + 60 * SECOND, 1.0)])
    write_history(path, reading(T0, 2.0), reading(T0 + SECOND, 4.0))
    write_live(path, [reading(T0 + 61 * SECOND, 3.0)])
    with closing(DuckStore.open(path, series_of)) as store:
        hour = 3600 * SECOND
        start = T0 // hour * hour
        (bucket,) = store.aggregate("t:gas:1", "methane", start, start + hour, hour, "mean")
    assert (bucket.value, bucket.samples) == (2.5, 4)


def test_drills_stay_apart(path: Path) -> None:
    write_live(path, [reading(T0, 60.0, origin=Origin.DRILL)])
    assert write_history(path, reading(T0, 1.0)) == 1
    assert values(path) == [(0, 1.0)]


def test_quality_comes_along_where_there_is_no_value(path: Path) -> None:
    write_history(path, reading(T0, None, float("nan"), quality=(Quality.BAD_SENSOR_FAULT, 0)))
    with closing(DuckStore.open(path, series_of)) as store:
        found = [store.samples("t:gas:1", point, T0, T0 + 1) for point in ("methane", "co")]
    assert [[(one.value, one.quality) for one in samples] for samples in found] == [
        [(None, Quality.BAD_SENSOR_FAULT)],
        [(None, 0)],
    ]


def test_a_batch_with_a_stranger_is_refused_as_a_whole(path: Path) -> None:
    with pytest.raises(QueryRefused, match="not registered"):
        write_history(path, reading(T0, 1.0), reading(T0, 1.0, device="t:gas:9"))
    assert values(path) == []


def test_what_is_older_than_the_values_that_are_kept_is_refused(path: Path) -> None:
    write_history(path, reading(T0, 1.0))
    with closing(duckdb.connect(str(path))) as database:
        database.execute("UPDATE mark SET raw_from = ?", [T0])
    with pytest.raises(QueryRefused, match="values are kept from"):
        write_history(path, reading(T0 + 1, 1.0), reading(T0 - 1, 1.0))
    assert write_history(path, reading(T0 + 1, 1.0)) == 1


def test_nobody_writes_history_while_the_site_runs(path: Path) -> None:
    with closing(DuckStore.open(path, series_of)), pytest.raises(StoreLocked, match="owns this file"):
        write_history(path, reading(T0, 1.0))
