"""A player: one set of alarm rules over the tape, on the tape's own time. No clock is read."""

from collections.abc import Mapping, Sequence

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


class Player:
    """``rules`` by id. ``watched``: the devices; readings of others are the caller's to leave out. The transitions that
    `pass_time` and the others give are those since the last call."""

    def __init__(self, rules: Mapping[str, AlarmRule], watched: Sequence[Watched], now: Moment) -> None:
        self.rules = rules
        self._watched = {one.device: one for one in watched}
        self._engine = AlarmEngine(rules, watched, now)
        self._state: dict[str, bytes] = {}

    def pass_time(self, since: Moment, now: Moment) -> list[AlarmTransition]:
        """Let time act from ``since`` to ``now``, at the instants at which the engine asks for it."""
        found: list[AlarmTransition] = []
        while (due := self._engine.due()) is not None and due <= now.mono:
            mono = max(due, since.mono)
            self._engine.tick(Moment(since.wall + mono - since.mono, mono))
            found += self._news()
        return found

    def observe(self, reading: Reading, now: Moment) -> list[AlarmTransition]:
        """Judge one reading."""
        self._engine.observe(reading, now)
        return self._news()

    def repeat(self, done: AlarmTransition, now: Moment) -> list[AlarmTransition]:
        """Do what the journal says was done to an alarm, where it is nothing that readings lead to: a person
        acknowledged or reset it, or another part of the gateway reported it. Without effect where these rules have no
        such alarm, or it is in no state for it."""
        verb = _ANSWERS.get(done.event) if done.who else None
        if verb is not None:
            action = Action(verb, done.alarm, done.who, done.why, on_site=True)
            try:
                self._engine.act(action, now)
            except (NoSuchAlarm, ActionRefused):
                return []
        elif self._is_reported(done.rule):
            self._report(done, now)
        return self._news()

    def _is_reported(self, rule: str) -> bool:
        known = self.rules.get(rule)
        return known is not None and all(one.kind == "reported" for one in known.any)

    def _report(self, done: AlarmTransition, now: Moment) -> None:
        watched = self._watched.get(done.device)
        point = None if watched is None else watched.profile.by_name.get(done.point)
        if point is not None and done.event in (Event.RAISE, Event.RETURN, Event.RETURN_LATCHED):
            is_active = done.event is Event.RAISE
            self._engine.report(done.device, done.rule, is_active, now, done.origin, role=point.role)

    def tells_of_life_safety(self, reading: Reading) -> bool:
        """See `alarms.engine.AlarmEngine`."""
        return self._engine.tells_of_life_safety(reading)

    def state(self) -> dict[str, bytes]:
        """What a gateway with these rules would have stored so far."""
        return dict(self._state)

    def restart(self, state: Mapping[str, bytes], recalled: Sequence[Reading], now: Moment) -> None:
        """The gateway starts, takes back ``state`` and what stands at the end of its journal (S10)."""
        self._engine = AlarmEngine(self.rules, self._watched.values(), now)
        self._state = dict(state)
        self._engine.load(self._state)
        for reading in recalled:
            self._engine.recall(reading)

    def _news(self) -> list[AlarmTransition]:
        if not self._engine.has_news:
            return []
        transitions, state = self._engine.drain()
        self._state |= state
        return transitions
