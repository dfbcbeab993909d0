"""Maintenance, told as stories: diagnostics are silent for a time, life safety never is (S8, S10)."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from alarms.rule import AlarmRule
from alarms.states import AlarmState
from protocols.moment import SECOND
from tests.fixtures.tested_kitchens import GAS, OTHER, TestedKitchen

BLIND, BLIND_OTHER, LEAK = f"{GAS}~BL-02", f"{OTHER}~BL-02", f"{GAS}~CK-04"
DEVICE, AREA = f"{GAS}~device", "kitchen~area"


@pytest.fixture
async def kitchen(tmp_path: Path) -> AsyncIterator[TestedKitchen]:
    """Both gas alarms were heard, and are quiet."""
    made = TestedKitchen(tmp_path)
    made.hear(0)
    made.hear(0, OTHER)
    yield made
    await made.journal.close()


async def begin(kitchen: TestedKitchen, seconds: float, target: str, for_s: float = 3600.0) -> None:
    assert (await kitchen.ask(seconds, "maintenance", target, for_s=for_s)).refusal == ""


def broken(kitchen: TestedKitchen, begin: int, end: int) -> None:
    """Both detectors say that they are broken, for longer than the alarm waits."""
    for second in range(begin, end, 2):
        kitchen.hear(second, fault=1.0)
        kitchen.hear(second, OTHER, fault=1.0)


async def test_fault_of_a_device_under_maintenance_is_silent_until_the_end_and_stands_then(
    kitchen: TestedKitchen,
) -> None:
    await begin(kitchen, 2, DEVICE, for_s=300)
    broken(kitchen, 4, 300)
    assert kitchen.record(BLIND).state is AlarmState.SUPPRESSED_BY_DESIGN
    assert kitchen.standing() == {BLIND_OTHER}
    kitchen.hear(302, fault=1.0)
    assert kitchen.standing() == {BLIND, BLIND_OTHER}
    await kitchen.durable()
    begun, ended = kitchen.maintenance()
    assert (begun.who, begun.why, BLIND in begun.alarms) == ("li", "monthly", True)
    assert (begun.term.until - begun.term.began_at, ended.ended_why, ended.ended_by) == (300 * SECOND, "time", "")


async def test_maintenance_of_an_area_is_of_all_its_devices(kitchen: TestedKitchen) -> None:
    await begin(kitchen, 2, AREA)
    broken(kitchen, 4, 200)
    assert kitchen.standing() == set()
    assert (await kitchen.ask(200, "end-maintenance", AREA, who="wang", why="done")).refusal == ""
    assert kitchen.standing() == {BLIND, BLIND_OTHER}
    assert [(one.ended_by, one.ended_why) for one in kitchen.maintenance()] == [("", ""), ("wang", "done")]


async def test_life_safety_stays_armed(kitchen: TestedKitchen) -> None:
    await begin(kitchen, 2, AREA)
    kitchen.hear(4, methane=60.0)
    assert LEAK in kitchen.standing()
    assert (GAS, "close-valve") in kitchen.sent
    silent = [one for one in kitchen.watch.alarms.records() if one.state is AlarmState.SUPPRESSED_BY_DESIGN]
    assert {one.alarm for one in silent} == set(kitchen.maintenance()[0].alarms)
    rules = kitchen.watch.alarms.rules
    assert {rules[one.rule].alarm_class for one in silent} == {"diagnostic"}


async def test_alarm_that_stood_before_is_silent_and_comes_back_or_is_gone(kitchen: TestedKitchen) -> None:
    broken(kitchen, 2, 110)
    assert kitchen.standing() == {BLIND, BLIND_OTHER}
    await begin(kitchen, 110, AREA)
    assert kitchen.standing() == set()
    for second in range(112, 200, 2):
        kitchen.hear(second)
        kitchen.hear(second, OTHER, fault=1.0)
    await kitchen.ask(200, "end-maintenance", AREA)
    assert kitchen.record(BLIND_OTHER).state is AlarmState.UNACKNOWLEDGED
    assert kitchen.record(BLIND).state is AlarmState.RETURNED_UNACKNOWLEDGED


async def test_what_a_person_suppressed_or_freed_is_left_as_it_is(kitchen: TestedKitchen) -> None:
    await kitchen.ask(2, "suppress", BLIND_OTHER)
    await begin(kitchen, 4, AREA)
    await kitchen.ask(6, "unsuppress", BLIND)
    broken(kitchen, 8, 120)
    assert kitchen.standing() == {BLIND}
    assert (await kitchen.ask(120, "end-maintenance", AREA)).refusal == ""
    assert kitchen.standing() == {BLIND}


async def test_restart_goes_on_and_a_start_of_the_machine_ends_it(kitchen: TestedKitchen) -> None:
    await begin(kitchen, 2, DEVICE)
    await kitchen.restart(4)
    assert kitchen.record(BLIND).state is AlarmState.SUPPRESSED_BY_DESIGN
    kitchen.boot = "boot-2"
    await kitchen.restart(6)
    assert kitchen.record(BLIND).state is AlarmState.NORMAL
    await kitchen.durable()
    assert [one.ended_why for one in kitchen.maintenance()] == ["", "restart"]
    assert kitchen.modes.maintenance.due() is None


@pytest.mark.parametrize("step_s", [-7200, 3600])
async def test_clock_that_steps_ends_it_in_time_or_early(kitchen: TestedKitchen, step_s: int) -> None:
    await begin(kitchen, 2, DEVICE, for_s=600)
    kitchen.wall_step = step_s * SECOND
    await kitchen.restart(4)
    silent = [kitchen.record(BLIND).state is AlarmState.SUPPRESSED_BY_DESIGN]
    for second in (601.9, 602):
        kitchen.until(second)
        silent.append(kitchen.record(BLIND).state is AlarmState.SUPPRESSED_BY_DESIGN)
    assert silent == [step_s < 0, step_s < 0, False]


async def test_alarm_that_life_hangs_on_after_a_change_of_the_rules_is_freed(
    kitchen: TestedKitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begin(kitchen, 2, DEVICE)
    rules: Mapping[str, AlarmRule] = kitchen.watch.alarms.rules
    vital = rules["BL-02"].model_copy(update={"alarm_class": "life-safety"})
    monkeypatch.setattr(kitchen.watch.alarms, "rules", {**rules, "BL-02": vital})
    kitchen.follow_site(4)
    assert kitchen.record(BLIND).state is AlarmState.NORMAL
    assert kitchen.record(f"{GAS}~FW-01").state is AlarmState.SUPPRESSED_BY_DESIGN


async def test_it_ends_though_its_device_is_gone(kitchen: TestedKitchen) -> None:
    await begin(kitchen, 2, DEVICE, for_s=60)
    kitchen.drop(GAS)
    kitchen.follow_site(4)
    kitchen.until(62)
    await kitchen.durable()
    assert [one.ended_why for one in kitchen.maintenance()] == ["", "time"]
    assert [one for one in kitchen.watch.alarms.records() if one.state is not AlarmState.NORMAL] == []


@pytest.mark.parametrize(
    ("change", "refusal", "found"),
    [
        ({"who": ""}, "needs the name", True),
        ({"why": ""}, "needs a reason", True),
        ({"for_s": 8 * 3600 + 1.0}, "between 1 s and 28800 s", True),
        ({"target": "gas:9~device"}, "device 'gas:9' is not registered", False),
        ({"target": "attic~area"}, "area 'attic' is not registered", False),
        ({"target": GAS}, "not of 'gas:1'", True),
    ],
    ids=str,
)
async def test_what_is_not_asked_for_properly_is_refused(
    kitchen: TestedKitchen, change: dict[str, Any], refusal: str, found: bool
) -> None:
    asked = {"target": DEVICE, "for_s": 60.0} | change
    answer = await kitchen.ask(2, "maintenance", asked.pop("target"), **asked)
    assert (refusal in answer.refusal, answer.found) == (True, found)
    assert kitchen.maintenance() == []


async def test_what_goes_on_is_not_begun_again_and_what_does_not_is_not_ended(kitchen: TestedKitchen) -> None:
    assert (await kitchen.ask(2, "end-maintenance", DEVICE)).found is False
    await begin(kitchen, 2, DEVICE)
    assert "already" in (await kitchen.ask(4, "maintenance", DEVICE, for_s=60)).refusal
    assert "name of the person" in (await kitchen.ask(4, "end-maintenance", DEVICE, who="")).refusal
