"""A protected device is observed (RFC 8613, 4.1.3.5 and 7.4.1): only what it protected counts, once and in order."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiocoap
import aiocoap.resource
import pytest

from gateway.transports.coap.requests import Options
from journal.errors import JournalFull
from protocols import oscore_observe
from protocols.coap_blocks import BLOCK2, ETAG, Block, encode_block
from protocols.profile.loader import shipped_profiles
from protocols.wire import coap, oscore
from protocols.wire.replay import ReplayWindow
from tests.fixtures.coap_boards import Board, Gas, needs_aiocoap_oscore, observed_site, sample
from tests.fixtures.datagrams import Message, Peer, peer_of
from tests.fixtures.gates import EAST, SideGate
from tests.fixtures.oscore_gateway import protecting, security_in
from tests.fixtures.waiting import wait_for_async

METHANE = shipped_profiles()["gengfu/gas-alarm"].by_name["methane"].index
OBSERVE = oscore.OBSERVE
RARELY_S = 3600.0
OFTEN_S = 0.1


class Source:
    """A protected device of raw datagrams whose resource ``gas`` the gateway observes. ``number``: its last."""

    def __init__(self, gate: SideGate, peer: Peer) -> None:
        self.gate = gate
        self.peer = peer
        self.board = Board(peer)
        self.number = 5000
        self.token = b""
        self.binding: oscore.Binding

    async def asked(self) -> tuple[Message, int, list[tuple[int, bytes]]]:
        """The next registration: as it came, and its code and options inside."""
        await wait_for_async(lambda: self.peer.heard, what="a registration")
        one = self.peer.heard.pop(0)
        window = ReplayWindow()
        opened = oscore_observe.unprotect_registration(self.board.context, one.options, one.payload, window)
        self.token, self.binding = one.token, opened[4]
        return one, opened[0], opened[1]

    def sealed(
        self, payload: bytes, *, code: int = coap.CONTENT, number: int | None = None, options: Options = ()
    ) -> oscore_observe.Sealed:
        """A representation under the present registration. ``number``: its Partial IV, else none."""
        content = code, sorted([(OBSERVE, b"\x07"), *options]), payload
        return oscore_observe.protect_answer(self.board.context, self.binding, content, sequence=number)

    def answer(self, asked: Message, payload: bytes) -> None:
        """In the acknowledgement."""
        said = self.sealed(payload)
        self.peer.say(coap.encode(coap.ACK, said.code, asked.mid, asked.token, said.options, payload=said.payload))

    def told(self, payload: bytes, mid: int, number: int | None = None, options: Options = ()) -> bytes:
        """A confirmable notification under the next number, not sent yet."""
        if number is None:
            self.number = number = self.number + 1
        said = self.sealed(payload, number=number, options=options)
        return coap.encode(coap.CON, said.code, mid, self.token, said.options, payload=said.payload)

    def notify(self, payload: bytes, mid: int) -> bytes:
        """The same, sent."""
        datagram = self.told(payload, mid)
        self.peer.say(datagram)
        return datagram

    async def registered(self) -> None:
        """Accept the registration with 1 %LEL."""
        asked, code, options = await self.asked()
        assert (asked.code, code, coap.path_of(options)) == ("0.05", coap.GET, [b"gas"])
        assert coap.option(options, OBSERVE) == coap.option(asked.options, OBSERVE) == b""
        self.answer(asked, sample(1))
        await self.stored(1.0)

    async def settled(self) -> None:
        """Wait for a commit that is held, and tell of it."""
        await wait_for_async(lambda: self.gate.held, what="the commit")
        self.gate.release()

    async def stored(self, methane: float) -> None:
        await wait_for_async(lambda: methane in self.values(), what=f"{methane} %LEL")

    def values(self) -> list[object]:
        return [one.values[METHANE] for one in self.gate.readings()]

    def errors(self) -> dict[str, int]:
        return self.gate.side.diagnosis.devices[EAST].errors


Make = Callable[..., Awaitable[Source]]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Opens the gateway and the device; ``period_s`` of its reports. ``port``: of another device."""
    made: list[Source] = []

    async def one(period_s: float = RARELY_S, port: int = 0) -> Source:
        peer = await peer_of(("127.0.0.1", 9))
        gate = SideGate(tmp_path / "journal", observed_site(tmp_path, port or peer.address[1], period_s=period_s))
        await gate.open()
        peer.other = gate.address
        made.append(Source(gate, peer))
        return made[-1]

    yield one
    for source in made:
        await source.gate.close()
        source.peer.transport.close()


# -- a protected device is observed ------------------------------------------------------------------------------------


