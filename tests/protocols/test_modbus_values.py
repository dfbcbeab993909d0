"""What stands in registers, in every byte order and type, becomes the value it says, or none with the reason."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client.mixin import ModbusClientMixin

from protocols.errors import ProfileError
from protocols.modbus.plan import plan_reads
from protocols.quality import Quality
from tests.fixtures.modbus_profiles import decode, enum, flag, point, profile, text

Peer = ModbusClientMixin[Any]
ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
FORMATS = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "float32": "f",
    "int64": "q",
    "uint64": "Q",
    "float64": "d",
}


def placed(packed: bytes, order: str) -> bytes:
    """A big-endian value as it stands in registers of ``order``, made byte by byte."""
    words = [packed[at : at + 2] for at in range(0, len(packed), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    return b"".join(word[::-1] if order in ("BADC", "DCBA") else word for word in words)


@pytest.mark.parametrize(
    ("kind", "order", "wire", "value"),
    [
        ("uint16", "ABCD", "0a0b", 0x0A0B),
        ("uint16", "CDAB", "0a0b", 0x0A0B),
        ("uint16", "BADC", "0b0a", 0x0A0B),
        ("uint16", "DCBA", "0b0a", 0x0A0B),
        ("uint32", "ABCD", "0a0b0c0d", 0x0A0B0C0D),
        ("uint32", "CDAB", "0c0d0a0b", 0x0A0B0C0D),
        ("uint32", "BADC", "0b0a0d0c", 0x0A0B0C0D),
        ("uint32", "DCBA", "0d0c0b0a", 0x0A0B0C0D),
        # 123456.0 is 47f12000 (IEEE 754)
        ("float32", "ABCD", "47f12000", 123456.0),
        ("float32", "CDAB", "200047f1", 123456.0),
        ("float32", "BADC", "f1470020", 123456.0),
        ("float32", "DCBA", "0020f147", 123456.0),
        ("int64", "ABCD", "fffffffeffffffff", -(2**32) - 1),
        ("int64", "CDAB", "fffffffffffeffff", -(2**32) - 1),
        ("int64", "BADC", "fffffeffffffffff", -(2**32) - 1),
        ("int64", "DCBA", "fffffffffeffffff", -(2**32) - 1),
        ("uint64", "ABCD", "0001020304050607", 0x0001020304050607),
        ("uint64", "CDAB", "0607040502030001", 0x0001020304050607),
        ("uint64", "BADC", "0100030205040706", 0x0001020304050607),
        ("uint64", "DCBA", "0706050403020100", 0x0001020304050607),
        # 0.1 is 3fb999999999999a
        ("float64", "CDAB", "999a999999993fb9", 0.1),
        ("float64", "BADC", "b93f999999999a99", 0.1),
        ("float64", "DCBA", "9a9999999999b93f", 0.1),
        ("bcd16", "ABCD", "1234", 1234),
        ("bcd16", "BADC", "3412", 1234),
        ("bcd32", "ABCD", "12345678", 12345678),
        ("bcd32", "CDAB", "56781234", 12345678),
        ("bcd32", "BADC", "34127856", 12345678),
        ("bcd32", "DCBA", "78563412", 12345678),
    ],
)
def test_each_byte_order_is_what_its_letters_say(kind: str, order: str, wire: str, value: float) -> None:
    one = profile(point("a", type=kind, byte_order=order))
    assert decode(one, bytes.fromhex(wire)) == ((float(value),), (Quality.GOOD,))


@pytest.mark.parametrize("order", ["big", "little"])
@given(st.sampled_from(sorted(set(FORMATS) - {"int16", "uint16"})), st.data())
def test_word_orders_agree_with_the_reference_client(order: Any, kind: str, data: Any) -> None:
    wire = data.draw(st.binary(min_size=struct.calcsize(FORMATS[kind]), max_size=struct.calcsize(FORMATS[kind])))
    words = [int.from_bytes(wire[at : at + 2], "big") for at in range(0, len(wire), 2)]
    expected = Peer.convert_from_registers(words, Peer.DATATYPE[kind.upper()], word_order=order)
    assert isinstance(expected, int | float)
    one = profile(point("a", type=kind, byte_order="ABCD" if order == "big" else "CDAB"))
    (value,), _ = decode(one, wire)
    is_number = abs(expected) < float("inf")
    assert value == (float(expected) if is_number else None)


@st.composite
def placed_points(draw: st.DrawFn) -> tuple[list[dict[str, Any]], bytes, list[float | str | None], set[str]]:
    """Points of every type and order side by side, the registers they stand in, and what they say."""
    points: list[dict[str, Any]] = []
    image = b""
    expected: list[float | str | None] = []
    orders = set()
    for number in range(draw(st.integers(1, 8))):
        kind, gap = draw(st.sampled_from([*sorted(FORMATS), "utf8"])), draw(st.integers(0, 2))
        order = draw(st.sampled_from(ORDERS[::2] if kind == "utf8" else ORDERS))
        image += draw(st.binary(min_size=2 * gap, max_size=2 * gap))
        if kind == "utf8":
            packed = draw(st.sampled_from([b"abcd", b"ab\0d", "阀d".encode()]))
            expected.append(packed.partition(b"\0")[0].decode())
            points.append(text(f"p{number}", kind, 2, address=len(image) // 2, byte_order=order))
        else:
            packed = draw(st.binary(min_size=struct.calcsize(FORMATS[kind]), max_size=struct.calcsize(FORMATS[kind])))
            (value,) = struct.unpack(f">{FORMATS[kind]}", packed)
            expected.append(float(value) if abs(value) < float("inf") else None)
            points.append(point(f"p{number}", address=len(image) // 2, type=kind, byte_order=order))
        image += placed(packed, order)
        orders.add(order)
    return points, image, expected, orders


@given(placed_points())
def test_a_block_of_mixed_orders_and_types_gives_each_its_own_value(drawn: Any) -> None:
    points, image, expected, orders = drawn
    one = profile(*points)
    (block,) = plan_reads(one)
    assert decode(one, image[2 * block.address :])[0] == tuple(expected)
    assert len(block.views) <= len(orders)


def test_a_device_that_sends_the_low_word_first_needs_one_view_for_everything() -> None:
    one = profile(
        point("a", type="float32", byte_order="CDAB"), point("b", address=2), flag("c", address=3, bit=0),
        text("d", "utf8", 2, address=4, byte_order="BADC"), point("e", address=6, type="uint64", byte_order="CDAB"),
    )  # fmt: skip
    (block,) = plan_reads(one)
    assert len(block.views) == 1
    wire = bytes.fromhex("200047f1 0007 8001 6162 6300 0607040502030001")
    assert decode(one, wire)[0] == (123456.0, 7.0, 1.0, "ba\x00c".partition("\0")[0], float(0x0001020304050607))


@pytest.mark.parametrize("wire", ["000a", "12a4", "f000", "ffff"])
def test_bcd_with_a_digit_above_nine_is_no_value_of_that_type(wire: str) -> None:
    assert decode(profile(point("a", type="bcd16")), bytes.fromhex(wire)) == ((None,), (Quality.BAD_TYPE,))


def test_bcd_is_scaled_and_knows_its_missing_code() -> None:
    one = profile(point("a", type="bcd32", scale=0.01, missing=[0xFFFFFFFF]))
    assert decode(one, bytes.fromhex("00012345")) == ((123.45,), (Quality.GOOD,))
    assert decode(one, bytes.fromhex("ffffffff")) == ((None,), (Quality.BAD_MISSING,))


@given(st.integers(0, 0xFFFFFFFF))
def test_bcd_is_its_hexadecimal_digits_read_as_decimal_or_nothing(raw: int) -> None:
    (value,), (quality,) = decode(profile(point("a", type="bcd32")), raw.to_bytes(4, "big"))
    digits = [raw >> shift & 15 for shift in range(28, -1, -4)]
    expected = float(sum(digit * 10**place for place, digit in enumerate(reversed(digits))))
    right = all(digit <= 9 for digit in digits)
    assert (value, quality) == ((expected, Quality.GOOD) if right else (None, Quality.BAD_TYPE))


def test_some_bits_of_a_register_are_a_number_or_a_code() -> None:
    one = profile(
        enum("mode", 0, 5, bit=4, bits=3), flag("on", bit=0), point("level", bit=8, bits=8, scale=0.5, missing=[255])
    )
    assert decode(one, bytes.fromhex("0b51")) == ((5.0, 1.0, 5.5), (0, 0, 0))
    assert decode(one, bytes.fromhex("ff50")) == ((5.0, 0.0, None), (0, 0, Quality.BAD_MISSING))


@pytest.mark.parametrize("wire", ["0003", "ffff"])
@pytest.mark.parametrize("kind", ["uint16", "bcd16", "int16"])
def test_code_that_the_profile_does_not_list_is_never_good(kind: str, wire: str) -> None:
    one = profile(enum("valve", 1, 2, type=kind))
    _, (quality,) = decode(one, bytes.fromhex(wire))
    assert quality == Quality.BAD_TYPE


def test_unknown_code_is_kept_to_be_seen() -> None:
    assert decode(profile(enum("valve", 1, 2)), b"\x00\x03") == ((3.0,), (Quality.BAD_TYPE,))


def test_missing_code_of_an_enumeration_is_missing_and_no_code() -> None:
    assert decode(profile(enum("valve", 1, 2, missing=[65535])), b"\xff\xff") == ((None,), (Quality.BAD_MISSING,))


@pytest.mark.parametrize(
    ("kind", "order", "wire", "value"),
    [
        ("utf8", "ABCD", b"GAS-01\0\0", "GAS-01"),
        ("utf8", "BADC", b"AG-S10\0\0", "GAS-01"),
        ("utf8", "ABCD", b"ends 8  ", "ends 8"),
        ("utf8", "ABCD", b"a  \0rest", "a"),
        ("utf8", "ABCD", b" a b\0\0\0\0", " a b"),
        ("utf8", "ABCD", bytes(8), ""),
        ("utf8", "ABCD", b" " * 8, ""),
        ("utf8", "ABCD", bytes.fromhex("e998 80e9 97a8 0000"), "阀门"),
        ("gbk", "ABCD", bytes.fromhex("b7a7 c3c5 0000 0000"), "阀门"),
        ("gbk", "BADC", bytes.fromhex("a7b7 c5c3 0041 4242"), "阀门A"),
        ("gbk", "ABCD", b"DN50    ", "DN50"),
    ],
)
def test_text_ends_at_its_nul_and_loses_trailing_spaces(kind: str, order: str, wire: bytes, value: str) -> None:
    one = profile(text("a", kind, len(wire) // 2, byte_order=order))
    assert decode(one, wire) == ((value,), (Quality.GOOD,))


@pytest.mark.parametrize(
    ("kind", "wire"),
    [
        ("utf8", b"\xff\xff\xff\xff"),
        ("utf8", b"ab\xe9\x98"),
        ("utf8", b"\xed\xa0\x80\0"),
        ("utf8", b"\xb7\xa7\xc3\xc5"),
        ("gbk", b"\xff\xff\xff\xff"),
        ("gbk", b"abc\xb7"),
        ("gbk", b"\xb7\x20\0\0"),
    ],
)
def test_bytes_that_are_no_text_are_no_value_and_bad(kind: str, wire: bytes) -> None:
    assert decode(profile(text("a", kind, 2)), wire) == ((None,), (Quality.BAD_TYPE,))


@given(st.sampled_from(["utf8", "gbk"]), st.sampled_from(["ABCD", "BADC"]), st.binary(min_size=16, max_size=16))
def test_any_bytes_are_a_text_that_can_be_stored_or_bad(kind: str, order: str, wire: bytes) -> None:
    (value,), (quality,) = decode(profile(text("a", kind, 8, byte_order=order)), wire)
    if value is None:
        assert quality == Quality.BAD_TYPE
    else:
        assert isinstance(value, str)
        assert quality == Quality.GOOD
        assert "\0" not in value
        assert value == value.encode().decode().rstrip(" ")


@given(st.text(st.characters(codec="gbk", exclude_characters="\0"), max_size=8))
def test_gbk_text_comes_back_as_it_was_written(written: str) -> None:
    wire = written.encode("gbk").ljust(16, b"\0")
    assert decode(profile(text("a", "gbk", 8)), wire)[0] == (written.rstrip(" "),)


def test_text_agrees_with_the_reference_client() -> None:
    words = Peer.convert_to_registers("燃气 A1", Peer.DATATYPE.STRING)
    wire = b"".join(word.to_bytes(2, "big") for word in words)
    assert decode(profile(text("a", "utf8", len(words))), wire)[0] == ("燃气 A1",)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (point("a", type="utf8", registers=2), r"type: utf8 is for a text, this is of type number"),
        (point("a", registers=2), r"registers: only a text says"),
        ({**point("a"), "type": "text"}, r"type: a text is in utf8 or gbk, not uint16"),
        ({**point("a", type="gbk"), "type": "text"}, r"registers: a text needs the number"),
        (text("a", "gbk", 4, byte_order="CDAB"), r"byte_order: a text is ABCD, or BADC"),
        (text("a", "gbk", 4, scale=2.0), r"a text has no scale"),
        (text("a", "gbk", 4, bit=2), r"bit: a text takes whole registers"),
        (text("a", "gbk", 4, address=65533), r"address: gbk at 65533 ends beyond"),
        (enum("a", 1, type="float32"), r"type: an enum is a whole number, not float32"),
        (enum("a", 1, scale=2.0), r"a code has no scale"),
        (enum("a", 1, bit=3), r"bit: only a flag is a single bit"),
        (enum("a", 1, bits=3), r"bit: only a flag is a single bit"),
        (enum("a", 1, bit=14, bits=3), r"bits: 3 bits from bit 14 on end beyond"),
        (enum("a", 1, bit=1, bits=3, type="int32"), r"type: some bits of a register are"),
        (enum("a", 1, bit=1, bits=3, missing=[8]), r"missing: 8 is no number of 3 bits \(0 to 7\)"),
        (flag("a", bit=1, bits=3), r"bits: a flag is one bit"),
        (flag("a", "coil", bits=3), r"bit: a coil is one bit itself"),
        (flag("a", "coil", byte_order="BADC"), r"a bit has no byte order"),
        (point("a", scale=1e31), r"scale: must be a finite number other than 0, at most 1e\+30, not 1e\+31"),
        (point("a", offset=-1e31), r"offset: must be a finite number, at most 1e\+30, not -1e\+31"),
    ],
)
def test_part_that_means_nothing_is_refused_with_its_place(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ProfileError, match=rf"t/t: point\[a\]\.modbus(\.|: ){message}"):
        plan_reads(profile(wrong))


def test_bits_with_two_owners_are_refused() -> None:
    with pytest.raises(ProfileError, match=r"point\[b\]\.modbus\.address: point 'a' has this register or bit"):
        plan_reads(profile(enum("a", 1, bit=4, bits=3), flag("b", bit=6)))
