"""What the engine keeps of each alarm and each device, and how a change of state shows in the record."""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

from alarms.alarm import AlarmRecord, Timers
from alarms.conditions import Bound, Started, bind
from alarms.judging import Judge, Judgement, hold
from alarms.orphans import adopt, is_orphan, stands
from alarms.rule import AlarmRule
from alarms.set_values import Sets
from alarms.states import AlarmState, Event
from alarms.windows import Window
from protocols.moment import SECOND, Moment
from protocols.picture import Patience, Picture
from protocols.profile.model import Profile

LOST_PERIODS = 2.5
START_GRACE_NS = 30 * SECOND
ENDS_OF_SILENCE = frozenset((Event.UNSHELVE, Event.UNSUPPRESS, Event.IN_SERVICE))


class Watched:
    """A device under watch: its profile, the kind of its area, how often it reports (seconds), what its points were set
    to, and the devices in neighbouring areas."""

    def __init__(
        self,
        device: str,
        profile: Profile,
        area_kind: str,
        period_s: float,
        sets: Sets = (),
        neighbours: tuple[str, ...] = (),
    ) -> None:
        self.device = device
        self.profile = profile
        self.area_kind = area_kind
        self.sets = sets
        self.neighbours = neighbours
        self.lost_after_ns = int(LOST_PERIODS * period_s * SECOND)
        self.patience = _patience(self.lost_after_ns)
        self.life_safety = tuple(point.index for point in profile.points if point.life_safety)

    def is_like(self, other: "Watched") -> bool:
        """Whether the other is judged in the same way."""
        mine, theirs = ((one.kind, one.lost_after_ns, one.neighbours) for one in (self, other))
        return mine == theirs

    @property
    def kind(self) -> tuple[Profile, str, Sets]:
        """What the same rules are bound to alike."""
        return self.profile, self.area_kind, self.sets

    def bound_to(self, rules: Mapping[str, AlarmRule]) -> list[Bound]:
        """The rules that watch it, each at each point it speaks of."""
        return [
            bound
            for rule in rules.values()
            if not rule.areas or self.area_kind in rule.areas
            for bound in bind(rule, self.profile, self.sets)
        ]


@lru_cache
def _patience(lost_after_ns: int) -> Patience:
    """One for all devices of a period: what is looked at for each of thousands stays in the processor's cache."""
    return Patience(lost_after_ns, max(START_GRACE_NS, lost_after_ns))


_NOTHING = Started(hold, (), ())
_WORDS = ("alarm", "device", "point", "rule", "priority")


class Mates(Protocol):
    """What an alarm knows of the others of its device and origin (`alarms.group.Group`)."""

    is_idle: bool

    def write_down(self) -> None: ...


