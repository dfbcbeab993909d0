"""Resources of a device are observed (RFC 7641): in order, acknowledged when durable, registered anew after silence."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import aiocoap
import aiocoap.resource
import pytest

from device_registry.devices import Site
from gateway.transports.coap.registration import is_newer
from journal.errors import JournalFull
from protocols.coap_blocks import BLOCK2, Block, encode_block
from protocols.profile.loader import shipped_profiles
from protocols.wire import coap
from tests.fixtures.coap_boards import Gas, sample
from tests.fixtures.datagrams import Message, Peer, peer_of
from tests.fixtures.gates import EAST, OBSERVED, SideGate, coap_site
from tests.fixtures.programs import Program, program
from tests.fixtures.waiting import wait_for_async

METHANE = shipped_profiles()["gengfu/gas-alarm"].by_name["methane"].index
OBSERVE = 6
RARELY_S = 3600.0
OFTEN_S = 0.1


def has_failed(errors: dict[str, int], times: int) -> bool:
    return errors == {"journal": times}


class Bench:
    """A device of raw datagrams, and the gateway that observes its resource ``gas``."""

    def __init__(self, gate: SideGate, device: Peer) -> None:
        self.gate = gate
        self.device = device

    async def asked(self) -> Message:
        """The next request of the gateway."""
        await wait_for_async(lambda: self.device.heard, what="a request")
        return self.device.heard.pop(0)

    def answer(self, asked: Message, payload: bytes, *options: tuple[int, bytes], code: int = coap.CONTENT) -> None:
        """In the acknowledgement."""
        said = coap.encode(coap.ACK, code, asked.mid, asked.token, sorted(options), payload=payload)
        self.device.say(said)

    def notify(
        self, token: bytes, serial: int, payload: bytes, mid: int, *options: tuple[int, bytes], kind: int = coap.CON
    ) -> None:
        """One notification."""
        told = sorted([(OBSERVE, coap.uint_bytes(serial)), *options])
        self.device.say(coap.encode(kind, coap.CONTENT, mid, token, told, payload=payload))

    async def registered(self, methane: float = 1.0, serial: int = 10) -> bytes:
        """Accept the registration; its token."""
        asked = await self.asked()
        assert (asked.code, coap.path_of(asked.options)) == ("0.01", [b"gas"])
        assert coap.option(asked.options, OBSERVE) == b""
        self.answer(asked, sample(methane), (OBSERVE, coap.uint_bytes(serial)))
        await self.stored(methane)
        return asked.token

    async def stored(self, methane: float) -> None:
        await wait_for_async(lambda: methane in self.values(), what=f"{methane} %LEL")

    def values(self) -> list[object]:
        return [one.values[METHANE] for one in self.gate.readings()]


@asynccontextmanager
async def observing(folder: Path, site: Site) -> AsyncIterator[Bench]:
    """The gateway of ``site``, and a device that it knows nothing of."""
    gate = SideGate(folder / "journal", site)
    await gate.open()
    device = await peer_of(gate.address)
    try:
        yield Bench(gate, device)
    finally:
        await gate.close()
        device.transport.close()


Make = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Opens the gateway and a device at an address of its own; ``period_s`` of its reports."""
    made: list[Bench] = []

    async def one(period_s: float = RARELY_S) -> Bench:
        device = await peer_of(("127.0.0.1", 9))
        where = {"at": f"127.0.0.1:{device.address[1]}"}
        gate = SideGate(tmp_path / "journal", coap_site(OBSERVED, coap=where, period_s=period_s))
        await gate.open()
        device.other = gate.address
        made.append(Bench(gate, device))
        return made[-1]

    yield one
    for bench in made:
        await bench.gate.close()
        bench.device.transport.close()


