"""OSCORE at the gateway: aiocoap as the device; and those who have no key, an old message, or another device's."""

import asyncio
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import aiocoap
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import BadReply, TransportError
from gateway.transports.coap.cipher import Aes
from gateway.transports.coap.oscore import BLOCK, STATE, Contexts, Numbers, Secured
from gengfu.errors import InputError
from journal.errors import JournalFull
from protocols.profile.loader import shipped_profiles
from protocols.wire import coap, oscore
from tests.fixtures.coap_boards import OURS, READINGS, Board, needs_aiocoap_oscore, pack, protected_site, sample
from tests.fixtures.datagrams import peer_of
from tests.fixtures.gates import EAST, PROTECTED, SideGate, coap_site
from tests.fixtures.oscore_gateway import SECRET, SecureDevice
from tests.fixtures.waiting import wait_for_async

GAS = shipped_profiles()["gengfu/gas-alarm"]
CLOSE = next(command for command in GAS.file.command if command.effect == "close-valve")


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[SideGate]:
    """The documented site, its device protected."""
    one = SideGate(tmp_path / "journal", protected_site(tmp_path))
    await one.open()
    yield one
    await one.close()


@pytest.fixture
async def device(gate: SideGate, tmp_path: Path) -> AsyncIterator[SecureDevice]:
    needs_aiocoap_oscore()
    one = SecureDevice(tmp_path / "device")
    await one.open(gate.address[1])
    yield one
    await one.close()


@pytest.fixture
async def board(gate: SideGate) -> AsyncIterator[Board]:
    peer = await peer_of(gate.address)
    yield Board(peer)
    peer.transport.close()


# -- the reference implementation as the device ------------------------------------------------------------------------


async def test_aiocoap_posts_protected_and_answers_the_challenge_by_itself(
    gate: SideGate, device: SecureDevice
) -> None:
    for sequence in (1, 2, 3):
        answer = await device.ask(aiocoap.POST, "readings", pack(sequence), content_format=110)
        assert answer.code == aiocoap.CHANGED
    assert [one.sequence for one in gate.readings()] == [1, 2, 3]
    assert gate.refused() == {"unproved": 1.0}
    assert gate.side.diagnosis.devices[EAST].heard_at > 0


async def test_aiocoap_sends_a_large_pack_in_protected_blocks(gate: SideGate, device: SecureDevice) -> None:
    await device.ask(aiocoap.GET, "time")
    body = pack(1) + b" " * 5000
    answer = await device.ask(aiocoap.POST, "readings", body, content_format=110)
    assert (answer.code, len(gate.readings())) == (aiocoap.CHANGED, 1)


async def test_aiocoap_reads_its_settings_and_the_time(gate: SideGate, device: SecureDevice) -> None:
    assert (await device.ask(aiocoap.GET, "config")).payload == b"period=2\n"
    assert (await device.ask(aiocoap.GET, "time")).payload.isdigit()
    refused = await device.ask(aiocoap.GET, f"config?d={EAST}", protected=False)
    assert refused.code == aiocoap.UNAUTHORIZED


async def test_plain_pack_of_a_protected_device_is_refused_and_not_even_judged(
    gate: SideGate, device: SecureDevice
) -> None:
    answer = await device.ask(aiocoap.POST, "readings", pack(1), content_format=110, protected=False)
    assert (answer.code, gate.refused()) == (aiocoap.UNAUTHORIZED, {"credential": 1.0})
    assert b"only with OSCORE" in answer.payload
    assert (gate.readings(), gate.judge.seen, gate.door.peers) == ([], [], {})


async def test_command_is_protected_and_acknowledged_by_a_protected_answer(
    gate: SideGate, device: SecureDevice
) -> None:
    await device.ask(aiocoap.POST, "readings", pack(1), content_format=110)
    assert await gate.side.deliver(EAST, CLOSE) == ""
    assert device.commands == [(b"close", True)]
    one = gate.side.diagnosis.devices[EAST]
    assert (one.requests, one.answers) == (1, 1)


