"""What holds for any sequence: origins do not touch each other, no tick is missed, memory does not grow."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.alarm import AlarmTransition, encode
from alarms.engine import AlarmEngine, Watched
from protocols.moment import SECOND, Moment
from protocols.reading import Origin
from tests.fixtures.alarm_stories import RULES
from tests.fixtures.stories import GAS, MONO, WALL, at, gas_reading

GRID_NS = SECOND // 100
OTHERS = (Origin.DRILL, Origin.SIMULATED)

values = st.fixed_dictionaries(
    {"methane": st.sampled_from([None, 0.0, 4.0, 9.0, 12.0, 22.0, 26.0, 48.0, 55.0, 103.0])},
    optional={
        name: st.sampled_from([0.0, 1.0]) for name in ("alarm", "fault", "warm_up", "over_range")
    },
)  # fmt: skip
steps = st.tuples(
    st.integers(1, 9_000),
    st.sampled_from(["reading", "reading", "reading", "late", "lost", "nothing"]),
    st.sampled_from([Origin.LIVE, *OTHERS]),
    values,
)
"""(hundredths of a second to wait, what, origin, values)"""


def engine() -> AlarmEngine:
    """All shipped rules on one gas alarm that reports every 2 s."""
    return AlarmEngine(RULES, [Watched("gas:1", GAS, "commercial-kitchen", 2.0)], at(0))


def do_step(engine: AlarmEngine, what: str, origin: Origin, given: dict[str, Any], now: Moment) -> None:
    """One thing that comes in."""
    seconds = (now.mono - MONO) / SECOND
    if what == "lost":
        engine.lost("gas:1", now)
    elif what != "nothing":
        sampled = seconds - 100 if what == "late" else seconds
        engine.observe(gas_reading(sampled, origin=origin, heard=seconds, **given), now)


def tick_when_due(engine: AlarmEngine, until: int) -> None:
    """Tick at each due time up to ``until`` (mono ns), and at no other."""
    while (due := engine.due()) is not None and due <= until:
        engine.tick(Moment(WALL + due - MONO, due))


def run(story: list[tuple[int, str, Origin, dict[str, Any]]], origins: tuple[Origin, ...]) -> list[bytes]:
    """Play the steps of some origins only; the LIVE transitions that came out, encoded."""
    one = engine()
    mono = MONO
    for wait, what, origin, given_values in story:
        mono += wait * GRID_NS
        tick_when_due(one, mono)
        if what in ("lost", "nothing") or origin in origins:
            do_step(one, what, origin, given_values, Moment(WALL + mono - MONO, mono))
    tick_when_due(one, mono + 400 * SECOND)
    transitions, _ = one.drain()
    return [encode(transition) for transition in transitions if transition.origin is Origin.LIVE]


@settings(max_examples=150)
@given(st.lists(steps, max_size=25))
def test_drills_and_simulations_change_nothing_that_is_live(
    story: list[tuple[int, str, Origin, dict[str, Any]]],
) -> None:
    assert run(story, (Origin.LIVE, *OTHERS)) == run(story, (Origin.LIVE,))


@pytest.mark.parametrize("origin", OTHERS)
def test_drill_raises_alarms_of_its_own(origin: Origin) -> None:
    one = engine()
    one.observe(gas_reading(0, methane=60.0, origin=origin), at(0))
    (transition,), _ = one.drain()
    assert (transition.alarm, transition.origin) == (f"gas:1~CK-04~{origin.name.lower()}", origin)


def transitions_ticking(
    story: list[tuple[int, str, Origin, dict[str, Any]]], every: int | None
) -> list[AlarmTransition]:
    """The transitions of a story ticked when due, or every so many ns."""
    one = engine()
    mono, last = MONO, MONO
    for wait, what, origin, given_values in story:
        mono += wait * GRID_NS
        if every is None:
            tick_when_due(one, mono)
        else:
            for instant in range(last, mono + 1, every):
                one.tick(Moment(WALL + instant - MONO, instant))
        last = mono
        do_step(one, what, origin, given_values, Moment(WALL + mono - MONO, mono))
    out, _ = one.drain()
    return out


@settings(max_examples=25, deadline=None)
@given(st.lists(steps, min_size=4, max_size=12))
def test_ticking_only_when_due_misses_nothing(story: list[tuple[int, str, Origin, dict[str, Any]]]) -> None:
    assert transitions_ticking(story, None) == transitions_ticking(story, GRID_NS)


def test_a_day_of_readings_that_flap_does_not_grow_the_agenda() -> None:
    one = engine()
    sizes = []
    for number in range(24 * 60 * 4):
        seconds = number * 15.0
        tick_when_due(one, at(seconds).mono)
        one.observe(gas_reading(seconds, methane=12.0 if number % 2 else 0.0), at(seconds))
        if number % 3 == 0:
            one.lost("gas:1", at(seconds + 1))
            one.observe(gas_reading(seconds + 2), at(seconds + 2))
        one.drain()
        sizes.append(len(one._agenda))
    assert max(sizes[1000:]) <= max(sizes[:1000]) < 12
