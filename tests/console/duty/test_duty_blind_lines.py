"""S6 on the desk: the alarm of a connection lists what is blind, and speaks for those of its devices that say no
more."""

from typing import Any

import msgspec
import pytest

from alarms.actions import Action
from alarms.alarm import AlarmTransition
from console.api.shapes_duty import AlarmItem
from console.duty.desk import DutyDesk
from console.events import EventHub
from gengfu.own_devices.desk_site import DeskSite
from gengfu.rules import shipped
from journal.entry import Entry, Stored
from protocols.gateway_sign import KIND, STATE, GatewaySign, encode_sign
from protocols.reading import Origin
from tests.fixtures.cut_lines import LINE, Town, at_once
from tests.fixtures.stories import gas_reading

DOWN = f"{LINE}~GH-02b"


class CutLine:
    """A line with a calm gas alarm and one that saw half its limit of CO; cut, and told to a desk."""

    def __init__(self) -> None:
        self.town = Town(["calm", "level"])
        self.in_plan: set[str] = set()
        self.told: list[AlarmTransition] = []
        self.desk = DutyDesk(DeskSite(self.town.site), shipped(), EventHub(), in_plan=lambda: self.in_plan)
        self.town.observe([gas_reading(0, "calm"), gas_reading(0, "level", co=12.0)])
        self.town.cut()
        self.follow(5)
        self.sign()
        self.follow(110)

    def sign(self, body: bytes = b"", origin: Origin = Origin.LIVE) -> bytes:
        at_once(self.town.lines.look())
        sign = body or encode_sign(GatewaySign(1, "east", origin, self.town.lines.down))
        self.desk.listen([Stored(1, Entry(KIND, "1", 0, 1, sign))])
        return sign

    def follow(self, seconds: float) -> None:
        self.town.pass_time(seconds)
        for one in self.town.transitions:
            self.desk.tell(one)
        self.told += self.town.transitions
        self.town.transitions.clear()

    def act(self, action: Action) -> None:
        self.town.engine.act(action, self.town.now)
        self.follow(110)

    def item(self, alarm: str) -> dict[str, Any]:
        found = self.desk.alarms.find(alarm)
        assert found is not None
        AlarmItem.model_validate(found)
        return found

    def announced_with(self, *alarms: str) -> list[str | None]:
        return [self.item(one)["announced_with"] for one in alarms]


@pytest.fixture
def cut() -> CutLine:
    return CutLine()


def test_alarm_of_a_connection_lists_what_is_blind_and_speaks_for_who_is_only_lost(cut: CutLine) -> None:
    assert cut.announced_with("calm~BL-02", "level~BL-02", DOWN) == [DOWN, None, None]
    blind = cut.desk.lines.blind(LINE)
    assert blind == cut.desk.alarms.blind(DOWN)
    assert [(one["device"], one["singly"]) for one in blind] == [("calm", []), ("level", ["level"])]
    assert (blind[0]["area"]["id"], "methane" in blind[0]["points"]) == ("kitchen", True)
    assert [cut.item(one)["blind_points"] for one in (DOWN, "calm~BL-02")] == [2 * len(blind[0]["points"]), 0]
    assert (cut.desk.alarms.blind("calm~BL-02"), cut.desk.alarms.blind("calm~none")) == ([], None)


def test_device_in_the_area_of_a_running_plan_is_announced_by_itself(cut: CutLine) -> None:
    cut.in_plan.add("kitchen")
    assert cut.announced_with("calm~BL-02") == [None]
    assert [one["singly"] for one in cut.desk.lines.blind(LINE)] == [["plan"], ["level", "plan"]]


def test_alarm_that_says_more_than_that_its_device_is_lost_is_announced_by_itself(cut: CutLine) -> None:
    lost = next(one for one in cut.told if one.alarm == "calm~BL-02")
    cut.desk.tell(msgspec.structs.replace(lost, alarm="calm~CK-01", rule="CK-01"))
    assert cut.announced_with("calm~BL-02", "calm~CK-01") == [DOWN, None]


def test_alarm_that_is_silenced_speaks_for_nobody(cut: CutLine) -> None:
    cut.act(Action("shelve", DOWN, "li", "works on the line", 600.0))
    assert cut.announced_with("calm~BL-02") == [None]


def test_line_that_is_back_groups_nothing(cut: CutLine) -> None:
    cut.town.observe([gas_reading(110, "calm")])
    cut.sign()
    assert cut.announced_with("calm~BL-02") == [None]
    assert cut.desk.lines.blind(LINE) == []


@pytest.mark.parametrize("body", [b"\x93\x02of a newer release", b""])
def test_sign_that_cannot_be_read_or_is_simulated_groups_nothing(cut: CutLine, body: bytes) -> None:
    cut.sign(body, Origin.SIMULATED)
    assert cut.announced_with("calm~BL-02") == [None]
    assert cut.desk.lines.undecoded == bool(body)


def test_sign_without_news_lets_stand_what_was_told(cut: CutLine) -> None:
    cut.sign(encode_sign(GatewaySign(2, "east", Origin.LIVE)))
    assert cut.announced_with("calm~BL-02") == [DOWN]


def test_desk_that_begins_anew_knows_the_last_sign(cut: CutLine) -> None:
    again = DutyDesk(DeskSite(cut.town.site), shipped(), EventHub())
    again.warm({STATE: cut.sign()})
    assert [one["device"] for one in again.lines.blind(LINE)] == ["calm", "level"]
