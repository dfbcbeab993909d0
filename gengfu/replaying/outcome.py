"""What came of a replay: how often each rule raised, for how long, and which alarms only one set of rules has."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from alarms.alarm import AlarmTransition
from alarms.states import Event
from protocols.moment import SECOND
from protocols.reading import Origin

CHATTER = 3
CHATTER_NS = 60 * SECOND
"""An alarm that is raised so often within this time chatters (ISA-18.2 as a vendor tells it; not checked in the
standard)."""

Key: TypeAlias = tuple[str, str, str, Origin]
"""Device, rule, point and origin: an alarm keeps these when the shape of its id changes with its rule."""


class Occurrence(NamedTuple):
    """One alarm from raise to return. ``returned_at``: ``None`` while its condition stands at the end; UTC ns."""

    device: str
    rule: str
    point: str
    origin: Origin
    raised_at: int
    returned_at: int | None
    value: float | None
    late: bool


@dataclass(slots=True)
class Tally:
    """Of one rule in one run. ``active_ns``: how long its alarms' conditions stood, summed up over the alarms;
    ``chattering``: alarms that chattered; ``alone``: occurrences at which the other run had no such alarm."""

    raised: int = 0
    active_ns: int = 0
    chattering: int = 0
    alone: int = 0


@dataclass(slots=True)
class _Alarm:
    """``met``: the other run had this alarm at some time of its present occurrence."""

    open: AlarmTransition | None = None
    met: bool = False
    raises: deque[int] = field(default_factory=lambda: deque(maxlen=CHATTER))
    chatters: bool = False


class Run:
    """The alarms of one set of rules. ``alone``: the first occurrences that the other run has not, at most ``most``."""

    def __init__(self, start: int, end: int, most: int) -> None:
        self._start = start
        self._end = end
        self._most = most
        self.tallies: dict[str, Tally] = {}
        self.alone: list[Occurrence] = []
        self._alarms: dict[Key, _Alarm] = {}

    def tally(self, rule: str) -> Tally:
        """Of one rule, also of one that never raised."""
        return self.tallies.get(rule) or Tally()

    def standing(self, key: Key) -> _Alarm | None:
        """The alarm, while its condition stands."""
        alarm = self._alarms.get(key)
        return alarm if alarm is not None and alarm.open is not None else None

    def raised(self, key: Key, transition: AlarmTransition) -> _Alarm:
        """Its condition came."""
        alarm = self._alarms.setdefault(key, _Alarm())
        if alarm.open is not None:
            self.over(key, transition.at)
        alarm.open, alarm.met = transition, False
        if self._start <= transition.at < self._end:
            tally = self.tallies.setdefault(transition.rule, Tally())
            tally.raised += 1
            alarm.raises.append(transition.at)
            if not alarm.chatters and len(alarm.raises) == CHATTER and transition.at - alarm.raises[0] <= CHATTER_NS:
                alarm.chatters = True
                tally.chattering += 1
        return alarm

    def over(self, key: Key, at: int, *, returned: bool = True) -> None:
        """Its condition went, or the end was reached."""
        alarm = self.standing(key)
        if alarm is None:
            return
        begun, alarm.open = alarm.open, None
        assert begun is not None
        if at <= self._start:
            return
        tally = self.tallies.setdefault(begun.rule, Tally())
        tally.active_ns += max(0, at - max(begun.at, self._start))
        if not alarm.met:
            tally.alone += 1
            if len(self.alone) < self._most:
                end = at if returned else None
                self.alone.append(Occurrence(*key_of(begun)[:4], begun.at, end, begun.value, begun.late))

    def finish(self, at: int) -> None:
        """Nothing more comes."""
        for key in self._alarms:
            self.over(key, at, returned=False)


def key_of(transition: AlarmTransition) -> Key:
    """Which alarm it is."""
    return transition.device, transition.rule, transition.point, transition.origin


class Outcome:
    """Two runs side by side, from ``start`` to ``end`` (UTC ns). Of other ``origins`` nothing is counted (S4).

    Occurrences of an alarm that overlap in time are the same to whoever is told: such an alarm is neither new nor
    vanished, however often either run raised it meanwhile. ``later_ns``: by how much the changed rules raised one later
    at most, by rule. ``recorded``: what the journal says was raised then.
    """

    def __init__(self, start: int, end: int, origins: Sequence[Origin], most: int) -> None:
        self._origins = origins
        self._start, self._end = start, end
        self.before = Run(start, end, most)
        self.after = Run(start, end, most)
        self.later_ns: dict[str, int] = {}
        self.recorded: dict[str, int] = {}

    def take(self, before: Iterable[AlarmTransition], after: Iterable[AlarmTransition]) -> None:
        """What the two sets of rules decided in the same stretch of time."""
        both = [(one, self.before, self.after) for one in before if one.origin in self._origins]
        both += [(one, self.after, self.before) for one in after if one.origin in self._origins]
        # at the same instant what comes meets what goes
        both.sort(key=lambda one: (one[0].at, one[0].event is not Event.RAISE))
        for transition, mine, other in both:
            key = key_of(transition)
            if transition.event is Event.RAISE:
                self._meet(key, mine.raised(key, transition), other)
            elif transition.event in (Event.RETURN, Event.RETURN_LATCHED):
                mine.over(key, transition.at)

    def _meet(self, key: Key, raised: _Alarm, other: Run) -> None:
        standing = other.standing(key)
        if standing is None:
            return
        assert standing.open is not None
        assert raised.open is not None
        later = raised.open.at - standing.open.at
        if other is self.before and not standing.met and standing.open.at >= self._start:
            rule = key[1]
            self.later_ns[rule] = max(later, self.later_ns.get(rule, 0))
        raised.met = standing.met = True

    def note(self, recorded: AlarmTransition) -> None:
        """What the journal says was decided."""
        is_raise = recorded.event is Event.RAISE and recorded.origin in self._origins
        if is_raise and self._start <= recorded.at < self._end:
            self.recorded[recorded.rule] = self.recorded.get(recorded.rule, 0) + 1

    def finish(self, at: int) -> None:
        """Nothing more comes after ``at``."""
        self.before.finish(at)
        self.after.finish(at)
