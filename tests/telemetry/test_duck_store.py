"""The embedded store's own promises: its file, its owner, dead letters, readers in other threads."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from protocols.reading import Origin, Reading, decode_reading, encode_reading
from telemetry import duck_session
from telemetry.duck import DuckStore
from telemetry.errors import QueryRefused, StoreDamaged, StoreLocked, StoreNewer, StoreUnavailable
from telemetry.sink import DeadLetter
from telemetry.store import Series
from tests.telemetry.readings import GAS, SECOND, T0, reading, series_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.duckdb"


@pytest.fixture
def store(path: Path) -> Iterator[DuckStore]:
    with closing(DuckStore.open(path, series_of)) as opened:
        yield opened


def elsewhere(path: Path, code: str) -> str:
    """What another process prints when it runs ``code`` on the file."""
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_second_owner_in_this_process_is_refused(store: DuckStore, path: Path) -> None:
    with pytest.raises(StoreLocked, match=r"owns this file\. Stop it"):
        DuckStore.open(path, series_of)


def test_second_process_is_refused_and_told_which_owns_the_file(store: DuckStore, path: Path) -> None:
    code = "import sys; from pathlib import Path; from telemetry.duck import DuckStore\n"
    code += "DuckStore.open(Path(sys.argv[1]), lambda device: None)"
    assert f"StoreLocked: {path}: process {os.getpid()} owns this file" in elsewhere(path, code)


def test_file_open_in_a_shell_is_refused_as_locked(path: Path) -> None:
    DuckStore.open(path, series_of).close()
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == b"open\n"
        with pytest.raises(StoreLocked, match="another program"):
            DuckStore.open(path, series_of)
        shell.communicate()


def test_file_is_free_again_after_close_and_after_a_failed_open(path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreDamaged):
        DuckStore.open(path, series_of)
    path.unlink()
    DuckStore.open(path, series_of).close()
    DuckStore.open(path, series_of).close()


def test_damaged_file_is_refused_and_left_as_it_is(path: Path) -> None:
    content = b"this is no database" * 1000
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match="left as it is: restore a copy, or move it away"):
        DuckStore.open(path, series_of)
    assert path.read_bytes() == content


def filled(path: Path) -> bytes:
    with closing(DuckStore.open(path, series_of)) as store:
        store.write([reading(T0 + n * SECOND, float(n), n / 3.0, f"text {n}") for n in range(5000)], {})
    return path.read_bytes()


def test_torn_file_is_refused_and_left_as_it_is(path: Path) -> None:
    content = filled(path)[: 12288 + 4096]
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match="left as it is"):
        DuckStore.open(path, series_of)
    assert path.read_bytes() == content


def test_flipped_bits_are_found_and_never_returned_as_values(path: Path) -> None:
    content = bytearray(filled(path))
    for offset in range(12288 + 100, len(content), 4096):
        content[offset] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(StoreDamaged), closing(DuckStore.open(path, series_of)) as store:
        store.samples("t:gas:1", "methane", T0, T0 + 5000 * SECOND)


def test_newer_file_is_refused(path: Path) -> None:
    DuckStore.open(path, series_of).close()
    with duckdb.connect(str(path)) as database:
        database.execute("UPDATE schema_version SET version = 4")
    with pytest.raises(StoreNewer, match="schema 4, this version knows 3"):
        DuckStore.open(path, series_of)


def test_database_of_another_program_is_refused(path: Path) -> None:
    with duckdb.connect(str(path)) as database:
        database.execute("CREATE TABLE invoice (number INTEGER)")
    with pytest.raises(StoreDamaged, match="another program"):
        DuckStore.open(path, series_of)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="Check that the folder exists"):
        DuckStore.open(tmp_path / "missing" / "telemetry.duckdb", series_of)


def test_close_leaves_one_file_and_no_log(store: DuckStore, path: Path) -> None:
    store.write([reading(T0, 1.0)], {})
    store.close()
    assert sorted(one.name for one in path.parent.iterdir()) == ["telemetry.duckdb", "telemetry.duckdb.lock"]


def test_closed_store_says_so(store: DuckStore) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.latest()


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (reading(T0, 1.0, device="t:gas:9"), "not registered"),
        (Reading("t:gas:1", "other/meter", T0, T0, Origin.LIVE, (1.0,), (0,)), "has profile"),
        (reading(T0, 1.0, 2.0, "three", 4.0), "4 values, but profile"),
        (reading(T0, 1.0, 2.0, quality=(0,)), "2 values, but 1 qualities"),
        (reading(T0, 1.0, quality=(256,)), "quality is outside"),
        (reading(T0, 1.0, quality=(-1,)), "quality is outside"),
        (reading(2**63 - 1, 1.0), "time is outside"),
        (reading(-(2**63), 1.0), "time is outside"),
        (reading(T0, 1.0, claimed_at=2**64 - 1), "time is outside"),
    ],
)
def test_reading_that_cannot_be_stored_is_set_aside_whole(store: DuckStore, odd: Reading, reason: str) -> None:
    assert store.write([odd, reading(T0 + SECOND, 2.0)], {1: 5}) == 1
    (letter,) = store.dead_letters()
    assert reason in letter.reason
    assert decode_reading(letter.data) == odd
    assert store.cursor() == {1: 5}


def test_edges_of_time_are_stored(store: DuckStore) -> None:
    edge = 2**63 - 2
    readings = [Reading("t:gas:1", GAS.profile, at, at, Origin.LIVE, (1.0,), (0,)) for at in (-edge, edge)]
    assert store.write(readings, {}) == 2
    assert [one.at for one in store.samples("t:gas:1", "methane", -(2**70), 2**70)] == [-edge]
    assert sorted(one.at for one in store.latest()) == [edge]


def test_given_letters_are_kept_with_their_place(store: DuckStore) -> None:
    letters = [DeadLetter(3, 17, "not a reading", b"\x00\xff"), DeadLetter(3, 18, "泄漏", b"")]
    store.write([], {3: 18}, letters)
    assert store.dead_letters() == letters
    assert store.dead_letters(limit=1) == letters[:1]
    assert store.dead_letter_count() == 2


def test_both_times_of_a_wrong_clock_are_kept(store: DuckStore, path: Path) -> None:
    store.write([reading(T0, 1.0, claimed_at=T0 - 9), reading(T0 + 5, 1.0)], {})
    store.close()
    with duckdb.connect(str(path)) as database:
        rows = database.execute(
            "SELECT epoch_ns(taken_at), epoch_ns(received_at), epoch_ns(claimed_at) FROM reading ORDER BY 1"
        ).fetchall()
    assert rows == [(T0, T0 + 1_000_000, T0 - 9), (T0 + 5, T0 + 1_000_005, None)]


def test_moved_device_keeps_its_history(path: Path) -> None:
    places = {"t:gas:1": GAS}
    with closing(DuckStore.open(path, places.get)) as store:
        store.write([reading(T0, 1.0)], {})
        places["t:gas:1"] = GAS._replace(area="mall/noodles", points=(*GAS.points, "new"))
        store.write([reading(T0 + SECOND, 2.0, 3.0, "x", 4.0)], {})
        assert [one.value for one in store.samples("t:gas:1", "methane", T0, T0 + 2 * SECOND)] == [1.0, 2.0]
        assert [one.value for one in store.samples("t:gas:1", "new", T0, T0 + 2 * SECOND)] == [4.0]
    with duckdb.connect(str(path)) as database:
        assert database.execute("SELECT id, area FROM device").fetchall() == [("t:gas:1", "mall/noodles")]


def test_a_start_writes_no_device_that_stands_where_it_stood(path: Path) -> None:
    changes = "SELECT bool_or(has_updates) FROM pragma_storage_info('device')"
    places = {"t:gas:1": GAS, "t:gas:2": GAS}
    both = [reading(T0, 1.0, device=device) for device in places]
    for area, changed in (("street/hotpot", False), ("street/hotpot", False), ("mall", True)):
        places["t:gas:2"] = GAS._replace(area=area)
        with closing(DuckStore.open(path, places.get)) as store:
            store.write(both, {})
            with store.reader() as (_, connection):
                assert connection.execute(changes).fetchone() == (changed,)
                stands = connection.execute("SELECT key, id, area FROM device ORDER BY key").fetchall()
        assert stands == [(0, "t:gas:1", "street/hotpot"), (1, "t:gas:2", area)]


def test_points_of_two_profiles_with_one_name_do_not_mix(path: Path) -> None:
    kinds = {"a": Series("v/a", "a", "", "", ("x", "y")), "b": Series("v/b", "b", "", "", ("y", "x"))}
    with closing(DuckStore.open(path, kinds.get)) as store:
        for device in kinds:
            store.write([Reading(device, f"v/{device}", T0, T0, Origin.LIVE, (1.0, 2.0), (0, 0))], {})
        found = {(one.device, one.point): one.value for one in store.latest()}
    assert found == {("a", "x"): 1.0, ("a", "y"): 2.0, ("b", "y"): 1.0, ("b", "x"): 2.0}


def test_other_threads_read_while_one_writes(store: DuckStore) -> None:
    faults: list[object] = []
    stop = threading.Event()

    def look(read: Callable[[], tuple[object, object]]) -> None:
        while not stop.is_set():
            one, other = read()
            if one != other:
                faults.append((one, other))

    def whole_batches() -> tuple[object, object]:
        (bucket,) = store.aggregate("t:gas:1", "methane", 0, 2**62, 2**62, "count")
        return bucket.samples % 50, 0

    def latest_pair() -> tuple[object, object]:
        found = {one.point: one.value for one in store.latest()}
        return found.get("methane"), found.get("co")

    threads = [threading.Thread(target=look, args=(read,)) for read in (whole_batches, latest_pair)]
    for thread in threads:
        thread.start()
    for batch in range(40):
        rows = range(batch * 50, batch * 50 + 50)
        store.write([reading(T0 + n, float(n), float(n)) for n in rows], {0: batch})
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert whole_batches() == (0, 0)


def test_limit_below_zero_is_refused(store: DuckStore) -> None:
    store.write([reading(T0, 1.0)], {})
    with pytest.raises(QueryRefused, match="limit"):
        store.samples("t:gas:1", "methane", 0, T0, limit=-1)


def test_a_limit_leaves_the_oldest_of_numbers_and_texts(store: DuckStore) -> None:
    for second, value in ((5, 5.0), (3, "three"), (4, 4.0), (1, "one"), (2, 2.0)):
        store.write([reading(T0 + second * SECOND, value)], {})
    expected = ["one", 2.0, "three", 4.0, 5.0]
    for limit in range(6):
        found = store.samples("t:gas:1", "methane", T0, T0 + 9 * SECOND, limit=limit)
        assert [one.value for one in found] == expected[:limit]


def test_latest_is_the_same_before_and_after_it_is_settled(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duck_session, "SETTLE_AFTER", 40)
    expected: dict[tuple[str, str], tuple[int, object]] = {}
    with closing(DuckStore.open(path, series_of)) as store:
        for batch in range(30):
            at = T0 + (batch if batch % 7 else 0) * SECOND
            value = f"text {batch}" if batch % 3 else float(batch)
            store.write([reading(at + n, value, float(n)) for n in range(5)], {})
            # At T0 only the first batch of each seventh is new; its duplicates must not become the latest.
            if batch % 7 or not batch:
                expected["t:gas:1", "methane"] = (at + 4, value)
                expected["t:gas:1", "co"] = (at + 4, 4.0)
            assert {(one.device, one.point): (one.at, one.value) for one in store.latest()} == expected
    with duckdb.connect(str(path)) as database:
        rows = database.execute("SELECT epoch_ns(taken_at), number, text FROM latest ORDER BY point").fetchall()
        assert rows == [(T0 + 29 * SECOND + 4, None, "text 29"), (T0 + 29 * SECOND + 4, 4.0, None)]
        assert database.execute("SELECT count(*) FROM tail_value").fetchone() == (0,)


def test_late_reading_is_settled_without_becoming_the_latest(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duck_session, "SETTLE_AFTER", 1)
    with closing(DuckStore.open(path, series_of)) as store:
        for second in (5, 0, 1):
            store.write([reading(T0 + second * SECOND, float(second))], {})
    with closing(DuckStore.open(path, series_of)) as store:
        assert [one.value for one in store.latest()] == [5.0]
        assert store.write([reading(T0 + 5 * SECOND, 5.0)], {}) == 0


def test_start_after_a_crash_reads_only_what_is_not_settled(path: Path) -> None:
    with closing(DuckStore.open(path, series_of)) as store:
        store.write([reading(T0 + n, float(n)) for n in range(5)], {})
    with duckdb.connect(str(path)) as database:
        database.execute("DELETE FROM number")
        database.execute("DELETE FROM reading")
    with closing(DuckStore.open(path, series_of)) as store:
        assert [one.value for one in store.latest()] == [4.0]
        assert store.write([reading(T0 + 5, 5.0)], {}) == 1
        assert [one.value for one in store.latest()] == [5.0]


def test_stored_body_round_trips_through_the_journal_codec(store: DuckStore) -> None:
    one = decode_reading(encode_reading(reading(T0, 1, None, "x")))
    store.write([one], {})
    assert {sample.point: sample.value for sample in store.latest()} == {"methane": 1.0, "note": "x"}