async def test_answer_and_notifications_of_a_protected_device_become_readings(make: Make) -> None:
    source = await make()
    await source.registered()
    for number, methane in enumerate((2.0, 3.0)):
        source.notify(sample(methane), 500 + number)
        await source.stored(methane)
    assert [(one.kind, one.mid) for one in await source.peer.answers()] == [(coap.ACK, 500), (coap.ACK, 501)]
    assert (source.values(), source.errors()) == ([1.0, 2.0, 3.0], {})


async def test_notification_that_is_replayed_or_overtaken_is_acknowledged_and_not_taken(make: Make) -> None:
    source = await make()
    await source.registered()
    late = source.told(sample(9), 500)
    source.notify(sample(2), 501)
    await source.stored(2.0)
    again = source.told(sample(2), 502, number=source.number)
    source.peer.say(late)
    source.peer.say(again)
    assert {one.mid for one in await source.peer.answers()} == {500, 501, 502}
    assert source.values() == [1.0, 2.0]


async def test_replays_do_not_keep_a_dead_device_alive(make: Make) -> None:
    source = await make(OFTEN_S)
    await source.registered()
    datagram = source.notify(sample(2), 500)
    await source.stored(2.0)

    def is_asked_again() -> bool:
        source.peer.say(datagram)
        return any(one.code == "0.05" for one in source.peer.heard)

    await wait_for_async(is_asked_again, what="a registration in spite of the replays")
    assert source.values() == [1.0, 2.0]


async def test_first_answer_counts_once_though_it_has_no_number(make: Make) -> None:
    source = await make()
    asked, _, _ = await source.asked()
    said = source.sealed(sample(1))
    source.gate.hold = True
    source.answer(asked, sample(1))
    await source.settled()
    replay = coap.encode(coap.CON, said.code, 500, source.token, said.options, payload=said.payload)
    for _ in range(2):
        source.peer.say(replay)
    assert [(one.kind, one.mid) for one in await source.peer.answers()] == [(coap.ACK, 500)] * 2
    assert source.values() == [1.0]


async def test_device_that_uses_its_numbers_again_is_lost_and_not_asked_without_end(make: Make) -> None:
    source = await make(OFTEN_S)
    await source.registered()
    source.notify(sample(2), 500)
    await source.stored(2.0)
    await wait_for_async(lambda: source.peer.heard, what="the acknowledgement")
    source.peer.heard.pop()
    asked, _, _ = await source.asked()
    said = source.sealed(sample(3), number=1)
    source.peer.say(coap.encode(coap.ACK, said.code, asked.mid, asked.token, said.options, payload=said.payload))
    await wait_for_async(lambda: source.gate.lost, what="the loss")
    ((_, reason),) = source.gate.lost
    assert "numbers that it has used" in reason
    assert (source.values(), source.errors()) == ([1.0, 2.0], {"bad-reply": 1})


async def test_plain_or_foreign_notification_is_neither_taken_nor_acknowledged(make: Make) -> None:
    source = await make()
    await source.registered()
    source.peer.say(coap.encode(coap.CON, coap.CONTENT, 500, source.token, [(OBSERVE, b"\x09")], payload=sample(99)))
    source.binding = oscore.Binding(source.binding.kid, b"\x63", source.binding.nonce)
    source.peer.say(source.told(sample(99), 501))
    assert await source.peer.answers() == []
    assert (source.values(), source.errors()) == ([1.0], {"oscore": 2})


async def test_plain_answer_to_a_registration_is_a_loss(make: Make) -> None:
    source = await make()
    asked, _, _ = await source.asked()
    source.peer.say(coap.encode(coap.ACK, coap.CONTENT, asked.mid, asked.token, [(OBSERVE, b"")], payload=sample(99)))
    await wait_for_async(lambda: source.gate.lost, what="the loss")
    assert source.gate.lost == [(EAST, "the answer 2.05 is not protected by the device: no OSCORE option, or outer "
                                "block or proxy option")]  # fmt: skip
    assert (source.values(), source.errors()) == ([], {"bad-reply": 1})


async def test_notification_is_acknowledged_when_durable_and_taken_again_when_it_was_refused(make: Make) -> None:
    source = await make()
    source.gate.hold = True
    await source.registered()
    await source.settled()
    source.gate.hold = False
    source.gate.fault = JournalFull("full")
    datagram = source.notify(sample(2), 500)
    await wait_for_async(source.errors, what="the refusal")
    assert source.errors() == {"journal": 1}
    assert await source.peer.answers() == []
    source.gate.fault = None
    source.gate.hold = True
    source.peer.say(datagram)
    await wait_for_async(lambda: source.gate.held, what="the next commit")
    source.peer.say(datagram)
    assert await source.peer.answers() == []
    source.gate.release()
    assert [one.kind for one in await source.peer.answers()] == [coap.ACK]


