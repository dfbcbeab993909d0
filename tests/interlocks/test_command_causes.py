"""Behind every live command of a shipped matrix stands a live trip, whatever drills and simulations say (S4, S5)."""

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlocks.engine import InterlockEngine
from interlocks.record import TripEvent
from protocols.command import Command
from protocols.moment import SECOND
from protocols.reading import Origin
from tests.fixtures.kitchens import ALL_TRUE
from tests.fixtures.malls import MATRICES
from tests.fixtures.stories import MONO, at
from tests.interlocks.truth_inputs import REQUIRED, tell
from tests.interlocks.truth_zones import ZONES

STEP = 4
Told = list[tuple[str, str, Origin]]


class Heard(NamedTuple):
    """What came out, in order."""

    events: list[TripEvent]
    commands: list[Command]


def play(matrix: str, told: Told, origins: tuple[Origin, ...] = tuple(Origin)) -> Heard:
    """Each step one place says something at one origin, all devices are quiet besides; other origins are left out."""
    rig = ZONES[matrix]
    zone = rig.zone(ALL_TRUE, True)
    engine = InterlockEngine([one for one in MATRICES if one.id == matrix], [zone], at(0))
    every = {one.device: one.profile for one in (*zone.members, *zone.neighbours, *zone.ducts, *zone.wells)}
    heard = Heard([], [])

    def take() -> None:
        out = engine.drain()
        heard.events.extend(out.events)
        heard.commands.extend(out.commands)

    for number, (place, name, origin) in enumerate([(None, "", Origin.LIVE), *told]):
        second = number * STEP
        while (due := engine.due()) is not None and due <= at(second).mono:
            engine.tick(at((due - MONO) / SECOND))
            take()
        devices, inputs, _ = rig.places[place] if place else ((), {}, None)
        for device, made_by in every.items():
            readings = [rig.say(second, device)]
            if device in devices and origin in origins:
                readings = tell(rig.say, inputs[name], made_by, device, second, origin)
            for reading in readings:
                engine.observe(reading, at(second))
                take()
    return heard


def stories(matrix: str) -> st.SearchStrategy[Told]:
    """Up to five inputs, of any place and origin."""
    steps = st.tuples(st.sampled_from(sorted(ZONES[matrix].places)), st.sampled_from(REQUIRED), st.sampled_from(Origin))
    return st.lists(steps, max_size=5)


@pytest.mark.parametrize("matrix", ZONES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_live_command_has_a_live_trip_behind_it_and_no_other_origin_changes_one(
    matrix: str, data: st.DataObject
) -> None:
    told = data.draw(stories(matrix))
    mixed, pure = play(matrix, told), play(matrix, told, (Origin.LIVE,))
    live = [one for one in mixed.events if one.origin is Origin.LIVE]
    assert (live, mixed.commands) == (pure.events, pure.commands)
    tripped = {f"{one.interlock}/{one.cause}": one.at for one in live if one.event == "tripped"}
    for command in mixed.commands:
        interlock, cause, _effect, _number = command.id.rsplit("/", 3)
        assert (command.origin, command.cause) == (Origin.LIVE, f"trip/{interlock}")
        assert tripped[f"{interlock}/{cause}"] <= command.issued_at
