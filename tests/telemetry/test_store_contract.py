"""What every telemetry store that is written to must do. A new one joins by one line in `implementations.STORES`."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from protocols.quality import Quality
from protocols.reading import Origin, Value
from telemetry.store import Store
from tests.telemetry.implementations import STORES
from tests.telemetry.readings import SECOND, T0, reading

YEAR = 365 * 86400 * SECOND


@pytest.fixture(params=STORES)
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    return lambda: STORES[request.param](tmp_path)


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Iterator[Store]:
    opened = open_store()
    yield opened
    opened.close()


def values(store: Store, point: str = "methane", **arguments: Any) -> list[tuple[int, Value]]:
    found = store.samples("t:gas:1", point, T0 - YEAR, T0 + YEAR, **arguments)
    return [((one.at - T0) // SECOND, one.value) for one in found]


def newest(store: Store) -> dict[tuple[str, Origin, str], tuple[int, Value, int]]:
    return {(one.device, one.origin, one.point): (one.at - T0, one.value, one.quality) for one in store.latest()}


def test_new_store_is_empty(store: Store) -> None:
    assert (store.cursor(), store.latest(), values(store)) == ({}, [], [])


def test_point_that_changes_its_type_keeps_both(store: Store) -> None:
    store.write([reading(T0, 1.0), reading(T0 + SECOND, "open", quality=(Quality.BAD_TYPE,))], {})
    assert values(store) == [(0, 1.0), (1, "open")]
    assert newest(store)["t:gas:1", Origin.LIVE, "methane"] == (SECOND, "open", Quality.BAD_TYPE)


def test_cursor_moves_with_the_rows_and_keeps_other_partitions(store: Store) -> None:
    store.write([reading(T0, 1.0)], {1: 10, 2: 20})
    store.write([], {2: 25, 63: 2**62})
    assert store.cursor() == {1: 10, 2: 25, 63: 2**62}


def test_resent_batch_stores_nothing(store: Store) -> None:
    batch = [reading(T0 + n * SECOND, float(n)) for n in range(3)]
    assert [store.write(batch, {}), store.write(batch, {})] == [3, 0]
    assert len(values(store)) == 3


def test_duplicate_within_a_batch_is_stored_once(store: Store) -> None:
    assert store.write([reading(T0, 1.0), reading(T0, 1.0)], {}) == 1
    assert values(store) == [(0, 1.0)]


def test_first_of_two_readings_of_one_instant_stays(store: Store) -> None:
    store.write([reading(T0, 1.0)], {})
    store.write([reading(T0, 2.0)], {})
    assert values(store) == [(0, 1.0)]


def test_duplicate_of_a_reading_without_values_is_known(store: Store) -> None:
    empty = reading(T0, None, None)
    assert [store.write([empty], {}), store.write([empty], {})] == [1, 0]


def test_out_of_order_and_late_readings_are_stored_in_their_place(store: Store) -> None:
    store.write([reading(T0 + n * SECOND, float(n)) for n in (5, 3, 4)], {})
    assert store.write([reading(T0 + n * SECOND, float(n)) for n in (1, 4, 6, 2)], {}) == 3
    assert values(store) == [(n, float(n)) for n in (1, 2, 3, 4, 5, 6)]


def test_drill_reading_does_not_make_a_live_one_late(store: Store) -> None:
    store.write([reading(T0 + SECOND, 55.0, origin=Origin.DRILL)], {})
    store.write([reading(T0, 1.0), reading(T0 + SECOND, 2.0)], {})
    assert values(store) == [(0, 1.0), (1, 2.0)]


def test_drill_reading_does_not_make_a_late_live_one_a_duplicate(store: Store) -> None:
    store.write([reading(T0, 55.0, origin=Origin.DRILL), reading(T0 + SECOND, 2.0)], {})
    assert store.write([reading(T0, 1.0)], {}) == 1
    assert values(store) == [(0, 1.0), (1, 2.0)]


def test_late_reading_of_one_device_is_no_duplicate_of_another(store: Store) -> None:
    store.write([reading(T0, 5.0, device="t:gas:2"), reading(T0 + SECOND, 2.0)], {})
    assert store.write([reading(T0, 1.0)], {}) == 1


def test_everything_is_there_after_reopening(open_store: Callable[[], Store]) -> None:
    first = open_store()
    first.write([reading(T0, 1.0, 2.0, "开"), reading(T0 + SECOND, 5.0)], {7: 70})
    before = (first.cursor(), newest(first), values(first))
    first.close()
    second = open_store()
    assert (second.cursor(), newest(second), values(second)) == before
    assert second.write([reading(T0 + SECOND, 5.0), reading(T0 - SECOND, 0.0)], {}) == 1
    second.close()
