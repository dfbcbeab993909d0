"""Bump tests, told as stories: what is marked, what trips all the same, what refuses one, and how it ends (S8, S10)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from protocols.moment import SECOND
from protocols.quality import Quality
from protocols.reading import Origin
from tests.fixtures.tested_kitchens import BIT, GAS, HALF_HOUR, METHANE, NODE, OTHER, TestedKitchen

GAS_CLOUD: dict[str, Any] = {"methane": 60.0, "alarm": 1.0, "alarm_level": 2.0}
CLOSE, CLOSE_OTHER = (GAS, "close-valve"), (OTHER, "close-valve")


@pytest.fixture
async def kitchen(tmp_path: Path) -> AsyncIterator[TestedKitchen]:
    """Both gas alarms were heard, and are quiet."""
    made = TestedKitchen(tmp_path)
    made.hear(0)
    made.hear(0, OTHER)
    yield made
    await made.journal.close()


async def test_gas_under_test_is_marked_everywhere_trips_nothing_and_passes_with_its_highest_value(
    kitchen: TestedKitchen,
) -> None:
    await kitchen.begin(2, for_s=60)
    for second, methane in ((4, 0.0), (6, 24.0), (8, 60.0), (10, 58.0), (12, 1.0)):
        kitchen.hear(second, methane=methane, alarm=float(methane > 20), alarm_level=2.0 if methane > 50 else 0.0)
        kitchen.hear(second, OTHER)
    assert (await kitchen.ask(14, "end-bump-test", METHANE, who="wang", why="done")).refusal == ""
    assert (kitchen.sent, kitchen.standing()) == ([], set())
    assert kitchen.quality() == ["", *["under-test"] * 5]
    assert kitchen.quality("alarm") == ["", "", "under-test", "under-test", "under-test", ""]
    assert {*kitchen.quality("co"), *kitchen.quality("valve"), *kitchen.quality("fault")} == {""}
    begun, seen, ended = kitchen.tests()
    assert (seen.state, seen.saw_gas, seen.highest) == ("running", True, 60.0)
    assert (begun.state, begun.who, begun.why, begun.limit, begun.unit) == ("running", "li", "monthly", 25.0, "%{LEL}")
    assert (ended.state, ended.highest, ended.readings) == ("passed", 60.0, 5)
    assert (ended.ended_by, ended.ended_why, ended.ended_at) == ("wang", "done", kitchen.moment(14).wall)


async def test_neighbour_of_a_detector_under_test_closes_the_valves(kitchen: TestedKitchen) -> None:
    await kitchen.begin(2)
    kitchen.hear(4, **GAS_CLOUD)
    assert kitchen.sent == []
    kitchen.hear(4, OTHER, methane=60.0)
    assert {CLOSE, CLOSE_OTHER} == set(kitchen.sent)
    assert f"{OTHER}~CK-04" in kitchen.standing()
    assert f"{GAS}~CK-04" not in kitchen.standing()


async def test_another_sensor_of_the_same_board_stays_armed(kitchen: TestedKitchen) -> None:
    await kitchen.begin(2, f"{GAS}~co")
    kitchen.hear(4, co=400.0, co_alarm=1.0)
    assert kitchen.sent == []
    kitchen.hear(6, co=400.0, co_alarm=1.0, methane=60.0)
    assert CLOSE in kitchen.sent
    await kitchen.durable()
    assert kitchen.quality("co")[1:] == kitchen.quality("co_alarm")[1:] == ["under-test"] * 2
    assert kitchen.quality()[1:] == ["", ""]


async def test_over_range_under_test_trips_nothing_and_proves_nothing(kitchen: TestedKitchen) -> None:
    await kitchen.begin(2, for_s=60)
    kitchen.hear(4, methane=120.0, over_range=1.0)
    kitchen.hear(6, methane=None, over_range=1.0)
    kitchen.until(62)
    await kitchen.durable()
    assert (kitchen.sent, kitchen.standing()) == ([], set())
    assert kitchen.quality()[1:] == kitchen.quality("over_range")[1:] == ["under-test"] * 2
    assert [(one.state, one.highest, one.ended_why) for one in kitchen.tests()] == [
        ("running", None, ""),
        ("failed", None, "time"),
    ]


@pytest.mark.parametrize("said", [{"fault": 1.0}, {"warm_up": 1.0}, {"expired": 1.0}], ids=str)
async def test_value_that_is_not_good_trips_nothing_and_passes_no_test(
    kitchen: TestedKitchen, said: dict[str, float]
) -> None:
    await kitchen.begin(2)
    kitchen.hear(4, **GAS_CLOUD, **said)
    await kitchen.ask(6, "end-bump-test", METHANE)
    assert (kitchen.sent, kitchen.standing()) == ([], set())
    assert kitchen.quality()[1:] == ["under-test"]
    assert kitchen.quality(next(iter(said))) == ["", ""]
    assert kitchen.tests()[-1].state == "failed"


async def test_fault_that_began_under_test_is_known_when_the_test_is_over(kitchen: TestedKitchen) -> None:
    await kitchen.begin(2, for_s=10)
    kitchen.hear(4, methane=60.0, fault=1.0)
    for second in range(14, 140, 2):
        kitchen.hear(second, fault=None)
        kitchen.hear(second, OTHER)
    assert f"{GAS}~BL-02" in kitchen.standing()


async def test_value_just_below_level_1_fails_and_level_1_passes(kitchen: TestedKitchen) -> None:
    await kitchen.begin(2)
    kitchen.hear(4, methane=24.9)
    await kitchen.ask(6, "end-bump-test", METHANE)
    await kitchen.begin(8)
    kitchen.hear(10, methane=25.0)
    await kitchen.ask(12, "end-bump-test", METHANE)
    states = [(one.state, one.highest) for one in kitchen.tests() if not one.is_running]
    assert states == [("failed", 24.9), ("passed", 25.0)]


@pytest.mark.parametrize("origin", [Origin.DRILL, Origin.SIMULATED])
async def test_what_is_not_live_is_neither_marked_nor_evidence(kitchen: TestedKitchen, origin: Origin) -> None:
    await kitchen.begin(2)
    kitchen.hear(4, origin=origin, **GAS_CLOUD)
    assert kitchen.sent == []
    assert kitchen.standing() >= {f"{GAS}~CK-04~{origin.name.lower()}"}
    await kitchen.ask(6, "end-bump-test", METHANE)
    assert kitchen.quality() == ["", ""]
    assert kitchen.tests()[-1].state == "failed"


async def test_readings_that_a_rate_limit_keeps_out_are_marked_too(kitchen: TestedKitchen) -> None:
    await kitchen.begin(2)
    kitchen.hear(4, over_rate=True, **GAS_CLOUD)
    await kitchen.ask(6, "end-bump-test", METHANE)
    assert (kitchen.sent, kitchen.standing()) == ([], set())
    assert (kitchen.tests()[-1].state, kitchen.tests()[-1].highest) == ("passed", 60.0)


async def test_leak_that_was_measured_before_the_test_and_is_told_late_is_no_test_gas(kitchen: TestedKitchen) -> None:
    await kitchen.begin(2)
    kitchen.hear(4, ago=3, **GAS_CLOUD)
    assert CLOSE in kitchen.sent
    await kitchen.durable()
    assert kitchen.quality()[1:] == [""]


@pytest.mark.parametrize("step_s", [-7200, -2, 1200])
async def test_readings_are_marked_also_after_the_wall_clock_stepped(kitchen: TestedKitchen, step_s: int) -> None:
    await kitchen.begin(2)
    kitchen.wall_step = step_s * SECOND
    kitchen.hear(4, **GAS_CLOUD)
    await kitchen.durable()
    assert kitchen.sent == []
    assert kitchen.quality()[1:] == ["under-test"]


async def test_the_end_comes_by_itself_and_gas_counts_from_then_on(kitchen: TestedKitchen) -> None:
    await kitchen.begin(2, for_s=10)
    kitchen.hear(11.5, **GAS_CLOUD)
    assert kitchen.sent == []
    kitchen.hear(12, **GAS_CLOUD)
    assert CLOSE in kitchen.sent
    await kitchen.durable()
    assert [(one.ended_by, one.ended_why) for one in kitchen.tests()] == [("", ""), ("", ""), ("", "time")]
    assert kitchen.modes.bump_tests.due() is None


async def test_reading_that_comes_before_the_tick_at_the_end_is_not_marked(
    kitchen: TestedKitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kitchen.begin(2, for_s=10)
    monkeypatch.setattr(kitchen, "until", lambda _seconds: None)  # the loop is held up: nobody ticks
    kitchen.hear(12, **GAS_CLOUD)
    assert CLOSE in kitchen.sent
    await kitchen.durable()
    assert kitchen.tests()[-1].ended_why == "time"


async def test_clock_that_steps_forward_ends_it_early(kitchen: TestedKitchen) -> None:
    await kitchen.begin(2)
    kitchen.wall_step = 1800 * SECOND
    kitchen.hear(4, **GAS_CLOUD)
    assert CLOSE in kitchen.sent


async def test_restart_goes_on_with_what_was_seen_and_ends_in_time(kitchen: TestedKitchen) -> None:
    await kitchen.begin(2, for_s=60)
    kitchen.hear(4, **GAS_CLOUD)
    await kitchen.restart(30)
    kitchen.wall_step = -3600 * SECOND  # set back while nobody looked: the other clock tells
    kitchen.hear(40, methane=58.0)
    assert kitchen.sent == []
    kitchen.until(62)
    await kitchen.durable()
    (begun, _seen, ended) = kitchen.tests()
    assert (ended.state, ended.highest, ended.ended_why) == ("passed", 60.0, "time")
    assert begun.term == ended.term


@pytest.mark.parametrize("boot", ["boot-2", ""], ids=["another", "unknown"])
async def test_start_of_the_machine_ends_it_early(kitchen: TestedKitchen, boot: str) -> None:
    await kitchen.begin(2)
    kitchen.boot = boot
    await kitchen.restart(4)
    kitchen.hear(6, **GAS_CLOUD)
    assert CLOSE in kitchen.sent
    await kitchen.durable()
    assert [one.ended_why for one in kitchen.tests()] == ["", "restart"]


async def test_nobody_knows_the_start_of_the_machine_before_or_after_and_it_ends(tmp_path: Path) -> None:
    kitchen = TestedKitchen(tmp_path)
    kitchen.boot = ""
    await kitchen.restart(0)
    kitchen.hear(0)
    await kitchen.begin(2)
    await kitchen.restart(4)
    await kitchen.durable()
    assert [one.state for one in kitchen.tests()] == ["running", "failed"]
    await kitchen.journal.close()


async def test_one_hydrogen_sensor_of_a_node_is_tested_alone(kitchen: TestedKitchen) -> None:
    quiet = {f"h2_{n}": 0.0 for n in range(1, 5)} | {f"h2_{n}_state": 0.0 for n in range(1, 5)}
    kitchen.hear(0, NODE, **quiet)
    answer = await kitchen.ask(2, "bump-test", NODE, for_s=60)
    assert answer.refusal == f"name one detector of {NODE}: h2_1, h2_2, h2_3, h2_4"
    await kitchen.begin(2, f"{NODE}~h2_2")
    kitchen.hear(4, NODE, **{**quiet, "h2_2": 2.0, "h2_2_state": 2.0, "h2_3": 2.0, "h2_3_state": 2.0, "flame": 1.0})
    await kitchen.durable()
    points = kitchen.site.devices[NODE].profile.by_name
    reading = kitchen.readings()[-1]
    marked = {name for name, one in points.items() if reading.quality[one.index] == Quality.UNCERTAIN_UNDER_TEST}
    assert marked == {"h2_2", "h2_2_state"}
    assert not [one for one in kitchen.standing() if one.endswith(":h2_2")]
    kitchen.hear(6, NODE, **{**quiet, "h2_2": 2.0, "h2_2_state": 1.0})  # its fault is no test gas
    await kitchen.durable()
    assert kitchen.readings()[-1].quality_of(points["h2_2_state"].index) is Quality.GOOD


async def test_detector_without_a_value_is_proved_by_its_alarm_bit(kitchen: TestedKitchen) -> None:
    kitchen.hear(0, BIT, alarm=0.0)
    await kitchen.begin(2, BIT)
    kitchen.hear(4, BIT, alarm=1.0)
    await kitchen.ask(6, "end-bump-test", f"{BIT}~alarm")
    assert (kitchen.standing(), kitchen.tests()[-1].state, kitchen.tests()[-1].limit) == (set(), "passed", 1.0)
    kitchen.hear(8, BIT, alarm=1.0)
    kitchen.until(20)
    assert kitchen.standing() == {f"{BIT}~CK-02"}


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"who": ""}, "needs the name"),
        ({"why": " "}, "needs a reason"),
        ({"for_s": None}, "between 1 s and 1800 s"),
        ({"for_s": HALF_HOUR + 0.1}, "between 1 s and 1800 s"),
        ({"for_s": 0.0}, "between 1 s and 1800 s"),
        ({"for_s": float("nan")}, "between 1 s and 1800 s"),
        ({"target": "gas:9"}, "is not registered"),
        ({"target": GAS}, "name one detector of gas:1: methane, co"),
        ({"target": f"{GAS}~temperature"}, "name one detector"),
        ({"target": NODE + "~h2_1"}, "is not heard"),
    ],
    ids=str,
)
async def test_what_is_not_asked_for_properly_is_refused(
    kitchen: TestedKitchen, change: dict[str, Any], refusal: str
) -> None:
    asked = {"target": METHANE, "for_s": 60.0} | change
    answer = await kitchen.ask(2, "bump-test", asked.pop("target"), **asked)
    assert refusal in answer.refusal
    kitchen.hear(4, **GAS_CLOUD)
    assert CLOSE in kitchen.sent
    assert kitchen.tests() == []


async def test_second_test_of_the_same_detector_is_refused(kitchen: TestedKitchen) -> None:
    await kitchen.begin(2)
    assert "already" in (await kitchen.ask(4, "bump-test", METHANE, for_s=60)).refusal
    await kitchen.begin(4, f"{GAS}~co")
    assert len(kitchen.modes.bump_tests.running[GAS]) == 2


async def test_what_does_not_run_is_not_ended(kitchen: TestedKitchen) -> None:
    answer = await kitchen.ask(2, "end-bump-test", METHANE)
    assert (answer.found, "GET /api/v1/bump-tests" in answer.refusal) == (False, True)
    await kitchen.begin(4)
    assert "name of the person" in (await kitchen.ask(6, "end-bump-test", METHANE, who="")).refusal
    assert (await kitchen.ask(6, "end-bump-test", f"{GAS}~co")).found is False


@pytest.mark.parametrize("leaking", [GAS, OTHER], ids=["its own", "its neighbour's"])
async def test_alarm_in_the_zone_refuses_a_test_until_it_is_settled(kitchen: TestedKitchen, leaking: str) -> None:
    kitchen.hear(2, leaking, methane=60.0)
    kitchen.hear(4, leaking, methane=0.0)
    assert "settle it" in (await kitchen.ask(6, "bump-test", METHANE, for_s=60)).refusal
    for second in range(8, 140, 2):
        kitchen.hear(second, valve=2.0)
        kitchen.hear(second, OTHER, valve=2.0)
    for alarm in sorted(kitchen.standing()):
        await kitchen.ask(140, "acknowledge", alarm)
        assert "latched" in (await kitchen.ask(140, "bump-test", METHANE, for_s=60)).refusal
        await kitchen.ask(140, "reset", alarm)
    assert kitchen.standing() == set()
    assert (
        "interlock kitchen~restaurant-kitchen is tripped"
        in (await kitchen.ask(140, "bump-test", METHANE, for_s=60)).refusal
    )


async def test_value_over_the_limit_whose_alarm_is_still_delayed_refuses_a_test(kitchen: TestedKitchen) -> None:
    kitchen.hear(2, co=120.0)
    assert kitchen.standing() == set()
    assert "take it for a leak" in (await kitchen.ask(4, "bump-test", f"{GAS}~co", for_s=60)).refusal


async def test_detector_that_is_lost_is_not_put_under_test(kitchen: TestedKitchen) -> None:
    kitchen.watch.lost(GAS, kitchen.moment(2))
    assert "is not heard" in (await kitchen.ask(4, "bump-test", METHANE, for_s=60)).refusal


async def test_gateway_whose_devices_are_simulated_tests_nothing(tmp_path: Path) -> None:
    kitchen = TestedKitchen(tmp_path, Origin.SIMULATED)
    assert "live" in (await kitchen.ask(2, "bump-test", METHANE, for_s=60)).refusal
    await kitchen.journal.close()


async def test_test_ends_with_its_device(kitchen: TestedKitchen) -> None:
    await kitchen.begin(2)
    await kitchen.begin(2, f"{GAS}~co")
    kitchen.follow_site(3)
    assert len(kitchen.modes.bump_tests.running[GAS]) == 2
    kitchen.drop(GAS)
    kitchen.follow_site(4)
    await kitchen.durable()
    assert [one.ended_why for one in kitchen.tests()] == ["", "", "site-changed", "site-changed"]
    assert kitchen.modes.bump_tests.running == {}


async def test_silence_under_test_is_judged_by_what_was_there_before_the_gas(kitchen: TestedKitchen) -> None:
    await kitchen.begin(2)
    kitchen.hear(4, **GAS_CLOUD)
    for second in range(6, 40, 2):
        kitchen.hear(second, OTHER)
    assert (kitchen.sent, kitchen.standing()) == ([], set())
    assert kitchen.watch.alarms.group_of(GAS, Origin.LIVE).picture.lost
