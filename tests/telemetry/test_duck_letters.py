"""Dead letters of the embedded store: bounded, tried again in the transaction of their rows, and deleted."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from protocols.reading import Reading, encode_reading
from telemetry import duck_letters, duck_schema, duck_session
from telemetry.duck import DuckStore
from telemetry.errors import StoreUnavailable
from telemetry.keep import FOR_EVER, Keep
from telemetry.letters import Letter, Refusal, Replayed
from telemetry.sink import NOT_REGISTERED, Consumed, DeadLetter, StoredItem, duck_sink
from telemetry.store import Sample, Series
from tests.telemetry.readings import DEVICES, GAS, SECOND, T0, item, reading

NEW = "t:gas:new"
DAY = 86_400 * SECOND
Open = Callable[..., DuckStore]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.duckdb"


@pytest.fixture
def devices() -> dict[str, Series]:
    return dict(DEVICES)


@pytest.fixture
def opened(path: Path, devices: dict[str, Series]) -> Iterator[Open]:
    """Stores on one file; the last one is closed before the next."""
    made: list[DuckStore] = []

    def make(keep: Keep = FOR_EVER) -> DuckStore:
        if made:
            made.pop().close()
        made.append(DuckStore.open(path, devices.get, keep=keep, now=lambda: T0))
        return made[-1]

    yield make
    if made:
        made.pop().close()


def news(*seconds: int) -> list[Reading]:
    """Readings of a device that is not registered yet."""
    return [reading(T0 + n * SECOND, float(n), device=NEW) for n in seconds]


def dead(*numbers: int, size: int = 10) -> list[DeadLetter]:
    return [DeadLetter(3, number, "too bad", b"x" * size) for number in numbers]


def stored(store: DuckStore) -> list[float]:
    found: list[Sample] = store.samples(NEW, "methane", 0, 2**62)
    return [float(one.value) for one in found if one.value is not None]


def ids(store: DuckStore) -> list[int]:
    return [letter.id for letter in store.letters()]


def test_a_letter_says_what_it_is_and_when_it_was_set_aside(opened: Open) -> None:
    store = opened()
    store.write(news(1), {3: 7}, dead(5))
    assert opened().letters() == [
        Letter(1, 3, 5, "too bad", "reading", b"x" * 10, T0),
        Letter(2, None, None, NOT_REGISTERED, "reading", encode_reading(news(1)[0]), T0),
    ]


def test_letters_come_page_by_page(opened: Open) -> None:
    store = opened()
    store.write([], {}, dead(*range(1, 6)))
    pages = [[letter.id for letter in store.letters(after, 2)] for after in (0, 2, 4, 5)]
    assert pages == [[1, 2], [3, 4], [5], []]
    assert [letter.id for letter in store.some_letters([4, 2, 99, -1])] == [2, 4]


def test_what_fits_now_is_stored_and_is_no_letter_any_more(opened: Open, devices: dict[str, Series]) -> None:
    store = opened()
    store.write(news(1, 2, 3), {3: 9})
    assert store.replay([1, 2]) == Replayed(0, [Refusal(1, NOT_REGISTERED), Refusal(2, NOT_REGISTERED)], 0, None)
    devices[NEW] = GAS
    assert store.replay([1, 3, 77]) == Replayed(2, [], 1, None)
    assert (stored(store), ids(store), store.dead_letter_count(), store.cursor()) == ([1.0, 3.0], [2], 1, {3: 9})
    again = opened()
    assert (stored(again), ids(again), again.dead_letter_count()) == ([1.0, 3.0], [2], 1)
    assert (again.replay_beyond(0), stored(again)) == (Replayed(1, [], 0, None), [1.0, 2.0, 3.0])


def test_what_the_store_has_already_is_not_stored_twice(opened: Open, devices: dict[str, Series]) -> None:
    store = opened()
    store.write([*news(1, 2), *news(2)], {})
    devices[NEW] = GAS
    store.write(news(1), {})
    assert store.replay_beyond(0) == Replayed(3, [], 0, None)
    assert stored(store) == [1.0, 2.0]
    (bucket,) = store.aggregate(NEW, "methane", 0, 2**62, 2**62, "count")
    assert (bucket.samples, store.dead_letter_count()) == (2, 0)


def test_what_is_refused_again_stays_with_the_new_reason(opened: Open, devices: dict[str, Series]) -> None:
    store = opened()
    duck_sink(store).consume(
        [item(1, encode_reading(news(1)[0])), item(2, b"\xc1"), item(3, encode_reading(news(2)[0]))]
    )
    devices[NEW] = GAS._replace(profile="another/profile")
    tried = store.replay_beyond(0)
    assert (tried.stored, sorted(one.id for one in tried.refused)) == (0, [1, 2, 3])
    reasons = sorted(letter.reason.split(" ")[0] for letter in opened().letters())
    assert reasons == ["device", "device", "not"]
    assert "'another/profile'" in opened().letters()[-1].reason


def test_a_reading_older_than_what_is_kept_is_refused_again(opened: Open, devices: dict[str, Series]) -> None:
    store = opened(keep=Keep(raw_days=1))
    store.write(news(1), {})
    devices[NEW] = GAS
    for day in range(1, 4):
        store.write([reading(T0 + day * DAY, 1.0)], {})
    store.write([], {})
    assert store.replay([1]).stored == 0
    assert "from when on values are kept" in store.letters()[0].reason


@pytest.mark.parametrize("step", ["settle", "the commit"])
def test_a_try_that_fails_changes_nothing(
    opened: Open, devices: dict[str, Series], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store = opened()
    store.write(news(1, 2), {3: 5})
    devices[NEW] = GAS
    broken: tuple[type, str] = (
        (duck_letters.LetterBox, "settle") if step == "settle" else (duck_session.Session, "_note")
    )

    def cut_off(*_: object) -> None:
        raise InterruptedError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(*broken, cut_off)
        with pytest.raises(InterruptedError):
            store.replay_beyond(0)
    kept = step == "settle"
    assert (stored(store), store.dead_letter_count()) == (([], 2) if kept else ([1.0, 2.0], 0))
    assert store.replay_beyond(0).stored == (2 if kept else 0)
    assert (stored(store), store.dead_letter_count(), store.cursor()) == ([1.0, 2.0], 0, {3: 5})


def test_many_letters_are_tried_part_by_part(opened: Open, devices: dict[str, Series]) -> None:
    store = opened()
    store.write(news(*range(1, 1201)), {})
    devices[NEW] = GAS
    assert store.replay_beyond(100, 700) == Replayed(700, [], 0, 800)
    assert store.replay_beyond(800, 700) == Replayed(400, [], 0, None)
    assert store.replay(range(1, 101)) == Replayed(100, [], 0, None)
    assert (len(stored(store)), store.dead_letter_count()) == (1200, 0)


def test_a_letter_can_be_deleted_once_and_lends_its_id_to_nobody(opened: Open) -> None:
    store = opened()
    store.write([], {}, dead(1, 2))
    deleted = store.delete_letter(2)
    assert deleted is not None
    assert deleted.position == 2
    assert store.delete_letter(2) is None
    assert store.dead_letter_count() == 1
    again = opened()
    again.write([], {}, dead(3))
    assert [(letter.id, letter.position) for letter in again.letters()] == [(1, 1), (3, 3)]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for three letters, or 35 bytes."""
    box = duck_letters.LetterBox
    monkeypatch.setattr(duck_session, "LetterBox", lambda connection, now: box(connection, now, 3, 35))


