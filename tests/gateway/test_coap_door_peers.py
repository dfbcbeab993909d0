"""The CoAP door and other implementations: aiocoap and libcoap as devices, over networks that lose messages."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiocoap
import pytest

from tests.fixtures.datagrams import Relay
from tests.fixtures.gates import PACK, UNKNOWN, Gate
from tests.fixtures.programs import Program
from tests.fixtures.waiting import wait_for_async


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    one = Gate(tmp_path / "journal")
    await one.open()
    yield one
    await one.close()


@pytest.fixture
async def client() -> AsyncIterator[aiocoap.Context]:
    """The reference implementation as a device."""
    context = await aiocoap.Context.create_client_context(transports=["udp6"])
    yield context
    await context.shutdown()


def _uri(gate: Gate, path: str = "readings") -> str:
    return f"coap://127.0.0.1:{gate.address[1]}/{path}"


@pytest.mark.parametrize("reliable", [True, False])
async def test_aiocoap_is_served(gate: Gate, client: aiocoap.Context, reliable: bool) -> None:
    tuning = aiocoap.Reliable if reliable else aiocoap.Unreliable
    request = aiocoap.Message(
        code=aiocoap.POST, uri=_uri(gate), payload=PACK, content_format=110, transport_tuning=tuning
    )
    response = await client.request(request).response
    assert (response.code, len(gate.readings())) == (aiocoap.CHANGED, 1)


async def test_aiocoap_is_told_why_it_is_refused(gate: Gate, client: aiocoap.Context) -> None:
    request = aiocoap.Message(code=aiocoap.POST, uri=_uri(gate), payload=UNKNOWN, content_format=110)
    response = await client.request(request).response
    assert (response.code, response.payload) == (aiocoap.NOT_FOUND, b"device 'demo:gas:0099' is not registered")


async def test_aiocoap_discovers_the_resources(gate: Gate, client: aiocoap.Context) -> None:
    request = aiocoap.Message(code=aiocoap.GET, uri=_uri(gate, ".well-known/core"))
    response = await client.request(request).response
    assert b"</readings>" in response.payload


class Hasty(aiocoap.Reliable):
    """Repeats soon, so that a test need not wait."""

    ACK_TIMEOUT = 0.02
    ACK_RANDOM_FACTOR = 1.0


async def test_slow_commit_does_not_store_twice_what_aiocoap_repeats(gate: Gate, client: aiocoap.Context) -> None:
    gate.hold = True
    relay = Relay(gate.address, lambda _direction, _number: False)
    host, port = (await relay.open())[:2]
    uri = f"coap://{host}:{port}/readings"
    request = aiocoap.Message(code=aiocoap.POST, uri=uri, payload=PACK, content_format=110, transport_tuning=Hasty)
    response = client.request(request).response
    await wait_for_async(lambda: relay.seen["up"] >= 3 and gate.held, what="two repetitions")
    gate.release()
    assert (await response).code == aiocoap.CHANGED
    assert (len(gate.readings()), relay.seen["down"]) == (1, 1)
    relay.close()


@pytest.mark.parametrize("lost", [[("up", 0)], [("down", 0)], [("up", 0), ("down", 0), ("down", 1)]], ids=str)
async def test_network_that_loses_messages_loses_no_reading_and_doubles_none(
    gate: Gate, client: aiocoap.Context, lost: list[tuple[str, int]]
) -> None:
    relay = Relay(gate.address, lambda direction, number: (direction, number) in lost)
    host, port = (await relay.open())[:2]
    uri = f"coap://{host}:{port}/readings"
    request = aiocoap.Message(code=aiocoap.POST, uri=uri, payload=PACK, content_format=110, transport_tuning=Hasty)
    response = await client.request(request).response
    assert (response.code, len(gate.readings())) == (aiocoap.CHANGED, 1)
    relay.close()


@pytest.mark.server
async def test_libcoap_is_served(gate: Gate, coap_client: Program, tmp_path: Path) -> None:
    file = tmp_path / "pack.json"
    file.write_bytes(PACK)
    arguments = ("-v", "7", "-m", "post", "-t", "110", "-B", "10", "-f", str(file), _uri(gate))
    done = await asyncio.to_thread(coap_client.run, *arguments)
    assert "2.04" in done.stdout + done.stderr
    assert len(gate.readings()) == 1


@pytest.mark.server
async def test_libcoap_is_told_why_it_is_refused(gate: Gate, coap_client: Program) -> None:
    done = await asyncio.to_thread(
        coap_client.run, "-m", "post", "-t", "110", "-B", "10", "-e", UNKNOWN.decode(), _uri(gate)
    )
    assert "4.04" in done.stderr
    assert "is not registered" in done.stderr
