"""A protected device observes its settings (RFC 8613, 4.1.3.5): it is told protected, and nobody else is."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiocoap
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from gateway.counters import Counters
from gateway.transports.coap.behind import MOST_ANSWERING
from gateway.transports.coap.cipher import Aes
from gateway.transports.coap.door import Extras, bind, listen
from gateway.transports.coap.oscore import Contexts
from protocols import oscore_observe
from protocols.wire import coap, oscore
from protocols.wire.replay import ReplayWindow
from tests.fixtures.coap_boards import OURS, Board, needs_aiocoap_oscore, protected_site
from tests.fixtures.datagrams import Message, peer_of
from tests.fixtures.gates import SideGate
from tests.fixtures.oscore_gateway import SecureDevice
from tests.fixtures.waiting import wait_for_async

OBSERVE = oscore.OBSERVE


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[SideGate]:
    one = SideGate(tmp_path / "journal", protected_site(tmp_path))
    await one.open()
    yield one
    await one.close()


@pytest.fixture
async def board(gate: SideGate) -> AsyncIterator[Board]:
    one = Board(await peer_of(gate.address))
    await one.prove()
    yield one
    one.peer.transport.close()


async def reloaded(gate: SideGate, folder: Path, **device: object) -> None:
    """The document's device was changed so while the program runs."""
    gate.handed = gate.side.handover()
    await gate.close()
    gate.site = protected_site(folder, **device)
    await gate.open()


def registration(board: Board, wish: bytes = b"", token: bytes = b"ob") -> tuple[bytes, oscore.Binding]:
    """A request to observe the settings, not sent yet."""
    board.sequence += 1
    board.mid += 1
    options = [(OBSERVE, wish), (coap.URI_PATH, b"config")]
    said, binding = oscore_observe.protect_registration(board.context, board.sequence, coap.GET, options)
    return coap.encode(coap.CON, said.code, board.mid, token, said.options, payload=said.payload), binding


def opened(board: Board, binding: oscore.Binding, message: Message) -> oscore_observe.Opened:
    return oscore_observe.unprotect_notification(board.context, binding, message.options, message.payload)


async def test_protected_observer_is_told_of_a_change_under_numbers_that_rise(
    gate: SideGate, board: Board, tmp_path: Path
) -> None:
    datagram, binding = registration(board)
    first = await board.peer.ask(datagram)
    assert first.code == "2.05"
    found = opened(board, binding, first)
    assert (found.payload, found.is_notification) == (b"period=2\n", True)
    numbers = [found.number]
    for period in (7, 8):
        await reloaded(gate, tmp_path, period_s=float(period))
        await wait_for_async(lambda: board.peer.heard, what="the notification")
        told = board.peer.heard.pop()
        found = opened(board, binding, told)
        assert (told.kind, told.token, found.payload, found.is_notification) == (
            coap.CON, b"ob", f"period={period}\n".encode(), True
        )  # fmt: skip
        numbers.append(found.number)
        board.peer.say(coap.encode(coap.ACK, coap.EMPTY, told.mid))
        await board.peer.answers()
    assert 0 <= numbers[0] < numbers[1] < numbers[2]


async def test_protected_observation_ends_when_it_is_cancelled(gate: SideGate, board: Board) -> None:
    await board.peer.ask(registration(board)[0])
    assert len(gate.door.observers) == 1
    datagram, binding = registration(board, b"\x01")
    assert opened(board, binding, await board.peer.ask(datagram)).is_notification is False
    assert len(gate.door.observers) == 0


async def test_observation_ends_with_the_credential_it_was_made_under(
    gate: SideGate, board: Board, tmp_path: Path
) -> None:
    await board.peer.ask(registration(board)[0])
    gate.handed = gate.side.handover()
    await gate.close()
    site = protected_site(tmp_path, period_s=7.0)
    (tmp_path / "secret").write_text("11" * 16)
    gate.site = site
    await gate.open()
    assert len(gate.door.observers) == 0
    assert await board.peer.answers() == []


async def test_observe_outside_that_somebody_added_or_took_away_begins_nothing(gate: SideGate, board: Board) -> None:
    datagram, binding = registration(board)
    _, code, mid, token, options, text = coap.decode(datagram)
    without = [one for one in options if one[0] != OBSERVE]
    answer = await board.peer.ask(coap.encode(coap.CON, code, mid, token, without, payload=text))
    assert opened(board, binding, answer)[2:] == (b"period=2\n", -1, False)
    datagram, binding = registration(board, b"\x01")
    _, code, mid, token, options, text = coap.decode(datagram)
    changed = [(OBSERVE, b""), *(one for one in options if one[0] != OBSERVE)]
    answer = await board.peer.ask(coap.encode(coap.CON, code, mid, token, changed, payload=text))
    assert opened(board, binding, answer).is_notification is False
    assert len(gate.door.observers) == 0


