"""A player: two sets of alarm rules over the tape, on the tape's own time. No clock is read.

Both are judged by one engine, in one pass: a rule that both sets have stands in it once and decides for both, and one
that is changed stands in it twice, the second time under another id. Alarms of different rules know nothing of each
other, so that each rule decides what it would have decided beside those of its own set; tests hold it to that.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from alarms.actions import Action, Verb
from alarms.alarm import AlarmTransition
from alarms.engine import AlarmEngine, Watched
from alarms.errors import ActionRefused, NoSuchAlarm
from alarms.rule import AlarmRule
from alarms.states import Event
from protocols.moment import SECOND, Moment
from protocols.reading import Origin, Reading

_ANSWERS: Mapping[Event, Verb] = {Event.ACKNOWLEDGE: "acknowledge", Event.RESET: "reset"}
"""What people did that is done again. What they silenced is not: it would hide what the rules do."""


STEP_NS = 60 * SECOND


class TapeClock:
    """Both clocks, as the times on the tape tell of them; ``now``: as far as they came.

    Times that are a little out of order take no time. From one more than `STEP_NS` back on, the wall clock was set
    back, and goes on from there; whatever it was set forward by counts as time that passed.
    """

    def __init__(self, start: int) -> None:
        self.now = Moment(start, start)

    def at(self, wall: int) -> Moment:
        """Go on to this time of the wall clock."""
        ahead = wall - self.now.wall
        if ahead > 0:
            self.now = Moment(wall, self.now.mono + ahead)
        elif ahead < -STEP_NS:
            self.now = Moment(wall, self.now.mono)
        return Moment(wall, self.now.mono)


class Recalled:
    """The newest live reading of each device, for a start of the gateway, chosen as `gateway.watch.Watch.recall`
    does: one that says nothing of life safety overtakes none that does."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[bool, Reading]] = {}

    def take(self, reading: Reading, tells: bool) -> None:
        """Remember it, if it is the newest. ``tells``: whether it says anything of life safety."""
        if reading.origin is Origin.LIVE:
            known = self._newest.get(reading.device)
            if known is None or (known[0], known[1].at) <= (tells, reading.at):
                self._newest[reading.device] = tells, reading

    def readings(self) -> list[Reading]:
        """One of each device."""
        return [reading for _, reading in self._newest.values()]


class Decided(NamedTuple):
    """What each of the two sets of rules decided, in order."""

    before: Sequence[AlarmTransition] = ()
    after: Sequence[AlarmTransition] = ()


_NOTHING = Decided()
_TWIN = "\x01"
"""What follows the id of a changed rule as the second set has it: no id in a file holds it."""


class Player:
    """``before``, ``after``: the two sets of rules, by id. ``watched``: the devices; readings of others are the
    caller's to leave out. What `pass_time` and the others give was decided since the last call."""

    def __init__(
        self,
        before: Mapping[str, AlarmRule],
        after: Mapping[str, AlarmRule],
        watched: Sequence[Watched],
        now: Moment,
    ) -> None:
        self._before = before
        self._after = after
        changed = [name for name, rule in after.items() if before.get(name, rule) != rule]
        self._twins = {name: name + _TWIN for name in changed}
        self._names = {twin: name for name, twin in self._twins.items()}
        added = {name: rule for name, rule in after.items() if name not in before}
        twins = {twin: after[name].model_copy(update={"id": twin}) for twin, name in self._names.items()}
        self._rules = {**before, **added, **twins}
        self._watched = {one.device: one for one in watched}
        self._engine = AlarmEngine(self._rules, watched, now)
        self._state: dict[str, bytes] = {}

    def pass_time(self, since: Moment, now: Moment) -> Decided:
        """Let time act from ``since`` to ``now``, at the instants at which the engine asks for it."""
        due = self._engine.due()
        if due is None or due > now.mono:
            return _NOTHING
        found: list[AlarmTransition] = []
        while due is not None and due <= now.mono:
            mono = max(due, since.mono)
            self._engine.tick(Moment(since.wall + mono - since.mono, mono))
            found += self._drain()
            due = self._engine.due()
        return self._split(found)

    def observe(self, reading: Reading, now: Moment) -> Decided:
        """Judge one reading."""
        self._engine.observe(reading, now)
        return self._news() if self._engine.has_news else _NOTHING

    def repeat(self, done: AlarmTransition, now: Moment) -> Decided:
        """Do what the journal says was done to an alarm, where it is nothing that readings lead to: a person
        acknowledged or reset it, or another part of the gateway reported it. Without effect where these rules have no
        such alarm, or it is in no state for it."""
        verb = _ANSWERS.get(done.event) if done.who else None
        for rule in (done.rule, self._twins.get(done.rule)):
            if rule is None:
                continue
            if verb is not None:
                self._act(verb, done, rule, now)
            elif self._is_reported(rule):
                self._report(done, rule, now)
        return self._news()

    def _act(self, verb: Verb, done: AlarmTransition, rule: str, now: Moment) -> None:
        alarm = done.alarm.replace(f"~{done.rule}", f"~{rule}", 1)
        try:
            self._engine.act(Action(verb, alarm, done.who, done.why, on_site=True), now)
        except (NoSuchAlarm, ActionRefused):
            return

    def _is_reported(self, rule: str) -> bool:
        known = self._rules.get(rule)
        return known is not None and all(one.kind == "reported" for one in known.any)

    def _report(self, done: AlarmTransition, rule: str, now: Moment) -> None:
        watched = self._watched.get(done.device)
        point = None if watched is None else watched.profile.by_name.get(done.point)
        if point is not None and done.event in (Event.RAISE, Event.RETURN, Event.RETURN_LATCHED):
            is_active = done.event is Event.RAISE
            self._engine.report(done.device, rule, is_active, now, done.origin, role=point.role)

    def tells_of_life_safety(self, reading: Reading) -> bool:
        """See `alarms.engine.AlarmEngine`."""
        return self._engine.tells_of_life_safety(reading)

    def state(self) -> dict[str, bytes]:
        """What gateways with these rules would have stored so far."""
        return dict(self._state)

    def restart(self, state: Mapping[str, bytes], recalled: Sequence[Reading], now: Moment) -> None:
        """The gateway starts, takes back ``state`` and what stands at the end of its journal (S10)."""
        self._engine = AlarmEngine(self._rules, self._watched.values(), now)
        self._state = dict(state)
        self._engine.load(self._state)
        for reading in recalled:
            self._engine.recall(reading)

    def _news(self) -> Decided:
        return self._split(self._drain())

    def _drain(self) -> list[AlarmTransition]:
        if not self._engine.has_news:
            return []
        transitions, state = self._engine.drain()
        self._state |= state
        return transitions

    def _split(self, transitions: Iterable[AlarmTransition]) -> Decided:
        before: list[AlarmTransition] = []
        after: list[AlarmTransition] = []
        for one in transitions:
            name = self._names.get(one.rule)
            if name is not None:
                alarm = one.alarm.replace(one.rule, name, 1)
                after.append(msgspec.structs.replace(one, rule=name, alarm=alarm))
                continue
            if one.rule in self._before:
                before.append(one)
            if one.rule in self._after and one.rule not in self._twins:
                after.append(one)
        return Decided(before, after)