async def test_notification_of_the_registration_before_still_counts(make: Make) -> None:
    source = await make(OFTEN_S)
    await source.registered()
    late = source.told(sample(2), 500)
    asked, _, _ = await source.asked()
    source.answer(asked, sample(3))
    await source.stored(3.0)
    source.peer.say(late)
    await source.stored(2.0)


async def test_large_representation_is_fetched_in_protected_blocks(make: Make) -> None:
    source = await make()
    await source.registered()
    body, tag = sample(5) + b" " * 20, (ETAG, b"e1")
    block = Block(0, more=True, size=32)
    source.peer.say(source.told(body[:32], 500, options=[tag, (BLOCK2, encode_block(block))]))
    while block.more:
        await wait_for_async(lambda: source.peer.heard, what="the request for the next block")
        asked = source.peer.heard.pop(0)
        opened = oscore.unprotect_request(source.board.context, asked.options, asked.payload, ReplayWindow())
        block = Block(block.number + 1, more=block.offset + 64 < len(body), size=32)
        assert (opened[0], coap.option(opened[1], BLOCK2)) == (coap.GET, encode_block(block._replace(more=False)))
        options = [tag, (BLOCK2, encode_block(block))]
        piece = body[block.offset :][:32]
        code, outside, text = oscore.protect_response(source.board.context, opened[4], coap.CONTENT, options, piece)
        source.peer.say(coap.encode(coap.ACK, code, asked.mid, asked.token, outside, payload=text))
    await source.stored(5.0)
    assert [(one.kind, one.mid) for one in await source.peer.answers()] == [(coap.ACK, 500)]


async def test_device_that_asks_for_a_proof_of_the_registration_gets_it(make: Make) -> None:
    source = await make()
    asked, _, _ = await source.asked()
    said = source.sealed(b"", code=coap.UNAUTHORIZED, number=4000, options=[(oscore.ECHO, b"prove")])
    source.peer.say(coap.encode(coap.ACK, said.code, asked.mid, asked.token, said.options, payload=said.payload))
    again, _, options = await source.asked()
    assert (again.token, coap.option(options, oscore.ECHO)) == (asked.token, b"prove")
    source.answer(again, sample(1))
    await source.stored(1.0)
    assert source.gate.lost == []


async def test_protected_error_ends_the_observation_and_it_is_begun_again(make: Make) -> None:
    source = await make()
    await source.registered()
    said = source.sealed(b"", code=coap.NOT_FOUND, number=6000)
    source.peer.say(coap.encode(coap.CON, said.code, 500, source.token, said.options, payload=said.payload))
    await wait_for_async(lambda: source.gate.lost == [(EAST, f"{EAST} gives no /gas: 4.04")], what="the loss")
    source.peer.heard = [one for one in source.peer.heard if one.kind != coap.ACK]
    before = source.token
    await source.asked()
    assert source.token != before


@pytest.fixture
async def aiocoap_gas(tmp_path: Path, free_udp_port: int) -> AsyncIterator[Callable[[int], Awaitable[Gas]]]:
    """Starts aiocoap as the protected device at ``free_udp_port``, for the ``life``th time; its resource."""
    needs_aiocoap_oscore()
    contexts: list[aiocoap.Context] = []

    async def start(life: int) -> Gas:
        for one in contexts:
            await one.shutdown()
        contexts.clear()
        gas, site = Gas(), aiocoap.resource.Site()
        site.add_resource(["gas"], gas)
        security = security_in(tmp_path / f"life-{life}", "01", "02", lost_at=1000 * life)
        contexts.append(
            await aiocoap.Context.create_server_context(
                protecting(site, security), bind=("127.0.0.1", free_udp_port), transports=["oscore", "udp6"]
            )
        )
        return gas

    yield start
    for one in contexts:
        await one.shutdown()


async def test_aiocoap_is_observed_protected_also_large_and_after_it_was_started_again(
    make: Make, free_udp_port: int, aiocoap_gas: Callable[[int], Awaitable[Gas]]
) -> None:
    source = await make(0.5, free_udp_port)
    gas = await aiocoap_gas(0)
    await source.stored(1.0)
    for life in range(2):
        if life:
            gas = await aiocoap_gas(life)
        gas.tell(sample(10 * life + 2))
        await source.stored(10.0 * life + 2)
        gas.tell(sample(10 * life + 3) + b" " * 3000)
        await source.stored(10.0 * life + 3)
    plain = [one for one in source.gate.side.diagnosis.wire if b"methane" in one.data]
    assert plain == []
