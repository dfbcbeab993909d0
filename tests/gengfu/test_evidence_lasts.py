"""Evidence outlasts restarts, `kill -9`, retention, disks that are full and files that are damaged."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.frame_files import Place
from gengfu.evidence.keeper import HEARD
from journal.entry import Entry
from journal.writer import Limit
from protocols.moment import SECOND
from tests.fixtures.towns import ALL, KITCHEN, MINUTE, Kept, Town

LEAK = {"methane": 55.0}
DUE = Limit(0, 3600 * SECOND)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    opened = await Town(tmp_path).open()
    yield opened
    await opened.close()


def kept(town: Town, number: int = 0) -> Kept:
    return Kept(town.files()[number])


@pytest.mark.parametrize("was_begun", [False, True])
@pytest.mark.parametrize("away", [1, 300])
async def test_what_was_being_gathered_goes_on_after_the_process_was_killed(
    tmp_path: Path, was_begun: bool, away: int
) -> None:
    town = await Town(tmp_path).open()
    town.hear(5)
    await town.step()  # how far it was heard is noted
    town.hear(10, **LEAK)
    await (town.step() if was_begun else town.durable())
    town.hear(20)
    await town.durable()
    await town.close()  # nothing is copied at the end, as if it had been killed
    assert len(town.files()) == was_begun
    town.seconds += away * MINUTE
    again = await town.open()
    town.hear(20 + away)
    await town.step()
    one = kept(town)
    came_back = [("gas:1", 20 + away)] if away < 50 else []
    assert one.readings == [("gas:1", 5), ("gas:1", 10), ("gas:1", 20), *came_back]
    assert one.frames == ["gas:1 5", "gas:1 10", "gas:1 20", *(["gas:1 21"] if came_back else [])]
    assert one.about.is_closed is (away == 300)
    assert len(town.files()) == 1
    await again.close()


async def test_an_alarm_that_has_its_file_is_not_heard_again_after_a_restart(tmp_path: Path) -> None:
    town = await Town(tmp_path).open()
    town.hear(10, **LEAK)
    await town.step()
    await town.step(200)
    await town.journal.append((), {HEARD: None})  # as if the note of it had not come to the disk
    await town.close()
    await town.open()
    assert town.copier.freezes == ()
    town.go(201)
    await town.step()
    assert len(town.files()) == 1
    assert kept(town).about.is_closed
    await town.close()


async def test_half_a_file_that_a_crash_left_is_begun_anew(tmp_path: Path) -> None:
    town = await Town(tmp_path).open()
    town.hear(10, **LEAK)
    await town.durable()
    await town.close()
    (tmp_path / "evidence").mkdir()
    half = tmp_path / "evidence" / "street.kitchen-20270115T074000Z.sqlite"
    half.write_bytes(b"")
    await town.open()
    await town.step()
    assert town.files() == [half]
    assert kept(town).readings == [("gas:1", 10)]
    await town.close()


async def test_retention_waits_for_what_is_not_copied_and_for_the_last_half_hour(town: Town) -> None:
    async def prune() -> int:
        """By every store, and by age."""
        far = dict.fromkeys(ALL, max(one.position for one in town.journal.tail(1)))
        return await town.journal.prune(town.now() + SECOND, 0, [far, town.keeper.cursor()])

    async def seal() -> None:
        await town.durable()
        assert await town.journal.seal(town.now(), DUE)

    town.hear(0)
    await seal()
    town.hear(10)
    await seal()
    town.go(34)
    assert await prune() == 0, "an alarm would need it"
    town.go(40)
    assert await prune() == 1
    town.hear(40, **LEAK)
    await seal()
    town.hear(41)
    await seal()
    town.go(90)
    assert await prune() == 0, "the alarm has no file yet"
    await town.step()
    assert await prune() == 3
    town.hear(91)
    await seal()
    town.hear(140, "gas:2")
    await seal()
    assert await prune() == 0, "not copied yet"
    await town.step()
    assert await prune() == 1
    assert kept(town).readings == [("gas:1", 10), ("gas:1", 40), ("gas:1", 41), ("gas:1", 91)]


async def test_frames_stay_until_they_are_copied(town: Town) -> None:
    town.hear(0)
    await town.step()
    town.hear(20, **LEAK)
    await town.step()
    town.wire("line-1", b"while the copier sleeps")
    await town.durable()
    town.hear(75)
    await town.step(75)
    assert kept(town).frames == ["gas:1 0", "gas:1 20", "while the copier sleeps", "gas:1 75"]
    town.hear(200)
    await town.step(240)
    assert kept(town).about.is_closed
    left = town.frames.files.read(Place(0, 0), 100)
    assert [one.frame.data for one in left] == [b"gas:1 200"], "nobody needs the others"


async def test_a_file_that_cannot_be_written_is_told_once_and_has_everything_when_it_can(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    town.hear(1, **LEAK)
    town.hear(1, "gas:3", **LEAK)
    await town.step()
    (freeze,) = [one for one in town.copier.freezes if one.about.area == KITCHEN]
    connection = freeze._extract._connection
    full = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {full}")
    for minute in range(2, 60):
        town.hear(minute)
        town.hear(minute, "gas:3")
        await town.step()
    told = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert len(told) == 1
    assert "street/kitchen" in told[0]
    assert "disk is full" in told[0]
    assert town.copier.problems == 1
    assert ("gas:3", 59) in kept(town).readings, "the other one goes on"
    assert ("gas:1", 59) not in kept(town, 1).readings
    connection.execute("PRAGMA max_page_count = 100000")
    await town.step()
    assert kept(town, 1).readings == [("gas:1", float(minute)) for minute in range(1, 60)]
    assert kept(town, 1).frames == [f"gas:1 {minute}" for minute in range(1, 60)]
    assert town.copier.problems == 0


async def test_a_file_that_cannot_be_begun_is_tried_until_it_can(
    town: Town, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "evidence"
    folder.write_text("in the way")
    town.hear(1, **LEAK)
    await town.step()
    town.hear(3)
    town.hear(59)
    await town.step()
    assert len([one for one in caplog.records if one.levelname == "ERROR"]) == 1
    assert town.copier.problems == 1
    folder.unlink()
    await town.step()
    assert kept(town).readings == [("gas:1", 1), ("gas:1", 3), ("gas:1", 59)]
    assert kept(town).frames == ["gas:1 1", "gas:1 3", "gas:1 59"]
    assert town.copier.problems == 0


async def test_a_file_that_is_damaged_stays_and_does_not_stop_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "evidence").mkdir()
    broken = tmp_path / "evidence" / "broken.sqlite"
    broken.write_bytes(b"no database at all " * 100)
    newer = tmp_path / "evidence" / "newer.sqlite"
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    town = await Town(tmp_path).open()
    town.hear(1, **LEAK)
    await town.step()
    assert len(town.files()) == 3
    assert broken.read_bytes() == b"no database at all " * 100
    assert "newer program" in caplog.text
    await town.close()


async def test_an_alarm_that_cannot_be_read_keeps_nobody_from_starting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    town = await Town(tmp_path).open()
    await town.journal.append([Entry("alarm", "gas:1~1.1", 0, town.now(), b"of another release")])
    await town.close()
    await town.open()
    assert len([one for one in caplog.records if "cannot be read" in one.getMessage()]) == 2
    town.hear(1, **LEAK)
    await town.step()
    assert kept(town).readings == [("gas:1", 1)]
    await town.close()
