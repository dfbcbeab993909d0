"""The event hub, its readers, and the pump between the live view and them."""

import asyncio
import json
from collections.abc import Callable

import pytest

from console.events import RESYNC, EventHub, Reader, frame, pump
from console.live import LiveView
from protocols.profile.model import Profile
from tests.console.conftest import START, reading_of


def test_a_frame_has_kind_and_json_without_line_breaks() -> None:
    one = frame("alarms", {"text": "a\nb", "value": float("nan")})
    head, data, *rest = one.decode().split("\n")
    assert (head, rest) == ("event: alarms", ["", ""])
    assert json.loads(data.removeprefix("data: ")) == {"text": "a\nb", "value": None}


async def test_every_reader_gets_every_event() -> None:
    hub = EventHub()
    with hub.reading() as one, hub.reading() as other:
        hub.publish("runs", {"id": 1})
        assert await one.get() == await other.get() == frame("runs", {"id": 1})


async def test_waiting_events_come_together_and_in_order() -> None:
    reader = Reader()
    for n in range(3):
        reader.put(b"%d" % n)
    assert await reader.get() == b"012"


async def test_a_slow_reader_is_told_to_resync_and_goes_on() -> None:
    reader = Reader(frames_max=3)
    for n in range(4):
        reader.put(b"%d" % n)
    reader.put(b"4")
    assert await reader.get() == RESYNC + b"4"


async def test_a_reader_that_never_reads_keeps_a_bounded_queue() -> None:
    reader = Reader(frames_max=3)
    for _ in range(1000):
        reader.put(b"x")
    assert len(await reader.get()) <= len(RESYNC) + 3


async def test_a_reader_that_left_is_forgotten() -> None:
    hub = EventHub()
    with hub.reading():
        assert hub.readers == 1
    assert hub.readers == 0


async def test_an_ended_reader_gets_nothing_more() -> None:
    reader = Reader()
    reader.put(b"x")
    reader.end()
    assert await reader.get() == b""


async def test_the_pump_publishes_changes_and_closes_the_hub_on_stop(gas: Profile) -> None:
    live, hub, stop = LiveView(), EventHub(), asyncio.Event()
    pumping = asyncio.create_task(pump(live, hub, stop, lambda: 0.0))
    with hub.reading() as reader:
        live.observe(reading_of(gas, "t:gas:1", START, {"methane": 1.5}), ["methane"])
        async with asyncio.timeout(5):
            event = (await reader.get()).decode()
        item: dict[str, object] = {"device": "t:gas:1", "at": "2026-11-18T11:06:40.000Z"}
        item |= {"values": {"methane": {"value": 1.5, "quality": "good"}}}
        assert event.splitlines()[0] == "event: readings"
        assert json.loads(event.splitlines()[1].removeprefix("data: ")) == {"items": [item]}
    stop.set()
    await pumping
    assert hub.closed.is_set()


async def test_a_pump_that_breaks_closes_the_hub(gas: Profile) -> None:
    live, hub = LiveView(), EventHub()

    def broken_clock() -> float:
        raise ZeroDivisionError

    live.observe(reading_of(gas, "t:gas:1", START, {"methane": 1.5}), ["methane"])
    with pytest.raises(ZeroDivisionError):
        await pump(live, hub, asyncio.Event(), broken_clock)
    assert hub.closed.is_set()


def test_publishing_without_readers_encodes_nothing() -> None:
    unencodable: Callable[[], None] = lambda: None  # noqa: E731
    EventHub().publish("alarms", unencodable)
