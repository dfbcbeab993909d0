"""Real boards against the reference implementation: aiocoap as their gateway, both as server and as client."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiocoap
import aiocoap.resource
import pytest

from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile
from protocols.reading import Origin, Reading
from protocols.uplink import decode_pack
from tests.firmware.bench import DEVICE, Board, values_of
from tests.fixtures.waiting import wait_for_async

pytestmark = pytest.mark.board


class Readings(aiocoap.resource.Resource):
    """``/readings``: takes packs, after ``delay_s``, with the answers of ``refusals`` first."""

    def __init__(self) -> None:
        super().__init__()
        self.delay_s = 0.0
        self.busy = 0
        self.refusals: list[aiocoap.Message] = []
        self.requests: list[aiocoap.Message] = []

    async def render_post(self, request: aiocoap.Message) -> aiocoap.Message:
        self.requests.append(request)
        self.busy += 1
        # aiocoap itself sends an empty ACK when its resource takes longer than 0.1 s.
        try:
            await asyncio.sleep(self.delay_s)
        finally:
            self.busy -= 1
        return self.refusals.pop(0) if self.refusals else aiocoap.Message(code=aiocoap.CHANGED)


@pytest.fixture
def readings() -> Readings:
    """The resource that takes the board's packs."""
    return Readings()


@pytest.fixture
async def context(readings: Readings, free_udp_port: int) -> AsyncIterator[aiocoap.Context]:
    """aiocoap listening on ``free_udp_port``."""
    site = aiocoap.resource.Site()
    site.add_resource(["readings"], readings)
    found = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", free_udp_port), transports=["udp6"])
    yield found
    # aiocoap leaves the answers it is working on behind: a task for each, which Python reports as never awaited.
    await wait_for_async(lambda: readings.busy == 0, what="the last answer")
    for _ in range(3):
        await asyncio.sleep(0)
    await found.shutdown()


@pytest.fixture
def board(
    micropython: Path, context: aiocoap.Context, free_udp_port: int, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Board]:
    """A gas alarm, or the product of the test's parameter."""
    product = getattr(request, "param", "gas-alarm")
    with Board(micropython, f"127.0.0.1:{free_udp_port}", tmp_path / "flash", product, ack_timeout=2) as found:
        yield found


@pytest.mark.parametrize("board", ["gas-alarm", "smart-bin", "hydrogen-node"], indirect=True)
async def test_delivered_packs_are_readings_of_the_profile_and_together_have_all_its_points(
    board: Board, readings: Readings
) -> None:
    profile = shipped_profiles()[f"gengfu/{board.product}"]

    def seen() -> list[Reading]:
        return [read(request, profile.id) for request in readings.requests]

    def told() -> set[str]:
        return {name for reading in seen() for name in given(reading, profile)}

    points = {point.name for point in profile.points}
    await wait_for_async(lambda: told() == points and len(readings.requests) >= 3, 30, "all points")
    found = seen()
    assert {reading.device for reading in found} == {DEVICE}
    assert {reading.boot for reading in found} == {found[0].boot}
    assert [reading.sequence for reading in found] == list(range(1, len(found) + 1))
    times = [reading.at for reading in found]
    assert times == sorted(set(times))
    own = {frozenset(given(reading, profile)) for reading in found if "boots" in given(reading, profile)}
    assert own == {frozenset((*OWN, *CABINET) if board.product == "hydrogen-node" else OWN)}


OWN = ("uptime", "boots", "free_heap", "reset_cause", "firmware", "queued", "overwritten", "crashed")
CABINET = ("temperature_room", "t_room_fault")


def given(reading: Reading, profile: Profile) -> list[str]:
    """The points that a reading has; all that have a value are good."""
    present = [point.name for point, value in zip(profile.points, reading.values, strict=True) if value is not None]
    assert set(reading.quality) == {0}
    return present


