"""Proof tests, told as stories: who may, what leaves and under which cause, what it proves, and when it is due (S5)."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.proof_elements import plan_of, proof_figures
from gateway.proof_tests import RESTARTED, RESTARTED_BEFORE
from journal.errors import JournalFull
from protocols.command import Command, decode_command_event
from protocols.moment import SECOND
from protocols.proof_test import PLAN_KIND, ProofPlan, decode_proof_plan
from protocols.reading import Origin
from tests.fixtures.stories import WALL
from tests.fixtures.tested_kitchens import GAS, NODE, OTHER, TestedKitchen

CLOSE, CLOSE_OTHER = (GAS, "close-valve"), (OTHER, "close-valve")
VALVE = f"{GAS}~valve"
OVERDUE, FAILED = f"{GAS}~PT-01", f"{GAS}~PT-02"
DAY = 86_400.0
PERIOD = proof_figures().every_days * DAY
CLOSED, OPEN, MOVING = 2.0, 1.0, 3.0


@pytest.fixture
async def kitchen(tmp_path: Path) -> AsyncIterator[TestedKitchen]:
    """Both gas alarms were heard, and are quiet."""
    made = TestedKitchen(tmp_path)
    quiet(made, 0)
    yield made
    await made.journal.close()


def quiet(kitchen: TestedKitchen, seconds: float) -> None:
    kitchen.hear(seconds)
    kitchen.hear(seconds, OTHER)


async def ask(kitchen: TestedKitchen, seconds: float, target: str = GAS, **more: Any) -> str:
    given: dict[str, Any] = {"why": "half-yearly", "on_site": True, "measure": "wang, 138"} | more
    return (await kitchen.ask(seconds, "proof-test", target, **given)).refusal


async def begin(kitchen: TestedKitchen, seconds: float, target: str = GAS) -> None:
    """Asked for, written down and sent."""
    assert await ask(kitchen, seconds, target) == ""
    await sent_by(kitchen, seconds)


async def sent_by(kitchen: TestedKitchen, seconds: float) -> None:
    kitchen.until(seconds)
    await kitchen.durable()
    kitchen.until(seconds)


def states(kitchen: TestedKitchen) -> list[str]:
    return [one.state for one in kitchen.proofs()]


def commands(kitchen: TestedKitchen) -> list[Command]:
    events = (decode_command_event(one.body) for one in kitchen.entries("command"))
    return [one.command for one in events if one.status == "issued"]


async def test_valve_is_closed_read_back_and_its_time_kept_under_the_cause_of_the_test(kitchen: TestedKitchen) -> None:
    await begin(kitchen, 2)
    kitchen.hear(4, valve=MOVING)
    kitchen.hear(8, valve=CLOSED)
    await kitchen.durable()
    assert (kitchen.sent, states(kitchen)) == ([CLOSE], ["begun", "moving", "passed"])
    (command,) = commands(kitchen)
    assert (command.cause, command.origin) == (f"proof-test/{VALVE}", Origin.LIVE)
    passed = kitchen.proofs()[-1]
    assert (passed.who, passed.why, passed.on_site, passed.took_s) == ("li", "half-yearly", "wang, 138", 6.0)
    assert (passed.within_s, passed.passed_at, passed.ended_at) == (15.0, *[kitchen.moment(8).wall] * 2)


async def test_nothing_leaves_before_it_is_on_the_disk(kitchen: TestedKitchen) -> None:
    await ask(kitchen, 2)
    kitchen.until(3)
    assert kitchen.sent == []
    await sent_by(kitchen, 3)
    assert kitchen.sent == [CLOSE]


async def test_what_can_not_be_written_down_is_not_done(kitchen: TestedKitchen) -> None:
    await ask(kitchen, 2)
    kitchen.until(2)
    (run,) = kitchen.modes.proof_tests._runs.values()
    kitchen.modes.proof_tests._written.append((run, JournalFull("the disk is full")))
    kitchen.until(2)
    await sent_by(kitchen, 3)
    assert (kitchen.sent, states(kitchen)[-1]) == ([], "interrupted")


async def test_valve_that_does_not_close_in_time_fails_alarms_and_is_still_told_to_close(
    kitchen: TestedKitchen,
) -> None:
    await begin(kitchen, 2)
    for second in range(4, 22, 2):
        quiet(kitchen, second)
    await kitchen.durable()
    assert (states(kitchen)[-1], kitchen.sent) == ("failed", [CLOSE, CLOSE])
    assert FAILED in kitchen.standing()
    kitchen.hear(22, valve=CLOSED)
    await kitchen.durable()
    late = kitchen.proofs()[-1]
    assert (late.state, late.took_s, late.passed_at, "closed late" in late.detail) == ("failed", 20.0, 0, True)
    assert FAILED in kitchen.standing()


async def test_trip_during_a_test_acts_at_once_and_the_test_proves_nothing(kitchen: TestedKitchen) -> None:
    await begin(kitchen, 2)
    kitchen.hear(4, methane=60.0)
    assert kitchen.sent == [CLOSE, CLOSE, CLOSE_OTHER]
    kitchen.hear(6, methane=60.0, valve=CLOSED)
    await kitchen.durable()
    assert states(kitchen)[-1] == "interrupted"
    assert "restaurant-kitchen tripped" in kitchen.proofs()[-1].detail
    assert {one.cause.partition("/")[0] for one in commands(kitchen)} == {"proof-test", "trip"}


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"who": ""}, "needs the name"),
        ({"why": " "}, "needs a reason"),
        ({"on_site": False}, "appliances are off"),
        ({"measure": " "}, "name the person who stands there"),
        ({"target": "gas:9"}, "is not registered"),
        ({"target": NODE}, "is only observed"),
        ({"target": f"{GAS}~fan"}, "has no valve of this name"),
        ({"target": "bit:1"}, "has no valve"),
    ],
    ids=str,
)
async def test_what_is_not_asked_for_properly_is_refused(
    kitchen: TestedKitchen, change: dict[str, Any], refusal: str
) -> None:
    assert refusal in await ask(kitchen, 2, **change)
    await sent_by(kitchen, 3)
    assert (kitchen.sent, kitchen.proofs()) == ([], [])


@pytest.mark.parametrize("leaking", [GAS, OTHER], ids=["its own", "its neighbour's"])
async def test_area_in_alarm_or_tripped_refuses_a_test(kitchen: TestedKitchen, leaking: str) -> None:
    kitchen.hear(2, leaking, co=400.0, co_alarm=1.0)
    assert "cause that stands or a latch" in await ask(kitchen, 4)


async def test_alarm_that_trips_nothing_refuses_a_test_too(kitchen: TestedKitchen) -> None:
    for second in range(2, 70, 2):
        kitchen.hear(second, co=120.0)
        kitchen.hear(second, OTHER)
    assert f"{GAS}~CO-99 is unacknowledged" in await ask(kitchen, 70)


@pytest.mark.parametrize(
    "unfit",
    [
        lambda kitchen: kitchen.hear(2, valve=CLOSED),
        lambda kitchen: kitchen.hear(2, valve=MOVING),
        lambda kitchen: kitchen.watch.lost(GAS, kitchen.moment(2)),
    ],
    ids=["closed", "moving", "lost"],
)
async def test_valve_that_is_not_known_to_be_open_proves_nothing(
    kitchen: TestedKitchen, unfit: Callable[[TestedKitchen], None]
) -> None:
    unfit(kitchen)
    assert await ask(kitchen, 3) != ""


async def test_interlock_that_was_not_read_back_yet_refuses_a_test(tmp_path: Path) -> None:
    kitchen = TestedKitchen(tmp_path)
    kitchen.hear(0)
    assert "is unknown" in await ask(kitchen, 2)
    await kitchen.journal.close()


async def test_one_valve_of_an_area_is_tested_at_a_time(kitchen: TestedKitchen) -> None:
    await begin(kitchen, 2)
    assert "one valve of an area at a time" in await ask(kitchen, 3, OTHER)


async def test_leak_between_the_asking_and_the_sending_interrupts_it(kitchen: TestedKitchen) -> None:
    await ask(kitchen, 2)
    kitchen.until(2)  # it is being written down
    kitchen.hear(2, methane=60.0)
    await sent_by(kitchen, 3)
    await kitchen.durable()
    assert states(kitchen) == ["begun", "moving", "interrupted"]
    assert {one.cause.partition("/")[0] for one in commands(kitchen)} == {"trip"}


@pytest.mark.parametrize("origin", [Origin.DRILL, Origin.SIMULATED])
async def test_what_is_not_live_proves_nothing_and_tests_nothing(tmp_path: Path, origin: Origin) -> None:
    kitchen = TestedKitchen(tmp_path)
    quiet(kitchen, 0)
    await begin(kitchen, 2)
    kitchen.hear(4, origin=origin, valve=CLOSED)
    await kitchen.durable()
    assert states(kitchen)[-1] == "moving"
    await kitchen.journal.close()
    other = TestedKitchen(tmp_path / "other", origin)
    assert "live" in await ask(other, 2)
    assert other.entries(PLAN_KIND) == []
    await other.journal.close()


# -- restart ---------------------------------------------------------------------------------------------------------


async def test_kill_between_the_effect_and_the_read_back_sends_nothing_again(kitchen: TestedKitchen) -> None:
    await begin(kitchen, 2)
    await kitchen.restart(4)
    kitchen.until(60)
    quiet(kitchen, 60)
    kitchen.hear(62, valve=CLOSED)
    await kitchen.durable()
    assert (kitchen.sent, states(kitchen)) == ([CLOSE], ["begun", "moving", "interrupted"])
    assert kitchen.proofs()[-1].detail == RESTARTED
    assert kitchen.proofs()[-1].passed_at == 0


async def test_kill_before_anything_was_written_sends_nothing_at_all(kitchen: TestedKitchen) -> None:
    await ask(kitchen, 2)
    await kitchen.restart(4)
    await sent_by(kitchen, 60)
    assert (kitchen.sent, kitchen.proofs()[-1].detail) == ([], RESTARTED_BEFORE)


# -- due dates -------------------------------------------------------------------------------------------------------


async def test_valve_that_was_never_proved_is_overdue_after_a_period_and_a_passed_test_settles_it(
    kitchen: TestedKitchen,
) -> None:
    kitchen.until(PERIOD - 4000)
    assert OVERDUE not in kitchen.standing()
    kitchen.until(PERIOD + 1)
    assert kitchen.standing() >= {OVERDUE, f"{OTHER}~PT-01"}
    await kitchen.restart(PERIOD + 2)
    assert OVERDUE in kitchen.standing()
    for second in range(4, 80, 2):  # what was lost meanwhile is heard again
        quiet(kitchen, PERIOD + second)
    await settled(kitchen, PERIOD + 80)
    await begin(kitchen, PERIOD + 81)
    kitchen.hear(PERIOD + 83, valve=CLOSED)
    assert not kitchen.record(OVERDUE).active
    assert kitchen.record(f"{OTHER}~PT-01").active
    assert kitchen.modes.proof_tests._due_at(VALVE) == kitchen.moment(2 * PERIOD + 83).wall


async def settled(kitchen: TestedKitchen, seconds: float) -> None:
    """What stands of life safety is acknowledged and reset."""
    for alarm in sorted(kitchen.standing()):
        await kitchen.ask(seconds, "acknowledge", alarm)
        await kitchen.ask(seconds, "reset", alarm)


async def test_failed_or_interrupted_test_is_no_proof(kitchen: TestedKitchen) -> None:
    await begin(kitchen, 2)
    kitchen.hear(8, valve=CLOSED)
    due = kitchen.modes.proof_tests._due_at(VALVE)
    for second in range(10, 700, 2):
        kitchen.hear(second, valve=CLOSED)
        kitchen.hear(second, OTHER)
    reset = await kitchen.ask(700, "reset-interlock", "kitchen~restaurant-kitchen", on_site=True)
    assert reset.refusal == ""
    quiet(kitchen, 702)
    await begin(kitchen, 703)
    kitchen.until(720)
    await kitchen.durable()
    assert (states(kitchen)[-1], kitchen.modes.proof_tests._due_at(VALVE)) == ("failed", due)


async def test_plan_is_journaled_once_follows_the_site_and_takes_its_period(kitchen: TestedKitchen) -> None:
    await kitchen.durable()
    (first,) = kitchen.entries(PLAN_KIND)
    plan = decode_proof_plan(first.body)
    assert {name: (one.since, one.every_s) for name, one in plan.elements.items()} == {
        VALVE: (WALL, PERIOD),
        f"{OTHER}~valve": (WALL, PERIOD),
    }
    await kitchen.restart(4)
    await kitchen.durable()
    assert len(kitchen.entries(PLAN_KIND)) == 1
    kitchen.drop(OTHER)
    kitchen.follow_site(5)
    await kitchen.durable()
    assert set(decode_proof_plan(kitchen.entries(PLAN_KIND)[-1].body).elements) == {VALVE}


async def test_site_says_another_period_and_an_area_that_is_only_observed_has_no_plan(kitchen: TestedKitchen) -> None:
    device = kitchen.site.devices[GAS]
    part = device.part.model_copy(update={"proof_test_days": 30.0})
    site = msgspec.structs.replace(kitchen.site, devices={GAS: msgspec.structs.replace(device, part=part)})
    (element,) = plan_of(site, (), ProofPlan({}), WALL).elements.values()
    assert element.every_s == 30 * DAY
    assert plan_of(site, {"commercial-kitchen"}, ProofPlan({}), WALL).elements == {}


async def test_test_ends_with_its_device(kitchen: TestedKitchen) -> None:
    await begin(kitchen, 2)
    kitchen.drop(GAS)
    kitchen.follow_site(4)
    await kitchen.durable()
    assert (states(kitchen)[-1], kitchen.modes.proof_tests._runs) == ("interrupted", {})


async def test_clock_that_steps_back_or_forward_leaves_the_time_that_a_valve_took(kitchen: TestedKitchen) -> None:
    await begin(kitchen, 2)
    kitchen.wall_step = -3600 * SECOND
    kitchen.hear(8, valve=CLOSED)
    await kitchen.durable()
    assert (states(kitchen)[-1], kitchen.proofs()[-1].took_s) == ("passed", 6.0)
