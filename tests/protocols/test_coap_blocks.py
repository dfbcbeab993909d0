"""Block options and bodies put together from their pieces (RFC 7959): in order, repeated, mixed up, too many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.coap_blocks import (
    CONTINUE,
    INCOMPLETE,
    LARGEST_BLOCK,
    Assemblies,
    Block,
    Taken,
    block_of,
    decode_block,
    encode_block,
    piece_of,
)
from protocols.wire import coap

SIZES = [1 << power for power in range(4, 11)]
S = 1_000_000_000


def assemblies(longest: int = 200, most: int = 2) -> Assemblies:
    return Assemblies(longest=longest, most=most, lifetime_ns=60 * S, patience_ns=10 * S)


def pieces(body: bytes, size: int = 16) -> list[tuple[Block, bytes]]:
    """A body in order."""
    return [
        (Block(start // size, start + size < len(body), size), body[start : start + size])
        for start in range(0, len(body), size)
    ]


@pytest.mark.parametrize(
    ("value", "block"),
    [
        (b"", Block(0, more=False, size=16)),
        (b"\x0e", Block(0, more=True, size=1024)),
        (b"\x21", Block(2, more=False, size=32)),
        (b"\xff\xff\xfe", Block(1048575, more=True, size=1024)),
    ],
)
def test_block_option_is_read_and_written(value: bytes, block: Block) -> None:
    """The second and third are those of RFC 7959, figures 2 to 8, in their own notation 0/1/1024 and 2/0/32."""
    assert (decode_block(value), encode_block(block)) == (block, value)


@given(st.binary(max_size=6))
def test_any_value_is_a_block_or_a_coap_error(value: bytes) -> None:
    try:
        block = decode_block(value)
    except coap.CoapError:
        return
    assert decode_block(encode_block(block)) == block


@pytest.mark.parametrize(
    "block", [Block(1 << 20, False, 16), Block(-1, False, 16), Block(0, False, 8), Block(0, False, 20)]
)
def test_block_that_no_option_holds_is_our_own_fault(block: Block) -> None:
    with pytest.raises(ValueError, match="power of two"):
        encode_block(block)


def test_absent_option_is_no_block() -> None:
    assert block_of([(11, b"x")], 27) is None


@given(st.binary(max_size=3000), st.sampled_from(SIZES))
def test_pieces_of_a_body_make_the_body(body: bytes, size: int) -> None:
    found, number, more = b"", 0, True
    while more:
        piece, block = piece_of(body, Block(number, more=False, size=size))
        assert block is not None
        found, number, more = found + piece, number + 1, block.more
    assert found == body


def test_body_is_cut_only_where_it_is_asked_for_or_too_long() -> None:
    assert piece_of(b"a" * LARGEST_BLOCK, None) == (b"a" * LARGEST_BLOCK, None)
    piece, block = piece_of(b"a" * (LARGEST_BLOCK + 1), None)
    assert (len(piece), block) == (LARGEST_BLOCK, Block(0, more=True, size=LARGEST_BLOCK))
    with pytest.raises(coap.CoapError, match="behind the end of 32 bytes"):
        piece_of(b"a" * 32, Block(2, more=False, size=16))


@given(st.binary(min_size=1, max_size=200), st.sampled_from(SIZES[:3]), st.data())
def test_repeated_pieces_change_nothing(body: bytes, size: int, data: st.DataObject) -> None:
    one = assemblies()
    taken = Taken(0)
    for block, piece in pieces(body, size):
        for _ in range(data.draw(st.integers(1, 3)) if block.more else 1):
            taken = one.take("a", block, b"n", piece, 0)
            assert taken.code == (CONTINUE if block.more else 0)
    assert (taken.body, len(one)) == (body, 0)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 4), st.booleans(), st.binary(max_size=16)), max_size=30)
)
def test_no_order_of_pieces_makes_a_body_with_a_hole(steps: list[tuple[str, int, bool, bytes]]) -> None:
    one = assemblies(longest=64)
    begun: dict[str, bytes] = {}
    for key, number, more, piece in steps:
        code, body = one.take(key, Block(number, more, 16), None, piece, 0)
        if body is not None:
            assert body == (begun.get(key, b"") if number else b"")[: number * 16] + piece
        if code == CONTINUE:
            begun[key] = (begun.get(key, b"") if number else b"")[: number * 16] + piece
        assert len(one) <= 2


def test_piece_out_of_turn_ends_its_transfer() -> None:
    one = assemblies()
    first, second, third = pieces(b"x" * 48)
    assert one.take("a", *first[:1], None, first[1], 0).code == CONTINUE
    assert one.take("a", third[0], None, third[1], 0) == Taken(INCOMPLETE)
    assert one.take("a", second[0], None, second[1], 0) == Taken(INCOMPLETE)


def test_another_format_or_a_short_piece_is_refused() -> None:
    one = assemblies()
    first, second, _ = pieces(b"x" * 48)
    one.take("a", first[0], b"n", first[1], 0)
    assert one.take("a", second[0], b"p", second[1], 0) == Taken(INCOMPLETE)
    assert one.take("a", first[0], b"n", b"short", 0) == Taken(coap.BAD_REQUEST)


def test_body_beyond_the_bound_is_refused_and_forgotten() -> None:
    one = assemblies(longest=40)
    for block, piece in pieces(b"x" * 48)[:2]:
        assert one.take("a", block, None, piece, 0).code == CONTINUE
    assert one.take("a", Block(2, False, 16), None, b"x" * 16, 0) == Taken(coap.TOO_LARGE)
    assert len(one) == 0


def test_new_transfer_waits_for_room_until_another_was_silent() -> None:
    one = assemblies()
    first, second, _ = pieces(b"x" * 48)
    for key, at in (("a", 0), ("b", 1 * S)):
        one.take(key, first[0], None, first[1], at)
    one.take("a", second[0], None, second[1], 5 * S)
    assert one.take("c", first[0], None, first[1], 9 * S) == Taken(coap.SERVICE_UNAVAILABLE)
    assert one.take("c", first[0], None, first[1], 11 * S) == Taken(CONTINUE), "b was silent for longest"
    assert one.take("b", second[0], None, second[1], 11 * S) == Taken(INCOMPLETE)
    assert len(one) == 2


def test_silent_transfers_are_forgotten_after_their_lifetime() -> None:
    one = assemblies(most=5)
    first, *_ = pieces(b"x" * 48)
    for key in "abc":
        one.take(key, first[0], None, first[1], 0)
    one.take("d", first[0], None, first[1], 60 * S)
    assert len(one) == 1