@pytest.mark.usefixtures("few")
def test_letters_beyond_their_number_are_counted_and_said(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    sink = duck_sink(opened())
    assert sink.consume([item(n, b"\xc1") for n in (1, 2)]) == Consumed(0, 0, 2)
    with caplog.at_level(logging.ERROR):
        assert sink.consume([item(n, b"\xc1") for n in (3, 4, 5)]) == Consumed(0, 0, 3)
    assert "the dead letters of DuckDB are full (3, 3 bytes): 2 more" in caplog.text
    store = opened()
    assert [letter.position for letter in store.letters()] == [1, 2, 3]
    assert (store.dead_letter_count(), store.dropped_letters, store.cursor()) == (3, 2, {3: 5})
    store.delete_letter(1)
    store.write([], {}, dead(6, size=1))
    assert ([letter.position for letter in store.letters()], store.dropped_letters) == ([2, 3, 6], 2)


@pytest.mark.usefixtures("few")
def test_letters_beyond_their_bytes_are_counted(opened: Open) -> None:
    opened().write([], {}, dead(1, 2, size=15))
    store = opened()
    store.write([], {}, dead(3, size=15))
    assert (store.dead_letter_count(), store.dropped_letters) == (2, 1)
    store.write([], {}, dead(4, size=5))
    assert (ids(store), store.dropped_letters) == ([1, 2, 3], 1)
    store.delete_letter(1)
    store.write([], {}, dead(5, size=15))
    assert (ids(store), store.dropped_letters) == ([2, 3, 4], 1)


@pytest.mark.usefixtures("few")
def test_a_store_that_refuses_everything_does_not_fill_the_log(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    store = opened()
    with caplog.at_level(logging.ERROR):
        for number in range(12):
            store.write([], {}, dead(number))
    assert [record.args[2] for record in caplog.records if isinstance(record.args, tuple)] == [1, 2, 4, 8]


def test_a_file_of_version_2_keeps_its_letters(path: Path, opened: Open) -> None:
    with duckdb.connect(str(path)) as old:
        for step in duck_schema._STEPS[:2]:
            old.execute(step)
        old.execute("INSERT INTO dead_letter VALUES (3, 4, 'too bad', 'a'::BLOB), (NULL, NULL, '泄漏', 'b'::BLOB)")
        old.execute("INSERT INTO cursor VALUES (3, 4)")
    store = opened()
    assert store.letters() == [
        Letter(1, 3, 4, "too bad", "reading", b"a", None),
        Letter(2, None, None, "泄漏", "reading", b"b", None),
    ]
    assert (store.dead_letter_count(), store.dropped_letters, store.cursor()) == (2, 0, {3: 4})
    store.delete_letter(2)
    store.write([], {}, dead(5))
    assert ids(opened()) == [1, 3]


def test_letters_are_tried_while_readings_are_written(opened: Open, devices: dict[str, Series]) -> None:
    store = opened()
    store.write(news(*range(1, 1001)), {})
    devices[NEW] = GAS

    def replay() -> None:
        after: int | None = 0
        while after is not None:
            after = store.replay_beyond(after, 100).next

    with ThreadPoolExecutor(2) as threads:
        replaying = [threads.submit(replay) for _ in range(2)]
        for number in range(40):
            sink_items: list[StoredItem] = [item(number, encode_reading(reading(T0 + number, 1.0)))]
            assert duck_sink(store).consume(sink_items) == Consumed(1, 0, 0)
        for one in replaying:
            one.result()
    assert (len(stored(store)), store.dead_letter_count(), store.cursor()) == (1000, 0, {3: 39})
    assert len(store.samples("t:gas:1", "methane", 0, 2**62)) == 40


def test_a_closed_store_tries_nothing(opened: Open) -> None:
    store = opened()
    store.write([], {}, dead(1))
    store.close()
    for call in (lambda: store.replay([1]), lambda: store.replay_beyond(0), lambda: store.delete_letter(1)):
        with pytest.raises(StoreUnavailable, match="closed"):
            call()
