"""A large area costs no more per reading than a small one, whatever stands there: only what is new is looked at."""

from collections.abc import Callable
from typing import Any

import pytest

from interlocks import engine
from interlocks.engine import InterlockEngine
from interlocks.membership import Membership
from interlocks.states import InterlockState
from protocols.picture import Picture
from protocols.reading import Origin
from tests.fixtures.kitchens import MATRIX, kitchen, member
from tests.fixtures.stories import at, gas_reading

VALVES = [f"gas:{number}" for number in range(40)]
FULL: dict[str, Any] = {"alarm_level": 0.0, "co_alarm": 0.0}


class Hall:
    """Forty gas alarms with a valve each in one area."""

    def __init__(self) -> None:
        self.engine = InterlockEngine([MATRIX], [kitchen(*map(member, VALVES))], at(0))

    def hear(self, seconds: float, devices: list[str], **values: Any) -> None:
        for device in devices:
            self.engine.observe(gas_reading(seconds, device, **(FULL | values)), at(seconds))
            out = self.engine.drain()
            for command in out.commands:
                self.engine.settled(command.id, False, at(seconds))
        self.engine.drain()

    @property
    def state(self) -> InterlockState:
        (record,) = self.engine.records()
        return record.state


def unknown() -> Hall:
    """One board says nothing that could be its valve's place."""
    hall = Hall()
    for seconds in (0, 2):
        hall.hear(seconds, VALVES[1:])
        hall.hear(seconds, VALVES[:1], valve=0.0)
    assert hall.state is InterlockState.UNKNOWN
    return hall


def tripped() -> Hall:
    """Gas at one detector; no valve closes."""
    hall = Hall()
    hall.hear(0, VALVES)
    for seconds in (2, 4, 6, 8, 10):
        hall.hear(seconds, VALVES[:1], methane=30.0)
        hall.hear(seconds, VALVES[1:])
    assert hall.state is InterlockState.TRIPPED
    return hall


@pytest.mark.parametrize("make", [unknown, tripped])
def test_one_reading_looks_at_the_valve_of_no_other_device(
    make: Callable[[], Hall], monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = make()
    looked: set[Picture] = set()
    known = Picture.known

    def spy(picture: Picture, index: int) -> object:
        looked.add(picture)
        return known(picture, index)

    followed: list[str] = []
    monkeypatch.setattr(Picture, "known", spy)
    monkeypatch.setattr(engine, "follow_valves", lambda _interlock, devices, *_: followed.extend(devices))
    hall.hear(12, VALVES[7:8])
    assert followed == []
    (interlock,) = hall.engine._interlocks.values()
    assert looked == {interlock.pictures["gas:7"]}


def test_what_is_asked_of_another_valve_meanwhile_is_looked_at_with_the_next_reading() -> None:
    hall = tripped()
    hall.hear(12, VALVES[3:4], valve=2.0)
    (record,) = hall.engine.records()
    assert record.closed == ["gas:3"]
    (interlock,) = hall.engine._interlocks.values()
    effect = next(one for one in record.effects if one.device == "gas:3" and one.action == "close-valve")
    effect.status = "failed"
    interlock.stirred.add("gas:3")
    hall.hear(13, VALVES[5:6])
    assert [one.status for one in record.effects if one is effect] == ["done"]


def test_where_nothing_stands_readings_are_let_through_until_one_cause_does() -> None:
    hall = Hall()
    for seconds in (0, 2):
        hall.hear(seconds, VALVES)
    assert hall.state is InterlockState.ARMED
    seat, other = (hall.engine.memberships(device, Origin.LIVE)[0] for device in VALVES[:2])
    assert passes(seat, 4, VALVES[0])
    assert not passes(seat, 4, VALVES[0], methane=25.0)
    assert not passes(seat, 4, VALVES[0], valve=2.0)
    hall.hear(3, VALVES[:1], co=None)
    assert not passes(seat, 4, VALVES[0], co=None), "its proof grows old"
    hall.hear(4, VALVES[:1], methane=25.0)
    assert not passes(other, 5, VALVES[1])


def passes(seat: Membership, seconds: float, device: str, **values: Any) -> bool:
    """Whether the reading changes nothing there."""
    return seat.passes(gas_reading(seconds, device, **(FULL | values)), at(seconds)) is not None


def test_a_late_reading_is_not_let_through() -> None:
    hall = Hall()
    for seconds in (0, 2):
        hall.hear(seconds, VALVES)
    (seat,) = hall.engine.memberships(VALVES[0], Origin.LIVE)
    late = gas_reading(4, VALVES[0], heard=65, **FULL)
    assert seat.passes(late, at(63)) is not None
    assert seat.passes(late, at(65)) is None
