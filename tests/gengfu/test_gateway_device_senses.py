"""What the gateway sees of its own machine: real journals and file systems, and supplies as Linux shows them."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gengfu import clock
from gengfu.own_devices.device import Facts
from gengfu.own_devices.senses import ClockOffset, Senses, is_read_only, kernel_bound_s, mains_lost
from journal.entry import Entry
from journal.errors import JournalFull
from journal.sqlite import SqliteJournal
from protocols.moment import SECOND, Moment
from tests.fixtures.programs import missing


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """2 MB of tmpfs."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    mounted = subprocess.run(command, check=False, capture_output=True)
    if mounted.returncode:
        missing("mounting a file system needs root: " + mounted.stderr.decode().strip())
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


async def fill(journal: SqliteJournal) -> None:
    for number in range(100):
        await journal.append([Entry("reading", f"b{number}", 0, 1, bytes(100_000))])


def test_file_system_that_became_read_only_or_is_gone_takes_no_records(small_disk: Path) -> None:
    assert not is_read_only(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert is_read_only(small_disk)
    assert is_read_only(small_disk / "gone")


async def test_journal_is_measured_by_its_bound_and_a_full_disk_refuses(small_disk: Path) -> None:
    journal = SqliteJournal.open(small_disk / "journal", now=clock.wall())
    senses = Senses(journal, 1 << 20, small_disk, small_disk)
    await journal.append([Entry("reading", "a", 0, 1, bytes(1000))])
    seen = senses.look()
    assert seen["journal_fill"] == pytest.approx(100 * journal.used_bytes / (1 << 20))
    assert (seen["disk_refuses"], seen["mains_lost"]) == (0.0, None)
    with pytest.raises(JournalFull):
        await fill(journal)
    assert senses.look()["disk_refuses"] == 1.0
    await journal.close()


async def test_what_is_seen_is_told_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gengfu.own_devices.senses.EVERY_S", 0.01)
    journal = SqliteJournal.open(tmp_path / "journal", now=clock.wall())
    told: list[Facts] = []
    enough = asyncio.Event()

    def tell(facts: Facts) -> None:
        told.append(facts)
        if len(told) == 2:
            enough.set()

    running = asyncio.create_task(Senses(journal, 1 << 20, tmp_path).run(tell))
    await asyncio.wait_for(enough.wait(), 10)
    running.cancel()
    assert set(told[1]) == {"journal_fill", "disk_refuses", "mains_lost", "clock_offset"}
    await journal.close()


def supply(folder: Path, name: str, **words: str) -> None:
    (folder / name).mkdir()
    for file, word in words.items():
        (folder / name / file).write_text(f"{word}\n", encoding="ascii")


@pytest.mark.parametrize(
    ("supplies", "lost"),
    [
        ({}, None),
        ({"AC": {"type": "Mains", "online": "1"}, "BAT0": {"type": "Battery", "status": "Discharging"}}, 0.0),
        ({"AC": {"type": "Mains", "online": "0"}, "BAT0": {"type": "Battery", "status": "Full"}}, 1.0),
        ({"AC": {"type": "Mains", "online": "0"}, "usb": {"type": "USB", "online": "1"}}, 0.0),
        ({"ups": {"type": "UPS", "status": "Discharging"}}, 1.0),
        ({"ups": {"type": "UPS", "status": "Charging"}}, 0.0),
        ({"odd": {"type": "Wireless"}, "bare": {}}, None),
    ],
)
def test_supply_tells_whether_it_runs_on_mains(
    tmp_path: Path, supplies: dict[str, dict[str, str]], lost: float | None
) -> None:
    for name, words in supplies.items():
        supply(tmp_path, name, **words)
    assert mains_lost(tmp_path) == lost


def test_machine_without_any_account_of_its_supply_tells_nothing(tmp_path: Path) -> None:
    assert mains_lost(tmp_path / "gone") is None


def test_clock_that_is_moved_is_told_once_by_how_far() -> None:
    offset = ClockOffset(lambda: None)
    walls = {0: 100.0, 5: 105.0, 10: 200.0, 15: 205.0, 20: 150.0, 25: 155.5}
    found = [offset(Moment(int(wall * SECOND), mono * SECOND)) for mono, wall in walls.items()]
    assert found == [0.0, 0.0, 90.0, 0.0, 60.0, 0.0]


def test_synchronised_clock_is_off_by_what_the_kernel_allows_for() -> None:
    offset = ClockOffset(lambda: 2.5)
    assert [offset(Moment(wall * SECOND, SECOND)) for wall in (1, 2, 9)] == [2.5, 2.5, 7.0]


def test_kernel_gives_a_bound_or_says_that_it_knows_none() -> None:
    bound = kernel_bound_s()
    assert bound is None or 0 <= bound < 1000
