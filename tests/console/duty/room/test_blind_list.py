"""The blind list: every life-safety point that cannot be relied upon, and all the reasons."""

import math

import msgspec
import pytest

from console.duty.blind import BlindList
from console.duty.figures import duty_figures
from journal.entry import Entry
from protocols.bypass import KIND, Bypass, encode_bypass
from protocols.quality import Quality
from protocols.reading import Origin
from protocols.term import term_of
from tests.console.conftest import reading_of
from tests.console.duty.conftest import GAS, KITCHEN, OTHER
from tests.console.duty.room.conftest import Room

BIN = "t:bin:1"


async def reasons(room: Room) -> dict[str, list[str]]:
    items = (await room.get("duty/blind-list", "guest"))["items"]
    return {f"{one['device']}/{one['point']}": one["reasons"] for one in items}


@pytest.fixture
async def seeing(room: Room) -> Room:
    """Every board has just reported."""
    await room.quiet()
    return room


async def test_before_anything_was_heard_every_point_is_blind(room: Room) -> None:
    listed = await room.get("duty/blind-list")
    vital = {
        f"{one.id}/{p.name}"
        for one in room.rig.services.site.devices.values()
        for p in one.profile.points
        if p.life_safety
    }
    assert {f"{one['device']}/{one['point']}" for one in listed["items"]} == vital
    assert {tuple(one["reasons"]) for one in listed["items"]} == {("lost",)}
    assert listed["watched"] == len(vital) == (await room.get("duty"))["blind"]


async def test_what_was_just_heard_and_is_good_is_not_listed(seeing: Room) -> None:
    assert await reasons(seeing) == {}
    assert (await seeing.get("duty"))["blind"] == 0


async def test_each_quality_that_is_not_good_is_a_reason(seeing: Room) -> None:
    told = {}
    for quality in Quality:
        seeing.rig.clock.advance(1)
        await seeing.say(OTHER, {"methane": quality})
        told[quality.name] = (await reasons(seeing)).get(f"{OTHER}/methane")
    assert told == {
        "GOOD": None,
        "UNCERTAIN_CLOCK": ["clock"],
        "UNCERTAIN_WARM_UP": ["warm-up"],
        "UNCERTAIN_UNDER_TEST": ["under-test"],
        "UNCERTAIN_STALE": ["lost"],
        "UNCERTAIN_EXPIRED": ["expired"],
        "BAD_OVER_RANGE": ["over-range"],
        "BAD_UNDER_RANGE": ["fault"],
        "BAD_SENSOR_FAULT": ["fault"],
        "BAD_COMM_LOSS": ["lost"],
        "BAD_MISSING": ["fault"],
        "BAD_TYPE": ["fault"],
    }


@pytest.mark.parametrize(("later_s", "is_lost"), [(30, False), (31, True), (-30, False), (-31, True)])
async def test_silence_is_a_reason_whatever_the_clock_does(seeing: Room, later_s: int, is_lost: bool) -> None:
    seeing.rig.clock.advance(later_s)
    assert ((await reasons(seeing)).get(f"{GAS}/methane") == ["lost"]) is is_lost


async def test_a_simulation_gives_nobody_sight(seeing: Room) -> None:
    seeing.rig.clock.advance(40)
    await seeing.say(GAS, {}, Origin.SIMULATED)
    assert (await reasons(seeing))[f"{GAS}/methane"] == ["lost"]
    await seeing.quiet()
    out = {"why": "a drill", "for_s": 60, "measure": "none"}
    assert (await seeing.post(f"alarms/{GAS}~CK-04~simulated/out-of-service", out))[0] == 200
    assert await reasons(seeing) == {}, "nor takes it from anybody"


async def test_a_value_that_is_no_number_is_a_fault_whatever_its_quality(seeing: Room) -> None:
    live, gas = seeing.rig.services.live, seeing.rig.gas
    seeing.rig.clock.advance(1)
    reading = reading_of(gas, GAS, seeing.rig.clock.at, {"methane": math.nan})
    live.observe(reading, tuple(point.name for point in gas.points))
    assert await reasons(seeing) == {f"{GAS}/methane": ["fault"]}


async def test_all_reasons_of_a_point_stand_side_by_side_with_who_took_it_out(seeing: Room) -> None:
    body = {"why": "new sensor on Monday", "for_s": 3600, "measure": "a man with an instrument"}
    await seeing.rig.hear(methane=60.0)
    status, _ = await seeing.post(f"alarms/{GAS}~CK-04/out-of-service", body)
    assert status == 200
    seeing.rig.clock.advance(40)
    await seeing.say(GAS, {"methane": Quality.BAD_SENSOR_FAULT})
    seeing.rig.clock.advance(40)
    found = {one["point"]: one for one in (await seeing.get("duty/blind-list"))["items"] if one["device"] == GAS}
    methane = found["methane"]
    assert (methane["reasons"], methane["by"], methane["until"]) == (
        ["lost", "fault", "out-of-service"],
        "li",
        "2026-11-18T12:06:40.000Z",
    )
    assert methane["why"] == "new sensor on Monday; a man with an instrument"
    assert (methane["last_seen"], methane["quality"]) == ("2026-11-18T11:07:20.000Z", "bad:sensor-fault")
    assert methane["area"]["id"] == "street/hotpot"
    assert (found["alarm"]["reasons"], found["alarm"]["by"]) == (["lost"], "")


async def test_where_nobody_knows_which_points_are_bypassed_all_of_the_device_are(seeing: Room) -> None:
    rig = seeing.rig
    blind = BlindList(rig.services.site, rig.services.live, rig.desk.alarms, duty_figures().blind, lambda: [(GAS, "")])
    found = {(one["device"], *one["reasons"]) for one in blind.items(rig.clock.at)}
    assert (found, len(blind.items(rig.clock.at))) == ({(GAS, "bypassed")}, 6)


async def test_a_detector_that_an_interlock_does_not_look_at_is_listed_and_handed_over(seeing: Room) -> None:
    now = seeing.rig.now()
    asked = term_of(900, "boot", now)
    one = Bypass("street/hotpot", KITCHEN, "RK-1", (OTHER,), "li", "drift", "a man", 3600, asked, "wang", asked)
    for bypass in (one, msgspec.structs.replace(one, ended_at=now.wall)):
        await seeing.rig.up.append([Entry(KIND, "x", 0, now.wall, encode_bypass(bypass))])
        found = await reasons(seeing)
        _, offered = await seeing.post("duty/hand-overs")
        listed = [(one["devices"], one["who"], one["confirmed_by"]) for one in offered["says"]["bypasses"]]
        if bypass.is_active:
            assert (found, listed) == (
                {f"{OTHER}/{point}": ["bypassed"] for point in ("methane", "alarm")},
                [([OTHER], "li", "wang")],
            )
        else:
            assert (found, listed) == ({}, [])