async def test_command_reaches_a_device_that_was_restarted_and_asks_for_a_proof(
    gate: SideGate, device: SecureDevice, tmp_path: Path
) -> None:
    await device.ask(aiocoap.POST, "readings", pack(1), content_format=110)
    again = SecureDevice(tmp_path / "again", restarted_at=1000)
    await again.open(gate.address[1])
    await again.ask(aiocoap.POST, "readings", pack(2), content_format=110)
    assert await gate.side.deliver(EAST, CLOSE) == ""
    requests = [one for one in gate.side.diagnosis.wire if one.outgoing and one.data[1] == coap.POST]
    assert (len(requests), again.commands) == (2, [(b"close", True)]), "challenged once, obeyed once"
    await again.close()


async def test_both_sides_restarted_go_on_with_numbers_never_used(gate: SideGate, device: SecureDevice) -> None:
    used = []
    for sequence in (1, 2, 3):
        assert (await device.ask(aiocoap.POST, "readings", pack(sequence), content_format=110)).code == aiocoap.CHANGED
        assert await gate.side.deliver(EAST, CLOSE) == ""
        state = gate.journal.load_state(STATE)
        used.append(struct.unpack("<Q", next(iter(state.values())))[0])
        await gate.close()
        await gate.open()
    assert used == [used[0], used[0] + BLOCK, used[0] + 2 * BLOCK]
    assert [one.sequence for one in gate.readings()] == [1, 2, 3]


# -- strangers, replays and restarts -----------------------------------------------------------------------------------


async def test_nothing_counts_before_the_proof_and_an_old_message_has_none(gate: SideGate, board: Board) -> None:
    old, _ = board.sealed(pack(7, 99.0))
    await board.prove()
    assert [one.sequence for one in gate.readings()] == [1]
    await gate.close()
    await gate.open()
    board.peer.other = gate.address
    challenge = await board.peer.ask(old)
    assert challenge.code == "2.04", "protected: who has no key cannot even see that it is refused"
    assert [one.sequence for one in gate.readings()] == [1]
    assert len(gate.judge.seen) == 1


async def restarted(gate: SideGate, board: Board) -> None:
    await gate.close()
    await gate.open()
    board.peer.other = gate.address


async def test_message_without_counters_that_is_proved_after_restarts_is_stored_once(
    gate: SideGate, board: Board
) -> None:
    await board.prove()
    datagram, binding = board.sealed(sample(7))
    assert board.opened(await board.peer.ask(datagram), binding)[0] == coap.CHANGED
    for _ in range(2):
        await restarted(gate, board)
        code, inside, _ = board.opened(await board.peer.ask(datagram), binding)
        echo = coap.option(inside, oscore.ECHO)
        assert (code, echo is not None) == (coap.UNAUTHORIZED, True)
        datagram, binding = board.sealed(sample(7), [*READINGS, (oscore.ECHO, echo or b"")])
        assert board.opened(await board.peer.ask(datagram), binding)[0] == coap.CHANGED
        assert len(gate.readings()) == 2, "the message before it, and this one"
    for count in (3, 4):
        assert (await board.ask(sample(7), [*READINGS, (oscore.ECHO, echo or b"")]))[0] == coap.CHANGED
        assert len(gate.readings()) == count, "a proof that is given again makes no repetition of what is new"


async def test_unproved_message_that_comes_twice_gets_one_challenge_and_nothing_plain(
    gate: SideGate, board: Board
) -> None:
    datagram, binding = board.sealed(pack(1))
    for _ in range(3):
        board.peer.say(datagram)
    await wait_for_async(lambda: board.peer.heard, what="the challenge")
    heard = await board.peer.answers()
    again = await board.peer.ask(datagram)
    assert all(one == again for one in heard)
    assert board.opened(again, binding)[0] == coap.UNAUTHORIZED
    assert gate.refused() == {"unproved": 1.0}


