"""Reports of people, told as stories: what is raised and tripped, how long it stands, and whom it never moves."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alarms.errors import ActionRefused
from gateway.reports import RULES
from gengfu.own_devices.report_places import place_id
from interlocks.record import InterlockRecord
from interlocks.states import InterlockState
from protocols.moment import SECOND
from protocols.reading import Origin
from protocols.report import KIND, LONGEST_TEXT, STATE, Report, decode_report
from protocols.request import OperatorRequest
from tests.fixtures.tested_kitchens import DEVICE, GAS, OTHER, TestedKitchen

SITE = """
site = { id = "east", title = { zh = "东", en = "East" } }
connection = [{ id = "coap", transport = "coap", listen = "127.0.0.1:0" }]
area = [
    { id = "mall", title = { zh = "商", en = "M" }, kind = "mall-building", wells = ["well"], neighbours = ["lane"] },
    { id = "mall/tea", title = { zh = "茶", en = "Tea" }, kind = "mall", within = "mall", neighbours = ["yard"] },
    { id = "well", title = { zh = "井", en = "Well" }, kind = "well", neighbours = ["well/2"] },
    { id = "well/2", title = { zh = "井", en = "Well" }, kind = "well" },
    { id = "lane", title = { zh = "巷", en = "Lane" }, kind = "street" },
    { id = "yard", title = { zh = "院", en = "Yard" }, kind = "other" },
    { id = "far", title = { zh = "远", en = "Far" }, kind = "street" },
]
""" + "".join(DEVICE.format(one, "gengfu/gas-alarm", "mall/tea") for one in (GAS, OTHER))
MALL = "mall~mall-building"
NEAR = ("mall", "mall/tea", "well", "lane", "yard")
Q = InterlockState


@pytest.fixture
async def mall(tmp_path: Path) -> AsyncIterator[TestedKitchen]:
    """Both gas alarms of its tenant were heard, and are quiet."""
    made = TestedKitchen(tmp_path, document=SITE)
    both_quiet(made, 0)
    yield made
    await made.journal.close()


def both_quiet(mall: TestedKitchen, seconds: float) -> None:
    mall.hear(seconds)
    mall.hear(seconds, OTHER)


async def report(mall: TestedKitchen, seconds: float, target: str, **more: Any) -> str:
    """The id of the report, or why there is none."""
    answer = await mall.ask(seconds, "report", target, **{"why": "excavator at the kerb", **more})
    return answer.refusal or standing(mall)[-1].id


async def withdraw(mall: TestedKitchen, seconds: float, report_id: str, **more: Any) -> str:
    return (await mall.ask(seconds, "withdraw-report", report_id, **{"why": "it was a water pipe", **more})).refusal


def standing(mall: TestedKitchen) -> list[Report]:
    return list(mall.modes.reports.standing.values())


def interlock(mall: TestedKitchen, origin: Origin = Origin.LIVE) -> InterlockRecord:
    name = MALL if origin is Origin.LIVE else f"{MALL}~{origin.name.lower()}"
    return next(one for one in mall.watch.interlocks.records() if one.id == name)


def causes(mall: TestedKitchen, origin: Origin = Origin.LIVE) -> list[str]:
    return [cause for cause, _ in interlock(mall, origin).causes]


def alarm(area: str, rule: str) -> str:
    return f"{place_id('east', area)}~{rule}"


@pytest.mark.parametrize("area", [*NEAR, "far", "well/2"])
async def test_works_damage_in_the_mall_or_near_by_asks_a_person_and_moves_nothing(
    mall: TestedKitchen, area: str
) -> None:
    await report(mall, 10, f"{area}~works-damage")
    is_near = area in NEAR
    assert causes(mall) == (["ML-4"] if is_near else [])
    assert [(one.action, one.status) for one in interlock(mall).effects] == (
        [("ask-person", "held"), ("inhibit-fan", "held")] if is_near else []
    )
    assert mall.standing() == {alarm(area, "WD-01"), *([alarm("mall", "WD-01")] if is_near else [])}
    assert mall.sent == []


@pytest.mark.parametrize(("what", "rule"), [("odour", "OD-01"), ("fire-seen", "FS-01")])
async def test_odour_and_fire_are_alarms_of_their_area_and_trip_nothing(
    mall: TestedKitchen, what: str, rule: str
) -> None:
    await report(mall, 10, f"mall/tea~{what}")
    assert mall.standing() == {alarm("mall/tea", rule)}
    assert (causes(mall), mall.sent) == ([], [])
    with pytest.raises(ActionRefused):  # of life safety: it is not put away
        await shelved(mall, alarm("mall/tea", rule))


async def shelved(mall: TestedKitchen, name: str) -> None:
    refusal = (await mall.ask(12, "shelve", name, for_s=60)).refusal
    assert mall.record(name).state.stands
    if refusal:
        raise ActionRefused(refusal)


async def test_a_report_stands_over_a_restart_until_it_is_withdrawn_and_the_latch_until_it_is_reset(
    mall: TestedKitchen,
) -> None:
    first = await report(mall, 10, "lane~works-damage")
    second = await report(mall, 12, "well~works-damage")
    await mall.restart(20)
    both_quiet(mall, 21)
    assert ([one.id for one in standing(mall)], causes(mall)) == ([first, second], ["ML-4"])
    tripped = [one for one in mall.entries("trip") if b"tripped" in one.body]
    assert len(tripped) == 1, "what is tripped is not tripped again"
    assert await withdraw(mall, 22, first) == ""
    assert alarm("mall", "WD-01") in mall.standing()
    assert not mall.record(alarm("lane", "WD-01")).active
    refused = await mall.ask(24, "reset-interlock", MALL, on_site=True)
    assert "a report still stands" in refused.refusal
    assert await withdraw(mall, 26, second) == ""
    assert not mall.record(alarm("mall", "WD-01")).active
    for seconds in range(28, 634, 4):
        both_quiet(mall, seconds)
    assert (interlock(mall).state, alarm("mall", "WD-01") in mall.standing()) == (Q.TRIPPED, True)
    assert (await mall.ask(634, "reset-interlock", MALL, on_site=True)).refusal == ""
    assert (interlock(mall).state, mall.sent) == (Q.ARMED, [])
    kept = [decode_report(one) for one in mall.journal.load_state(STATE).values()]
    assert sorted((one.id, one.stands) for one in kept) == sorted([(first, False), (second, False)])
    await mall.restart(640)
    assert standing(mall) == []


async def test_what_is_journaled_says_who_when_and_why(mall: TestedKitchen) -> None:
    name = await report(mall, 100, "lane~works-damage", for_s=60.0, measure=" 138 0000 ")
    await withdraw(mall, 110, name, who="wang")
    entered, withdrawn = (decode_report(one.body) for one in mall.entries(KIND))
    now = mall.moment(100).wall
    assert entered == Report(
        name, "works-damage", "lane", Origin.LIVE, "excavator at the kerb", "li", now, now - 60 * SECOND, "138 0000"
    )
    assert withdrawn == msgspec.structs.replace(
        entered, withdrawn_at=mall.moment(110).wall, withdrawn_by="wang", withdrawn_why="it was a water pipe"
    )


async def test_no_more_is_remembered_of_what_was_withdrawn_than_is_said(
    mall: TestedKitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.reports.KEPT", 2)
    names = [await report(mall, 10 + n, "far~odour") for n in range(4)]
    for n, name in enumerate(names[:2]):
        await withdraw(mall, 20 + n, name)
    await mall.restart(25)
    await withdraw(mall, 26, names[2])
    assert {key.removeprefix(STATE) for key in mall.journal.load_state(STATE)} == set(names[1:])


async def test_a_report_of_a_later_release_keeps_no_gateway_from_starting(
    mall: TestedKitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await report(mall, 10, "far~odour")
    monkeypatch.delitem(RULES, "odour")
    await mall.restart(20)
    assert [one.id for one in standing(mall)] == [name]
    assert await withdraw(mall, 22, name) == ""


async def test_two_reports_of_one_thing_are_one_alarm_until_the_last_is_withdrawn(mall: TestedKitchen) -> None:
    names = [await report(mall, 10 + n, "far~odour", who=who) for n, who in enumerate(("li", "wang"))]
    await withdraw(mall, 14, names[0])
    assert mall.record(alarm("far", "OD-01")).active
    await withdraw(mall, 16, names[1])
    assert not mall.record(alarm("far", "OD-01")).active


@pytest.mark.parametrize("origin", [Origin.DRILL, Origin.SIMULATED])
async def test_a_report_of_a_drill_reaches_the_shadow_alone(mall: TestedKitchen, origin: Origin) -> None:
    now = mall.moment(10)
    request = OperatorRequest("d1", "report", "mall~works-damage", "director", now.wall, now.wall, "drill: excavator")
    mall.modes.reports.enter(request, now, origin)
    await mall.durable()
    assert (causes(mall), causes(mall, origin), interlock(mall).state) == ([], ["ML-4"], Q.ARMED)
    raised = {one.origin for one in mall.watch.alarms.records() if one.state.stands}
    assert (raised, mall.sent) == ({origin}, [])
    await report(mall, 11, "far~works-damage")
    assert causes(mall) == [], "what is entered live does not bring the drill's along"
    await report(mall, 12, "mall~works-damage")
    await withdraw(mall, 14, "mall~d1")
    assert causes(mall) == ["ML-4"], "the end of the drill clears nothing live"
    assert mall.record(alarm("mall", "WD-01")).active


async def test_of_a_simulated_site_nothing_is_live(tmp_path: Path) -> None:
    made = TestedKitchen(tmp_path, Origin.SIMULATED, SITE)
    await report(made, 10, "mall~works-damage")
    assert {one.origin for one in standing(made)} == {Origin.SIMULATED}
    assert causes(made) == []
    await made.journal.close()


@pytest.mark.parametrize(
    ("target", "more", "refused"),
    [
        ("nowhere~odour", {}, "no such area"),
        ("mall~drum", {}, "no such area, or nothing that can be reported"),
        ("mall", {}, "area~what"),
        ("mall~odour", {"who": ""}, "the name of the person"),
        ("mall~odour", {"why": " "}, "says what was noticed"),
        ("mall~odour", {"why": "x" * (LONGEST_TEXT + 1)}, "at most 500"),
        ("mall~odour", {"measure": "1" * 33}, "phone"),
        ("mall~odour", {"for_s": -1.0}, "correct the time"),
        ("mall~odour", {"for_s": 8 * 86400.0}, "correct the time"),
    ],
)
async def test_what_is_no_report_is_refused_and_changes_nothing(
    mall: TestedKitchen, target: str, more: dict[str, Any], refused: str
) -> None:
    assert refused in await report(mall, 10, target, **more)
    assert (standing(mall), mall.standing(), mall.entries(KIND)) == ([], set(), [])


async def test_withdrawing_needs_a_person_a_reason_and_a_report(mall: TestedKitchen) -> None:
    name = await report(mall, 10, "mall~works-damage")
    assert "the name" in await withdraw(mall, 11, name, who="")
    assert "a reason" in await withdraw(mall, 12, name, why=" ")
    assert "no report" in await withdraw(mall, 13, "mall~other")
    assert (len(standing(mall)), mall.record(alarm("mall", "WD-01")).active) == (1, True)


async def test_site_without_the_lane_ends_its_nearness_and_keeps_the_report(mall: TestedKitchen) -> None:
    await report(mall, 10, "lane~odour")
    await report(mall, 12, "far~odour")
    areas = {name: one for name, one in mall.site.areas.items() if name != "lane"}
    areas["mall"] = areas["mall"].model_copy(update={"neighbours": ()})
    mall.change_areas(areas)
    mall.follow_site(20)
    assert [one.area for one in standing(mall)] == ["lane", "far"]
    assert mall.record(alarm("far", "OD-01")).active
    assert mall.record(alarm("lane", "OD-01")).state.stands, "an orphan, for a person to settle (S11)"
    assert await withdraw(mall, 22, standing(mall)[0].id) == ""
