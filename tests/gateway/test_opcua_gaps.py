"""What a real server seldom does: a lost publish, a value that cannot be decoded. The server here is scripted."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from asyncua import ua  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed
from asyncua.ua.ua_binary import struct_to_binary  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed

from gateway.errors import BadReply, BusDown
from gateway.transports.opcua.answers import told_in
from gateway.transports.opcua.numbering import Numbering
from gateway.transports.opcua.parts import Access
from gateway.transports.opcua.session import LONGEST_SILENCE_S, Changes, Session
from protocols.opcua.values import UNREADABLE, Sample
from protocols.opcua.writes import Write
from protocols.profile.node_ids import NodeKey, parse
from protocols.quality import Quality
from tests.fixtures.modbus_profiles import profile
from tests.fixtures.opcua_links import TestedLink
from tests.fixtures.opcua_profiles import point
from tests.fixtures.waiting import wait_for_async

ACCESS = Access("opc.tcp://scripted", 1.0)
PAIR = profile(point("a"), point("b"))


class Scripted:
    """A session whose publishes are ``told``, one after the other; ``held``: by the last part of a node's name."""

    namespaces = ("ua", "urn:test:station")

    def __init__(self, *told: Changes, **held: object) -> None:
        self.held = held
        self.told = list(told)
        self.reads = 0
        self.watched: set[str] = set()

    async def subscribe(self, publishing_s: float) -> None:
        return None

    async def watch(self, nodes: Mapping[int, NodeKey], sampling_s: float, queue: int) -> dict[int, int]:
        self.watched |= {str(one.identifier) for one in nodes.values()}
        return {}

    async def changes(self) -> Changes:
        if self.told:
            return self.told.pop(0)
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def read(self, nodes: Sequence[NodeKey]) -> list[Sample]:
        self.reads += 1
        return [Sample(self.held[str(one.identifier)[-1]]) for one in nodes]

    async def write(self, write: Write) -> int:
        return 0

    async def close(self) -> None:
        return None


def linked(session: Scripted) -> TestedLink:
    async def opened() -> Scripted:
        return session

    return TestedLink(ACCESS, PAIR, {"d": "S"}, period_s=60, opened=opened)


async def test_after_a_lost_publish_everything_is_read_anew() -> None:
    session = Scripted(Changes([], gap=False), Changes([(1, Sample(5.0))], gap=True), a=5.0, b=7.0)
    async with linked(session) as link:
        await wait_for_async(lambda: session.reads == 2, what="the second look")
        assert (link.diagnosis.errors, link.diagnosis.devices["d"].errors) == ({"gap": 1}, {"gap": 1})
        assert link.values("b") == [7.0, 7.0]


async def test_change_of_a_node_that_nobody_asked_for_is_counted_and_not_taken() -> None:
    async with linked(Scripted(Changes([(9, Sample(5.0))], gap=False), a=1.0, b=2.0)) as link:
        await wait_for_async(lambda: link.diagnosis.errors, what="the count")
        assert (link.diagnosis.errors, len(link.readings)) == ({"handle": 1}, 1)


async def test_value_that_cannot_be_decoded_costs_its_point_alone() -> None:
    session = Scripted(a=UNREADABLE, b=2.0)
    async with linked(session) as link:
        await link.tells("b", 2.0)
        await wait_for_async(lambda: session.watched, what="a subscription")
        assert (link.mark("a", "d"), session.watched, link.lost) == (Quality.BAD_TYPE, {"S.b"}, [])


class Decoding:
    """In place of asyncua's connection: raises, as its decoders do, for a read with the node ``i=3`` in it."""

    def __init__(self) -> None:
        self.uaclient = self

    async def read(self, params: Any) -> list[Any]:
        numbers = [one.NodeId.Identifier for one in params.NodesToRead]
        if 3 in numbers:
            raise IndexError
        return [ua.DataValue(ua.Variant(float(number), ua.VariantType.Double)) for number in numbers]


async def test_read_goes_on_without_the_node_that_cannot_be_decoded() -> None:
    session = Session(Decoding(), ACCESS)  # type: ignore[arg-type]  # stands for the library's own class
    found = await session.read([parse(f"i={number}") for number in range(1, 8)])
    assert [one.value for one in found] == [1.0, 2.0, UNREADABLE, 4.0, 5.0, 6.0, 7.0]


