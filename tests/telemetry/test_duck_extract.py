"""Bulk reading: every row once, in order of time, in slices, while the store is being written to."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from protocols.quality import Quality
from protocols.reading import Origin
from telemetry import duck_extract
from telemetry.duck import DuckStore
from telemetry.duck_extract import of_file, of_store
from telemetry.errors import ExtractBusy, StoreLocked, StoreUnavailable
from telemetry.extract import Extract, ExtractRow, Extracts
from tests.telemetry.readings import SECOND, T0, reading, series_of

EVER = Extract(T0 - 10**6 * SECOND, T0 + 10**6 * SECOND)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckStore]:
    with closing(DuckStore.open(tmp_path / "telemetry.duckdb", series_of)) as opened:
        yield opened


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> int:
    """Rows of a slice in this test."""
    monkeypatch.setattr(duck_extract, "ROWS_MAX", 4)
    monkeypatch.setattr(duck_extract, "FETCH", 2)
    return 4


def slices_of(extracts: Extracts, extract: Extract) -> list[list[ExtractRow]]:
    slices = extracts.begin(extract)
    found = []
    while rows := slices.next():
        found.append(rows)
    slices.close()
    return found


def rows_of(extracts: Extracts, extract: Extract = EVER) -> list[ExtractRow]:
    return [row for rows in slices_of(extracts, extract) for row in rows]


def test_a_row_has_what_is_known_of_a_value(store: DuckStore) -> None:
    values = (12.5, None, "=1+1,\n")
    store.write([reading(T0 + 1, *values, quality=(Quality.UNCERTAIN_WARM_UP, Quality.BAD_MISSING, 0))], {})
    head = (T0 + 1, "t:gas:1", "gengfu/gas-alarm", "gas_alarm", "street/hotpot")
    assert rows_of(of_store(store)) == [
        ExtractRow(*head, "co", 0, None, None, Quality.BAD_MISSING, T0 + 1_000_001),
        ExtractRow(*head, "methane", 0, 12.5, None, Quality.UNCERTAIN_WARM_UP, T0 + 1_000_001),
        ExtractRow(*head, "note", 0, None, "=1+1,\n", 0, T0 + 1_000_001),
    ]


@pytest.mark.parametrize(
    ("extract", "expected"),
    [
        (EVER._replace(start=T0 + 1, end=T0 + 3), [("t:gas:1", "methane", 1), ("t:gas:2", "methane", 2)]),
        (EVER._replace(devices=("t:gas:2", "t:bin:1")), [("t:gas:2", "methane", 2), ("t:bin:1", "fill", 3)]),
        (EVER._replace(points=("fill",)), [("t:bin:1", "fill", 3)]),
        (EVER._replace(origins=(Origin.DRILL,)), [("t:gas:1", "methane", 4)]),
        (EVER._replace(origins=tuple(Origin), devices=("t:gas:1",)), [("t:gas:1", "methane", n) for n in (0, 1, 4)]),
        (EVER._replace(start=-(2**63), end=2**63, points=("fill",)), [("t:bin:1", "fill", 3)]),
        (EVER._replace(devices=("t:gas:9",)), []),
    ],
)
def test_only_what_was_asked_for_comes(
    store: DuckStore, extract: Extract, expected: list[tuple[str, str, int]]
) -> None:
    store.write(
        [
            reading(T0, 0.0),
            reading(T0 + 1, 1.0),
            reading(T0 + 2, 2.0, device="t:gas:2"),
            reading(T0 + 3, 3.0, device="t:bin:1"),
            reading(T0 + 4, 4.0, origin=Origin.DRILL),
        ],
        {},
    )
    found = [(row.device, row.point, row.at - T0) for row in rows_of(of_store(store), extract)]
    assert found == expected


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(0, 60) | st.integers(0, 10**14), max_size=40, unique=True))
@example([])
@example(list(range(30)))
def test_slices_join_without_gap_or_overlap(
    tmp_path_factory: pytest.TempPathFactory, small_slices: int, stamps: list[int]
) -> None:
    path = tmp_path_factory.mktemp("store") / "telemetry.duckdb"
    with closing(DuckStore.open(path, series_of)) as store:
        store.write([reading(T0 + at, float(at)) for at in stamps], {})
        slices = slices_of(of_store(store), EVER)
    assert [row.at - T0 for rows in slices for row in rows] == sorted(stamps)
    assert all(len(rows) <= small_slices for rows in slices)


def test_more_rows_at_one_instant_than_a_slice_has_come_together(store: DuckStore, small_slices: int) -> None:
    store.write([reading(T0, 1.0, 2.0, "x", device=f"t:gas:{n}") for n in (1, 2)], {})
    assert [len(rows) for rows in slices_of(of_store(store), EVER)] == [6]


@pytest.mark.usefixtures("small_slices")
def test_the_store_is_written_to_between_two_slices(store: DuckStore) -> None:
    store.write([reading(T0 + n, float(n)) for n in range(20)], {})
    slices = of_store(store).begin(EVER)
    first = slices.next()
    assert store.write([reading(T0 + 19 + n, 0.0) for n in range(1, 3)], {0: 7}) == 2
    rest = []
    while rows := slices.next():
        rest += rows
    slices.close()
    assert [row.at - T0 for row in [*first, *rest]][:20] == list(range(20))
    assert store.cursor() == {0: 7}


def test_a_third_extract_has_to_wait_until_one_is_closed(store: DuckStore) -> None:
    extracts = of_store(store)
    begun = [extracts.begin(EVER) for _ in range(duck_extract.AT_ONCE)]
    with pytest.raises(ExtractBusy, match="already"):
        extracts.begin(EVER)
    begun[0].close()
    begun[0].close()
    extracts.begin(EVER)
    with pytest.raises(ExtractBusy):
        extracts.begin(EVER)


def test_names_of_which_nothing_was_ever_stored_are_told(store: DuckStore) -> None:
    store.write([reading(T0, 1.0)], {})
    asked = EVER._replace(devices=("t:gas:1", "t:gas:9"), points=("methane", "smell"))
    assert of_store(store).unknown(asked) == ("t:gas:9", "smell")


def test_a_closed_store_is_not_read(store: DuckStore) -> None:
    slices = of_store(store).begin(EVER)
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        slices.next()


def test_a_file_is_read_by_its_one_owner(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.duckdb"
    with pytest.raises(StoreUnavailable, match="no such file"), of_file(path):
        pass
    assert list(tmp_path.iterdir()) == []
    with closing(DuckStore.open(path, series_of)) as store:
        store.write([reading(T0, 1.0)], {})
        with pytest.raises(StoreLocked, match="owns this file"), of_file(path):
            pass
    with of_file(path) as extracts:
        assert [row.number for row in rows_of(extracts)] == [1.0]
        with pytest.raises(StoreLocked):
            DuckStore.open(path, series_of)
    DuckStore.open(path, series_of).close()
