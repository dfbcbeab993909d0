"""The CoAP door over real UDP on uvloop: raw peers, aiocoap and libcoap; every bad input; nothing crashes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiocoap
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from device_registry.load import load_site
from gateway.counters import Counters
from gateway.errors import AddressInUse
from gateway.pipeline import Pipeline
from gateway.transports import coap as door
from gateway.uplink import Done, Uplink
from journal.entry import PARTITIONS
from journal.errors import JournalFull
from journal.sqlite import SqliteJournal
from protocols.errors import DecodeError
from protocols.moment import Moment
from protocols.profile.loader import shipped_profiles
from protocols.reading import Reading, decode_reading
from protocols.senml.decode import MAX_BYTES
from protocols.wire import coap
from tests.fixtures.datagrams import Address, Message, Peer, Relay, peer_of
from tests.fixtures.programs import Program
from tests.fixtures.stories import MONO, WALL
from tests.fixtures.waiting import wait_for_async

SITE = load_site(Path(__file__).parents[2] / "sites/demo/site.toml", shipped_profiles())
GAS = "demo:gas:0001"
PACK = f'[{{"bn":"{GAS}/","n":"boot","v":1}},{{"n":"seq","v":1}},{{"n":"methane","v":3}}]'.encode()
READINGS = (coap.URI_PATH, b"readings")
JSON = (coap.CONTENT_FORMAT, b"\x6e")


class Gate:
    """A door over a pipeline and a real journal. ``hold``: messages wait for `release` before they are settled."""

    def __init__(self, folder: Path) -> None:
        self.journal = SqliteJournal.open(folder, now=WALL, window_s=0.0)
        self.registry = CollectorRegistry()
        self.counters = Counters(self.registry)
        self.pipeline = Pipeline(SITE, self.journal, self.counters)
        self.hold = False
        self.held: list[tuple[Done, Exception | None]] = []
        self.fault: Exception | None = None
        self.door: door.CoapDoor

    async def open(self) -> None:
        bound = door.bind("127.0.0.1", 0)
        self.address: Address = bound.getsockname()
        self.door = await door.listen(bound, self.ingest, self.counters, lambda: WALL)

    def ingest(self, uplink: Uplink, done: Done) -> tuple[str, ...]:
        def settle(error: Exception | None) -> None:
            error = self.fault or error
            if self.hold:
                self.held.append((done, error))
            else:
                done(error)

        return self.pipeline.ingest(uplink, settle, Moment(WALL, MONO))

    def release(self) -> None:
        held, self.held = self.held, []
        for done, error in held:
            done(error)

    def readings(self) -> list[Reading]:
        return [decode_reading(one.entry.body) for one in self.journal.read(range(PARTITIONS), {}, 1000)]

    def refused(self) -> dict[str, float]:
        """Refused uplinks by kind."""
        return {
            sample.labels["kind"]: sample.value
            for metric in self.counters.refused.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        }

    async def close(self) -> None:
        self.door.close()
        await self.journal.close()
        await asyncio.sleep(0)


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    one = Gate(tmp_path / "journal")
    await one.open()
    yield one
    await one.close()


@pytest.fixture
async def peer(gate: Gate) -> AsyncIterator[Peer]:
    one = await peer_of(gate.address)
    yield one
    one.transport.close()


def post(
    payload: bytes = PACK,
    *options: tuple[int, bytes],
    mid: int = 1,
    kind: int = coap.CON,
    token: bytes = b"tk",
    code: int = coap.POST,
) -> bytes:
    """A request; to /readings as SenML JSON unless options say otherwise."""
    return coap.encode(kind, code, mid, token, options or (READINGS, JSON), payload=payload)


# -- what is right -------------------------------------------------------------------------------------------------


async def test_posted_pack_is_acknowledged_after_the_commit(gate: Gate, peer: Peer) -> None:
    gate.hold = True
    peer.say(post())
    assert await peer.answers() == []
    await wait_for_async(lambda: gate.held, what="the commit")
    assert len(gate.readings()) == 1
    assert await peer.answers() == [], "durable, and not yet told"
    gate.release()
    assert await peer.answers() == [Message(coap.ACK, "2.04", 1, b"tk", [], b"")]
    assert gate.door.peers == {GAS: peer.address}


async def test_retransmission_while_the_commit_runs_is_answered_once(gate: Gate, peer: Peer) -> None:
    gate.hold = True
    for _ in range(5):
        peer.say(post())
    await wait_for_async(lambda: gate.held, what="the commit")
    assert await peer.answers() == []
    gate.release()
    assert [one.code for one in await peer.answers()] == ["2.04"]
    assert len(gate.readings()) == 1


async def test_retransmission_after_the_answer_is_answered_again_and_stored_once(gate: Gate, peer: Peer) -> None:
    answers = [await peer.ask(post()) for _ in range(3)]
    assert answers == [Message(coap.ACK, "2.04", 1, b"tk", [], b"")] * 3
    assert len(gate.readings()) == 1


async def test_same_message_id_of_another_peer_is_another_message(gate: Gate, peer: Peer) -> None:
    gate.hold = True
    other = await peer_of(gate.address)
    peer.say(post())
    other.say(post(PACK.replace(b'"v":3', b'"v":4')))
    await wait_for_async(lambda: len(gate.held) == 2, what="both")
    gate.release()
    assert [(await one.answers())[0].code for one in (peer, other)] == ["2.04", "2.04"]
    other.transport.close()


async def test_non_confirmable_pack_is_stored_and_answered_non_confirmable(gate: Gate, peer: Peer) -> None:
    answers = [await peer.ask(post(kind=coap.NON, mid=mid, token=bytes([mid]))) for mid in (5, 6)]
    assert [(one.kind, one.code, one.token) for one in answers] == [
        (coap.NON, "2.04", b"\5"),
        (coap.NON, "2.04", b"\6"),
    ]
    assert answers[0].mid != answers[1].mid
    assert len(gate.readings()) == 1


@pytest.mark.parametrize(
    "options", [(READINGS,), ((coap.URI_HOST, b"gw"), (coap.URI_PORT, b"\x16\x33"), READINGS, JSON)]
)
async def test_absent_format_is_senml_and_what_libcoap_adds_is_understood(
    gate: Gate, peer: Peer, options: tuple[tuple[int, bytes], ...]
) -> None:
    assert (await peer.ask(post(PACK, *options))).code == "2.04"


async def test_resources_are_discovered(peer: Peer) -> None:
    core = ((coap.URI_PATH, b".well-known"), (coap.URI_PATH, b"core"))
    answer = await peer.ask(post(b"", *core, code=coap.GET))
    assert (answer.code, answer.options) == ("2.05", [(coap.CONTENT_FORMAT, b"\x28")])
    assert answer.payload == b'</readings>;rt="gengfu.readings";ct="110 112"'


async def test_ping_is_answered_by_a_reset(peer: Peer) -> None:
    assert await peer.ask(coap.encode(coap.CON, coap.EMPTY, 77)) == Message(coap.RST, "0.00", 77, b"", [], b"")


# -- every bad input -----------------------------------------------------------------------------------------------

WRONG_TYPE = f'[{{"bn":"{GAS}/","n":"methane","v":"high"}}]'.encode()
UNKNOWN = b'[{"bn":"demo:gas:0099/","n":"methane","v":3}]'
LONG_NAME = ('[{"n":"' + "甲" * 300 + '","v":1}]').encode()
BAD: dict[str, tuple[bytes, str, str, str]] = {
    # input: (request, code, part of the diagnostic, kind that is counted)
    "wrong type": (post(WRONG_TYPE), "4.00", "record 1", "type"),
    "no JSON": (post(b"garbage"), "4.00", "the pack is no JSON", "syntax"),
    "no CBOR": (post(b"\xff\x00", READINGS, (12, b"\x70")), "4.00", "the pack is no CBOR", "syntax"),
    "empty payload": (post(b""), "4.00", "the pack is no JSON", "syntax"),
    "wrong unit": (post(f'[{{"n":"{GAS}/methane","u":"Cel","v":1}}]'.encode()), "4.00", "Cel", "unit"),
    "unknown point": (post(f'[{{"n":"{GAS}/radon","v":1}}]'.encode()), "4.00", "radon", "name"),
    "no device": (post(LONG_NAME), "4.00", "must be of A-Z", "name"),
    "unknown device": (post(UNKNOWN), "4.04", "'demo:gas:0099' is not registered", "unknown-device"),
    "wrong content format": (post(PACK, READINGS, (12, b"\x29")), "4.15", "41 is not taken", "content-format"),
    "endless content format": (post(PACK, READINGS, (12, b"\xff" * 12)), "4.15", "is not taken", "content-format"),
    "unknown critical option": (post(PACK, (9, b"x"), READINGS, JSON), "4.02", "option 9", "option"),
    "block-wise transfer": (post(PACK, READINGS, JSON, (27, b"\x0e")), "4.02", "option 27", "option"),
    "oversized": (post(b" " * (door.LARGEST_DATAGRAM + 1)), "4.13", "send at most 4096", "size"),
    "GET /readings": (post(b"", READINGS, code=coap.GET), "4.05", "", "method"),
    "PUT /readings": (post(PACK, READINGS, code=coap.PUT), "4.05", "", "method"),
    "another path": (post(PACK, (coap.URI_PATH, b"reading")), "4.04", "see /.well-known/core", "path"),
    "no path": (coap.encode(coap.CON, coap.POST, 1, b"tk", payload=PACK), "4.04", "see /.well-known/core", "path"),
    "path that is no text": (post(PACK, (coap.URI_PATH, b"\xff\xfe")), "4.04", "see /.well-known/core", "path"),
    "unknown option elsewhere": (post(b"", (9, b"x"), (11, b"x"), code=coap.GET), "4.02", "option 9", "option"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_refused_with_its_reason_and_counted(gate: Gate, peer: Peer, name: str) -> None:
    datagram, code, diagnostic, kind = BAD[name]
    answer = await peer.ask(datagram)
    assert (answer.kind, answer.code, answer.mid, answer.token) == (coap.ACK, code, 1, b"tk")
    assert diagnostic in answer.payload.decode()
    assert len(answer.payload) <= door.LONGEST_DIAGNOSTIC
    assert gate.refused() == {kind: 1.0}
    assert gate.readings() == []
    assert (await peer.ask(post(mid=2))).code == "2.04", "and the next message is taken"


async def test_long_diagnostic_is_cut_between_two_letters(gate: Gate, peer: Peer) -> None:
    def refuse(uplink: Uplink, done: Done) -> tuple[str, ...]:
        raise DecodeError("name", "a" + "甲" * 200)

    gate.door._ingest = refuse
    answer = await peer.ask(post())
    assert answer.payload.decode() == "a" + "甲" * 133


async def test_largest_pack_is_taken(gate: Gate, peer: Peer) -> None:
    assert door.LARGEST_DATAGRAM <= MAX_BYTES
    assert (await peer.ask(post(PACK + b" " * (door.LARGEST_DATAGRAM - len(PACK))))).code == "2.04"


async def test_refused_non_confirmable_request_is_answered_non_confirmable(peer: Peer) -> None:
    answer = await peer.ask(post(UNKNOWN, kind=coap.NON))
    assert (answer.kind, answer.code) == (coap.NON, "4.04")


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [(JournalFull("full"), "5.03", "full"), (OSError("gone"), "5.00", "journal")],
)
async def test_journal_that_refuses_is_told_with_the_time_to_wait(
    gate: Gate, peer: Peer, error: Exception, code: str, kind: str
) -> None:
    gate.fault = error
    answer = await peer.ask(post())
    assert (answer.code, answer.options) == (code, [(coap.MAX_AGE, b"\x1e")])
    assert gate.refused() == {kind: 1.0}


async def test_full_journal_is_told_and_the_reading_is_stored_when_it_comes_again(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "journal")
    await gate.journal.close()
    gate.journal = SqliteJournal.open(tmp_path / "journal", now=WALL, max_bytes=1, reserve_bytes=0, window_s=0.0)
    gate.pipeline = Pipeline(SITE, gate.journal, gate.counters)
    await gate.open()
    peer = await peer_of(gate.address)
    assert (await peer.ask(post())).code == "5.03"
    await gate.journal.close()
    gate.journal = SqliteJournal.open(tmp_path / "journal", now=WALL, window_s=0.0)
    gate.pipeline = Pipeline(SITE, gate.journal, gate.counters)
    assert (await peer.ask(post())).code == "2.04"
    assert len(gate.readings()) == 1
    peer.transport.close()
    await gate.close()


async def test_fault_of_ours_does_not_close_the_door_to_a_retransmission(gate: Gate, peer: Peer) -> None:
    loop = asyncio.get_running_loop()
    faults: list[object] = []
    loop.set_exception_handler(lambda _loop, context: faults.append(context.get("exception")))
    pipeline, gate.pipeline = gate.pipeline, None  # type: ignore[assignment]  # a fault of ours
    peer.say(post())
    assert await peer.answers() == []
    gate.pipeline = pipeline
    assert (await peer.ask(post())).code == "2.04"
    assert [type(one) for one in faults] == [AttributeError]


# -- garbage -------------------------------------------------------------------------------------------------------

GARBAGE = {
    "nothing": (b"", []),
    "scrap": (b"\x40", []),
    "another version": (b"\x80\x02\x00\x01", []),
    "reserved class": (coap.encode(coap.CON, coap.POST, 9)[:1] + b"\xe1\x00\x09", [(coap.RST, 9)]),
    "option cut off": (b"\x40\x02\x00\x09\xbd", [(coap.RST, 9)]),
    "token too long": (b"\x49\x02\x00\x09" + b"t" * 9, [(coap.RST, 9)]),
    "payload marker alone": (b"\x40\x02\x00\x09\xff", [(coap.RST, 9)]),
    "garbled and not confirmable": (b"\x50\x02\x00\x09\xff", []),
    "acknowledgement of nothing": (coap.encode(coap.ACK, coap.EMPTY, 9), []),
    "reset of nothing": (coap.encode(coap.RST, coap.EMPTY, 9), []),
    "answer nobody asked for": (coap.encode(coap.CON, coap.CONTENT, 9, b"t", payload=b"x"), [(coap.RST, 9)]),
    "answer nobody asked for, not confirmable": (coap.encode(coap.NON, coap.CONTENT, 9, b"t", payload=b"x"), []),
    "answer in an acknowledgement nobody asked for": (coap.encode(coap.ACK, coap.CONTENT, 9, b"t"), []),
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_is_rejected_or_ignored(gate: Gate, peer: Peer, name: str) -> None:
    datagram, expected = GARBAGE[name]
    peer.say(datagram)
    assert [(one.kind, one.mid) for one in await peer.answers()] == expected
    assert (await peer.ask(post())).code == "2.04"
    assert set(gate.refused()) <= {"syntax"}


KINDS = {
    "syntax", "type", "name", "unit", "time", "value", "field", "version", "size", "content-format", "unknown-device",
    "option", "method", "path", "full", "journal",
}  # fmt: skip
messages = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda kind, code, mid, token, payload, extra: (
            bytes([0x40 | kind << 4 | len(token), code]) + mid.to_bytes(2, "big") + token + extra + b"\xff" + payload
        ),
        st.integers(0, 3),
        st.one_of(st.just(coap.POST), st.integers(0, 255)),
        st.integers(0, 0xFFFF),
        st.binary(max_size=8),
        st.one_of(st.binary(max_size=200), st.just(PACK), st.just(UNKNOWN), st.text(max_size=60).map(str.encode)),
        st.one_of(st.just(b"\xb8readings"), st.just(b"\xb8readings\x11\x70"), st.binary(max_size=12)),
    ),
)


async def test_no_datagram_raises_out_of_the_door_or_is_counted_without_bound(gate: Gate) -> None:
    @settings(max_examples=300, deadline=None)
    @given(messages)
    def deliver(datagram: bytes) -> None:
        gate.door.datagram_received(datagram, ("127.0.0.1", 9))

    deliver()
    assert set(gate.refused()) <= KINDS
    done = asyncio.get_running_loop().create_future()
    gate.journal.submit((), done.set_result)
    await done


# -- other implementations -----------------------------------------------------------------------------------------


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


async def test_aiocoap_is_refused_a_block_wise_transfer(gate: Gate, client: aiocoap.Context) -> None:
    request = aiocoap.Message(code=aiocoap.POST, uri=_uri(gate), payload=PACK + b" " * 3000, content_format=110)
    response = await client.request(request).response
    assert (response.code, gate.refused()) == (aiocoap.BAD_OPTION, {"option": 1.0})


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


@pytest.mark.parametrize("lost", [{("up", 0)}, {("down", 0)}, {("up", 0), ("down", 0), ("down", 1)}], ids=str)
async def test_network_that_loses_messages_loses_no_reading_and_doubles_none(
    gate: Gate, client: aiocoap.Context, lost: set[tuple[str, int]]
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


@pytest.mark.server
async def test_libcoap_is_refused_a_block_wise_transfer(gate: Gate, coap_client: Program, tmp_path: Path) -> None:
    file = tmp_path / "pack.json"
    file.write_bytes(PACK + b" " * 100)
    done = await asyncio.to_thread(
        coap_client.run, "-m", "post", "-b", "64", "-B", "10", "-t", "110", "-f", str(file), _uri(gate)
    )
    assert "4.02" in done.stderr
    assert gate.refused() == {"option": 1.0}


# -- the socket ----------------------------------------------------------------------------------------------------


def test_second_door_on_a_port_is_an_error_that_says_what_to_do() -> None:
    first = door.bind("127.0.0.1", 0)
    port = first.getsockname()[1]
    with pytest.raises(AddressInUse, match=rf"127\.0\.0\.1:{port} \(UDP\): Address already in use; give another port"):
        door.bind("127.0.0.1", port)
    first.close()


async def test_answer_after_the_door_was_closed_is_not_sent(gate: Gate, peer: Peer) -> None:
    gate.hold = True
    peer.say(post())
    await wait_for_async(lambda: gate.held, what="the commit")
    gate.door.close()
    gate.release()
    assert len(gate.readings()) == 1
