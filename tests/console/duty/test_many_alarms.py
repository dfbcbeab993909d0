"""Thousands of alarms are told piece by piece, and whoever else waits for the event loop takes its turn between."""

import asyncio
from collections.abc import Iterator

from fastapi.responses import StreamingResponse
from starlette.types import Message

from alarms.alarm import AlarmRecord
from alarms.states import AlarmState
from console.api.alarms import alarms
from console.api.events import EventStream
from console.api.pieces import AT_ONCE, joined
from console.events import READER_FRAMES_MAX, EventHub, frame
from console.roles import Principal, Role
from protocols.reading import Origin
from tests.console.conftest import PASSWORDS, START
from tests.console.duty.conftest import GAS, OTHER, Rig
from tests.console.test_console_serve import running, streaming

MANY = 5 * AT_ONCE + 1


def _records(many: int) -> Iterator[AlarmRecord]:
    for number in range(many):
        device = (GAS, OTHER)[number % 2]
        record = AlarmRecord(f"{device}~X-{number}", device, "methane", f"X-{number}", Origin.LIVE, "high", False)
        record.state, record.active, record.raised_at = AlarmState.UNACKNOWLEDGED, True, START + number
        yield record


async def test_the_list_of_alarms_is_made_in_pieces_and_others_take_turns_between(rig: Rig) -> None:
    rig.desk.alarms.warm(_records(MANY))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    answer = await alarms(Principal("viewer", Role.VIEWER, "session", ""), rig.services)
    assert isinstance(answer, StreamingResponse)
    waiting = asyncio.create_task(others())
    seen = [turns async for _ in answer.body_iterator]
    waiting.cancel()
    assert len(set(seen[1:])) == len(seen) - 1 > 5


async def test_the_list_of_alarms_is_one_document(rig: Rig) -> None:
    for many in (MANY, 1, 0):
        rig.desk.alarms.warm(_records(many))
        answer = await rig.client(Role.VIEWER).get("/api/v1/alarms")
        assert answer.json() == {"items": rig.desk.alarms.items(), "next": None}
        assert len(answer.json()["items"]) == many
        assert answer.headers["content-type"] == "application/json"


async def test_the_alarms_of_a_device_are_those_of_the_list(rig: Rig) -> None:
    rig.desk.alarms.warm(_records(MANY))
    all_of_them = rig.desk.alarms.items()
    for device in (GAS, OTHER, "nobody"):
        found = (await rig.client(Role.VIEWER).get(f"/api/v1/alarms?device={device}")).json()["items"]
        assert found == [one for one in all_of_them if one["device"] == device]


async def test_the_snapshot_of_the_stream_is_whole(rig: Rig) -> None:
    rig.desk.alarms.warm(_records(MANY))
    token = rig.services.accounts.login("viewer", PASSWORDS[Role.VIEWER], "test")
    async with running(rig.app, rig.services.stop) as address, streaming(address, token) as stream:
        kind, snapshot = await stream.event()
    assert (kind, snapshot["devices"], snapshot["commands"]) == ("snapshot", {}, True)
    assert snapshot["alarms"] == rig.desk.alarms.items(state="active")
    assert len(snapshot["alarms"]) == MANY


async def test_what_changes_meanwhile_comes_behind_it_and_none_is_lost() -> None:
    """More than a reader keeps, but not between two pieces."""
    hub, pieces = EventHub(), 4
    each = READER_FRAMES_MAX - 1

    def first() -> Iterator[bytes]:
        for piece in range(pieces):
            for number in range(each):
                hub.publish("n", piece * each + number)
            yield b"piece "

    async def allowed() -> bool:
        return True

    sent: list[bytes] = []
    told = asyncio.Event()

    async def send(message: Message) -> None:
        sent.append(message.get("body", b""))
        if frame("n", pieces * each - 1) in sent[-1]:
            told.set()

    async def receive() -> Message:
        await told.wait()
        return {"type": "http.disconnect"}

    async with asyncio.timeout(5):
        await EventStream(hub, first, allowed, 60.0)({}, receive, send)
    numbers = b"".join(frame("n", number) for number in range(pieces * each))
    assert b"".join(sent) == b"piece " * pieces + numbers


def test_an_item_is_made_when_its_piece_is_asked_for() -> None:
    made: list[int] = []

    def items() -> Iterator[bytes]:
        for number in range(2 * AT_ONCE):
            made.append(number)
            yield b"%d" % number

    pieces = joined(items())
    assert next(pieces) == b",".join(b"%d" % number for number in range(AT_ONCE))
    assert len(made) == AT_ONCE
    assert next(pieces) == b"".join(b",%d" % number for number in range(AT_ONCE, 2 * AT_ONCE))
    assert [*pieces] == []


async def test_the_forgotten_alarms_of_a_device_that_is_gone_are_not_listed_by_it(rig: Rig) -> None:
    gone, standing = (AlarmRecord(f"x~{name}", "x", "methane", name, Origin.LIVE, "high", False) for name in "AB")
    standing.state = AlarmState.UNACKNOWLEDGED
    rig.desk.alarms.warm([gone, standing])
    rig.desk.alarms.follow_site()
    assert rig.desk.alarms.ids(device="x") == rig.desk.alarms.ids() == ["x~B"]
