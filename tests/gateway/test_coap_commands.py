"""Commands to devices on CoAP: the one request that the profile declares, in blocks where it must be; its answers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiocoap
import aiocoap.resource
import pytest

from gateway.errors import BadReply, DeviceSilent, TransportError
from gateway.transports.coap.asking import Asker, Timing
from gateway.transports.coap.requests import options_of
from protocols.coap_blocks import BLOCK1, BLOCK2, CONTINUE, Block, decode_block, encode_block
from protocols.profile.loader import shipped_profiles
from protocols.profile.schema import CommandPart
from protocols.wire import coap
from tests.fixtures.datagrams import Message, Peer, peer_of
from tests.fixtures.gates import EAST, SideGate, coap_site
from tests.fixtures.waiting import wait_for_async

GAS = shipped_profiles()["gengfu/gas-alarm"]
CLOSE = next(command for command in GAS.file.command if command.effect == "close-valve")
PACK = f'[{{"n":"{EAST}/methane","v":3}}]'.encode()
VALVE = options_of("valve")


@pytest.fixture
async def device() -> AsyncIterator[Peer]:
    """A device of raw datagrams that the gateway knows by its address."""
    one = await peer_of(("127.0.0.1", 9))
    yield one
    one.transport.close()


@pytest.fixture
async def gate(tmp_path: Path, device: Peer) -> AsyncIterator[SideGate]:
    one = SideGate(tmp_path / "journal", coap_site(coap={"at": f"localhost:{device.address[1]}"}))
    await one.open()
    device.other = one.address
    yield one
    await one.close()


async def asked(device: Peer) -> Message:
    """The next request."""
    await wait_for_async(lambda: device.heard, what="a request")
    return device.heard.pop(0)


def answer(device: Peer, request: Message, code: int, payload: bytes = b"", *options: tuple[int, bytes]) -> None:
    device.say(coap.encode(coap.ACK, code, request.mid, request.token, options, payload=payload))


@pytest.mark.parametrize(
    ("code", "said"), [(coap.CHANGED, ""), (coap.FORBIDDEN, "the device answered 4.03 by hand only")]
)
async def test_command_is_put_to_the_address_of_the_document(
    gate: SideGate, device: Peer, code: int, said: str
) -> None:
    task = asyncio.ensure_future(gate.side.deliver(EAST, CLOSE))
    request = await asked(device)
    assert (request.kind, request.code, request.payload) == (coap.CON, "0.03", b"close")
    assert request.options == VALVE
    answer(device, request, code, b"by hand only" if code != coap.CHANGED else b"")
    assert await task == said


def with_coap(**part: object) -> CommandPart:
    """The command, its CoAP form changed so."""
    assert CLOSE.coap is not None
    return CLOSE.model_copy(update={"coap": CLOSE.coap.model_copy(update=part)})


async def test_command_may_be_a_post(gate: SideGate, device: Peer) -> None:
    task = asyncio.ensure_future(gate.side.deliver(EAST, with_coap(method="post")))
    request = await asked(device)
    assert request.code == "0.02"
    answer(device, request, coap.CHANGED)
    assert await task == ""


async def test_command_goes_to_where_the_device_was_heard_last(tmp_path: Path) -> None:
    gate = SideGate(tmp_path / "journal", coap_site())
    await gate.open()
    assert "not heard since the gateway started" in await gate.side.deliver(EAST, CLOSE)
    device = await peer_of(gate.address)
    options = [(coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, b"\x6e")]
    assert (await device.ask(coap.encode(coap.CON, coap.POST, 1, b"", options, payload=PACK))).code == "2.04"
    task = asyncio.ensure_future(gate.side.deliver(EAST, CLOSE))
    answer(device, await asked(device), coap.CHANGED)
    assert await task == ""
    await gate.reload(period_s=3.0)
    task = asyncio.ensure_future(gate.side.deliver(EAST, CLOSE))
    answer(device, await asked(device), coap.CHANGED)
    assert await task == "", "also after the site was changed while it runs"
    device.transport.close()
    await gate.close()


async def test_command_to_a_device_that_was_heard_is_on_its_way_in_the_turn_that_decides_on_it(tmp_path: Path) -> None:
    """Beside 5,000 readings a second a valve waited 1.5 ms for the next turn of the loop, now and then 30."""
    gate = SideGate(tmp_path / "journal", coap_site())
    await gate.open()
    device = await peer_of(gate.address)
    options = [(coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, b"\x6e")]
    assert (await device.ask(coap.encode(coap.CON, coap.POST, 1, b"", options, payload=PACK))).code == "2.04"
    delivery = gate.side.deliver(EAST, CLOSE)
    newest = list(gate.side.diagnosis.wire)[-1]
    kind, code, _, _, way, payload = coap.decode(newest.data)
    assert (newest.outgoing, kind, code, way, payload) == (True, coap.CON, coap.PUT, VALVE, b"close")
    task = asyncio.ensure_future(delivery)
    answer(device, await asked(device), coap.CHANGED)
    assert await task == ""
    assert not device.heard, "sent once"
    device.transport.close()
    await gate.close()


async def test_device_that_resets_is_counted_and_told(gate: SideGate, device: Peer) -> None:
    task = asyncio.ensure_future(gate.side.deliver(EAST, CLOSE))
    request = await asked(device)
    device.say(coap.encode(coap.RST, coap.EMPTY, request.mid))
    with pytest.raises(BadReply):
        await task
    assert gate.side.diagnosis.devices[EAST].errors == {"bad-reply": 1}


async def test_command_without_a_coap_form_and_a_name_without_an_address_are_told(tmp_path: Path) -> None:
    gate = SideGate(tmp_path / "journal", coap_site(coap={"at": "no-such-host.invalid:5683"}))
    await gate.open()
    without = CLOSE.model_copy(update={"coap": None})
    assert await gate.side.deliver(EAST, without) == "its profile has no CoAP form of this command"
    with pytest.raises(TransportError, match=r"correct coap\.at"):
        await gate.side.deliver(EAST, CLOSE)
    await gate.close()
    assert await gate.side.deliver(EAST, without) == "its profile has no CoAP form of this command"


# -- bodies in blocks --------------------------------------------------------------------------------------------------


@pytest.fixture
def asker(gate: SideGate) -> Asker:
    return Asker(gate.door.requests, {})


async def test_large_command_goes_in_blocks_of_the_size_that_the_device_wants(asker: Asker, device: Peer) -> None:
    """As RFC 7959, figure 8: the first is kept whole, those that follow are smaller."""
    body = bytes(range(256)) * 5
    task = asyncio.ensure_future(asker.ask(EAST, device.address, coap.PUT, VALVE, body))
    found = b""
    while len(found) < len(body):
        request = await asked(device)
        block = decode_block(coap.option(request.options, BLOCK1) or b"")
        assert block.offset == len(found)
        found += request.payload
        assert len(request.payload) <= (256 if block.number else 1024)
        kept = (BLOCK1, encode_block(Block(block.number, block.more, 256)))
        answer(device, request, CONTINUE if block.more else coap.CHANGED, b"", kept)
    assert (await task).code == coap.CHANGED
    assert found == body


async def test_device_that_finds_the_first_block_too_large_gets_smaller_ones(asker: Asker, device: Peer) -> None:
    task = asyncio.ensure_future(asker.ask(EAST, device.address, coap.PUT, VALVE, b"x" * 1500))
    request = await asked(device)
    answer(device, request, coap.TOO_LARGE, b"", (BLOCK1, encode_block(Block(0, more=True, size=64))))
    request = await asked(device)
    assert (decode_block(coap.option(request.options, BLOCK1) or b"").size, len(request.payload)) == (64, 64)
    answer(device, request, coap.TOO_LARGE)
    assert (await task).code == coap.TOO_LARGE


async def test_answer_in_blocks_is_put_together_and_bounded(asker: Asker, device: Peer) -> None:
    task = asyncio.ensure_future(asker.ask(EAST, device.address, coap.GET, VALVE))
    for number in range(65):
        block = Block(number, more=True, size=1024)
        answer(device, await asked(device), coap.CONTENT, b"x" * 1024, (BLOCK2, encode_block(block)))
    with pytest.raises(BadReply, match="wrong block: 66560 bytes"):
        await task


async def test_device_that_does_not_answer_is_asked_as_often_as_was_said(asker: Asker, device: Peer) -> None:
    with pytest.raises(DeviceSilent):
        await asker.ask(EAST, device.address, coap.GET, VALVE, timing=Timing(0.001, 2))
    assert len(await device.answers()) == 2


class Store(aiocoap.resource.Resource):
    """Takes and gives bodies of any size."""

    def __init__(self) -> None:
        super().__init__()
        self.body = b""

    async def render_put(self, request: aiocoap.Message) -> aiocoap.Message:
        self.body = request.payload
        return aiocoap.Message(code=aiocoap.CHANGED)

    async def render_get(self, _request: aiocoap.Message) -> aiocoap.Message:
        return aiocoap.Message(payload=self.body)


async def test_aiocoap_takes_and_gives_large_bodies(asker: Asker, free_udp_port: int) -> None:
    store = Store()
    site = aiocoap.resource.Site()
    site.add_resource(["valve"], store)
    context = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", free_udp_port), transports=["udp6"])
    body = bytes(range(256)) * 40
    where = ("127.0.0.1", free_udp_port)
    assert (await asker.ask(EAST, where, coap.PUT, VALVE, body)).code == coap.CHANGED
    assert store.body == body
    assert (await asker.ask(EAST, where, coap.GET, VALVE)).payload == body
    await context.shutdown()