@pytest.mark.parametrize(
    ("messages", "missed"),
    [
        ([(7, False), (7, True), (8, False), (8, True)], []),
        ([(7, True), (9, True)], [[8]]),
        ([(7, True), (10, False)], [[8, 9]]),
        ([(2**32 - 1, True), (1, True)], []),
        ([(2**32 - 2, True), (2, True)], [[2**32 - 1, 1]]),
        ([(7, True), (1000, True), (1001, True)], [list(range(980, 1000))]),
    ],
)
def test_numbers_show_what_never_came_and_a_sign_of_life_uses_none(
    messages: list[tuple[int, bool]], missed: list[list[int]]
) -> None:
    """A sign of life has the number that the next data will have (Part 4, 7.21)."""
    numbering = Numbering(messages[0][0])
    found = [numbering.missed(number, [], is_told=is_told) for number, is_told in messages]
    assert [one.numbers for one in found if one is not None] == missed


@pytest.mark.parametrize(
    ("held", "expected"), [([], ([8, 9], False)), ([8, 9, 10], ([8, 9], False)), ([9, 10], ([9], True))]
)
def test_what_the_server_has_thrown_away_is_not_asked_for(held: list[int], expected: tuple[list[int], bool]) -> None:
    numbering = Numbering(7)
    numbering.missed(7, [], is_told=True)
    assert numbering.missed(10, held, is_told=True) == expected


def test_first_message_of_a_subscription_is_missed_too() -> None:
    assert Numbering().missed(1, [], is_told=True) is None
    assert Numbering().missed(2, [], is_told=True) == ([1], False)


def test_each_message_is_acknowledged_once() -> None:
    numbering = Numbering(7)
    numbering.missed(7, [], is_told=True)
    numbering.missed(8, [], is_told=False)
    numbering.taken(6)
    assert (numbering.to_acknowledge(), numbering.to_acknowledge()) == ([7, 6], [])


class Publishing:
    """Stands for asyncua's client at a server whose second publish never came. ``asked``: questions for it; ``wrong``:
    they are answered so, else not at all."""

    def __init__(self, wrong: Exception | None) -> None:
        self.uaclient = self.protocol = self
        self.asked = 0
        self._wrong = wrong
        self._numbers = [1, 3]

    async def publish(self, _acknowledged: object) -> Any:
        item = ua.MonitoredItemNotification()
        item.ClientHandle = number = self._numbers.pop(0)
        item.Value = ua.DataValue(ua.Variant(float(number), ua.VariantType.Double))
        told = ua.DataChangeNotification()
        told.MonitoredItems = [item]
        response = ua.PublishResponse()
        response.Parameters.NotificationMessage.SequenceNumber = number
        response.Parameters.NotificationMessage.NotificationData = [told]
        return response

    async def send_request(self, _request: object) -> Any:
        self.asked += 1
        if self._wrong is None:
            await asyncio.get_running_loop().create_future()
        raise self._wrong or AssertionError


@pytest.mark.parametrize("wrong", [None, IndexError(), ConnectionResetError(), ua.UaStatusCodeError(0x807A0000)])
async def test_what_came_counts_whatever_becomes_of_the_question_for_what_did_not(wrong: Exception | None) -> None:
    client: Any = Publishing(wrong)
    session = Session(client, ACCESS._replace(timeout_s=0.05))
    session._patience_s = 5.0  # as a subscription sets it
    first, second = await session.changes(), await session.changes()
    assert [(handle, one.value) for handle, one in first.samples] == [(1, 1.0)]
    assert ([(handle, one.value) for handle, one in second.samples], second.gap) == ([(3, 3.0)], True)
    assert client.asked == 1


def test_subscription_that_the_server_ends_is_an_end() -> None:
    ended = ua.StatusChangeNotification()
    ended.Status = ua.StatusCode(ua.StatusCodes.BadTimeout)
    message = ua.NotificationMessage()
    message.NotificationData = [ended]
    with pytest.raises(BusDown, match="ended the subscription: BadTimeout"):
        told_in(ACCESS.url, message)


class Granting:
    """Stands for asyncua's client at a server that grants a subscription."""

    def __init__(self, interval_ms: float) -> None:
        self.uaclient = self.protocol = self
        self._interval_ms = interval_ms

    async def send_request(self, _request: object) -> Any:
        response = ua.CreateSubscriptionResponse()
        response.Parameters.RevisedPublishingInterval = self._interval_ms
        response.Parameters.RevisedMaxKeepAliveCount = 2**32 - 1
        return ua.utils.Buffer(struct_to_binary(response))


@pytest.mark.parametrize("interval_ms", [float("nan"), -1.0])
async def test_subscription_of_no_interval_is_none(interval_ms: float) -> None:
    client: Any = Granting(interval_ms)
    with pytest.raises(BadReply, match="tells of itself every"):
        await Session(client, ACCESS).subscribe(0.5)


async def test_subscription_of_endless_silence_is_watched_all_the_same() -> None:
    client: Any = Granting(float("inf"))
    session = Session(client, ACCESS)
    await session.subscribe(0.5)
    assert session._patience_s == LONGEST_SILENCE_S + ACCESS.timeout_s  # how long it waits shows only after it
