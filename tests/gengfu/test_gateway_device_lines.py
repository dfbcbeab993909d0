"""S6: a line that is cut blinds many devices at once; only what is said of it is grouped."""

import pytest

from gengfu.own_devices.lines import SILENT
from protocols.gateway_sign import BlindDevice
from protocols.quality import Quality
from protocols.reading import Origin
from tests.fixtures.cut_lines import LINE, Town
from tests.fixtures.stories import GAS, at, bin_reading, gas_reading, marked

VITAL = tuple(point.name for point in GAS.points if point.life_safety)


def six_of_a_line() -> Town:
    """Six gas alarms; of five of them something is known that must not get lost."""
    town = Town(["calm", "alarm", "level", "rising", "over", "warm"])
    said = {"calm": 1.0, "alarm": 26.0, "level": 1.0, "over": 120.0, "warm": 1.0}
    for seconds in (0, 20):
        town.pass_time(seconds)
        readings = [gas_reading(seconds, one, methane=value, co=12.0 * (one == "level")) for one, value in said.items()]
        town.observe([*readings[:-1], gas_reading(seconds, "rising", methane=seconds / 50)])
        town.observe([marked(readings[-1], Quality.UNCERTAIN_WARM_UP, "methane")])
    town.pass_time(28)
    town.cut()
    return town


def test_cut_line_is_one_alarm_that_lists_what_is_blind_and_who_is_told_of_singly() -> None:
    town = six_of_a_line()
    town.pass_time(70)
    assert f"{LINE}~GH-02b" in town.standing()
    (line,) = town.lines.down
    assert (line.connection, line.device, line.since, line.reason) == ("line/1", LINE, at(33).wall, SILENT)
    assert {one.device: one.singly for one in line.devices} == {
        "calm": (),
        "alarm": ("alarm", "level"),
        "level": ("level",),
        "rising": ("alarm", "rising"),
        "over": ("alarm", "level", "over-range"),
        "warm": ("warm-up",),
    }
    assert line.devices[0] == BlindDevice("calm", VITAL)
    picture = town.engine.group_of(LINE, Origin.LIVE).picture
    known = picture.known(1)
    assert known is not None
    assert known.value == 6 * len(VITAL)


def test_each_device_keeps_its_own_loss_and_is_judged_afresh_when_the_line_is_back() -> None:
    town = six_of_a_line()
    town.pass_time(140)
    assert {f"{one}~BL-02" for one in town.site.devices} <= town.standing()
    assert town.lines.down[0].devices[0] == BlindDevice("calm", VITAL), "its loss is no alarm of its own here"
    back = [gas_reading(140, one, methane=0.0) for one in ("calm", "level", "rising", "over", "warm")]
    town.observe([*back, gas_reading(140, "alarm", methane=30.0)])
    town.pass_time(141)
    assert town.lines.down == ()
    for seconds in range(145, 205, 5):
        town.observe(gas_reading(seconds, one, methane=0.0) for one in town.site.devices if one != "alarm")
        town.pass_time(seconds)
    states = {one.alarm: one.active for one in town.engine.records() if one.rule in ("BL-02", "CK-02", "GH-02b")}
    assert [states[f"{one}~BL-02"] for one in ("calm", "level", "rising", "warm")] == [False] * 4
    assert states["alarm~CK-02"], "30 %LEL is a leak, whatever the line did"
    town.pass_time(215)
    assert f"{LINE}~GH-02b returned-unacknowledged" in town.said


def test_connection_that_says_so_itself_is_down_before_a_device_is_lost() -> None:
    town = Town(["one"])
    town.observe([gas_reading(0, "one")])
    town.diagnosis.down("the converter is unplugged")
    town.pass_time(5)
    assert [one.reason for one in town.lines.down] == ["the converter is unplugged"]
    town.diagnosis.up()
    town.pass_time(10)
    assert town.lines.down == ()
    town.diagnosis.down("again")
    town.pass_time(15)
    assert [one.since for one in town.lines.down] == [at(15).wall]


@pytest.mark.parametrize("lost", [["one"], ["one", "two"]])
def test_line_on_which_somebody_is_heard_is_none_that_is_down(lost: list[str]) -> None:
    town = Town([*lost, "other"] if len(lost) > 1 else lost)
    town.observe(gas_reading(0, one) for one in town.site.devices)
    for device in lost:
        town.engine.lost(device, town.now)
    town.pass_time(5)
    assert town.lines.down == ()


@pytest.mark.parametrize(
    ("model", "kind", "rule"),
    [("gas-alarm", "home-kitchen", "GH-02b"), ("smart-bin", "street", "GH-02d")],
)
def test_priority_is_the_highest_that_the_loss_of_a_member_has(model: str, kind: str, rule: str) -> None:
    town = Town(["one", "two"], model, kind)
    make = gas_reading if model == "gas-alarm" else bin_reading
    town.observe([make(0, one) for one in town.site.devices])
    town.cut()
    town.pass_time(40)
    assert f"{LINE}~{rule}" in town.standing()