async def test_replay_is_refused_under_another_message_id_and_answered_again_under_its_own(
    gate: SideGate, board: Board
) -> None:
    await board.prove()
    datagram, binding = board.sealed(pack(2))
    first = await board.peer.ask(datagram)
    assert board.opened(first, binding)[0] == coap.CHANGED
    assert await board.peer.ask(datagram) == first, "a retransmission gets the same bytes"
    _, code, _, token, options, text = coap.decode(datagram)
    replayed = await board.peer.ask(coap.encode(coap.CON, code, 900, token, options, payload=text))
    assert (replayed.code, replayed.payload) == ("4.01", b"Replay detected")
    stranger = await peer_of(gate.address)
    assert (await stranger.ask(datagram)).code == "4.01"
    stranger.transport.close()
    assert [one.sequence for one in gate.readings()] == [1, 2]
    assert gate.refused()["oscore"] == 2.0


async def test_retransmission_while_the_commit_runs_is_answered_once(gate: SideGate, board: Board) -> None:
    await board.prove()
    datagram, binding = board.sealed(pack(2))
    for _ in range(5):
        board.peer.say(datagram)
    answers = await board.peer.answers()
    await wait_for_async(lambda: len(gate.readings()) == 2, what="the commit")
    answers += await board.peer.answers()
    assert {board.opened(one, binding)[0] for one in answers} == {coap.CHANGED}
    assert len(gate.readings()) == 2


async def test_changed_ciphertext_and_unknown_contexts_are_refused(gate: SideGate, board: Board) -> None:
    datagram, _ = board.sealed(pack(2))
    flipped = await board.peer.ask(datagram[:-1] + bytes([datagram[-1] ^ 1]))
    assert (flipped.code, flipped.payload) == ("4.00", b"Decryption failed")
    _, code, mid, token, _, text = coap.decode(datagram)
    for option, expected in (
        (b"\x09\x05\x77", "4.01"),
        (b"\x19\x05\x01\x77\x01", "4.01"),
        (b"", "4.01"),
        (b"\xff", "4.02"),
    ):
        mid += 1
        answer = await board.peer.ask(coap.encode(coap.CON, code, mid, token, [(oscore.OSCORE, option)], payload=text))
        assert answer.code == expected
    assert (gate.readings(), gate.refused()) == ([], {"oscore": 5.0})


async def test_device_speaks_for_itself_alone(gate: SideGate, board: Board) -> None:
    await board.prove()
    code, _, text = await board.ask(pack(2, device="east:gas:0002"))
    assert (code, text) == (coap.NOT_FOUND, b"device 'east:gas:0002' is not registered")


async def test_plain_answer_is_no_acknowledgement_of_a_protected_command(gate: SideGate, board: Board) -> None:
    await board.prove()
    task = asyncio.ensure_future(gate.side.deliver(EAST, CLOSE))
    await wait_for_async(lambda: board.peer.heard, what="the command")
    asked = board.peer.heard.pop()
    assert b"close" not in asked.payload
    board.peer.say(coap.encode(coap.ACK, coap.CHANGED, asked.mid, asked.token))
    with pytest.raises(BadReply, match="is not protected by the device"):
        await task
    assert gate.side.diagnosis.devices[EAST].errors == {"bad-reply": 1}


async def test_credential_that_others_may_read_keeps_the_connection_shut(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o644)
    gate = SideGate(tmp_path / "journal", coap_site(PROTECTED, oscore={"master_secret_file": str(secret)}))
    says = rf"device\[{EAST}\]\.oscore\.master_secret_file: .*others may read"
    with pytest.raises(InputError, match=says):
        await gate.open()
    gate.bound.close()
    await gate.journal.close()