async def test_first_answer_and_every_notification_become_readings(make: Make) -> None:
    bench = await make()
    token = await bench.registered()
    bench.notify(token, 11, sample(2), 500)
    await bench.stored(2.0)
    bench.notify(token, 12, sample(3), 501, kind=coap.NON)
    await bench.stored(3.0)
    assert [(one.kind, one.mid) for one in await bench.device.answers()] == [(coap.ACK, 500)]
    one = bench.gate.side.diagnosis.devices[EAST]
    assert (one.requests, one.answers, one.heard_at > 0) == (1, 1, True)


async def test_notification_is_acknowledged_when_it_is_durable_and_not_before(make: Make) -> None:
    bench = await make()
    token = await bench.registered()
    bench.gate.hold = True
    for _ in range(3):
        bench.notify(token, 11, sample(2), 500)
    assert await bench.device.answers() == []
    await wait_for_async(lambda: bench.gate.held, what="the commit")
    assert await bench.device.answers() == [], "durable, and not yet told"
    bench.gate.release()
    assert [one.kind for one in await bench.device.answers()] == [coap.ACK]
    bench.notify(token, 11, sample(2), 500)
    assert [one.kind for one in await bench.device.answers()] == [coap.ACK]
    assert bench.values() == [1.0, 2.0]


async def test_notification_that_the_journal_refuses_is_taken_when_it_comes_again(make: Make) -> None:
    bench = await make()
    token = await bench.registered()
    errors = bench.gate.side.diagnosis.devices[EAST].errors
    bench.gate.fault = JournalFull("full")
    for number in (1, 2):
        bench.notify(token, 11, sample(2), 500)
        await wait_for_async(partial(has_failed, errors, number), what="the refusal")
        assert await bench.device.answers() == []
    bench.gate.fault = None
    bench.notify(token, 11, sample(2), 500)
    await wait_for_async(lambda: bench.device.heard, what="the acknowledgement")
    assert [one.kind for one in bench.device.heard] == [coap.ACK]


async def test_notification_that_was_overtaken_is_acknowledged_and_not_taken(make: Make) -> None:
    bench = await make()
    token = await bench.registered()
    bench.notify(token, 12, sample(3), 501)
    await bench.stored(3.0)
    bench.notify(token, 11, sample(2), 500)
    assert {one.mid for one in await bench.device.answers()} == {500, 501}
    assert bench.values() == [1.0, 3.0]


async def test_notification_under_another_token_or_from_elsewhere_is_rejected(make: Make) -> None:
    bench = await make()
    token = await bench.registered()
    stranger = await peer_of(bench.gate.address)
    stranger.say(coap.encode(coap.CON, coap.CONTENT, 1, token, [(OBSERVE, b"\x0b")], payload=sample(99)))
    assert [one.kind for one in await stranger.answers()] == [coap.RST]
    bench.notify(b"else", 11, sample(99), 500)
    assert [one.kind for one in await bench.device.answers()] == [coap.RST]
    assert bench.values() == [1.0]
    stranger.transport.close()


async def test_what_cannot_be_read_is_counted_and_not_sent_again(make: Make) -> None:
    bench = await make()
    token = await bench.registered()
    bench.notify(token, 11, b"[{", 500)
    bench.notify(token, 12, b'[{"n":"east:gas:0002/methane","v":9}]', 501)
    bench.notify(token, 13, sample(2), 502, (BLOCK2, b"\x07"))
    assert [one.mid for one in await bench.device.answers()] == [500, 501, 502]
    errors = {"syntax": 1, "unknown-device": 1, "block": 1}
    assert bench.gate.side.diagnosis.devices[EAST].errors == errors
    bench.notify(token, 14, sample(2), 503)
    await bench.stored(2.0)


