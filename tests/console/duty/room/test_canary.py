"""The canary: it goes the way of an alarm, nothing LIVE knows of it, and its silence is told."""

import asyncio
import logging
from collections.abc import Mapping

import pytest

from alarms.alarm import decode_transition
from console.duty.figures import duty_figures
from console.services import Answer
from gengfu.annotations import Annotator
from gengfu.own_devices.canary import ALARM, Canary
from gengfu.rules import Rulebook
from protocols.reading import Origin
from tests.console.duty.conftest import GAS, LEAK, OTHER, published
from tests.console.duty.room.conftest import OpenRoom, Room

FIGURES = duty_figures().canary


async def test_it_is_seen_and_acknowledged_and_nothing_else_knows_of_it(room: Room, rulebook: Rulebook) -> None:
    await room.quiet()
    before = room.rig.up.load_state("")
    alarms = await published(room.rig, "alarm", room.side.canary.sing)
    state = (await room.get("duty"))["canary"]
    assert (state["state"], state["seen_at"]) == ("heard", "2026-11-18T11:06:40.000Z")
    assert state["took_s"] > 0
    entries = [one.entry for one in room.rig.up.tail(1000)]
    told = [decode_transition(one.body) for one in entries if one.kind == "alarm"]
    assert [(one.alarm, one.origin, one.after.word, one.who) for one in told] == [
        (ALARM, Origin.SIMULATED, "unacknowledged", ""),
        (ALARM, Origin.SIMULATED, "acknowledged", "canary"),
        (ALARM, Origin.SIMULATED, "normal", ""),
    ]
    assert sum(one.kind == "reading" for one in entries) == 3, "of the boards alone"
    after = room.rig.up.load_state("")
    changed = {key for key in after if after[key] != before.get(key)}
    assert changed == {f"alarm/{ALARM}", "downlink/cursor"}
    assert alarms == []
    assert (await room.get("alarms"))["items"] == (await room.get("alarms?origin=simulated"))["items"] == []
    assert (await room.get("alarms/history"))["items"] == []
    live = room.rig.services.live
    assert {*live.snapshot(), *live.snapshot(Origin.SIMULATED)} == {GAS, OTHER, "t:bin:1"}
    assert room.rig.gateway.line.sent == []
    annotate = Annotator(room.rig.services.site, rulebook, {})  # type: ignore[arg-type]  # whole here; the console names a part
    assert [annotate(one.kind, one.body) for one in entries if one.kind == "alarm"] == [None] * 3, "for InfluxDB"


async def test_it_is_heard_in_the_middle_of_a_leak_and_again_and_again(room: Room) -> None:
    await room.rig.leak()
    assert await room.side.canary.sing()
    assert await room.side.canary.sing()
    assert [one["id"] for one in (await room.get("alarms?state=active"))["items"]] == [LEAK]


async def test_silence_is_told_when_it_is_a_minute_late(room: Room) -> None:
    missing = room.asked["canary_missing"]
    assert (await room.get("duty"))["canary"]["state"] == "waiting"
    room.pass_time(600)
    assert (missing(), (await room.get("duty"))["canary"]["state"]) == (0, "waiting")

    async def wait() -> None:
        room.pass_time(60)

    (told,) = await published(room.rig, "duty", wait)
    assert (missing(), told["canary"]["state"]) == (60, "missing")
    assert await room.side.canary.sing()
    assert (missing(), (await room.get("duty"))["canary"]["state"]) == (0, "heard")


class Deaf:
    """A desk that does not follow the journal."""

    def find(self, _alarm: str) -> None:
        return None


async def nobody(*_asked: str | Mapping[str, object]) -> Answer | None:
    """A gateway that takes no requests."""
    return None


@pytest.mark.parametrize("broken", ["rules", "answer", "desk"])
async def test_any_link_that_is_broken_silences_it(room: Room, broken: str, caplog: pytest.LogCaptureFixture) -> None:
    rig = room.rig
    heard: list[float] = []
    one = Canary(
        lambda readings: None if broken == "rules" else rig.gateway.pipeline.judge(readings, rig.now()),
        Deaf() if broken == "desk" else rig.desk.alarms,
        nobody if broken == "answer" else rig.asker,
        heard.append,
        FIGURES.model_copy(update={"within_s": 0.1}),
    )
    rig.up.subscribe(one.listen)
    with caplog.at_level(logging.ERROR):
        assert not await one.sing()
        assert not await one.sing()
    assert heard == []
    assert len([record for record in caplog.records if "was not heard" in record.getMessage()]) == 1


async def test_it_is_heard_again_after_the_process_died_in_the_middle(open_room: OpenRoom) -> None:
    room = await open_room()
    room.side.canary._say(is_on=True)
    await room.rig.up.append([])
    again = await open_room()
    assert again.rig.desk.alarms.item(ALARM)["state"] == "unacknowledged"
    assert await again.side.canary.sing()


async def test_it_sings_for_ever_and_soon_again_when_it_was_not_heard(room: Room) -> None:
    pauses: list[float] = []
    answers = iter([True, False])

    class Stop(Exception):
        pass

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def sing() -> bool:
        try:
            return next(answers)
        except StopIteration:
            raise Stop from None

    one = room.side.canary
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one, "sing", sing)  # the song itself has tests of its own
        patch.setattr(asyncio, "sleep", sleep)
        with pytest.raises(Stop):
            await one.run()
    assert pauses == [60.0, 600.0, 60.0]
