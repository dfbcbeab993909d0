"""The alarm board says the same as the gateway's own records, whatever happens and over restarts."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import pytest

from alarms.actions import Action, Verb
from alarms.alarm import AlarmRecord, AlarmTransition
from alarms.states import AlarmState, Event
from console.duty.alarm_board import AlarmBoard
from device_registry.devices import Site
from gengfu import rules
from protocols.reading import Origin
from tests.console.conftest import START
from tests.console.duty.conftest import CLOSED, GAS, LEAK, OTHER, Rig

SECOND = 10**9
FRESH: Mapping[str, Any] = {"state": AlarmState.UNACKNOWLEDGED, "active": True, "raised_at": START}


def board_of(site: Site, *records: AlarmRecord) -> AlarmBoard:
    book = rules.shipped()
    board = AlarmBoard(site, book.alarms, book.responses)
    board.warm(records)
    return board


def record_of(rule: str = "CK-04", device: str = GAS, point: str = "methane", **more: Any) -> AlarmRecord:
    record = AlarmRecord(f"{device}~{rule}", device, point, rule, Origin.LIVE, "critical", True)
    return msgspec.structs.replace(record, **{**FRESH, **more})


def raised(at: int, *, late: bool = False) -> AlarmTransition:
    return AlarmTransition(
        LEAK, GAS, "methane", "CK-04", Origin.LIVE, "critical", True, Event.RAISE, AlarmState.NORMAL,
        AlarmState.UNACKNOWLEDGED, at, at, 60.0, 0, at, late,
    )  # fmt: skip


async def act(rig: Rig, verb: Verb, alarm: str = LEAK, **more: Any) -> None:
    verdict = rig.gateway.watch.perform(Action(verb, alarm, "li", **more), rig.now())
    await rig.up.append(verdict.entries, verdict.state)


BIN = "t:bin:1~SB-02"
SILENCE = {"why": "works", "for_s": 300.0}


async def a_latched_leak(rig: Rig) -> AsyncIterator[str]:
    await rig.leak()
    yield "raised"
    await act(rig, "acknowledge")
    yield "acknowledged"
    await rig.clear(124)
    yield "latched"
    await rig.hear(methane=60.0, valve=CLOSED)
    yield "raised again"
    await rig.clear(124)
    await act(rig, "acknowledge")
    await act(rig, "reset")
    yield "reset"


async def full(rig: Rig, percent: float = 95.0) -> None:
    profile = rig.services.site.devices["t:bin:1"].profile
    for _ in range(2):
        rig.clock.advance(1)
        await rig.hear_of(profile, "t:bin:1", {"fill": percent})


async def a_bin_out_of_service(rig: Rig) -> AsyncIterator[str]:
    await full(rig)
    await act(rig, "acknowledge", BIN)
    await act(rig, "out-of-service", BIN, **SILENCE)
    yield "out of service"
    await rig.tick(301)
    yield "its time is over"


async def a_shelved_bin(rig: Rig) -> AsyncIterator[str]:
    await full(rig)
    await act(rig, "shelve", BIN, **SILENCE)
    yield "shelved"
    await full(rig, 10.0)
    await act(rig, "unshelve", BIN)
    yield "emptied meanwhile"
    await act(rig, "suppress", BIN)
    await act(rig, "unsuppress", BIN)
    yield "unsuppressed"


@pytest.mark.parametrize("story", [a_latched_leak, a_bin_out_of_service, a_shelved_bin])
async def test_the_board_says_what_the_gateway_keeps(rig: Rig, site: Site, story: Any) -> None:
    seen = 0
    async for moment in story(rig):
        known = [one for one in rig.gateway.watch.alarms.records() if one.changed_at]
        expected = {one["id"]: one for one in board_of(site, *known).items()}
        shown = {one["id"]: one for one in rig.desk.alarms.items()}
        for item in (*expected.values(), *shown.values()):
            # of a value the board learns with the next transition only
            del item["value"], item["sampled_at"], item["quality"]
        assert shown == expected, moment
        seen += 1
    assert seen


async def test_the_value_shown_is_that_of_the_last_change(rig: Rig) -> None:
    await rig.leak()
    await rig.hear(methane=80.0, valve=CLOSED)
    assert rig.desk.alarms.item(LEAK)["value"] == 60.0
    await act(rig, "acknowledge")
    assert rig.desk.alarms.item(LEAK)["value"] == 80.0


def test_a_late_alarm_is_marked_until_it_is_raised_afresh(site: Site) -> None:
    board = board_of(site)
    board.observe(raised(START, late=True))
    assert board.item(LEAK)["late"]
    board.observe(raised(START + SECOND))
    assert not board.item(LEAK)["late"]


@pytest.mark.parametrize(
    ("rule", "device", "point"),
    [
        ("XX-9", GAS, "methane"),  # the rule is gone
        ("CK-04", "gone:gas:1", "methane"),  # the device is gone
        ("CK-04", "t:bin:1", "methane"),  # the rule is not for the area of the device
        ("SB-02", GAS, "methane"),  # the device has no such point
    ],
)
def test_an_alarm_that_no_rule_judges_is_an_orphan_that_a_person_settles(
    site: Site, rule: str, device: str, point: str
) -> None:
    record = record_of(rule, device, point)
    item = board_of(site, record).item(record.alarm)
    assert (item["orphan"], item["actions"]) == (True, ["acknowledge", "out-of-service"])
    settled = msgspec.structs.replace(record, state=AlarmState.ACKNOWLEDGED)
    assert board_of(site, settled).item(record.alarm)["actions"] == ["out-of-service", "reset"]
    assert item["reset_needs"] == "on-site-calibration", "the gateway asks for it: nobody knows what its rule asked for"
    process = msgspec.structs.replace(record, life_safety=False)
    assert board_of(site, process).item(record.alarm)["reset_needs"] == "role"


def test_an_alarm_of_a_changed_rule_is_an_orphan_that_its_new_rule_has_to_let_go_of(site: Site) -> None:
    record = msgspec.structs.replace(record_of(), state=AlarmState.ACKNOWLEDGED, outlived=True)
    board = board_of(site, record)
    item = board.item(LEAK)
    assert (item["orphan"], item["reset_needs"], item["actions"]) == (True, "on-site-calibration", ["out-of-service"])
    board.observe(
        msgspec.structs.replace(raised(START + 1), event=Event.RESET, after=AlarmState.NORMAL, mark=7, outlived=False)
    )
    assert not board.item(LEAK)["orphan"]


def test_an_alarm_that_its_rule_judges_is_no_orphan(site: Site) -> None:
    for origin, name in ((Origin.LIVE, LEAK), (Origin.DRILL, f"{LEAK}~drill")):
        record = msgspec.structs.replace(record_of(), alarm=name, origin=origin)
        assert not board_of(site, record).item(name)["orphan"]


def test_what_is_gone_is_shown_by_its_id(site: Site) -> None:
    item = board_of(site, record_of("XX-9", "gone:gas:1", "smell")).item("gone:gas:1~XX-9")
    shown = [item[name]["zh"] for name in ("device_title", "title", "point_title")]
    assert (shown, item["class"], item["respond_within_s"]) == (["gone:gas:1", "XX-9", "smell"], "life-safety", None)


def test_a_priority_of_another_release_comes_first(site: Site) -> None:
    strange = msgspec.structs.replace(record_of(device=OTHER), priority="extreme")
    board = board_of(site, record_of(raised_at=START + SECOND), strange)
    assert [one["device"] for one in board.items()] == [OTHER, GAS]


def test_a_suppressed_alarm_shows_no_end_of_an_earlier_shelving(site: Site) -> None:
    state, until = AlarmState.SUPPRESSED_BY_DESIGN, START + SECOND
    record = msgspec.structs.replace(record_of(), state=state, silence_until=until, silenced_by="li")
    item = board_of(site, record).item(LEAK)
    assert (item["silence_until"], item["silenced_by"]) == (None, "li")


def test_a_value_that_json_cannot_say_is_none(site: Site) -> None:
    board = board_of(site)
    board.observe(msgspec.structs.replace(raised(START), value=float("inf")))
    assert board.item(LEAK)["value"] is None


def test_every_response_of_the_shipped_rules_has_a_text(site: Site) -> None:
    book = rules.shipped()
    missing = {one for rule in book.alarms.values() for one in rule.response} - set(book.responses)
    assert missing == set()
    board = AlarmBoard(site, book.alarms, {})
    board.warm([record_of()])
    assert board.item(LEAK)["response"] == [{"id": "R3", "zh": "R3", "en": "R3"}]