async def test_large_representation_is_fetched_in_blocks_and_acknowledged_whole(make: Make) -> None:
    bench = await make()
    token = await bench.registered()
    body = sample(5) + b" " * 20
    tag = (4, b"e1")
    bench.notify(token, 11, body[:16], 500, (BLOCK2, encode_block(Block(0, more=True, size=16))), tag)
    for number in range(1, -(-len(body) // 16)):
        asked = await bench.asked()
        block = Block(number, more=False, size=16)
        assert coap.option(asked.options, BLOCK2) == encode_block(block)
        assert coap.option(asked.options, OBSERVE) is None
        piece = body[16 * number :][:16]
        more = 16 * number + 16 < len(body)
        bench.answer(asked, piece, tag, (BLOCK2, encode_block(block._replace(more=more))))
    await bench.stored(5.0)
    assert [(one.kind, one.mid) for one in await bench.device.answers()] == [(coap.ACK, 500)]


async def test_representation_that_changed_between_two_blocks_is_not_taken(make: Make) -> None:
    bench = await make()
    token = await bench.registered()
    bench.notify(token, 11, sample(5)[:16], 500, (BLOCK2, encode_block(Block(0, more=True, size=16))), (4, b"e1"))
    asked = await bench.asked()
    bench.answer(asked, sample(6)[16:32], (4, b"e2"), (BLOCK2, encode_block(Block(1, more=False, size=16))))
    await wait_for_async(lambda: bench.gate.side.diagnosis.devices[EAST].errors, what="the refusal")
    assert bench.gate.side.diagnosis.devices[EAST].errors == {"bad-reply": 1}
    assert (bench.values(), await bench.device.answers()) == ([1.0], [])


async def test_silence_or_a_short_max_age_registers_anew_under_the_same_token(make: Make) -> None:
    bench = await make(OFTEN_S)
    token = await bench.registered()
    again = await bench.asked()
    assert (again.token, coap.option(again.options, OBSERVE)) == (token, b"")
    bench.answer(again, sample(1), (OBSERVE, b"\x0a"))
    await wait_for_async(lambda: len(bench.values()) == 2, what="a fresh sample of the same value")


async def test_device_that_was_restarted_and_knows_nothing_is_found_again(make: Make) -> None:
    bench = await make(OFTEN_S)
    await bench.registered(serial=1000)
    asked = await bench.asked()
    bench.answer(asked, sample(2), (OBSERVE, b"\x01"))
    await bench.stored(2.0)
    bench.notify(asked.token, 2, sample(3), 7)
    await bench.stored(3.0)


async def test_device_that_never_answers_is_lost_and_asked_again(make: Make) -> None:
    bench = await make(OFTEN_S)
    for _ in range(2):
        asked = await bench.asked()
        bench.device.say(coap.encode(coap.RST, coap.EMPTY, asked.mid))
    await wait_for_async(lambda: len(bench.gate.lost) >= 2, what="the losses")
    device, reason = bench.gate.lost[0]
    assert (device, "reset the request" in reason) == (EAST, True)


async def test_resource_that_is_not_there_is_a_loss_that_says_which(make: Make) -> None:
    bench = await make()
    bench.answer(await bench.asked(), b"", code=coap.NOT_FOUND)
    await wait_for_async(lambda: bench.gate.lost, what="the loss")
    assert bench.gate.lost == [(EAST, f"{EAST} gives no /gas: 4.04")]
    await bench.registered()


async def test_error_notification_ends_the_observation_and_it_is_begun_again(make: Make) -> None:
    bench = await make()
    token = await bench.registered()
    bench.device.say(coap.encode(coap.CON, coap.NOT_FOUND, 500, token, [(OBSERVE, b"\x0b")]))
    await wait_for_async(lambda: bench.gate.lost == [(EAST, f"{EAST} gives no /gas: 4.04")], what="the loss")
    bench.device.heard = [one for one in bench.device.heard if one.kind != coap.ACK]
    assert await bench.registered(2.0) != token


async def test_resource_that_cannot_be_observed_is_read_in_each_period(make: Make) -> None:
    bench = await make(OFTEN_S)
    for methane in (1.0, 2.0, 3.0):
        bench.answer(await bench.asked(), sample(methane))
        await bench.stored(methane)
    assert bench.values() == [1.0, 2.0, 3.0]


async def test_device_without_an_address_is_observed_where_it_is_heard(tmp_path: Path) -> None:
    async with observing(tmp_path, coap_site(coap={"observe": ["gas"]}, period_s=OFTEN_S)) as bench:
        options = [(coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, b"\x6e")]
        bench.device.say(coap.encode(coap.NON, coap.POST, 1, b"", options, payload=sample(1)))
        await wait_for_async(lambda: any(one.code == "0.01" for one in bench.device.heard), what="the registration")


@pytest.mark.parametrize(
    ("known", "serial", "at_s", "newer"),
    [
        ((1, 0.0), 2, 0.0, True),
        ((2, 0.0), 1, 0.0, False),
        ((2, 0.0), 2, 0.0, False),
        (((1 << 24) - 1, 0.0), 0, 0.0, True),
        ((0, 0.0), (1 << 24) - 1, 0.0, False),
        ((0, 0.0), 1 << 23, 0.0, False),
        ((5, 0.0), 4, 128.5, True),
    ],
)
def test_order_of_notifications(known: tuple[int, float], serial: int, at_s: float, newer: bool) -> None:
    """RFC 7641, section 3.4."""
    assert is_newer(known, serial, at_s) is newer


# -- other implementations as the device -------------------------------------------------------------------------------


async def test_aiocoap_is_observed_also_after_it_was_started_again(tmp_path: Path, free_udp_port: int) -> None:
    where = {"at": f"127.0.0.1:{free_udp_port}", "observe": ["gas"]}
    async with observing(tmp_path, coap_site(coap=where, period_s=OFTEN_S)) as bench:
        for life in range(2):
            gas = Gas()
            site = aiocoap.resource.Site()
            site.add_resource(["gas"], gas)
            gas.tell(sample(10 * life + 1))
            context = await aiocoap.Context.create_server_context(
                site, bind=("127.0.0.1", free_udp_port), transports=["udp6"]
            )
            try:
                await bench.stored(10.0 * life + 1)
                gas.tell(sample(10 * life + 2))
                await bench.stored(10.0 * life + 2)
                gas.tell(sample(10 * life + 3) + b" " * 3000)
                await bench.stored(10.0 * life + 3)
            finally:
                await context.shutdown()


@pytest.fixture
async def coap_server(free_udp_port: int, coap_client: Program) -> AsyncIterator[str]:
    """libcoap's server as a device with the resource ``example_data``; its address."""
    server = program("coap-server")
    address = f"127.0.0.1:{free_udp_port}"
    command = (str(server.path), "-A", "127.0.0.1", "-p", str(free_udp_port))
    process = await asyncio.create_subprocess_exec(*command, env=dict(server.env))
    yield address
    process.terminate()
    await process.wait()


async def put(coap_client: Program, address: str, body: bytes) -> None:
    """Somebody sets the device's value, again and again until it has it: its program may only just be starting."""
    where, said = f"coap://{address}/example_data", ""
    async with asyncio.timeout(30):
        while body.decode() not in said:
            await asyncio.to_thread(coap_client.run, "-m", "put", "-t", "110", "-B", "2", "-e", body.decode(), where)
            said = (await asyncio.to_thread(coap_client.run, "-m", "get", "-B", "2", where)).stdout


@pytest.mark.server
async def test_libcoap_is_observed(tmp_path: Path, coap_server: str, coap_client: Program) -> None:
    await put(coap_client, coap_server, sample(1))
    where = {"at": coap_server, "observe": ["example_data"]}
    async with observing(tmp_path, coap_site(coap=where)) as bench:
        await bench.stored(1.0)
        for methane in (2.0, 3.0):
            await put(coap_client, coap_server, sample(methane))
            await bench.stored(methane)
