"""Commands find their device over its connection, and every outcome is reported once."""

import asyncio
import random

import pytest
from prometheus_client import CollectorRegistry

from gateway.counters import Counters
from gateway.errors import DeviceSilent
from gateway.transports import coap as transport
from gengfu.routes import CoapRoute, Routes
from protocols.profile.loader import shipped_profiles
from protocols.wire import coap

GAS = shipped_profiles()["gengfu/gas-alarm"]
CLOSE = next(command for command in GAS.file.command if command.effect == "close-valve")


class Line:
    """A route that does what it is told."""

    def __init__(self, outcome=""):
        self.outcome, self.taken = outcome, []

    async def deliver(self, device, command):
        self.taken.append((device, command.name))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        if self.outcome is None:
            await asyncio.Event().wait()
        return self.outcome


async def deliver(line, connection="line"):
    """What was reported, and how often the watch was asked to look."""
    reported, looks = [], []
    done = asyncio.Event()

    def settled():
        looks.append(1)
        done.set()

    way = Routes({"gas:1": connection}, settled)
    way.add("line", line)
    way.send("gas:1", CLOSE, reported.append)
    await done.wait()
    await way.close()
    return reported, len(looks)


@pytest.mark.parametrize("said", ["", "the device answered 4.04"])
async def test_the_command_goes_over_the_devices_connection_and_the_watch_looks_at_once(said):
    line = Line(said)
    assert await deliver(line) == ([said], 1)
    assert line.taken == [("gas:1", CLOSE.name)]


async def test_a_device_that_cannot_be_asked_is_reported_with_the_reason():
    assert await deliver(Line(DeviceSilent("no answer from gas:1"))) == (["no answer from gas:1"], 1)


async def test_a_connection_that_takes_no_commands_is_reported():
    assert await deliver(Line(), "other") == (["its connection takes no commands"], 1)


async def test_close_gives_up_on_what_is_under_way_and_reports_nothing():
    reported = []
    way = Routes({"gas:1": "line"}, lambda: None)
    line = Line(None)
    way.add("line", line)
    way.send("gas:1", CLOSE, reported.append)
    await asyncio.sleep(0)
    await way.close()
    assert (line.taken, reported) == ([("gas:1", CLOSE.name)], [])


class Board(asyncio.DatagramProtocol):
    """A device at a UDP endpoint that answers each request with ``code``."""

    def __init__(self, code):
        self.code, self.asked = code, []

    def connection_made(self, endpoint):
        self.endpoint = endpoint

    def datagram_received(self, data, peer):
        _, code, mid, token, options, payload = coap.decode(data)
        self.asked.append((code, b"/".join(coap.path_of(options)), payload))
        self.endpoint.sendto(coap.encode(coap.ACK, self.code, mid, token, payload=b"busy"), peer)


@pytest.fixture
async def door():
    def ingest(uplink, done):
        raise AssertionError("nothing reports here")

    made = await transport.listen(
        transport.bind("127.0.0.1", 0), ingest, Counters(CollectorRegistry()), lambda: random.getrandbits(60)
    )
    yield made
    made.close()
    await asyncio.sleep(0)


@pytest.mark.parametrize(("code", "said"), [(coap.CHANGED, ""), (coap.NOT_FOUND, "the device answered 4.04 busy")])
async def test_coap_puts_the_commands_payload_to_the_address_the_device_was_heard_from(door, code, said):
    endpoint, board = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Board(code), local_addr=("127.0.0.1", 0)
    )
    try:
        door.peers["gas:1"] = endpoint.get_extra_info("sockname")
        assert await CoapRoute(door).deliver("gas:1", CLOSE) == said
        assert board.asked == [(coap.PUT, CLOSE.coap.path.encode(), CLOSE.coap.payload.encode())]
    finally:
        endpoint.close()
        await asyncio.sleep(0)


async def test_coap_says_why_it_cannot_reach_a_device(door):
    route = CoapRoute(door)
    assert "not heard since the gateway started" in await route.deliver("gas:1", CLOSE)
    assert await route.deliver("gas:1", CLOSE.model_copy(update={"coap": None})) == (
        "its profile has no CoAP form of this command"
    )
