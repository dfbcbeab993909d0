"""Alarm metrics against a count that looks at everything again for every number."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from alarms.alarm import AlarmTransition
from alarms.metrics.figures import Figures, load_figures
from alarms.metrics.measures import SECOND, Metrics, Span
from alarms.metrics.meter import Meter
from alarms.states import AlarmState, Event
from protocols.reading import Origin
from tests.alarms.metrics.conftest import FILE, START, Story, is_live, measure

UNTIL_S = 3700
FIGURES: Figures = load_figures(FILE)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.5, 3.0, 11.0, 25.0, 170.0, 900.0]),
        st.sampled_from([*Event, Event.RAISE, Event.RAISE, Event.RETURN, Event.ACKNOWLEDGE]),
        st.sampled_from("abcd"),
    ),
    max_size=160,
)
DRILLED = {"d": Origin.DRILL}
PRIORITY = {"a": "critical", "b": "medium", "c": "low", "d": "low"}


def told(steps: Sequence[tuple[float, Event, str]]) -> list[AlarmTransition]:
    """A story that begins before the span and may go on behind it; ``d`` is a drill."""
    story, s = Story(), -400.0
    for wait, event, alarm in steps:
        s += wait
        story.tell(s, event, alarm, PRIORITY[alarm], DRILLED.get(alarm, Origin.LIVE))
    return story.told


def measured(transitions: list[AlarmTransition]) -> Metrics:
    story = Story()
    story.told = transitions
    return measure(story, FIGURES, UNTIL_S)


def second(one: AlarmTransition) -> float:
    return (one.at - START) / SECOND


def calls(transitions: Sequence[AlarmTransition]) -> list[AlarmTransition]:
    return [
        one
        for one in transitions
        if one.origin is Origin.LIVE
        and one.before is not AlarmState.UNACKNOWLEDGED
        and one.after is AlarmState.UNACKNOWLEDGED
        and 0 <= second(one) < UNTIL_S
    ]


@given(STEPS)
def test_counts_and_rates_are_those_of_a_plain_count(steps: list[tuple[float, Event, str]]) -> None:
    transitions = told(steps)
    found, called = measured(transitions), calls(transitions)
    assert sum(found.announced.values()) == len(called)
    assert all(found.announced.get(p, 0) == sum(one.priority == p for one in called) for p in PRIORITY.values())
    in_window = [sum(600 * n <= second(one) < 600 * (n + 1) for one in called) for n in range(7)]
    in_hour = [sum(3600 * n <= second(one) < 3600 * (n + 1) for one in called) for n in range(2)]
    assert found.per_10_min == (len(called) / (UNTIL_S / 600), max(in_window))
    assert found.per_hour == (len(called) / (UNTIL_S / 3600), max(in_hour))
    flooding, inside, begun = False, 0, 0
    for count in in_window:
        if flooding and count < 5:
            flooding = False
        elif not flooding and count > 10:
            flooding, begun = True, begun + 1
        inside += flooding
    assert found.floods == (begun, inside, 7)


@given(STEPS)
def test_chattering_and_the_most_frequent_are_those_of_a_plain_count(steps: list[tuple[float, Event, str]]) -> None:
    transitions = told(steps)
    found, called = measured(transitions), calls(transitions)
    times = {alarm: [second(one) for one in called if one.alarm == alarm] for alarm in "abc"}
    chatters = {alarm for alarm, at in times.items() if any(sum(s <= t <= s + 60 for t in at) >= 3 for s in at)}
    assert {one.alarm for one in found.chattering} == chatters
    ranked = sorted((alarm for alarm in times if times[alarm]), key=lambda alarm: (-len(times[alarm]), alarm))
    assert [(one.alarm, one.times) for one in found.top] == [(alarm, len(times[alarm])) for alarm in ranked]


@given(STEPS)
def test_what_stands_and_what_is_fleeting_are_those_of_a_plain_look(steps: list[tuple[float, Event, str]]) -> None:
    transitions = told(steps)
    found = measured(transitions)
    before_end = [one for one in transitions if second(one) < UNTIL_S and one.origin is Origin.LIVE]
    last = {one.alarm: one for one in before_end}
    first_later = {one.alarm: one for one in reversed(transitions) if second(one) >= UNTIL_S}
    states = {alarm: last[alarm].after if alarm in last else first_later[alarm].before for alarm in last | first_later}
    standing = [alarm for alarm, state in states.items() if state.stands and alarm != "d"]
    assert sum(found.standing.values()) == len(standing)
    assert found.unacknowledged == sum("UNACKNOWLEDGED" in states[alarm].name for alarm in standing)
    fleeting = 0
    for place, one in enumerate(before_end):
        if one.event not in (Event.RETURN, Event.RETURN_LATCHED) or second(one) < 0:
            continue
        earlier = [two for two in before_end[:place] if two.alarm == one.alarm]
        while earlier and earlier[-1].event is Event.RAISE and earlier[-1].before is earlier[-1].after:
            earlier.pop()
        fleeting += bool(
            earlier
            and earlier[-1].event is Event.RAISE
            and earlier[-1].after is AlarmState.UNACKNOWLEDGED
            and second(one) - second(earlier[-1]) <= 10
        )
    assert found.fleeting == fleeting


@given(STEPS)
def test_each_acknowledgement_is_measured_from_the_first_call(steps: list[tuple[float, Event, str]]) -> None:
    transitions = told(steps)
    waits = []
    for place, one in enumerate(transitions):
        if one.event is not Event.ACKNOWLEDGE or one.origin is not Origin.LIVE or not 0 <= second(one) < UNTIL_S:
            continue
        since = one.at
        for two in reversed([two for two in transitions[:place] if two.alarm == one.alarm]):
            if "UNACKNOWLEDGED" not in two.after.name:
                break
            since = two.at
        waits.append(one.at - since)
    assert measured(transitions).waits == sorted(waits)


@given(STEPS)
def test_one_alarm_after_the_other_measures_the_same(steps: list[tuple[float, Event, str]]) -> None:
    """Only the order of each alarm counts: the journal's partitions may come in any."""
    transitions = told(steps)
    meter = Meter(Span(START, START + UNTIL_S * SECOND), FIGURES, is_live)
    for one in sorted(transitions, key=lambda one: one.alarm):
        meter.observe(one)
    assert meter.metrics() == measured(transitions)
