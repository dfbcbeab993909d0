"""The fewest requests within what the device allows, proved against every way there is to share points out."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import ProfileError
from protocols.modbus.plan import plan_reads
from tests.fixtures.modbus_profiles import flag, point, profile, ranges, text


def forbid(first: int, last: int, table: str = "input") -> dict[str, Any]:
    return {"table": table, "first": first, "last": last}


def test_request_never_touches_what_the_device_refuses() -> None:
    points = point("a"), point("b", address=3), point("c", address=5)
    assert ranges(profile(*points)) == [("input", 0, 6)]
    assert ranges(profile(*points, forbidden=[forbid(4, 4)])) == [("input", 0, 4), ("input", 5, 1)]
    assert ranges(profile(*points, forbidden=[forbid(1, 1), forbid(4, 4)])) == [
        ("input", 0, 1),
        ("input", 3, 1),
        ("input", 5, 1),
    ]


def test_forbidden_addresses_of_another_table_split_nothing() -> None:
    points = point("a"), point("b", address=3)
    assert ranges(profile(*points, forbidden=[forbid(1, 2, "holding")])) == [("input", 0, 4)]


def test_forbidden_addresses_outside_of_all_points_split_nothing() -> None:
    points = point("a", address=2), point("b", address=3)
    assert ranges(profile(*points, forbidden=[forbid(0, 1), forbid(4, 65535)])) == [("input", 2, 2)]


def test_flags_of_one_register_are_one_request() -> None:
    one = profile(flag("a", bit=0), flag("b", bit=9), max_registers=1, max_gap=0)
    assert ranges(one) == [("input", 0, 1)]


def test_bit_tables_have_a_limit_and_gap_of_their_own() -> None:
    coils = [flag(f"c{at}", "coil", at) for at in (0, 15, 32, 60)]
    assert ranges(profile(*coils, max_gap=1)) == [("coil", 0, 33), ("coil", 60, 1)]
    assert ranges(profile(*coils, max_gap=1, max_bits=16)) == [("coil", 0, 16), ("coil", 32, 1), ("coil", 60, 1)]
    assert ranges(profile(*coils, max_registers=1)) == [("coil", 0, 61)]


@pytest.mark.parametrize(
    ("wrong", "limits", "message"),
    [
        (
            point("a", type="uint64"),
            {"max_registers": 3},
            r"point\[a\]\.modbus\.type: uint64 takes 4 registers and one read may ask for 3 \(modbus\.max_registers\)",
        ),
        (
            text("a", "utf8", 20),
            {"max_registers": 16},
            r"point\[a\]\.modbus\.registers: utf8 takes 20 registers and one read may ask for 16",
        ),
        (
            point("a", address=9, type="uint32"),
            {"forbidden": [forbid(10, 12)]},
            r"point\[a\]\.modbus\.address: input 10 to 12 is forbidden \(modbus\.forbidden\)",
        ),
        (flag("a", "coil", 7), {"forbidden": [forbid(0, 7, "coil")]}, r"point\[a\]\.modbus\.address: coil 0 to 7 is"),
        (point("a"), {"forbidden": [forbid(8, 7)]}, r"modbus\.forbidden\[1\]: must be first <= last, not 8 to 7"),
    ],
)
def test_point_that_can_never_be_read_is_an_error_of_the_profile(
    wrong: dict[str, Any], limits: dict[str, Any], message: str
) -> None:
    with pytest.raises(ProfileError, match=message):
        plan_reads(profile(wrong, **limits))


def partitions(items: list[tuple[int, int]]) -> Iterator[list[list[tuple[int, int]]]]:
    """Every way to share the points out over requests."""
    if not items:
        yield []
        return
    first, *rest = items
    for shared in partitions(rest):
        yield [[first], *shared]
        for at in range(len(shared)):
            yield [*shared[:at], [first, *shared[at]], *shared[at + 1 :]]


def is_allowed(
    addresses: range, used: set[int], forbidden: list[tuple[int, int]], longest: int, most_unused: int
) -> bool:
    """Whether the device takes this one read, told address by address."""
    if len(addresses) > longest or any(first <= at <= last for at in addresses for first, last in forbidden):
        return False
    unused = 0
    for at in addresses:
        unused = 0 if at in used else unused + 1
        if unused > most_unused:
            return False
    return True


KINDS = {1: "uint16", 2: "uint32", 4: "uint64"}
layouts = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(sorted(KINDS))), min_size=1, max_size=6)
holes = st.lists(st.integers(0, 9), max_size=4)


@settings(max_examples=300)
@given(layouts, holes, st.integers(4, 20), st.integers(0, 4))
def test_no_other_sharing_out_needs_fewer_requests(
    layout: list[tuple[int, int]], drawn: list[int], longest: int, most_unused: int
) -> None:
    points, address = [], 0
    for gap, width in layout:
        address += gap
        points.append((address, width))
        address += width
    used = {at for start, width in points for at in range(start, start + width)}
    unused = sorted(set(range(address + 2)) - used)
    forbidden = [(at, at + (at + 1 in unused)) for at in (unused[pick % len(unused)] for pick in drawn)]
    one = profile(
        *(point(f"p{at}", address=at, type=KINDS[width]) for at, width in points),
        max_registers=longest,
        max_gap=most_unused,
        forbidden=[forbid(first, last) for first, last in forbidden],
    )
    reads = [range(start, start + count) for _, start, count in ranges(one)]
    assert all(is_allowed(read, used, forbidden, longest, most_unused) for read in reads)
    assert all(sum(start in read and start + width - 1 in read for read in reads) == 1 for start, width in points)
    fewest = min(
        len(shared)
        for shared in partitions(points)
        if all(
            is_allowed(
                range(min(part)[0], max(at + width for at, width in part)), used, forbidden, longest, most_unused
            )
            for part in shared
        )
    )
    assert len(reads) == fewest
