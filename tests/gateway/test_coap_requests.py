"""Our own CoAP requests to devices (RFC 7252, 4.2): repeated, answered at once or later, reset, or never answered."""

import asyncio
from collections.abc import AsyncIterator

import aiocoap
import aiocoap.resource
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from gateway.counters import Counters
from gateway.errors import BadReply, DeviceSilent
from gateway.transports.coap import door
from gateway.transports.coap.requests import Requests, Response
from gateway.uplink import Done, Uplink
from protocols.wire import coap
from tests.fixtures.datagrams import Message, Peer, Relay, peer_of
from tests.fixtures.waiting import wait_for_async

SOON_S = 0.02
PAYLOAD = b"close"
CHANGED = Response(coap.CHANGED, b"")


def _takes_nothing(uplink: Uplink, done: Done) -> tuple[str, ...]:
    raise AssertionError("nothing is posted here")


@pytest.fixture
async def gate() -> AsyncIterator[door.CoapDoor]:
    """A door that nobody posts to."""
    one = door.listen(door.bind("127.0.0.1", 0), _takes_nothing, Counters(CollectorRegistry()), lambda: 0)
    yield one
    one.close()
    await asyncio.sleep(0)


@pytest.fixture
async def device(gate: door.CoapDoor) -> AsyncIterator[Peer]:
    """A device that answers what the test says."""
    assert gate._transport is not None
    one = await peer_of(gate._transport.get_extra_info("sockname"))
    yield one
    one.transport.close()


def ask(gate: door.CoapDoor, device: Peer, timeout_s: float = 60.0) -> "asyncio.Task[Response]":
    """Put to the device's valve."""
    return asyncio.ensure_future(gate.requests.put(device.address, "valve/close", PAYLOAD, timeout_s))


async def heard(device: Peer, number: int = 1) -> Message:
    """The last of so many messages that the device heard."""
    await wait_for_async(lambda: len(device.heard) >= number, what=f"message {number}")
    return device.heard[number - 1]


def acknowledge(asked: Message, code: int = coap.CHANGED, payload: bytes = b"") -> bytes:
    """An answer in the acknowledgement."""
    return coap.encode(coap.ACK, code, asked.mid, asked.token, payload=payload)


async def test_answer_in_the_acknowledgement(gate: door.CoapDoor, device: Peer) -> None:
    task = ask(gate, device)
    asked = await heard(device)
    assert (asked.kind, asked.code, asked.payload) == (coap.CON, "0.03", PAYLOAD)
    assert asked.options == [(coap.URI_PATH, b"valve"), (coap.URI_PATH, b"close")]
    device.say(acknowledge(asked, coap.FORBIDDEN, b"by hand only"))
    assert await task == Response(coap.FORBIDDEN, b"by hand only")


async def test_unanswered_request_is_repeated_unchanged(gate: door.CoapDoor, device: Peer) -> None:
    task = ask(gate, device, SOON_S)
    third = await heard(device, 3)
    assert device.heard[:3] == [third] * 3
    device.say(acknowledge(third))
    assert await task == CHANGED


async def test_separate_response_is_acknowledged_and_the_request_not_repeated(
    gate: door.CoapDoor, device: Peer
) -> None:
    task = ask(gate, device, SOON_S)
    asked = await heard(device)
    device.say(coap.encode(coap.ACK, coap.EMPTY, asked.mid))
    exchange = gate.requests._waiting[asked.token]
    await wait_for_async(lambda: exchange.acknowledged, what="the acknowledgement")
    device.heard.clear()
    await _three_turns(gate, device)
    device.say(coap.encode(coap.CON, coap.CHANGED, 0x1234, asked.token, payload=b"done"))
    assert await task == Response(coap.CHANGED, b"done")
    assert await device.answers() == [Message(coap.ACK, "0.00", 0x1234, b"", [], b"")]


async def _three_turns(gate: door.CoapDoor, device: Peer) -> None:
    """Let a request to nobody be repeated three times: whatever else would have been repeated was."""
    other = await peer_of(device.other)
    task = ask(gate, other, SOON_S)
    await heard(other, 3)
    other.say(acknowledge(other.heard[0]))
    await task
    other.transport.close()


async def test_separate_response_that_overtakes_the_acknowledgement(gate: door.CoapDoor, device: Peer) -> None:
    task = ask(gate, device)
    asked = await heard(device)
    device.say(coap.encode(coap.NON, coap.CHANGED, 9, asked.token))
    device.say(coap.encode(coap.ACK, coap.EMPTY, asked.mid))
    assert await task == CHANGED


async def test_reset_is_a_bad_reply(gate: door.CoapDoor, device: Peer) -> None:
    task = ask(gate, device)
    asked = await heard(device)
    device.say(coap.encode(coap.RST, coap.EMPTY, asked.mid))
    with pytest.raises(BadReply, match="reset the request"):
        await task


async def test_device_that_never_answers_is_silent_after_five_transmissions(gate: door.CoapDoor, device: Peer) -> None:
    task = ask(gate, device, 0.001)
    with pytest.raises(DeviceSilent, match=rf"no answer from 127\.0\.0\.1:{device.address[1]} over CoAP"):
        await task
    assert len(await device.answers()) == 5
    assert gate.requests._waiting == {}


async def test_device_that_acknowledges_and_then_never_answers_is_silent(gate: door.CoapDoor, device: Peer) -> None:
    task = ask(gate, device, 0.005)
    asked = await heard(device)
    device.say(coap.encode(coap.ACK, coap.EMPTY, asked.mid))
    with pytest.raises(DeviceSilent):
        await task


