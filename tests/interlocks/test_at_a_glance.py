"""Which ordinary readings an interlock lets pass at a glance, and what it knows of itself besides."""

from typing import Any

import pytest

from interlocks.bypass import Bypassed
from interlocks.matrix import Matrix
from interlocks.record import decode_event, encode
from interlocks.sheet import sheet
from interlocks.zone import Member
from protocols.reading import Origin
from protocols.term import term_of
from tests.fixtures import stations
from tests.fixtures.kitchens import DETECTOR, ID, MATRIX, UP, Kitchen, member
from tests.fixtures.malls import MATRICES
from tests.fixtures.stories import at, gas_reading


@pytest.mark.parametrize(
    ("values", "passes"),
    [
        ({}, True),
        ({"h2_room": 0.39}, True),
        ({"h2_room": 0.4}, False),
        ({"flame": 1.0}, False),
        ({"filling": 1.0, "vehicle_data": 0.0}, False),  # blind filling (HS-8)
        ({"filling": 1.0}, True),
        ({"h2_room": None}, False),
        ({"plc_heartbeat": None}, False),
    ],
)
def test_a_quiet_station_passes_at_a_glance_and_its_heartbeat_is_followed(values: dict[str, Any], passes: bool) -> None:
    station = stations.Station()
    station.hear(*(stations.told(seconds, filling=1.0) for seconds in (0, 5, 10)))
    (seat,) = station.engine.memberships("plc:1", Origin.LIVE)
    reading = stations.told(15, **{"filling": 1.0, **values})
    numbers = seat.passes(reading, at(15))
    assert (numbers is not None) is passes
    if numbers is not None:
        seat.note(reading, numbers, at(15))
        station.until(24)
        assert station.story() == []


def test_a_heartbeat_that_stands_still_is_seen_though_all_else_passes() -> None:
    station = stations.Station()
    station.hear(*(stations.told(seconds) for seconds in (0, 5, 10)))
    (seat,) = station.engine.memberships("plc:1", Origin.LIVE)
    for seconds in (15, 20):
        reading = stations.told(seconds, plc_heartbeat=100.0)
        numbers = seat.passes(reading, at(seconds))
        assert numbers is not None
        seat.note(reading, numbers, at(seconds))
    station.until(31)
    assert {cause for _, cause, _ in station.story()} == {"HS-9"}


def test_there_is_news_until_it_was_taken_and_it_can_be_read_again() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    assert not scene.engine.has_news
    scene.engine.observe(gas_reading(2, methane=30.0), at(2))
    assert scene.engine.has_news
    events = scene.engine.drain().events
    assert [decode_event(encode(one)) for one in events] == events
    assert scene.engine.matrices == (MATRIX,)


def test_what_is_bypassed_is_told_by_interlock() -> None:
    scene = Kitchen()
    wanted = Bypassed("RK-1", frozenset({"gas:1"}), term_of(3600.0, "b", at(0)))
    for seconds in (0, 2):
        scene.hear(seconds, gas_reading(seconds))
    scene.engine.bypass(ID, wanted)
    assert scene.engine.bypasses == {ID: wanted}
    scene.engine.end_bypass(ID, at(3))
    assert scene.engine.bypasses == {}


@pytest.mark.parametrize("matrix", MATRICES, ids=lambda one: one.id)
def test_every_effect_stands_once_on_the_sheet(matrix: Matrix) -> None:
    laid = sheet(matrix)
    assert [row.cause for row in laid.rows] == list(matrix.cause)
    for row in laid.rows:
        assert [effect for effect in row.cells if effect is not None] == sorted(
            row.cause.effect, key=lambda one: one.id
        )
        for column, effect in zip(laid.columns, row.cells, strict=True):
            assert effect is None or (effect.id, effect.action in column.actions) == (column.id, True)


def test_a_valve_whose_profile_lost_its_command_while_it_waited_is_absent_and_holds_nothing_up() -> None:
    """S13: it stands in for the valve that failed; what cannot be commanded any more is told, and never sent."""
    scene = Kitchen(member(), UP)
    scene.hear(0, gas_reading(0, methane=30.0), gas_reading(0, "up:1"))
    assert ("RK-1", "E2", "up:1", "waiting") in scene.statuses()
    scene.restart(2, member(), Member("up:1", DETECTOR.profile, 2.0, upstream=True))
    scene.hear(3, gas_reading(3, methane=30.0))
    scene.settle(8, "gas:1", False)
    assert ("RK-1", "E2", "up:1", "absent") in scene.statuses()
    assert {device for _, device, _ in scene.sent()} == {"gas:1"}
