"""Status codes of OPC UA as quality: the names a server uses, and every number there can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.opcua.status import changed_meaning, is_good, lost_changes, name_of, quality_of
from protocols.quality import Quality

HIGH, LOW, CONSTANT = 0x0600, 0x0500, 0x0700
ANY = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("status", "quality"),
    [
        (0x00000000, Quality.GOOD),
        (0x00300000, Quality.GOOD),  # GoodClamped
        (0x00300000 | HIGH, Quality.BAD_OVER_RANGE),
        (0x00000000 | LOW, Quality.GOOD),
        (0x00000000 | CONSTANT, Quality.GOOD),
        (0x00960000, Quality.UNCERTAIN_STALE),
        (0x40000000, Quality.UNCERTAIN_STALE),
        (0x40900000, Quality.UNCERTAIN_STALE),
        (0x40930000, Quality.UNCERTAIN_EXPIRED),
        (0x40930000 | HIGH, Quality.BAD_OVER_RANGE),
        (0x40930000 | LOW, Quality.BAD_UNDER_RANGE),
        (0x40940000, Quality.BAD_OVER_RANGE),
        (0x40940000 | LOW, Quality.BAD_UNDER_RANGE),
        (0x80000000, Quality.BAD_MISSING),
        (0x80310000, Quality.BAD_COMM_LOSS),
        (0x803C0000, Quality.BAD_OVER_RANGE),
        (0x808C0000, Quality.BAD_SENSOR_FAULT),
        (0x808C0000 | HIGH, Quality.BAD_SENSOR_FAULT),
        (0x80340000, Quality.BAD_MISSING),
        (0xC0000000, Quality.BAD_MISSING),  # reserved severity
    ],
    ids=hex,
)
def test_reason_of_the_server_becomes_ours(status: int, quality: Quality) -> None:
    assert quality_of(status) is quality


def test_limit_bits_count_only_where_the_code_says_that_they_are_there() -> None:
    assert quality_of(0x40930000 | 0x0200) is Quality.UNCERTAIN_EXPIRED


@given(ANY)
def test_no_code_makes_a_value_better_than_its_severity(status: int) -> None:
    quality = quality_of(status)
    severity = status >> 30
    assert (quality >> 6) >= min(severity, 2)
    assert is_good(status) == (severity == 0)
    assert isinstance(name_of(status), str)


@given(ANY)
def test_bits_beside_the_reason_change_nothing_but_the_limits(status: int) -> None:
    assert quality_of(status) is quality_of(status & ~0xF0FF)


@pytest.mark.parametrize(
    ("status", "lost", "meaning"),
    [(0, False, False), (0x0480, True, False), (0x0080, False, False), (0x4000, False, True), (0x80004480, True, True)],
)
def test_full_queue_and_changed_meaning_are_seen(status: int, lost: bool, meaning: bool) -> None:
    assert (lost_changes(status), changed_meaning(status)) == (lost, meaning)


def test_code_without_a_name_is_shown_as_a_number() -> None:
    assert (name_of(0x80310000 | HIGH), name_of(0x80FF0000)) == ("BadNoCommunication", "status 0x80FF0000")