async def test_answer_of_another_peer_is_not_taken(gate: door.CoapDoor, device: Peer) -> None:
    task = ask(gate, device)
    asked = await heard(device)
    thief = await peer_of(device.other)
    thief.say(acknowledge(asked))
    thief.say(coap.encode(coap.RST, coap.EMPTY, asked.mid))
    thief.say(coap.encode(coap.NON, coap.CHANGED, 9, asked.token))
    thief.say(coap.encode(coap.CON, coap.CHANGED, 10, asked.token))
    assert [(one.kind, one.mid) for one in await thief.answers()] == [(coap.RST, 10)]
    assert not task.done()
    device.say(acknowledge(asked, coap.CONTENT))
    assert await task == Response(coap.CONTENT, b"")
    thief.transport.close()


async def test_answer_with_another_token_or_message_id_is_not_taken(gate: door.CoapDoor, device: Peer) -> None:
    task = ask(gate, device)
    asked = await heard(device)
    device.say(coap.encode(coap.ACK, coap.CHANGED, asked.mid, b"other"))
    device.say(coap.encode(coap.ACK, coap.CHANGED, asked.mid ^ 1, asked.token))
    device.say(coap.encode(coap.RST, coap.EMPTY, asked.mid ^ 1))
    await device.answers()
    assert not task.done()
    device.say(acknowledge(asked))
    assert await task == CHANGED


async def test_answer_that_comes_twice_is_taken_once(gate: door.CoapDoor, device: Peer) -> None:
    task = ask(gate, device)
    asked = await heard(device)
    device.heard.clear()
    separate = coap.encode(coap.CON, coap.CHANGED, 5, asked.token)
    device.say(separate)
    assert await task == CHANGED
    device.say(separate)
    assert [one.kind for one in await device.answers()] == [coap.ACK, coap.RST]


async def test_requests_to_several_devices_do_not_mix(gate: door.CoapDoor) -> None:
    assert gate._transport is not None
    peers = [await peer_of(gate._transport.get_extra_info("sockname")) for _ in range(5)]
    tasks = [ask(gate, peer) for peer in peers]
    asked = [await heard(peer) for peer in peers]
    assert len({one.mid for one in asked}) == len({one.token for one in asked}) == 5
    for peer, one in reversed(list(zip(peers, asked, strict=True))):
        peer.say(acknowledge(one, coap.CONTENT, str(peer.address[1]).encode()))
    assert [response.payload for response in await asyncio.gather(*tasks)] == [
        str(peer.address[1]).encode() for peer in peers
    ]
    for peer in peers:
        peer.transport.close()


async def test_gateway_that_stops_gives_up(gate: door.CoapDoor, device: Peer) -> None:
    task = ask(gate, device)
    await heard(device)
    gate.close()
    with pytest.raises(DeviceSilent, match="the gateway is stopping"):
        await task


async def test_caller_that_gives_up_leaves_nothing_behind(gate: door.CoapDoor, device: Peer) -> None:
    task = ask(gate, device)
    asked = await heard(device)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    device.heard.clear()
    device.say(coap.encode(coap.CON, coap.CHANGED, 5, asked.token))
    assert [one.kind for one in await device.answers()] == [coap.RST]


def test_message_ids_go_round() -> None:
    requests = Requests(lambda _datagram, _peer: None)
    first = requests.next_mid()
    assert [requests.next_mid() for _ in range(0x10000)][-1] == first


@settings(max_examples=200)
@given(st.integers(0, 3), st.integers(0, 255), st.integers(0, 0xFFFF), st.binary(max_size=8), st.binary(max_size=9))
def test_no_answer_from_anywhere_is_known_when_nothing_was_asked(
    kind: int, code: int, mid: int, token: bytes, payload: bytes
) -> None:
    requests = Requests(lambda _datagram, _peer: None)
    assert requests.take(("127.0.0.1", 1), kind, code, mid, token, [], payload) is False


# -- the reference implementation as a device, and a network that loses messages --------------------------------------


class Valve(aiocoap.resource.Resource):
    """Takes longer than aiocoap waits before it acknowledges apart, where the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[bytes] = []
        self.go = asyncio.Event()
        self.busy = 0

    async def render_put(self, request: aiocoap.Message) -> aiocoap.Message:
        self.heard.append(request.payload)
        self.busy += 1
        await self.go.wait()
        self.busy -= 1
        return aiocoap.Message(code=aiocoap.CHANGED, payload=b"closing")


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("lost", [set(), {("down", 0)}, {("up", 0)}], ids=["none lost", "request lost", "answer lost"])
async def test_aiocoap_as_a_device(
    gate: door.CoapDoor, free_udp_port: int, slow: bool, lost: set[tuple[str, int]]
) -> None:
    """``down``: the gateway is the client here, so the relay's server side is the device."""
    valve = Valve()
    site = aiocoap.resource.Site()
    site.add_resource(["valve", "close"], valve)
    context = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", free_udp_port), transports=["udp6"])
    relay = Relay(("127.0.0.1", free_udp_port), lambda way, number: ({"up": "down", "down": "up"}[way], number) in lost)
    address = await relay.open()
    if not slow:
        valve.go.set()
    task = asyncio.ensure_future(gate.requests.put(address, "valve/close", PAYLOAD, 0.05))
    if slow:
        # its empty acknowledgement comes first
        await wait_for_async(lambda: any(one.acknowledged for one in gate.requests._waiting.values()), what="its ack")
        valve.go.set()
    assert await task == Response(coap.CHANGED, b"closing")
    assert valve.heard == [PAYLOAD]
    await wait_for_async(lambda: valve.busy == 0, what="the device")
    relay.close()
    for _ in range(3):
        await asyncio.sleep(0)
    await context.shutdown()
