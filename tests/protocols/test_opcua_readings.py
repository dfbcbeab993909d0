"""What a server tells of a device, as readings: their times, what makes one, and what is told of a device unheard."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.moment import SECOND
from protocols.opcua.readings import LATE_NS, DeviceValues
from protocols.opcua.values import Sample, parts_of
from protocols.quality import Quality
from protocols.reading import Origin
from tests.fixtures.modbus_profiles import profile
from tests.fixtures.opcua_profiles import point

NOW = 1_700_000_000 * SECOND
TWO = profile(point("a", range=[0.0, 100.0]), point("b"))


class Device:
    """``noted``: what was told besides."""

    def __init__(self, origin: Origin = Origin.LIVE) -> None:
        self.noted: Counter[str] = Counter()
        self.values = DeviceValues("d", TWO, parts_of(TWO), origin, self._note)

    def _note(self, word: str) -> None:
        self.noted[word] += 1

    def changes(self, *samples: tuple[int, Sample]) -> list[tuple[int, tuple[object, ...]]]:
        """(time from now, values) of each reading."""
        return [(one.at - NOW, one.values) for one in self.values.changes(samples, NOW)]


@pytest.fixture
def device() -> Device:
    return Device()


def test_changes_of_one_time_are_one_reading_and_others_come_in_the_order_of_time(device: Device) -> None:
    told = device.changes(
        (0, Sample(1.0, 0, NOW - 200)), (1, Sample(5.0, 0, NOW - 100)), (0, Sample(2.0, 0, NOW - 100))
    )
    assert told == [(-200, (1.0, None)), (-100, (2.0, 5.0))]


def test_point_that_changed_twice_at_one_time_is_two_readings(device: Device) -> None:
    told = device.changes((0, Sample(1.0, 0, NOW)), (0, Sample(2.0, 0, NOW)), (0, Sample(3.0, 0, NOW)))
    assert told == [(0, (1.0, None)), (1_000, (2.0, None)), (2_000, (3.0, None))]


def test_time_that_was_given_before_is_moved_and_not_doubted(device: Device) -> None:
    device.changes((0, Sample(1.0, 0, NOW - 5)))
    (late,) = device.values.changes([(1, Sample(2.0, 0, NOW - 5))], NOW)
    assert (late.at - NOW, late.quality) == (995, (0, 0))


def test_value_that_was_looked_at_comes_no_second_time(device: Device) -> None:
    device.values.look([(0, Sample(1.0, 0, NOW - 5, NOW)), (1, Sample(2.0, 0, NOW - 5, NOW))], NOW)
    assert device.changes((0, Sample(1.0, 0, NOW - 5, NOW - 1))) == []
    assert device.changes((0, Sample(1.0, 0, NOW - 4))) == [(-4, (1.0, None))]
    assert device.changes((0, Sample(1.0, 0x40900000, NOW - 4))) == [(996, (1.0, None))]


def test_look_has_the_time_of_the_gateway_and_all_points(device: Device) -> None:
    one = device.values.look([(0, Sample(1.0, 0, NOW - 9 * LATE_NS)), (1, Sample(None, 0x80310000))], NOW)
    assert (one.at, one.values, one.quality) == (NOW, (1.0, None), (0, Quality.BAD_COMM_LOSS))
    assert not device.noted


def test_time_that_is_missing_is_the_server_s_else_ours(device: Device) -> None:
    assert device.changes((0, Sample(1.0, 0, None, NOW - 7)), (1, Sample(2.0))) == [(-7, (1.0, None)), (0, (None, 2.0))]
    assert device.noted == {"unstamped": 2}


def test_old_time_is_ours_so_that_no_leak_looks_late(device: Device) -> None:
    assert device.changes((0, Sample(55.0, 0, NOW - LATE_NS - 1))) == [(0, (55.0, None))]
    assert device.changes((0, Sample(56.0, 0, NOW - LATE_NS))) == [(-LATE_NS, (56.0, None))]
    assert device.noted == {"old-stamp": 1}


def test_time_too_far_ahead_is_ours_and_doubted(device: Device) -> None:
    (one,) = device.values.changes([(0, Sample(55.0, 0, NOW + 5 * SECOND + 1))], NOW)
    assert (one.at, one.claimed_at, one.quality) == (NOW, NOW + 5 * SECOND + 1, (Quality.UNCERTAIN_CLOCK, 0))
    assert device.noted == {"clock": 1}
    assert device.changes((0, Sample(56.0, 0, NOW + 5 * SECOND))) == [(5 * SECOND, (56.0, None))]


def test_full_queue_and_changed_meaning_are_noted(device: Device) -> None:
    device.changes((0, Sample(1.0, 0x0480, NOW)), (1, Sample(1.0, 0x4000, NOW)))
    assert device.noted == {"overflow": 1, "semantics": 1}


def test_device_of_which_its_server_hears_nothing_is_silent_until_one_point_is_heard(device: Device) -> None:
    device.changes((0, Sample(3.0, 0x80310000, NOW)))
    assert device.values.why_silent == ""
    device.changes((1, Sample(None, 0x80340000, NOW)))
    assert device.values.why_silent == (
        "its server says BadNoCommunication of all 2 points, first of 'nsu=urn:test:station;s={station}.a'"
    )
    device.changes((1, Sample(None, 0x808C0000, NOW)))
    assert device.values.why_silent == ""


def test_origin_is_the_gateway_s() -> None:
    (one,) = Device(Origin.SIMULATED).values.changes([(0, Sample(1.0))], NOW)
    assert one.origin is Origin.SIMULATED


STAMPS = st.none() | st.integers(NOW - 3 * LATE_NS, NOW + 20 * SECOND) | st.integers(-(2**62), 2**62)
SAMPLES = st.lists(
    st.tuples(
        st.integers(0, 1), st.builds(Sample, st.floats(0, 9) | st.none(), st.integers(0, 2**32 - 1), STAMPS, STAMPS)
    ),
    max_size=20,
)


@given(SAMPLES)
def test_every_change_is_in_a_reading_and_no_two_have_one_time(samples: list[tuple[int, Sample]]) -> None:
    readings = Device().values.changes(samples, NOW)
    last: dict[int, tuple[object, ...]] = {}
    changes = 0
    for index, sample in samples:
        changes += last.get(index) != sample[:3]
        last[index] = sample[:3]
    held = sum(
        bool(mark) or value is not None for one in readings for value, mark in zip(one.values, one.quality, strict=True)
    )
    assert held == changes
    assert len({one.at for one in readings}) == len(readings)
    assert all(NOW - LATE_NS <= one.at <= NOW + 5 * SECOND + 20_000 for one in readings)
