"""Bypasses, told as stories: two people, what does not trip and what does all the same, and how it ends (S8, S10)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from protocols.bypass import LONGEST_S
from protocols.moment import SECOND
from protocols.reading import Origin
from tests.fixtures.tested_kitchens import GAS, OTHER, TestedKitchen

CLOSE, CLOSE_OTHER = (GAS, "close-valve"), (OTHER, "close-valve")
KITCHEN = "kitchen~restaurant-kitchen"
HOUR = 3600.0


@pytest.fixture
async def kitchen(tmp_path: Path) -> AsyncIterator[TestedKitchen]:
    """Both gas alarms were heard, and are quiet."""
    made = TestedKitchen(tmp_path)
    made.hear(0)
    made.hear(0, OTHER)
    yield made
    await made.journal.close()


async def ask(kitchen: TestedKitchen, seconds: float, cause: str = "RK-1", **more: Any) -> str:
    details: dict[str, Any] = {"why": "sensor is exchanged", "measure": "wang with an instrument", "for_s": HOUR} | more
    target = f"{KITCHEN}~{cause}~{details.pop('devices', GAS)}"
    return (await kitchen.ask(seconds, "bypass", target, **details)).refusal


async def confirm(kitchen: TestedKitchen, seconds: float, cause: str = "RK-1", **more: Any) -> str:
    details: dict[str, Any] = {"who": "zhao", "for_s": HOUR} | more
    target = f"{KITCHEN}~{cause}~{details.pop('devices', GAS)}"
    return (await kitchen.ask(seconds, "confirm-bypass", target, **details)).refusal


def tripped_by(kitchen: TestedKitchen) -> set[str]:
    record = next(one for one in kitchen.watch.interlocks.records() if one.id == KITCHEN)
    return {cause for cause, _ in record.causes}


async def active(kitchen: TestedKitchen, cause: str = "RK-1", **more: Any) -> None:
    assert (await ask(kitchen, 1, cause, **more), await confirm(kitchen, 2, cause, **more)) == ("", "")


def states(kitchen: TestedKitchen) -> list[tuple[str, str]]:
    return [(one.state, one.ended_why) for one in kitchen.bypasses()]


async def test_bypassed_detector_alarms_and_does_not_trip_until_the_end_then_trips_at_once(
    kitchen: TestedKitchen,
) -> None:
    await active(kitchen, for_s=20)
    for second in range(4, 22, 2):
        kitchen.hear(second, methane=30.0, alarm=1.0)
        kitchen.hear(second, OTHER)
    kitchen.until(21.9)
    assert (kitchen.sent, f"{GAS}~CK-02" in kitchen.standing()) == ([], True)
    kitchen.until(22)  # nothing comes: the time alone
    await kitchen.durable()
    assert CLOSE in kitchen.sent
    asked, begun, ended = kitchen.bypasses()
    assert (asked.state, begun.state, ended.state, ended.ended_why) == ("requested", "active", "ended", "time")
    assert (asked.who, asked.measure, begun.confirmed_by, begun.devices) == (
        "li",
        "wang with an instrument",
        "zhao",
        (GAS,),
    )


async def test_nothing_is_bypassed_before_another_person_confirms_it(kitchen: TestedKitchen) -> None:
    await ask(kitchen, 1)
    assert "another person" in await confirm(kitchen, 2, who="LI")
    kitchen.hear(4, methane=30.0)
    assert CLOSE in kitchen.sent
    assert "not at rest" in await confirm(kitchen, 5)


async def test_request_lapses_after_15_minutes(kitchen: TestedKitchen) -> None:
    await ask(kitchen, 1)
    refused = await kitchen.ask(902, "confirm-bypass", f"{KITCHEN}~RK-1~{GAS}", who="zhao", for_s=HOUR)
    assert (refused.found, states(kitchen)) == (False, [("requested", ""), ("lapsed", "time")])


async def test_what_is_confirmed_is_what_was_asked_for(kitchen: TestedKitchen) -> None:
    await ask(kitchen, 1)
    for other in ({"for_s": 2 * HOUR}, {"cause": "RK-2"}, {"devices": f"{GAS},{OTHER}"}):
        assert "look again" in await confirm(kitchen, 2, **other)
    assert await confirm(kitchen, 3) == ""
    assert "active already" in await confirm(kitchen, 4)


async def test_over_range_trips_through_a_bypass_of_every_cause_that_sees_it(kitchen: TestedKitchen) -> None:
    await active(kitchen, "RK-2")
    kitchen.hear(4, methane=60.0)
    assert tripped_by(kitchen) == {"RK-1"}
    kitchen.hear(6, methane=120.0, over_range=1.0)
    assert tripped_by(kitchen) == {"RK-1", "RK-2"}


async def test_level_1_that_is_bypassed_trips_when_the_value_goes_over_range(kitchen: TestedKitchen) -> None:
    await active(kitchen)
    kitchen.hear(4, methane=30.0)
    assert tripped_by(kitchen) == set()
    kitchen.hear(6, methane=120.0)
    assert tripped_by(kitchen) == {"RK-1", "RK-2"}


async def test_other_detectors_and_other_causes_stay_armed(kitchen: TestedKitchen) -> None:
    await active(kitchen)
    kitchen.hear(4, OTHER, methane=30.0)
    assert {CLOSE, CLOSE_OTHER} == set(kitchen.sent)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"for_s": LONGEST_S + 1}, "between 1 s and 28800 s"),
        ({"for_s": None}, "between 1 s and 28800 s"),
        ({"why": " "}, "needs a reason"),
        ({"measure": " "}, "compensating measure"),
        ({"who": ""}, "needs the name"),
        ({"cause": "RK-9"}, "has no cause 'RK-9'"),
        ({"devices": "gas:9"}, "does not look at gas:9; name some of gas:1, gas:2"),
        ({"cause": "RK-6"}, "does not look at gas:1; name some of no device"),
        ({"devices": ","}, "area~matrix~cause~device"),
    ],
    ids=str,
)
async def test_what_is_not_asked_for_properly_is_refused(
    kitchen: TestedKitchen, change: dict[str, Any], refusal: str
) -> None:
    assert refusal in await ask(kitchen, 1, **change)
    assert kitchen.bypasses() == []


@pytest.mark.parametrize(
    ("target", "found", "said"),
    [
        ("station~hydrogen-station~HS-1~h2:1", True, "only observes"),
        ("attic~mall-tenant~ML-1~gas:1", False, "no interlock"),
    ],
)
async def test_station_that_is_observed_and_what_is_not_there_have_no_bypass(
    kitchen: TestedKitchen, target: str, found: bool, said: str
) -> None:
    answer = await kitchen.ask(1, "bypass", target, for_s=60.0, measure="wang")
    assert (answer.found, said in answer.refusal) == (found, True)


async def test_there_is_one_bypass_per_area(kitchen: TestedKitchen) -> None:
    await ask(kitchen, 1)
    assert "already (requested): one per area" in await ask(kitchen, 2, "RK-2", devices=OTHER)
    await confirm(kitchen, 3)
    assert "already (active): one per area" in await ask(kitchen, 4, "RK-2", devices=OTHER)


async def test_one_person_ends_it_and_what_stands_trips(kitchen: TestedKitchen) -> None:
    await active(kitchen)
    kitchen.hear(4, methane=30.0)
    assert (await kitchen.ask(5, "end-bypass", "kitchen", who="wang", why="done")).refusal == ""
    assert (CLOSE in kitchen.sent, kitchen.bypasses()[-1].ended_by) == (True, "wang")
    assert (await kitchen.ask(6, "end-bypass", "kitchen", who="wang")).found is False


async def test_area_with_a_latch_is_not_bypassed(kitchen: TestedKitchen) -> None:
    kitchen.hear(1, valve=2.0)
    assert "(tripped): settle that" in await ask(kitchen, 2)


async def test_area_with_an_alarm_that_trips_nothing_is_not_bypassed_either(kitchen: TestedKitchen) -> None:
    for second in range(2, 70, 2):
        kitchen.hear(second, co=120.0)
        kitchen.hear(second, OTHER)
    assert f"{GAS}~CO-99 is unacknowledged: settle it" in await ask(kitchen, 70)


@pytest.mark.parametrize("step_s", [-7200, 7200])
async def test_a_clock_that_steps_ends_it_early_or_in_time_and_never_late(kitchen: TestedKitchen, step_s: int) -> None:
    await active(kitchen)
    kitchen.wall_step = step_s * SECOND
    kitchen.hear(4, methane=30.0)
    assert (CLOSE in kitchen.sent) is (step_s > 0)
    kitchen.hear(HOUR + 2, methane=30.0)
    assert CLOSE in kitchen.sent


async def test_reading_that_comes_before_the_tick_at_the_end_trips(
    kitchen: TestedKitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    await active(kitchen)
    monkeypatch.setattr(kitchen, "until", lambda _seconds: None)  # the loop is held up: nobody ticks
    kitchen.hear(HOUR + 2, methane=30.0)
    assert CLOSE in kitchen.sent


async def test_it_goes_on_over_a_restart_and_a_start_of_the_machine_ends_it(kitchen: TestedKitchen) -> None:
    await active(kitchen)
    await kitchen.restart(10)
    kitchen.hear(12, methane=30.0)
    kitchen.hear(12, OTHER)
    assert kitchen.sent == []
    kitchen.boot = "boot-2"
    await kitchen.restart(14)
    kitchen.hear(16, methane=30.0)
    assert CLOSE in kitchen.sent
    await kitchen.durable()
    assert states(kitchen) == [("requested", ""), ("active", ""), ("ended", "restart")]


async def test_change_of_its_area_ends_it_and_another_change_does_not(kitchen: TestedKitchen) -> None:
    await active(kitchen)
    kitchen.drop("h2:1")
    kitchen.follow_site(3)
    kitchen.hear(4, methane=30.0)
    assert kitchen.sent == []
    kitchen.drop(OTHER)
    kitchen.follow_site(5)
    assert CLOSE in kitchen.sent
    await kitchen.durable()
    assert states(kitchen)[-1] == ("ended", "site-changed")


async def test_bypass_touches_neither_the_shadow_nor_what_is_simulated(kitchen: TestedKitchen, tmp_path: Path) -> None:
    await active(kitchen)
    kitchen.hear(4, origin=Origin.DRILL, methane=30.0)
    shadow = next(one for one in kitchen.watch.interlocks.records() if one.origin is Origin.DRILL)
    assert [cause for cause, _ in shadow.causes] == ["RK-1"]
    simulated = TestedKitchen(tmp_path / "simulated", Origin.SIMULATED)
    assert "live" in await ask(simulated, 2)
    await simulated.journal.close()