async def test_replayed_registration_is_refused(gate: SideGate, board: Board) -> None:
    datagram, _ = registration(board)
    await board.peer.ask(datagram)
    stranger = await peer_of(gate.address)
    assert (await stranger.ask(datagram)).code == "4.01"
    stranger.transport.close()
    assert len(gate.door.observers) == 1


async def test_aiocoap_observes_its_settings_protected(gate: SideGate, tmp_path: Path) -> None:
    needs_aiocoap_oscore()
    device = SecureDevice(tmp_path / "device")
    await device.open(gate.address[1])
    device.context.client_credentials[device.base + "*"] = device.security
    asked = device.context.request(aiocoap.Message(code=aiocoap.GET, uri=device.base + "config", observe=0))
    assert (await asyncio.wait_for(asked.response, 20)).payload == b"period=2\n"
    told = aiter(asked.observation)
    await reloaded(gate, tmp_path, period_s=7.0)
    assert (await asyncio.wait_for(anext(told), 20)).payload == b"period=7\n"
    asked.observation.cancel()
    await device.close()


def test_request_that_is_none_inside_and_a_notification_that_is_none_are_refused() -> None:
    ours = oscore.Context(Aes, b"\x02", b"\x01", (OURS.secret, OURS.salt, None))
    theirs = oscore.Context(Aes, b"\x01", b"\x02", (OURS.secret, OURS.salt, None))
    options = [(OBSERVE, b"")]
    said, binding = oscore_observe.protect_registration(theirs, 1, coap.CONTENT, options)
    with pytest.raises(oscore.OscoreError, match="no request inside"):
        oscore_observe.unprotect_registration(ours, said.options, said.payload, ReplayWindow())
    told = oscore_observe.protect_answer(ours, binding, (coap.GET, options, b""), sequence=2)
    with pytest.raises(oscore.OscoreError, match="no response inside"):
        oscore_observe.unprotect_notification(theirs, binding, told.options, told.payload)


async def test_no_registration_of_any_bytes_raises_or_counts(gate: SideGate, board: Board) -> None:
    _, _, _, _, options, text = coap.decode(registration(board)[0])

    @settings(max_examples=300, deadline=None)
    @given(
        st.one_of(st.just(options[-1][1]), st.binary(max_size=16)),
        st.one_of(st.just(text), st.binary(max_size=60)),
        st.integers(0, 0xFFFF),
        st.lists(st.tuples(st.sampled_from([3, 6, 9, 11, 23, 27, 35]), st.binary(max_size=4)), max_size=3),
        st.integers(0, len(text) - 1),
    )
    def deliver(option: bytes, sealed: bytes, mid: int, more: list[tuple[int, bytes]], flip: int) -> None:
        wrong = sealed[:flip] + bytes([sealed[flip] ^ 1]) + sealed[flip + 1 :] if flip < len(sealed) else sealed
        outside = sorted([(oscore.OSCORE, option), *more])
        datagram = coap.encode(coap.CON, oscore_observe.FETCH, mid, b"t", outside, payload=wrong)
        gate.door.datagram_received(datagram, ("127.0.0.1", 9))

    deliver()
    assert len(gate.door.observers) == 0
    datagram, binding = registration(board)
    assert opened(board, binding, await board.peer.ask(datagram)).is_notification, "and it still serves"


@given(st.binary(max_size=80), st.lists(st.tuples(st.sampled_from([6, 9, 23]), st.binary(max_size=9)), max_size=3))
def test_any_bytes_as_a_notification_are_refused(payload: bytes, options: list[tuple[int, bytes]]) -> None:
    context = oscore.Context(Aes, b"\x02", b"\x01", (bytes(16), b"", None))
    binding = oscore.Binding(b"\x02", b"\x05", context.nonce(b"\x02", b"\x05"))
    with pytest.raises(oscore.OscoreError):
        oscore_observe.unprotect_notification(context, binding, sorted(options), payload)


async def test_replayer_fills_no_memory_while_the_journal_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_state: object) -> None:
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr("gateway.transports.coap.oscore.CHALLENGE_EVERY_S", 0.0)
    contexts = Contexts([OURS], Aes, {}, hang)
    socket = bind("127.0.0.1", 0)
    door = listen(
        socket, lambda _uplink, _done: (), Counters(CollectorRegistry()), lambda: 0, "c", Extras(contexts=contexts)
    )
    before = len(asyncio.all_tasks())
    peer = await peer_of(socket.getsockname())
    board = Board(peer)
    for _ in range(MOST_ANSWERING + 50):
        door.datagram_received(board.sealed(b"[]")[0], peer.address)
    waiting = len(asyncio.all_tasks()) - before
    door.close()
    peer.transport.close()
    await wait_for_async(lambda: len(asyncio.all_tasks()) == before, what="the end of the tasks")
    assert waiting == MOST_ANSWERING
