"""The journal's consumer of the embedded store, and decoding of entries for every store."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocols.reading import Origin, Reading, encode_reading
from telemetry.duck import DuckStore
from telemetry.sink import TIME_MAX, Consumed, duck_sink, is_ordinary, refusal, unpack
from tests.telemetry.readings import BIN, GAS, SECOND, T0, item, reading, series_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckStore]:
    with closing(DuckStore.open(tmp_path / "telemetry.duckdb", series_of)) as opened:
        yield opened


def body(second: int, device: str = "t:gas:1") -> bytes:
    return encode_reading(reading(T0 + second * SECOND, float(second), device=device))


def test_batch_moves_rows_and_cursor_of_each_partition(store: DuckStore) -> None:
    sink = duck_sink(store)
    assert sink.consume([item(1, body(1)), item(9, body(2), partition=5), item(4, body(3))]) == Consumed(3, 0, 0)
    assert sink.cursor() == {3: 4, 5: 9}


def test_foreign_kinds_are_skipped_and_move_the_cursor(store: DuckStore) -> None:
    sink = duck_sink(store)
    assert sink.consume([item(1, b"?", kind="alarm"), item(2, b"?", kind="later")]) == Consumed(0, 2, 0)
    assert sink.cursor() == {3: 2}


def test_undecodable_body_is_set_aside_between_good_ones(store: DuckStore) -> None:
    sink = duck_sink(store)
    assert sink.consume([item(1, body(1)), item(2, b"\xc1"), item(3, body(3))]) == Consumed(2, 0, 1)
    (letter,) = store.dead_letters()
    assert (letter.partition, letter.position, letter.data) == (3, 2, b"\xc1")
    assert "not a reading" in letter.reason
    assert sink.cursor() == {3: 3}


def test_reading_of_an_unregistered_device_is_counted_as_dead(store: DuckStore) -> None:
    assert duck_sink(store).consume([item(1, body(1, device="t:gone"))]) == Consumed(0, 0, 1)
    assert [letter.data for letter in store.dead_letters()] == [body(1, device="t:gone")]


def test_replayed_batch_stores_nothing(store: DuckStore) -> None:
    sink = duck_sink(store)
    batch = [item(n, body(n)) for n in range(5)]
    assert [sink.consume(batch).stored, sink.consume(batch).stored] == [5, 0]


def test_empty_batch_does_nothing(store: DuckStore) -> None:
    assert duck_sink(store).consume([]) == Consumed(0, 0, 0)
    assert store.cursor() == {}


SCHEMA_ERRORS = [
    [2, "t:gas:1", "gengfu/gas-alarm", 1, 1, 0, [], []],
    [1, "t:gas:1", "gengfu/gas-alarm", 1, 1, 3, [], []],
    [1, "t:gas:1", "gengfu/gas-alarm", 1.5, 1, 0, [], []],
    [1, "t:gas:1", "gengfu/gas-alarm", 1, 1, 0, [[]], [0]],
    [1, "t:gas:1"],
    {"device": "t:gas:1"},
]


@pytest.mark.parametrize("wrong", SCHEMA_ERRORS)
def test_body_of_another_shape_is_a_dead_letter(wrong: object) -> None:
    batch = unpack([item(1, msgspec.msgpack.encode(wrong))])
    assert (len(batch.dead), batch.readings) == (1, [])


@given(st.binary(max_size=60) | st.binary(max_size=20).map(lambda tail: body(1)[:20] + tail))
def test_any_bytes_are_a_reading_or_a_dead_letter(data: bytes) -> None:
    batch = unpack([item(7, data)])
    assert len(batch.readings) + len(batch.dead) == 1
    assert batch.cursor == {3: 7}


@pytest.mark.parametrize("length", range(len(body(1))))
def test_every_cut_body_is_a_dead_letter(length: int) -> None:
    assert [letter.position for letter in unpack([item(7, body(1)[:length])]).dead] == [7]


def test_bytes_that_are_no_utf8_are_a_dead_letter() -> None:
    assert len(unpack([item(1, body(1).replace(b"t:gas:1", b"t:gas:\xff"))]).dead) == 1


TIME = st.sampled_from([0, T0, TIME_MAX]) | st.sampled_from([-1, TIME_MAX + 1, -TIME_MAX - 1])
CODE = st.just(0) | st.sampled_from([1, 128, 255, 256, -1])


def test_a_whole_good_reading_is_ordinary() -> None:
    assert is_ordinary(reading(T0, 1.0, 2.0, "x"), GAS)
    assert is_ordinary(reading(0, None), GAS)


@given(
    profile=st.sampled_from([GAS.profile, BIN.profile]),
    at=TIME,
    received_at=TIME,
    values=st.lists(st.just(1.0), max_size=4),
    quality=st.lists(CODE, max_size=4),
    claimed_at=st.none() | TIME,
)
@example(GAS.profile, T0, T0, [1.0], [0, 128], None)
@example(GAS.profile, T0, T0, [1.0, 1.0], [0, 128], None)
@example(GAS.profile, T0, T0, [1.0] * 4, [0] * 4, None)
@example(GAS.profile, T0, T0, [1.0], [0], TIME_MAX + 1)
@example(GAS.profile, TIME_MAX + 1, T0, [1.0], [0], None)
@example(GAS.profile, T0, TIME_MAX + 1, [1.0], [0], None)
@example(BIN.profile, T0, T0, [1.0], [0], None)
def test_an_ordinary_reading_is_good_and_fits(
    profile: str, at: int, received_at: int, values: list[float], quality: list[int], claimed_at: int | None
) -> None:
    one = Reading(
        "t:gas:1", profile, at, received_at, Origin.LIVE, tuple(values), tuple(quality), claimed_at=claimed_at
    )
    if is_ordinary(one, GAS):
        assert refusal(one, GAS) == ""
        assert not any(one.quality)
