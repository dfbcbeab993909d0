"""The serial link for any bytes and on any bad line: all that was offered arrives, in order, and no word is a lie."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.wire import link
from protocols.wire.link_master import Master
from protocols.wire.link_node import Node
from tests.firmware.logic.lossy_wire import Board, Rates, World

AT = 5
BOOT = 9
FRAMES = [
    link.encode(link.POLL, AT, 1, (0,)),
    link.encode(link.ACK, AT, 2, (BOOT, 1)),
    link.encode(link.BUSY, AT, 3, (BOOT, 1, 500)),
    link.encode(link.COMMAND, AT, 4, (7,), b"close-valve"),
    link.encode(link.TIME, link.TO_ALL, 5, (1800000000000,)),
    link.encode(link.HELLO, AT, 1, (BOOT, 10000), b"t:5"),
    link.encode(link.DATA, AT, 1, (BOOT, 1, 0), b"[1]" * 300),
    link.encode(link.RESULT, AT, 1, (7, link.DONE)),
]

percent = st.integers(0, 40)
rates = st.builds(Rates, lost=percent, doubled=percent, late=percent, damaged=percent, busy=percent)


def fields_of(layout: str) -> st.SearchStrategy[tuple[int, ...]]:
    sizes = {"B": 0xFF, "I": 0xFFFFFFFF, "Q": 2**64 - 1}
    return st.tuples(*(st.integers(0, sizes[letter]) for letter in layout[1:]))


@given(st.sampled_from(sorted(link.BODIES)).flatmap(lambda kind: st.tuples(st.just(kind), *parts(kind))))
def test_every_frame_comes_back_and_holds_zeros_only_at_its_ends(
    drawn: tuple[int, int, int, tuple[int, ...], bytes],
) -> None:
    frame = link.encode(*drawn)
    assert [at for at, byte in enumerate(frame) if not byte] == [0, len(frame) - 1]
    assert link.decode(frame[1:-1]) == drawn
    seen = link.head(frame[1:-1])
    assert seen == (None if drawn[0] == link.TIME else drawn[:2])


def parts(kind: int) -> tuple[st.SearchStrategy[object], ...]:
    layout, least, most = link.BODIES[kind]
    address = st.just(0) if kind == link.TIME else st.integers(1, 247)
    tail = st.binary(min_size=least, max_size=min(most, 300))
    return address, st.integers(0, 255), fields_of(layout), tail


@given(st.binary(max_size=1100))
def test_any_bytes_are_a_frame_or_one_error(data: bytes) -> None:
    link.head(data)
    try:
        kind, _, _, fields, tail = link.decode(data)
    except link.LinkError:
        return
    assert len(fields) + len(tail) > 0
    assert kind in link.BODIES


@pytest.mark.parametrize("frame", FRAMES, ids=range(len(FRAMES)))
def test_no_prefix_of_a_frame_is_a_frame(frame: bytes) -> None:
    for size in range(len(frame) - 2):
        with pytest.raises(link.LinkError):
            link.decode(frame[1 : 1 + size])


pieces = st.lists(st.one_of(st.sampled_from(FRAMES), st.binary(max_size=40)), max_size=8).map(b"".join)


@given(pieces, st.integers(1, 64))
def test_any_bytes_on_the_line_are_survived_by_both_ends(data: bytes, step: int) -> None:
    node = Node(AT, b"t:5", BOOT)
    node.load(b"[1]")
    master = Master(1)
    master.add(0, AT, b"t:5")
    for at in range(0, len(data), step):
        chunk = data[at : at + step]
        node.feed(at, chunk)
        answer = node.poll(at)
        assert answer is None or len(answer) <= link.MAX_ENCODED + 2
        master.poll(at * 100)
        master.feed(at * 100, chunk)


@given(st.lists(st.binary(max_size=200), max_size=30))
def test_a_frame_after_noise_of_any_kind_is_found(noise: list[bytes]) -> None:
    receiver = link.Receiver()
    for piece in noise:
        receiver.feed(piece)
    assert FRAMES[0][1:-1] in receiver.feed(FRAMES[0])


def boards(count: int, messages: int) -> list[Board]:
    return [Board(address, [b"%d.%d" % (address, at) for at in range(messages)]) for address in range(1, count + 1)]


@given(rates, st.integers(0, 2**31 - 1), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_any_bad_line_delivers_each_message_once_in_order_and_acknowledges_only_what_was_accepted(
    chances: Rates, seed: int, count: int
) -> None:
    world = World(boards(count, 6), chances, seed)
    world.run(30000)
    # Nothing heals while 40 % of all is lost, doubled, late and damaged at once; the line may get better.
    world.rates = Rates()
    world.run(world.now + 120000)
    assert world.delivered()
    assert world.untrue == 0
    assert list(world.accepted.values()) == [board.payloads for board in world.boards]


@given(rates, st.integers(0, 2**31 - 1), st.lists(st.tuples(st.integers(50, 4000), st.booleans()), max_size=5))
@settings(max_examples=40, deadline=None)
def test_restarts_of_either_end_lose_nothing_and_keep_the_order(
    chances: Rates, seed: int, restarts: list[tuple[int, bool]]
) -> None:
    world = World(boards(2, 6), chances, seed)
    for wait, whole_gateway in restarts:
        world.run(world.now + wait)
        if whole_gateway:
            world.restart_master()
        else:
            world.boards[0].restart()
    world.run(world.now + 20000)
    world.rates = Rates()
    world.run(world.now + 120000)
    assert world.delivered()
    assert world.untrue == 0
    # A new master, or a message of a new boot, may be told again what was told before: never out of order.
    assert [list(dict.fromkeys(told)) for told in world.accepted.values()] == [one.payloads for one in world.boards]


@given(rates, st.integers(0, 2**31 - 1))
@settings(max_examples=20, deadline=None)
def test_commands_are_done_at_most_once_and_reported_truly(chances: Rates, seed: int) -> None:
    world = World(boards(2, 40), chances, seed)
    names = [b"c%d" % at for at in range(4)]
    ids = [world.master.command(0, 2, name, 20000) for name in names]
    while world.now < 25000:
        world.now += 5
        world.step()
    told = {event.number: event.kind for event in world.told if event.kind in (link.RESULT, link.EXPIRED)}
    assert sorted(told) == sorted(ids)
    done = world.boards[1].commands
    assert len(done) == len(set(done))
    assert {names[ids.index(one)] for one, kind in told.items() if kind == link.RESULT} <= set(done)