async def test_no_datagram_with_an_oscore_option_raises_or_counts(gate: SideGate, board: Board) -> None:
    await board.prove()
    _, _, _, _, options, text = coap.decode(board.sealed(pack(3))[0])

    @settings(max_examples=300, deadline=None)
    @given(
        st.one_of(st.just(options[0][1]), st.binary(max_size=16)),
        st.one_of(st.just(text), st.binary(max_size=60)),
        st.integers(0, 0xFFFF),
        st.lists(st.tuples(st.sampled_from([3, 6, 9, 11, 23, 27, 35]), st.binary(max_size=4)), max_size=2),
        st.integers(0, len(text) - 1),
    )
    def deliver(option: bytes, sealed: bytes, mid: int, more: list[tuple[int, bytes]], flip: int) -> None:
        wrong = sealed[:flip] + bytes([sealed[flip] ^ 1]) + sealed[flip + 1 :] if flip < len(sealed) else sealed
        outside = sorted([(oscore.OSCORE, option), *more])
        gate.door.datagram_received(
            coap.encode(coap.CON, coap.POST, mid, b"t", outside, payload=wrong), ("127.0.0.1", 9)
        )

    deliver()
    assert (len(gate.readings()), set(gate.refused())) == (1, {"oscore", "unproved", "path"} & set(gate.refused()))
    assert (await board.ask(pack(4)))[0] == coap.CHANGED, "and it still serves"


# -- sequence numbers --------------------------------------------------------------------------------------------------


async def test_number_is_reserved_before_it_is_used_and_never_given_twice() -> None:
    kept: dict[str, bytes] = {}
    given: list[int] = []

    async def keep(more: dict[str, bytes]) -> None:
        kept.update(more)

    for _ in range(3):
        numbers = Numbers("n", kept.get("n"), keep)  # type: ignore[arg-type]  # a dict is the Mapping it is given
        for _ in range(BLOCK + 1):
            number = await numbers.take()
            assert number < struct.unpack("<Q", kept["n"])[0]
            given.append(number)
    assert len(set(given)) == len(given)
    assert given == sorted(given)


async def test_no_number_is_given_after_the_end_though_its_block_was_on_the_way_to_the_disk() -> None:
    go, kept = asyncio.Event(), []

    async def keep(more: object) -> None:
        kept.append(more)
        await go.wait()

    numbers = Numbers("n", struct.pack("<Q", 5), keep)
    task = asyncio.ensure_future(numbers.take())
    await wait_for_async(lambda: kept, what="the reservation")
    numbers.close()
    go.set()
    for late in (task, numbers.take()):
        with pytest.raises(TransportError, match="closed"):
            await late
    assert len(kept) == 1


async def test_no_number_is_given_that_could_not_be_kept() -> None:
    async def keep(_more: object) -> None:
        raise JournalFull("full")

    numbers = Numbers("n", struct.pack("<Q", 5), keep)
    for _ in range(2):
        with pytest.raises(JournalFull):
            await numbers.take()


async def test_used_up_context_says_what_to_do() -> None:
    async def keep(_more: object) -> None:
        pass

    numbers = Numbers("n", struct.pack("<Q", oscore.SEQUENCE_END - 1), keep)
    with pytest.raises(TransportError, match="install a new credential"):
        await numbers.take()


def test_credential_is_never_shown() -> None:
    assert SECRET not in repr(OURS)
    assert repr(OURS.secret) not in repr(OURS)


async def test_context_that_is_not_named_is_found_only_where_it_is_the_only_one() -> None:
    async def keep(_more: object) -> None:
        pass

    other = OURS._replace(device="other", id_context=b"b")
    contexts = Contexts([OURS._replace(id_context=b"a"), other], Aes, {}, keep)
    assert contexts.find([(oscore.OSCORE, b"\x19\x05\x01b\x01")]).device == "other"
    with pytest.raises(oscore.OscoreError, match="not found"):
        contexts.find([(oscore.OSCORE, b"\x09\x05\x01")])


def test_challenges_are_limited() -> None:
    async def keep(_more: object) -> None:
        pass

    secured = Secured(OURS, Aes, None, keep)
    assert [secured.may_challenge(now) for now in (5.0, 5.001, 5.2)] == [True, False, True]
