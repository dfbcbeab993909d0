"""Ordinary readings are let through without judging rule by rule: nothing comes out differently for it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.actions import Action
from alarms.alarm import encode
from alarms.engine import AlarmEngine, Watched
from alarms.errors import AlarmError
from alarms.group import Group
from protocols.moment import SECOND, Moment
from protocols.picture import Picture
from protocols.reading import Origin, Reading
from tests.fixtures.alarm_stories import RULES
from tests.fixtures.stories import GAS, MONO, WALL, at, gas_reading

values = st.fixed_dictionaries(
    {
        "methane": st.sampled_from([0.0, 0.0, 1.0, 4.0, 12.0, 30.0, 103.0, None]),
        "co": st.sampled_from([0.0, 0.0, 0.0, 60.0, 400.0, None]),
    },
    optional={name: st.sampled_from([0.0, 0.0, 1.0]) for name in ("alarm", "fault", "warm_up", "over_range")},
)
whats = ["calm"] * 8 + ["reading", "reading", "late", "lost", "acknowledge", "reset", "report", "shelve", "look"]
steps = st.lists(
    st.tuples(st.sampled_from([1, 1, 4, 10, 300]), st.sampled_from(whats), values), min_size=8, max_size=40
)
Steps = list[tuple[int, str, dict[str, Any]]]
QUIET: dict[str, Any] = {"methane": 1.0, "co": 3.0}


class Story:
    """An engine, and all that anybody could see of it, in order."""

    def __init__(self) -> None:
        self.engine = AlarmEngine(RULES, [Watched("gas:1", GAS, "commercial-kitchen", 2.0)], at(0))
        self.seen: list[object] = []

    def play(self, story: Steps) -> list[object]:
        mono = MONO
        for wait, what, given_values in story:
            mono += wait * SECOND // 2
            self._tick_until(mono)
            self._do(what, given_values, Moment(WALL + mono - MONO, mono))
            self._drain()
        self._look()
        return self.seen

    def _tick_until(self, mono: int) -> None:
        while (due := self.engine.due()) is not None and due <= mono:
            self.engine.tick(Moment(WALL + due - MONO, due))
            self._drain()

    def _do(self, what: str, given_values: dict[str, Any], now: Moment) -> None:
        seconds = (now.mono - MONO) / SECOND
        if what in ("calm", "reading", "late"):
            told = QUIET if what == "calm" else given_values
            self.engine.observe(self._reading(seconds, late=what == "late", **told), now)
        elif what == "lost":
            self.engine.lost("gas:1", now)
        elif what == "report":
            self.engine.report("gas:1", "ACT-1", bool(given_values["methane"]), now)
        elif what == "look":
            self._look()
        else:
            self._act(what, now)

    def _reading(self, seconds: float, *, late: bool, **given_values: Any) -> Reading:
        return gas_reading(seconds - 100 if late else seconds, heard=seconds, **given_values)

    def _act(self, verb: Any, now: Moment) -> None:
        for record in self.engine.records():
            try:
                self.engine.act(Action(verb, record.alarm, "li", "so", 60.0, on_site=True), now)
            except AlarmError as error:
                self.seen.append(str(error))

    def _drain(self) -> None:
        transitions, state = self.engine.drain()
        self.seen += [*map(encode, transitions), state]

    def _look(self) -> None:
        self.seen.append([encode(record) for record in self.engine.records()])


@given(steps)
@settings(deadline=None, max_examples=150)
def test_letting_readings_through_changes_nothing_that_can_be_seen(story: Steps) -> None:
    shortened = Story().play(story)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Group, "lets_through", lambda *_: False)
        patch.setattr(Picture, "_take_ordinary", lambda *_: False)
        assert Story().play(story) == shortened


@pytest.mark.parametrize(
    ("told", "is_judged"),
    [
        ({}, False),
        ({"methane": 4.99}, False),
        ({"methane": 9.99}, True),  # it rose by 5 within a minute (CK-03)
        ({"methane": None, "alarm": None}, False),
        ({"methane": None}, True),  # the bit alone is held against the value told before (BV-01)
        ({"methane": 10.0}, True),
        ({"methane": 101.0}, True),
        ({"alarm": 1.0}, True),
        ({"over_range": 1.0}, True),
        ({"fault": 1.0}, True),
        ({"warm_up": 1.0}, True),
    ],
)
def test_what_may_raise_something_is_judged_rule_by_rule(
    told: dict[str, Any], is_judged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = AlarmEngine(RULES, [Watched("gas:1", GAS, "commercial-kitchen", 2.0)], at(0))
    for seconds in (2.0, 4.0):
        engine.observe(gas_reading(seconds, **QUIET), at(seconds))
    judged: list[object] = []
    monkeypatch.setattr(AlarmEngine, "_weigh", lambda _engine, standing, *_: judged.append(standing))
    engine.observe(gas_reading(6.0, **(QUIET | told)), at(6.0))
    assert bool(judged) == is_judged


@pytest.mark.parametrize(
    ("told", "judged"),
    [({"methane": 12.0}, {"CK-01", "CK-03"}), ({}, {"CK-01", "CK-03"}), ({"co": 60.0}, {"CK-01", "CK-03", "CO-04a"})],
)
def test_beside_an_alarm_only_what_may_change_is_judged(
    told: dict[str, Any], judged: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CK-01 pends, CK-03 stands; the mean of CO-04a may come to its limit with 60 ppm."""
    engine = AlarmEngine(RULES, [Watched("gas:1", GAS, "commercial-kitchen", 2.0)], at(0))
    for seconds in range(2, 20, 2):
        engine.observe(gas_reading(float(seconds), **QUIET), at(seconds))
    engine.observe(gas_reading(20.0, **(QUIET | {"methane": 11.0})), at(20))
    seen: set[str] = set()
    monkeypatch.setattr(AlarmEngine, "_weigh", lambda _engine, standing, *_: seen.add(standing.record.rule))
    engine.observe(gas_reading(22.0, **(QUIET | told)), at(22))
    assert seen == judged


@pytest.mark.parametrize("before", [{"methane": 12.0}, {"fault": 1.0}, {"methane": 101.0}])
def test_after_anything_else_even_a_quiet_reading_is_judged(
    before: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = AlarmEngine(RULES, [Watched("gas:1", GAS, "commercial-kitchen", 2.0)], at(0))
    engine.observe(gas_reading(2.0, **(QUIET | before)), at(2.0))
    judged: list[object] = []
    monkeypatch.setattr(AlarmEngine, "_weigh", lambda _engine, standing, *_: judged.append(standing))
    engine.observe(gas_reading(4.0, **QUIET), at(4.0))
    assert judged


def test_the_record_shows_the_last_reading_that_was_let_through() -> None:
    engine = AlarmEngine(RULES, [Watched("gas:1", GAS, "commercial-kitchen", 2.0)], at(0))
    for number, methane in enumerate((1.0, 2.0, 3.0)):
        engine.observe(gas_reading(2.0 * number, methane=methane, origin=Origin.LIVE), at(2.0 * number))
    (record,) = (one for one in engine.records() if one.rule == "CK-01")
    assert (record.value, record.sampled_at) == (3.0, at(4.0).wall)