def read(request: aiocoap.Message, profile: str) -> Reading:
    """The one reading of a pack, as the gateway decodes it."""
    found = decode_pack(
        request.payload,
        request.opt.content_format,
        received_at=time.time_ns(),
        origin=Origin.LIVE,
        find_profile=lambda _device: shipped_profiles()[profile],
    )
    assert len(found) == 1
    return found[0]


async def test_slow_gateway_answers_separately_and_nothing_is_sent_twice(board: Board, readings: Readings) -> None:
    readings.delay_s = 0.4
    await wait_for_async(lambda: len(board.of("acknowledged")) >= 3, 20, "three acknowledged readings")
    packs = [request.payload for request in readings.requests]
    assert len(packs) == len(set(packs))
    assert board.of("retransmit") == []


async def test_unavailable_gateway_gets_the_same_reading_after_its_max_age(board: Board, readings: Readings) -> None:
    readings.refusals.append(aiocoap.Message(code=aiocoap.SERVICE_UNAVAILABLE, max_age=1))
    await wait_for_async(lambda: board.of("acknowledged"), 20, "the acknowledgement")
    first, second = readings.requests[:2]
    assert (first.payload, first.mid != second.mid) == (second.payload, True)
    assert [(one["seq"], one["code"]) for one in board.of("refused")] == [(1, "5.03")]


async def test_reading_that_is_refused_for_good_is_told_and_not_repeated(board: Board, readings: Readings) -> None:
    readings.refusals.append(aiocoap.Message(code=aiocoap.NOT_FOUND, payload=b"unknown device"))
    await wait_for_async(lambda: board.of("acknowledged"), 20, "the next reading")
    assert values_of(readings.requests[1].payload)["seq"] == 2
    refused = board.of("refused")[0]
    assert (refused["seq"], refused["code"], refused["diagnostic"]) == (1, "4.04", "unknown device")


async def ask(
    context: aiocoap.Context, readings: Readings, code: aiocoap.Code, path: str, payload: bytes
) -> aiocoap.Message:
    """A request of the gateway to the board that spoke last."""
    message = aiocoap.Message(code=code, payload=payload)
    message.remote = readings.requests[-1].remote
    message.opt.uri_path = tuple(path.split("/"))
    return await asyncio.wait_for(context.request(message).response, 20)


async def test_commands_of_the_gateway(board: Board, readings: Readings, context: aiocoap.Context) -> None:
    await wait_for_async(lambda: readings.requests, what="a pack")
    refused = await ask(context, readings, aiocoap.PUT, "valve", b"open")
    closed = await ask(context, readings, aiocoap.PUT, "valve", b"close")
    started = await ask(context, readings, aiocoap.PUT, "fan", b"start")
    nowhere = await ask(context, readings, aiocoap.PUT, "door", b"close")
    assert [one.code for one in (refused, closed, started, nowhere)] == [
        aiocoap.FORBIDDEN,
        aiocoap.CHANGED,
        aiocoap.CHANGED,
        aiocoap.NOT_FOUND,
    ]
    assert refused.payload != b""
    core = await ask(context, readings, aiocoap.GET, ".well-known/core", b"")
    assert (core.opt.content_format, core.payload.count(b"<")) == (aiocoap.ContentFormat.LINKFORMAT, 3)
    await wait_for_async(lambda: last(readings)["valve"] == 2 and last(readings)["fan"] == 2, what="both effects")
    assert last(readings)["valve_cause"] == 2


def last(readings: Readings) -> dict[str, object]:
    """The points of the newest pack of the product."""
    packs = [values_of(request.payload) for request in readings.requests]
    return [pack for pack in packs if "boots" not in pack][-1]


async def test_pack_names_its_device_once(board: Board, readings: Readings) -> None:
    await wait_for_async(lambda: readings.requests, what="a pack")
    records = json.loads(readings.requests[0].payload)
    assert [record.get("bn") for record in records] == [DEVICE + "/"] + [None] * (len(records) - 1)
    assert readings.requests[0].opt.content_format == 110
