"""Evidence: half an hour before to an hour after a life-safety alarm, over restarts and retention."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from alarms.alarm import AlarmTransition, encode
from alarms.states import AlarmState, Event
from gateway.frame_log import Bounds
from gengfu.evidence import freeze as freezes
from gengfu.own_devices.report_places import place_id
from interlocks.record import decode_event
from journal.entry import Entry, Stored
from operations.events import PlanEvent, entry_of
from protocols.command import decode_command_event
from protocols.moment import SECOND
from protocols.reading import Origin
from tests.fixtures.towns import ALL, DEVICES, HALL, KITCHEN, Kept, Town, minutes, site_of
from tests.fixtures.waiting import wait_for_async

LEAK = {"methane": 55.0}
ALARM = "gas:1~CK-04"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    opened = await Town(tmp_path).open()
    yield opened
    await opened.close()


def kept(town: Town, number: int = 0) -> Kept:
    return Kept(town.files()[number])


async def test_a_leak_keeps_what_its_area_said_from_half_an_hour_before_to_an_hour_after(town: Town) -> None:
    for minute in (0, 9, 11):
        town.hear(minute)
    town.hear(20, "up:1")
    town.hear(21, "gas:3")
    await town.step()
    assert town.files() == []
    town.hear(40, **LEAK)
    await town.step()
    assert kept(town).readings == [("gas:1", 11), ("up:1", 20), ("gas:1", 40)], "at once"
    town.go(41)
    await town.acknowledge(ALARM)  # which is no alarm
    town.hear(99, "gas:2")
    await town.step(100.4)
    assert not kept(town).about.is_closed
    town.hear(101)
    town.wire("line-1", b"too late")
    await town.step()
    (path,) = town.files()
    one = kept(town)
    assert path.name == "street.kitchen-20270115T081000Z.sqlite"
    assert (one.about.area, minutes(one.about.begin), minutes(one.about.end)) == (KITCHEN, 10, 100)
    assert one.about.is_closed
    assert one.readings == [("gas:1", 11), ("up:1", 20), ("gas:1", 40), ("gas:2", 99)]
    assert one.frames == ["gas:1 11", "up:1 20", "gas:1 40", "gas:2 99"]
    assert one.kinds() == {"reading", "alarm", "answer"}
    assert [alarm.alarm for alarm in one.alarms] == [ALARM]
    assert one.requests == ["ask-1"]
    assert one.devices == {"gas:1", "gas:2", "up:1", place_id("east", KITCHEN)}
    assert one.notes == []


async def test_trips_and_commands_of_the_area_are_kept_too(tmp_path: Path) -> None:
    town = await Town(tmp_path).open(is_whole=True)
    town.hear(1, **LEAK)
    await town.step()
    hall, kitchen = kept(town), kept(town, 1)
    trips = [decode_event(one.body) for one in kitchen.entries if one.kind == "trip"]
    assert {one.zone for one in trips} == {KITCHEN}
    told = [decode_command_event(one.body) for one in kitchen.entries if one.kind == "command"]
    assert {one.command.device for one in told} == {"gas:1", "gas:2", "up:1"}
    assert ALARM in kitchen.raised
    assert {one.device for one in hall.alarms} == {"up:1"}, "its valve did not close"
    await town.close()


async def test_what_people_do_by_a_plan_in_the_area_is_kept_too(town: Town) -> None:
    town.hear(1, **LEAK)
    now = town.now()
    events = [PlanEvent(f"run-{area}", 1, "plan", 1, area, Origin.LIVE, "opened", now, "") for area in (KITCHEN, HALL)]
    await town.journal.append([entry_of(one) for one in events])
    await town.step()
    assert [one.id for one in kept(town).entries if one.kind == "plan"] == [f"run-{KITCHEN}#1"]


async def test_what_was_not_recorded_before_the_alarm_is_noted(town: Town) -> None:
    town.hear(2)
    await town.step()
    town.hear(3, **LEAK)
    await town.step()
    assert kept(town).notes == ["no frames from before 2027-01-15T08:02:00.000Z were there"]


async def test_what_is_copied_is_what_the_journal_holds(town: Town) -> None:
    town.hear(1)
    town.hear(2, **LEAK)
    await town.step()
    stored = [one for one in town.journal.read(ALL, {}, 1000) if one.position in kept(town).positions]
    assert [one.entry for one in stored] == kept(town).entries


async def test_further_alarms_of_the_area_are_added_and_make_it_longer(town: Town) -> None:
    town.hear(0, **LEAK)
    await town.step()
    town.hear(50, "gas:2", **LEAK)
    await town.step()
    assert len(town.files()) == 1
    one = kept(town)
    assert minutes(one.about.end) == 110
    assert [alarm.alarm for alarm in one.alarms] == [ALARM, "gas:2~CK-04"]
    await town.step(109)
    assert not kept(town).about.is_closed
    await town.step(111)
    assert kept(town).about.is_closed


async def test_an_alarm_after_the_end_begins_a_file_of_its_own(town: Town) -> None:
    town.hear(0, **LEAK)
    await town.step()
    town.hear(75, "gas:2", **LEAK)  # nothing was copied since: the first is not whole yet
    await town.step()
    first, second = kept(town), kept(town, 1)
    assert (first.about.is_closed, second.about.is_closed) == (True, False)
    assert minutes(second.about.begin) == 45
    assert ("gas:2", 75) in second.readings
    assert ("gas:2", 75) not in first.readings


async def test_several_areas_are_kept_at_once_each_with_its_own(town: Town) -> None:
    town.hear(1, **LEAK)
    await town.step()
    town.hear(2, "gas:3", **LEAK)
    town.hear(3)
    await town.step()
    hall, kitchen = kept(town), kept(town, 1)
    assert (hall.about.area, kitchen.about.area) == (HALL, KITCHEN)
    assert hall.frames == ["gas:3 2"]
    assert kitchen.frames == ["gas:1 1", "gas:1 3"]
    assert hall.readings == [("gas:3", 2)]
    assert kitchen.readings == [("gas:1", 1), ("gas:1", 3)]


async def test_a_reading_that_was_held_up_belongs_to_the_time_in_which_it_came(town: Town) -> None:
    town.hear(0)
    town.hear(400, **LEAK)
    town.hear(401, sampled=30)
    await town.step()
    assert kept(town).readings == [("gas:1", 400), ("gas:1", 401)]


@pytest.mark.parametrize("origin", [Origin.SIMULATED, Origin.DRILL])
async def test_what_is_not_real_is_not_kept(town: Town, origin: Origin) -> None:
    town.pipeline._origin = origin
    town.hear(1, **LEAK)
    await town.step()
    assert any(one.entry.kind == "alarm" for one in town.journal.read(ALL, {}, 1000))
    assert town.files() == []


async def test_an_alarm_on_which_no_life_hangs_keeps_nothing(town: Town) -> None:
    town.hear(1, methane=15.0)
    town.go(2)
    town.hear(2, methane=15.0)
    await town.step(3)
    assert any(one.entry.kind == "alarm" for one in town.journal.read(ALL, {}, 1000))
    assert town.files() == []


async def test_an_alarm_of_the_gateway_itself_keeps_nothing_and_is_no_fault(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    raised = AlarmTransition(
        "gateway:east~GH-04b", "gateway:east", "desk_unattended", "GH-04b", Origin.LIVE, "critical", True, Event.RAISE,
        AlarmState.NORMAL, AlarmState.UNACKNOWLEDGED, town.now(), town.now(), 120.0, 0, town.now(),
    )  # fmt: skip
    town.keeper.listen([Stored(1, Entry("alarm", "a", 0, town.now(), encode(raised)))])
    await town.step()
    assert (town.files(), caplog.records) == ([], [])


async def test_slices_make_no_difference(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gengfu.evidence.copier.SLICE", 3)
    for minute in range(20):
        town.hear(minute)
        town.hear(minute, "gas:3")
    town.hear(20, **LEAK)
    town.hear(20.5, "gas:3", **LEAK)
    await town.acknowledge(ALARM)
    await town.step()
    everyone = [float(minute) for minute in range(21)]
    assert kept(town, 1).readings == [("gas:1", minute) for minute in everyone]
    assert [minute for _, minute in kept(town).readings] == [*everyone[:-1], 20.5]
    assert kept(town, 1).requests == ["ask-1"]
    assert "answer" in kept(town, 1).kinds()
    assert kept(town).requests == []
    assert "answer" not in kept(town).kinds()


async def test_frames_of_a_wire_that_many_share_are_bounded_and_that_is_noted(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freezes, "MOST_FRAME_BYTES", 1 << 20)
    town.hear(1, **LEAK)
    await town.step()
    for _ in range(16):
        town.wire("line-1", bytes(1 << 16))
        await town.step()
    for minute in (2, 3):
        town.hear(minute)
        await town.step()
    one = kept(town)
    assert len(one.frames) == 1 + 16
    assert [note for note in one.notes if "no more" in note] == ["1 MB of frames are in this file; no more are taken"]
    assert one.readings == [("gas:1", 1), ("gas:1", 2), ("gas:1", 3)]


async def test_frames_that_were_dropped_are_noted(tmp_path: Path) -> None:
    town = await Town(tmp_path, Bounds(1000, 60 * SECOND, 3000)).open()
    town.hear(1, **LEAK)
    await town.step()
    for number in range(30):
        town.wire("line-1", bytes([number]) * 300)
        await town.durable()
    await town.step()
    dropped = [note for note in kept(town).notes if "were dropped" in note]
    assert dropped == [f"{town.frames.dropped} frames of all connections were dropped for want of room"]
    await town.close()


async def test_a_device_that_comes_into_the_area_meanwhile_belongs_to_it(town: Town) -> None:
    town.hear(1, **LEAK)
    await town.step()
    town.in_use.become(site_of([*DEVICES[:2], ("gas:3", KITCHEN, "line-3", []), DEVICES[3]]))
    await town.step()
    town.hear(2, "gas:3")
    await town.step()
    assert ("gas:3", 2) in kept(town).readings
    assert "gas:3 2" in kept(town).frames


async def test_what_is_kept_is_counted(town: Town) -> None:
    registry = CollectorRegistry()
    registry.register(town.keeper)

    def shown(name: str) -> float:
        text = generate_latest(registry).decode()
        return float(next(line for line in text.splitlines() if line.startswith(name + " ")).split()[1])

    assert (shown("gengfu_evidence_files"), shown("gengfu_evidence_bytes")) == (0, 0)
    town.hear(1, **LEAK)
    await town.step()
    (path,) = town.files()
    assert (shown("gengfu_evidence_files"), shown("gengfu_evidence_open")) == (1, 1)
    assert shown("gengfu_evidence_bytes") == path.stat().st_size
    assert shown("gengfu_frame_log_bytes") > 0
    assert shown("gengfu_frames_dropped_total") == 0


@pytest.mark.parametrize("turns", range(4))
async def test_a_stop_that_comes_together_with_an_alarm_ends_the_keeper(town: Town, turns: int) -> None:
    running = asyncio.create_task(town.keeper.run())
    await wait_for_async(lambda: town.keeper._noted == town.keeper._heard, what="the first step")
    await asyncio.sleep(0)
    town.keeper._came.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running], timeout=5)
    assert running.cancelled()
