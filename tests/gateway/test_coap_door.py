"""The CoAP door over real UDP on uvloop: raw datagrams, every bad input, and nothing crashes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import AddressInUse
from gateway.pipeline import Pipeline
from gateway.transports.coap import door
from gateway.transports.coap.answers import LONGEST_DIAGNOSTIC
from gateway.transports.coap.resources import LARGEST_DATAGRAM
from gateway.uplink import Done, Uplink
from journal.errors import JournalFull
from journal.sqlite import SqliteJournal
from protocols.errors import DecodeError
from protocols.senml.decode import MAX_BYTES
from protocols.wire import coap
from tests.fixtures.datagrams import Message, Peer, peer_of
from tests.fixtures.gates import PACK, UNKNOWN, Gate
from tests.fixtures.pipelines import GAS_1, SITE
from tests.fixtures.stories import WALL
from tests.fixtures.waiting import wait_for_async

READINGS = (coap.URI_PATH, b"readings")
JSON = (coap.CONTENT_FORMAT, b"\x6e")
GAS = GAS_1


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


async def test_repetition_in_other_words_while_the_commit_runs_is_answered_once(gate: Gate, peer: Peer) -> None:
    gate.hold = True
    peer.say(post())
    peer.say(post(PACK, (coap.URI_HOST, b"gw"), READINGS, JSON))
    await wait_for_async(lambda: gate.held, what="the commit")
    assert await peer.answers() == []
    gate.release()
    assert [one.code for one in await peer.answers()] == ["2.04"]


@pytest.mark.parametrize("token", [b"", b"t", b"12345678"])
@pytest.mark.parametrize("mid", [0, 0x00FF, 0xFF00, 0xFFFF])
async def test_acknowledgement_says_which_message_it_is_of(gate: Gate, peer: Peer, token: bytes, mid: int) -> None:
    expected = Message(coap.ACK, "2.04", mid, token, [], b"")
    assert await peer.ask(post(mid=mid, token=token)) == expected
    assert await peer.ask(post(PACK, (coap.URI_HOST, b"gw"), READINGS, JSON, mid=mid, token=token)) == expected
    gate.fault = JournalFull("full")
    refused = await peer.ask(post(mid=mid, token=token))
    assert (refused.code, refused.mid, refused.token) == ("5.03", mid, token)


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
    assert answer.payload == (
        b'</readings>;rt="gengfu.readings";ct="110 112",</time>;rt="gengfu.time";ct=0,'
        b'</config>;rt="gengfu.config";ct="0 60";obs'
    )


async def test_ping_is_answered_by_a_reset(peer: Peer) -> None:
    assert await peer.ask(coap.encode(coap.CON, coap.EMPTY, 77)) == Message(coap.RST, "0.00", 77, b"", [], b"")


# -- every bad input -----------------------------------------------------------------------------------------------

WRONG_TYPE = f'[{{"bn":"{GAS}/","n":"methane","v":"high"}}]'.encode()
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
    "OSCORE without credentials": (post(PACK, (9, b"\x09\x00\x01")), "4.02", "option 9", "option"),
    "oversized": (post(b" " * (LARGEST_DATAGRAM + 1)), "4.13", "send at most 4096 in one datagram", "size"),
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
    assert len(answer.payload) <= LONGEST_DIAGNOSTIC
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
    assert LARGEST_DATAGRAM <= MAX_BYTES
    assert (await peer.ask(post(PACK + b" " * (LARGEST_DATAGRAM - len(PACK))))).code == "2.04"


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
    "option", "method", "path", "full", "journal", "block", "device",
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


async def test_the_wire_log_tells_what_came_and_went_in_its_order(gate: Gate, peer: Peer) -> None:
    gate.hold = True
    came = [post(mid=1), post(PACK.replace(b'"seq","v":1', b'"seq","v":2'), mid=2)]
    for one in came:
        peer.say(one)
    await wait_for_async(lambda: len(gate.held) == len(came), what="both commits")
    gate.release()
    command = asyncio.ensure_future(gate.door.requests.put(peer.address, "valve/close", b"close", 60.0))
    await wait_for_async(lambda: len(peer.heard) == 3, what="two acknowledgements and a command")
    sent = [
        coap.encode(
            one.kind, int(one.code[0]) << 5 | int(one.code[2:]), one.mid, one.token, one.options, payload=one.payload
        )
        for one in peer.heard
    ]
    wire = list(gate.diagnosis.wire)
    assert [(one.outgoing, one.data) for one in wire] == [
        *((False, one) for one in came),
        *((True, one) for one in sent),
    ]
    assert [one.mid for one in peer.heard[:2]] == [1, 2]
    assert {one.peer for one in wire} == {f"127.0.0.1:{peer.address[1]}"}
    command.cancel()
