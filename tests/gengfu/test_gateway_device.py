"""The gateway as a device of its own: what it knows of itself goes through its own watch."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from alarms.alarm import AlarmTransition, encode
from alarms.states import AlarmState, Event
from gateway.uplink import Uplink
from gengfu import clock
from gengfu.annotations import Annotator
from gengfu.own_devices.desk_site import DeskSite
from gengfu.own_devices.device import Facts, GatewayDevice
from gengfu.own_devices.devices import GatewayDevices, connection_id, gateway_id, sign_id
from gengfu.own_devices.report_places import ReportPlaces
from gengfu.rules import shipped
from journal.entry import PARTITIONS
from protocols.errors import UnknownDevice
from protocols.reading import Origin, Reading
from tests.fixtures.pipelines import SITE
from tests.fixtures.tested_gateway import Running, started

GATEWAY = gateway_id("east")
EMPTY_DESK = f"{GATEWAY}~GH-04b"


def standing(running: Running) -> set[str]:
    return {one.alarm for one in running.gateway.watch.alarms.records() if one.state.stands}


async def kinds(running: Running) -> set[str]:
    await running.gateway.journal.append([])
    return {one.entry.kind for one in running.gateway.journal.read(range(PARTITIONS), {}, 100)}


async def test_report_is_an_alarm_like_any_other_and_outlasts_a_restart(tmp_path: Path) -> None:
    async with started(tmp_path) as running:
        running.gateway.own.report("desk_unattended", 119.0)
        assert standing(running) == set()
        running.gateway.own.report("desk_unattended", 120.0)
        assert standing(running) == {EMPTY_DESK}
        assert {"alarm", "reading"} & await kinds(running) == {"alarm"}, "it is judged, what comes of it stored"
    async with started(tmp_path) as running:
        assert standing(running) == {EMPTY_DESK}
        answer = await running.ask("acknowledge", EMPTY_DESK, "li", {})
        assert answer is not None
        assert answer.refusal == ""
        running.gateway.own.report("desk_unattended", 0.0)
        assert standing(running) == set()


async def test_change_of_the_site_lets_the_gateway_stand_and_nobody_may_speak_for_it(tmp_path: Path) -> None:
    async with started(tmp_path) as running:
        running.gateway.own.report("bypasses", 1.0)
        running.drop("gas:2")
        running.gateway.rearrange()
        assert standing(running) == {f"{GATEWAY}~GH-05d"}
        pack = f'[{{"bn":"{GATEWAY}/","n":"bypasses","v":0}}]'.encode()
        for connection in ("coap", ""):
            with pytest.raises(UnknownDevice):
                running.gateway.ingest(Uplink("coap", pack, 110, "peer", clock.wall(), connection), lambda _error: None)


class Judged:
    """A gateway device whose readings are kept."""

    def __init__(self, origin: Origin = Origin.LIVE) -> None:
        self.readings: list[Reading] = []
        self.device = GatewayDevice(SITE, origin, self._take)

    def _take(self, readings: Sequence[Reading]) -> None:
        self.readings += readings

    def values(self, number: int = -1) -> dict[str, object]:
        """What a reading says, by point."""
        reading = self.readings[number]
        points = self.device.devices[reading.device].points
        return {point.name: value for point, value in zip(points, reading.values, strict=True) if value is not None}


async def test_what_was_told_and_what_is_asked_for_is_judged_whenever_it_looks() -> None:
    judged, fill = Judged(), iter([1.0, 2.0])
    judged.device.report("bypasses", 1.0)
    assert judged.values() == {"bypasses": 1.0}
    judged.device.feed("journal_fill", lambda: next(fill))
    for wanted in (1.0, 2.0):
        await judged.device.look()
        assert judged.values() == {"bypasses": 1.0, "journal_fill": wanted}
    judged.device.tell({"bypasses": None, "mains_lost": 0.0})
    assert judged.values() == {"mains_lost": 0.0}


async def test_others_are_judged_in_the_same_look_and_one_that_is_gone_is_not() -> None:
    judged = Judged(Origin.SIMULATED)
    line = connection_id(SITE.id, next(iter(SITE.connections)))

    async def others() -> dict[str, Facts]:
        return {line: {"blind": 3.0}, "gateway:gone": {"blind": 3.0}}

    judged.device.others = others
    await judged.device.look()
    assert [one.device for one in judged.readings] == [line, gateway_id(SITE.id)]
    assert judged.values(0) == {"blind": 3.0}
    assert {one.origin for one in judged.readings} == {Origin.SIMULATED}


@pytest.mark.parametrize("tell", [lambda one: one.report("fill", 1.0), lambda one: one.feed("fill", lambda: 1.0)])
def test_point_that_there_is_not_is_named_with_those_that_there_are(tell: object) -> None:
    judged = Judged()
    assert callable(tell)
    with pytest.raises(KeyError, match=r"no point 'fill'; it has bypasses, .*, notifications_failed"):
        tell(judged.device)


def test_own_devices_follow_the_connections_of_the_site_and_are_no_devices_of_it() -> None:
    connections = dict(SITE.connections)
    site = msgspec.structs.replace(SITE, connections=connections)
    own, desk = GatewayDevices(site), DeskSite(site)
    assert set(own) == {gateway_id("demo"), sign_id("demo"), *(connection_id("demo", one) for one in connections)}
    connections["more/of-it"] = next(iter(connections.values()))
    assert "gateway:demo:more.of-it" in own
    assert set(desk.devices) == {*own, *ReportPlaces(site), *site.devices}
    assert desk.devices["demo:gas:0001"] is site.devices["demo:gas:0001"]
    assert not set(own) & set(site.devices)
    assert {one.device for one in own.watched()} == set(own) - {sign_id("demo")}, "whoever is lost cannot say so"


def test_ids_of_the_longest_names_are_as_long_as_an_id_may_be_and_different() -> None:
    names = [connection_id("s" * 64, "c" * 60 + last) for last in "ab"]
    assert [len(name) for name in names] == [64, 64]
    assert names[0] != names[1]


def test_its_alarm_is_drawn_under_its_name() -> None:
    one = AlarmTransition(
        "gateway:demo~GH-03a", "gateway:demo", "journal_fill", "GH-03a", Origin.LIVE, "high", False, Event.RAISE,
        AlarmState.NORMAL, AlarmState.UNACKNOWLEDGED, 1, 1, 85.0, 0, 1,
    )  # fmt: skip
    drawn = Annotator(SITE, shipped(), {})("alarm", encode(one))
    assert drawn is not None
    assert ("Journal fills up" in drawn.title, "Gateway" in drawn.text, "网关" in drawn.text_zh) == (True,) * 3