class Standing:
    """One alarm with its timers and the rule behind it (``None`` for an orphan, S11).

    ``silence_end``: mono ns at which a shelving or out-of-service ends, whatever the wall clock does (S10).
    """

    __slots__ = ("_late", "_started", "bound", "group", "record", "silence_end", "timers")

    def __init__(self, record: AlarmRecord, bound: Bound | None) -> None:
        self.record = record
        self.bound = bound
        self._started = _NOTHING if bound is None else bound.start()
        self._late: Started | None = None
        self.group: Mates | None = None
        self.timers = Timers()
        self.silence_end: int | None = None

    @property
    def judge(self) -> Judge:
        """What its condition says. It remembers what it was asked of, where the rule has a window of time."""
        return self._started.judge

    @property
    def windows(self) -> tuple[Window, ...]:
        """To be told every reading."""
        return self._started.windows

    @property
    def keys(self) -> tuple[Window, ...]:
        """Those that may make the condition active when they stir."""
        return self._started.keys

    def due(self, mono: int) -> int | None:
        """When to judge again though nothing is heard, mono ns; to be asked where the condition is not active."""
        return min((due for one in self.windows if (due := one.due(mono)) is not None), default=None)

    def judge_late(self, picture: Picture, at: int) -> Judgement:
        """What the condition says of a late reading alone. A window has a memory of its own for late readings, in which
        ``at``, the time by the source's clock (ns), counts instead of that of their arrival."""
        if not self.windows:
            return self.judge(picture, at)
        if self._late is None:
            assert self.bound is not None
            self._late = self.bound.start()
        return self._late.judge(picture, at)

    def touch(self) -> None:
        """It is about to change, or to be looked at: what was let through is written down first."""
        if self.group is not None:
            self.group.write_down()
            self.group.is_idle = False

    def note_value(self, picture: Picture, otherwise: int) -> None:
        """Show the value that is known. ``otherwise``: the time of it where none is."""
        assert self.bound is not None
        record, known = self.record, picture.known(self.bound.point.index)
        record.sampled_at = otherwise if known is None else known.at
        if known is not None:
            record.value = None if math.isnan(known.value) else known.value
            record.quality = int(known.quality)

    @property
    def is_idle(self) -> bool:
        """Whether only an active condition could change anything."""
        timers = self.timers
        waits = timers.on_since is not None or timers.off_since is not None or timers.pace or timers.counted
        return not (self.record.active or waits or timers.reports)

    @property
    def accumulates(self) -> bool:
        """Whether its delay counts up and down."""
        return self.bound is not None and self.bound.rule.accumulate

    @property
    def latches(self) -> bool:
        """Whether it stays after its condition went. An orphan does: of its own rule nobody knows (S11)."""
        return self.bound is None or self.bound.rule.latch or self.is_outlived

    @property
    def is_outlived(self) -> bool:
        """Whether another rule raised it than the one that is behind it now (S11)."""
        return self.bound is not None and is_orphan(self.record, self.bound.mark)

    @property
    def is_reported(self) -> bool:
        """Whether another part of the gateway reports its condition, and no value can tell."""
        return self.bound is not None and all(one.kind == "reported" for one in self.bound.rule.any)

    def rebind(self, bound: Bound) -> None:
        """The site was changed: another rule may be behind it. It clears nothing (S11), and forgets nothing where the
        rule looks at the same point of the same device type."""
        before, self.bound = self.bound, bound
        if before is None or before.mark != bound.mark or before.point is not bound.point:
            self._started, self._late = bound.start(), None
        _follow_rule(self.record, bound.rule)

    def leave(self) -> None:
        """The site was changed: no rule is behind it any more. It clears nothing (S11)."""
        self.touch()
        self.bound = self.group = None
        self._started, self._late = _NOTHING, None
        self.timers = Timers()

    def take_back(self, record: AlarmRecord, started: Moment) -> None:
        """Stand as before the restart. A silence ends early, never late: at once where the clock went back (S10)."""
        self.touch()
        _share_words(record, self.record)
        self.record = record
        if self.bound is not None:
            adopt(record, self.bound.mark)
            _follow_rule(record, self.bound.rule)
        if record.silence_until:
            left = record.silence_until - started.wall if record.changed_at <= started.wall else 0
            self.silence_end = started.mono + max(0, left)

    def follow(self, event: Event, before: AlarmState, now: Moment, who: str) -> None:
        """Write into the record what goes with a change of state."""
        record = self.record
        after = record.state
        if event is Event.RAISE:
            self._raised(before, now.wall)
        elif event in (Event.RETURN, Event.RETURN_LATCHED):
            record.unfinished = record.unfinished or (not after.stands and self.is_outlived)
            record.active = False
        elif event is Event.ACKNOWLEDGE:
            record.acknowledged_by, record.acknowledged_at = who, now.wall
        elif event in (Event.SHELVE, Event.OUT_OF_SERVICE):
            self.silence_end = now.mono + record.silence_until - now.wall
        if before.stands and not after.stands and after is not AlarmState.NORMAL:
            record.unfinished = True
        if event is Event.SUPPRESS or event in ENDS_OF_SILENCE:
            record.silence_until = 0
            self.silence_end = None
        if before is not after:
            record.changed_at = now.wall

    def _raised(self, before: AlarmState, wall: int) -> None:
        record = self.record
        if self.bound is not None and not stands(record, before):
            record.mark = self.bound.mark
        record.active = True
        if not record.state.stands:
            record.unfinished = record.unfinished or self.latches
        elif not before.stands:
            record.raised_at, record.first_value, record.first_sampled_at = wall, record.value, record.sampled_at
            record.acknowledged_by, record.acknowledged_at = "", 0


def _share_words(record: AlarmRecord, before: AlarmRecord) -> None:
    """Words that are the same are kept once: those of a stored record are copies, a quarter of what it takes."""
    for name in _WORDS:
        word = getattr(before, name)
        if getattr(record, name) == word:
            setattr(record, name, word)


def _follow_rule(record: AlarmRecord, rule: AlarmRule) -> None:
    """The rule may have been changed meanwhile: what stands keeps its priority, and never loses its class."""
    if record.state is AlarmState.NORMAL:
        record.priority, record.life_safety = rule.priority, rule.life_safety
    else:
        record.life_safety = record.life_safety or rule.life_safety
