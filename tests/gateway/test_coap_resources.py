"""What the gateway offers over CoAP besides: packs in blocks, the time, the settings and who observes them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiocoap
import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.transports.coap.answers import Rates
from gateway.transports.coap.exchanges import Exchanges
from gateway.transports.coap.observers import MOST_OF_PEER, OBSERVE
from gateway.transports.coap.resources import LONGEST_BODY, MOST_TRANSFERS
from protocols.coap_blocks import BLOCK1, BLOCK2, SIZE1, Block, encode_block
from protocols.moment import SECOND
from protocols.wire import coap
from tests.fixtures.datagrams import Message, Peer, Relay, peer_of
from tests.fixtures.gates import EAST, SideGate, coap_site
from tests.fixtures.programs import Program
from tests.fixtures.waiting import wait_for_async

READINGS = (coap.URI_PATH, b"readings")
JSON = (coap.CONTENT_FORMAT, b"\x6e")
CONFIG = (coap.URI_PATH, b"config")
WHOSE = (coap.URI_QUERY, b"d=" + EAST.encode())
PACK = f'[{{"bn":"{EAST}/","n":"boot","v":1}},{{"n":"seq","v":1}},{{"n":"methane","v":3}}]'.encode()


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[SideGate]:
    one = SideGate(tmp_path / "journal", coap_site())
    await one.open()
    yield one
    await one.close()


@pytest.fixture
async def peer(gate: SideGate) -> AsyncIterator[Peer]:
    one = await peer_of(gate.address)
    yield one
    one.transport.close()


@pytest.fixture
async def client() -> AsyncIterator[aiocoap.Context]:
    """The reference implementation as a device."""
    context = await aiocoap.Context.create_client_context(transports=["udp6"])
    yield context
    await context.shutdown()


def uri(gate: SideGate, path: str) -> str:
    return f"coap://127.0.0.1:{gate.address[1]}/{path}"


def get(*options: tuple[int, bytes], mid: int = 1, token: bytes = b"tk", code: int = coap.GET) -> bytes:
    return coap.encode(coap.CON, code, mid, token, sorted(options, key=lambda one: one[0]))


def block1(number: int, body: bytes, size: int = 64, *, mid: int = 0, more: bool | None = None) -> bytes:
    """One piece of a pack."""
    start = number * size
    block = Block(number, start + size < len(body) if more is None else more, size)
    options = [READINGS, JSON, (BLOCK1, encode_block(block))]
    return coap.encode(coap.CON, coap.POST, mid or 100 + number, b"bl", options, payload=body[start : start + size])


def value_of(message: Message, number: int) -> bytes | None:
    return coap.option(message.options, number)


# -- packs in blocks ---------------------------------------------------------------------------------------------------


async def test_pack_in_blocks_is_stored_and_acknowledged_with_its_last(gate: SideGate, peer: Peer) -> None:
    body = PACK + b" " * (200 - len(PACK))
    answers = [await peer.ask(block1(number, body)) for number in range(4)]
    assert [one.code for one in answers] == ["2.31", "2.31", "2.31", "2.04"]
    assert [value_of(one, BLOCK1) for one in answers] == [b"\x0a", b"\x1a", b"\x2a", b"\x32"]
    assert len(gate.readings()) == 1
    assert gate.side.diagnosis.devices[EAST].heard_at > 0


async def test_last_block_repeated_is_answered_again_and_stored_once(gate: SideGate, peer: Peer) -> None:
    body = PACK + b" " * 40
    for _ in range(2):
        assert (await peer.ask(block1(0, body))).code == "2.31"
    last = block1(1, body)
    assert [(await peer.ask(last)).code for _ in range(3)] == ["2.04"] * 3
    assert len(gate.readings()) == 1


async def test_blocks_that_do_not_begin_at_the_beginning_are_told_to(gate: SideGate, peer: Peer) -> None:
    answer = await peer.ask(block1(1, PACK + b" " * 60))
    assert (answer.code, answer.payload) == ("4.08", b"blocks are missing: begin again with block 0")
    assert gate.refused() == {"block": 1.0}


async def test_wrong_block_option_is_refused(peer: Peer) -> None:
    options = [READINGS, JSON, (BLOCK1, b"\x07")]
    assert (await peer.ask(coap.encode(coap.CON, coap.POST, 1, b"", options, payload=PACK))).code == "4.00"


async def test_pack_that_says_or_shows_to_be_too_long_is_refused_with_the_bound(gate: SideGate, peer: Peer) -> None:
    options = [READINGS, JSON, (BLOCK1, b"\x0e"), (SIZE1, coap.uint_bytes(LONGEST_BODY + 1))]
    said = await peer.ask(coap.encode(coap.CON, coap.POST, 1, b"", options, payload=b" " * 1024))
    block = Block(LONGEST_BODY // 1024, more=True, size=1024)
    options = [READINGS, JSON, (BLOCK1, encode_block(block))]
    shown = await peer.ask(coap.encode(coap.CON, coap.POST, 2, b"", options, payload=b" " * 1024))
    for answer in (said, shown):
        assert (answer.code, value_of(answer, SIZE1)) == ("4.13", coap.uint_bytes(LONGEST_BODY))
    assert gate.refused() == {"size": 2.0}


async def test_refusal_of_a_whole_pack_says_which_block_it_answers(gate: SideGate, peer: Peer) -> None:
    answer = await peer.ask(block1(0, b"[{"))
    assert (answer.code, value_of(answer, BLOCK1)) == ("4.00", b"\x02")
    assert gate.side.diagnosis.errors == gate.refused() == {"syntax": 1}


async def test_transfers_of_many_peers_are_bounded(gate: SideGate) -> None:
    body = PACK + b" " * 100
    peers = [await peer_of(gate.address) for _ in range(MOST_TRANSFERS + 1)]
    codes = [(await one.ask(block1(0, body))).code for one in peers]
    assert codes == ["2.31"] * MOST_TRANSFERS + ["5.03"]
    assert (await peers[0].ask(block1(1, body))).code == "2.31"
    for one in peers:
        one.transport.close()


async def test_aiocoap_sends_a_large_pack(gate: SideGate, client: aiocoap.Context) -> None:
    body = PACK + b" " * 20_000
    request = aiocoap.Message(code=aiocoap.POST, uri=uri(gate, "readings"), payload=body, content_format=110)
    assert ((await client.request(request).response).code, len(gate.readings())) == (aiocoap.CHANGED, 1)


@pytest.mark.parametrize("lost", [("up", 1), ("down", 1), ("up", 3), ("down", 3)], ids=str)
async def test_blocks_that_a_network_loses_are_repeated(
    gate: SideGate, client: aiocoap.Context, lost: tuple[str, int]
) -> None:
    class Hasty(aiocoap.Reliable):
        ACK_TIMEOUT = 0.02
        ACK_RANDOM_FACTOR = 1.0

    relay = Relay(gate.address, lambda direction, number: (direction, number) == lost)
    host, port = (await relay.open())[:2]
    body = PACK + b" " * 3500
    request = aiocoap.Message(
        code=aiocoap.POST,
        uri=f"coap://{host}:{port}/readings",
        payload=body,
        content_format=110,
        transport_tuning=Hasty,
    )
    assert ((await client.request(request).response).code, len(gate.readings())) == (aiocoap.CHANGED, 1)
    relay.close()


@pytest.mark.server
async def test_libcoap_puts_a_large_pack_in_small_blocks(gate: SideGate, coap_client: Program, tmp_path: Path) -> None:
    file = tmp_path / "pack.json"
    file.write_bytes(PACK + b" " * 3000)
    done = await asyncio.to_thread(
        coap_client.run,
        "-v",
        "7",
        "-m",
        "post",
        "-b",
        "64",
        "-B",
        "10",
        "-t",
        "110",
        "-f",
        str(file),
        uri(gate, "readings"),
    )
    assert "2.04" in done.stdout + done.stderr
    assert len(gate.readings()) == 1


# -- what is read ------------------------------------------------------------------------------------------------------


async def test_time_is_told_in_milliseconds(gate: SideGate, peer: Peer) -> None:
    answer = await peer.ask(get((coap.URI_PATH, b"time")))
    assert (answer.code, value_of(answer, coap.CONTENT_FORMAT), value_of(answer, coap.MAX_AGE)) == ("2.05", b"", b"")
    assert abs(int(answer.payload) - gate.side._intake.now() // 1_000_000) < 60_000


async def test_settings_are_given_as_the_boards_write_them_or_as_cbor(peer: Peer) -> None:
    text = await peer.ask(get(CONFIG, WHOSE))
    assert (text.code, text.payload, value_of(text, coap.CONTENT_FORMAT)) == ("2.05", b"period=2\n", b"")
    binary = await peer.ask(get(CONFIG, WHOSE, (coap.ACCEPT, b"\x3c")))
    assert (cbor2.loads(binary.payload), value_of(binary, coap.CONTENT_FORMAT)) == ({"period": "2"}, b"\x3c")
    assert (await peer.ask(get(CONFIG, WHOSE, (coap.ACCEPT, b"\x32")))).code == "4.06"


async def test_device_that_alone_speaks_from_its_address_need_not_say_who_it_is(gate: SideGate, peer: Peer) -> None:
    assert (await peer.ask(get(CONFIG))).payload == b"say for which device: /config?d=DEVICE"
    await peer.ask(coap.encode(coap.CON, coap.POST, 9, b"", [READINGS, JSON], payload=PACK))
    assert (await peer.ask(get(CONFIG))).payload == b"period=2\n"
    unknown = await peer.ask(get(CONFIG, (coap.URI_QUERY, b"d=nobody")))
    assert (unknown.code, unknown.payload) == ("4.04", b"no device 'nobody' on this connection")


async def test_answer_can_be_had_in_blocks(peer: Peer) -> None:
    core = ((coap.URI_PATH, b".well-known"), (coap.URI_PATH, b"core"))
    whole = (await peer.ask(get(*core))).payload
    found, tags = b"", set()
    for number in range(-(-len(whole) // 16)):
        answer = await peer.ask(get(*core, (BLOCK2, encode_block(Block(number, more=False, size=16)))))
        found += answer.payload
        tags.add(value_of(answer, 4))
    assert (found, len(tags)) == (whole, 1)
    assert (await peer.ask(get(*core, (BLOCK2, b"\xf1")))).code == "4.00"


@pytest.mark.server
async def test_libcoap_reads_in_small_blocks(gate: SideGate, coap_client: Program) -> None:
    done = await asyncio.to_thread(coap_client.run, "-b", "16", "-B", "5", uri(gate, ".well-known/core"))
    assert "</readings>;rt=" in done.stdout
    assert "</config>;rt=" in done.stdout


@pytest.mark.parametrize(
    ("code", "path", "expected", "kind"),
    [
        (coap.PUT, b"config", "4.05", "method"),
        (coap.POST, b"time", "4.05", "method"),
        (coap.DELETE, b"readings", "4.05", "method"),
        (coap.GET, b"valve", "4.04", "path"),
    ],
)
async def test_nothing_else_is_offered(
    gate: SideGate, peer: Peer, code: int, path: bytes, expected: str, kind: str
) -> None:
    answer = await peer.ask(get((coap.URI_PATH, path), code=code))
    assert (answer.code, gate.refused()) == (expected, {kind: 1.0})


# -- observing the settings --------------------------------------------------------------------------------------------


async def test_who_observes_its_settings_is_told_of_a_change_until_it_resets(gate: SideGate, peer: Peer) -> None:
    first = await peer.ask(get(CONFIG, WHOSE, (OBSERVE, b""), token=b"ob"))
    assert (value_of(first, OBSERVE), first.payload) == (b"\x01", b"period=2\n")
    await gate.reload(period_s=7.0)
    await wait_for_async(lambda: peer.heard, what="the notification")
    told = peer.heard.pop()
    assert (told.kind, told.code, told.token, told.payload) == (coap.CON, "2.05", b"ob", b"period=7\n")
    assert value_of(told, OBSERVE) == b"\x02"
    peer.say(coap.encode(coap.ACK, coap.EMPTY, told.mid))
    await peer.answers()
    await gate.reload(period_s=8.0)
    await wait_for_async(lambda: peer.heard, what="the next")
    peer.say(coap.encode(coap.RST, coap.EMPTY, peer.heard.pop().mid))
    await wait_for_async(lambda: len(gate.door.observers) == 0, what="the end of the observation")


async def test_observation_that_was_renewed_outlives_the_notification_before(gate: SideGate, peer: Peer) -> None:
    await peer.ask(get(CONFIG, WHOSE, (OBSERVE, b""), token=b"ob"))
    await gate.reload(period_s=7.0)
    await wait_for_async(lambda: peer.heard, what="the notification")
    told = peer.heard.pop()
    await peer.ask(get(CONFIG, WHOSE, (OBSERVE, b""), token=b"ob"))
    peer.say(coap.encode(coap.RST, coap.EMPTY, told.mid))
    await peer.answers()
    await gate.reload(period_s=8.0)
    await wait_for_async(lambda: any(one.payload == b"period=8\n" for one in peer.heard), what="the next")


async def test_observation_ends_when_it_is_cancelled_and_one_peer_has_few(gate: SideGate, peer: Peer) -> None:
    for number in range(MOST_OF_PEER + 1):
        answer = await peer.ask(get(CONFIG, WHOSE, (OBSERVE, b""), token=bytes([number])))
        assert answer.code == "2.05"
        assert (value_of(answer, OBSERVE) is not None) == (number < MOST_OF_PEER)
    await peer.ask(get(CONFIG, WHOSE, (OBSERVE, b"\x01"), token=b"\x00"))
    assert len(gate.door.observers) == MOST_OF_PEER - 1


@pytest.mark.server
async def test_libcoap_observes_its_settings(gate: SideGate, coap_client: Program) -> None:
    arguments = ("-s", "3", "-B", "6", f"{uri(gate, 'config')}?d={EAST}")
    running = asyncio.ensure_future(asyncio.to_thread(coap_client.run, *arguments))
    await wait_for_async(lambda: len(gate.door.observers) == 1, what="the observation")
    await gate.reload(period_s=30.0)
    done = await running
    assert "period=2\n" in done.stdout
    assert "period=30\n" in done.stdout
    await wait_for_async(lambda: len(gate.door.observers) == 0, what="its end")


# -- a peer that sends too much, and what is remembered ----------------------------------------------------------------


def counted(sequence: int, methane: float) -> bytes:
    text = f'[{{"bn":"{EAST}/","n":"boot","v":1}},{{"n":"seq","v":{sequence}}},{{"n":"methane","v":{methane}}}]'
    return coap.encode(coap.CON, coap.POST, sequence, b"", [READINGS, JSON], payload=text.encode())


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[SideGate]:
    """A gateway that stores ten messages of a peer in a second."""
    one = SideGate(tmp_path / "journal", coap_site())
    one.rate = 10
    await one.open()
    yield one
    await one.close()


async def test_flood_is_judged_and_beyond_the_rate_neither_stored_nor_acknowledged(strict: SideGate) -> None:
    peer, other = await peer_of(strict.address), await peer_of(strict.address)
    for sequence in range(1, 41):
        peer.say(counted(sequence, sequence))
    await wait_for_async(lambda: len(peer.heard) == 40, what="every answer")
    refused = [one for one in peer.heard if one.code == "4.29"]
    assert {value_of(one, coap.MAX_AGE) for one in refused} == {b"\x01"}
    assert len(refused) + len(strict.readings()) == 40
    assert len(strict.readings()) in (10, 20), "the flood may go over a change of the second"
    assert [one.sequence for one in strict.judge.seen] == list(range(1, 41))
    assert strict.refused() == {"rate": float(len(refused))}
    assert (await other.ask(counted(50, 1.0))).code == "2.04", "the rate is each peer's own"
    peer.transport.close()
    other.transport.close()


def test_rate_is_counted_for_each_peer_and_each_second_anew() -> None:
    rates = Rates(2)
    one, other = ("192.0.2.1", 1), ("192.0.2.1", 2)
    assert [rates.over(one, SECOND + number) for number in range(4)] == [False, False, True, True]
    assert rates.over(other, SECOND + 5) is False
    assert [rates.over(one, 2 * SECOND + number) for number in range(3)] == [False, False, True]


def test_exchanges_are_bounded_by_number_and_time() -> None:
    known = Exchanges(most=3)
    for number in range(10):
        known.begin(("p", 1), number, 7, float(number)).reply = b"r"
    assert len(known) == 3
    assert known.find(("p", 1), 9, 7, 9.0) is not None
    assert known.find(("p", 1), 9, 8, 9.0) is None
    assert known.find(("p", 1), 9, 7, 9.0 + coap.EXCHANGE_LIFETIME_S) is None
    known.begin(("p", 1), 10, 7, 1000.0)
    known.begin(("p", 1), 11, 7, 1000.0)
    assert len(known) <= 3


KINDS = {
    *("accept", "block", "content-format", "device", "field", "method", "name", "option", "path", "size", "syntax"),
    *("time", "type", "unit", "unknown-device", "value", "version"),
}
requests = st.builds(
    lambda kind, code, mid, options, payload: coap.encode(
        kind, code, mid, b"t", sorted(options, key=lambda one: one[0]), payload=payload
    ),
    st.sampled_from([coap.CON, coap.NON]),
    st.sampled_from([1, 2, 2, 2, 3, 4, 5]),
    st.integers(0, 50),
    st.lists(
        st.one_of(
            st.sampled_from([READINGS, JSON, CONFIG, WHOSE, (OBSERVE, b""), (coap.URI_PATH, b"time")]),
            st.tuples(st.sampled_from([BLOCK1, BLOCK2, SIZE1, 9, 17, 12]), st.binary(max_size=4)),
        ),
        max_size=6,
    ),
    st.one_of(st.sampled_from([PACK, PACK[:16], b" " * 16]), st.binary(max_size=40)),
)


async def test_no_request_raises_or_is_kept_without_bound(gate: SideGate, peer: Peer) -> None:
    @settings(max_examples=400, deadline=None)
    @given(requests)
    def deliver(datagram: bytes) -> None:
        gate.door.datagram_received(datagram, ("127.0.0.1", 9))

    deliver()
    assert len(gate.door.observers) <= MOST_OF_PEER
    assert set(gate.refused()) <= KINDS
    assert (await peer.ask(counted(2, 3.0))).code == "2.04", "and it still serves"
