"""Samples of an earlier start, made when the device knew no time: late whatever they claim (S9)."""

import json
from collections.abc import Mapping

import pytest

import alarms.engine
import interlocks.engine
from protocols.errors import DecodeError
from protocols.moment import SECOND
from protocols.profile.loader import shipped_profiles
from protocols.quality import Quality
from protocols.reading import Origin, Reading
from protocols.uplink import SPREAD_NS, UNDATED_NS, decode_pack

NOW = 1_700_000_000 * SECOND
GAS = shipped_profiles()["gengfu/gas-alarm"]
SITE = {"d:gas:1": GAS, "d:gas:2": GAS}


def read(*records: Mapping[str, object]) -> list[Reading]:
    pack = json.dumps(records).encode()
    return decode_pack(pack, 110, received_at=NOW, origin=Origin.LIVE, find_profile=SITE.get)


def quality(reading: Reading, point: str) -> Quality:
    return reading.quality_of(GAS.by_name[point].index)


@pytest.mark.parametrize(
    ("age", "late"), [(0, 61), (-5, 61), (3600, 61), (-60.5, 61), (-61.5, 61.5), (-7200, 7200), (-4e8, 61)]
)
def test_undated_reading_is_late_whatever_its_time_and_its_clock_is_doubted(age: float, late: float) -> None:
    (reading,) = read(
        {"bn": "d:gas:1/", "bt": age, "n": "boot", "v": 3},
        {"n": "seq", "v": 17},
        {"n": "undated", "vb": True},
        {"n": "methane", "v": 1.2},
        {"n": "alarm", "vb": False},
    )
    assert (reading.boot, reading.sequence, NOW - reading.at) == (3, 17, late * SECOND)
    assert [quality(reading, point) for point in ("methane", "alarm", "co")] == [
        Quality.UNCERTAIN_CLOCK,
        Quality.UNCERTAIN_CLOCK,
        Quality.GOOD,
    ]


def test_undated_readings_keep_their_order_and_are_never_of_one_time() -> None:
    readings = read(
        {"bn": "d:gas:1/", "n": "undated", "vb": True},
        {"n": "methane", "v": 1, "t": -3},
        {"n": "methane", "v": 2, "t": -2},
        {"n": "methane", "v": 3, "t": -100},
    )
    assert [(reading.values[0], NOW - reading.at) for reading in readings] == [
        (3.0, 100 * SECOND),
        (1.0, 61 * SECOND),
        (2.0, 61 * SECOND - 1000),
    ]


def test_undated_beyond_the_limit_of_both_engines_is_late() -> None:
    limit = max(alarms.engine.LATE_AFTER_NS, interlocks.engine.LATE_AFTER_NS)
    assert limit < UNDATED_NS - 1000 * SPREAD_NS


def test_reading_that_is_dated_says_so_and_is_fresh() -> None:
    (reading,) = read({"bn": "d:gas:1/", "n": "undated", "vb": False}, {"n": "methane", "v": 1.2})
    assert (reading.at, quality(reading, "methane")) == (NOW, Quality.GOOD)


def test_undated_of_one_device_says_nothing_of_another() -> None:
    readings = read(
        {"n": "d:gas:1/undated", "vb": True}, {"n": "d:gas:1/methane", "v": 1}, {"n": "d:gas:2/methane", "v": 1}
    )
    assert [NOW - reading.at for reading in readings] == [61 * SECOND, 0]


@pytest.mark.parametrize("value", [{"v": 1}, {"vs": "true"}])
def test_undated_that_is_no_boolean_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(DecodeError, match=r"record 1: undated must be a boolean \(vb\), not"):
        read({"n": "d:gas:1/undated", **value}, {"n": "d:gas:1/methane", "v": 1})
