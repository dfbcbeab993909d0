"""The alarm engine: readings and time in, transitions out. It does no I/O and reads no clock.

Alarms are 1-out-of-n: never voted. All state is keyed by device, point, rule and origin (S4). A reading may only
clear an alarm when it is good, fresh and not late (S3, S9). The caller stores what `drain` returns in the same
commit as the reading, and calls `tick` when `due` says so.
"""

import heapq
import math
from collections.abc import Iterable, Mapping

from alarms.actions import Action, perform, silence_over
from alarms.alarm import AlarmRecord, AlarmTransition, Timers, alarm_id, decode_record, encode
from alarms.conditions import Bound, Judgement, bind
from alarms.errors import NoSuchAlarm
from alarms.rule import AlarmRule
from alarms.states import TABLE, AlarmState, Event
from protocols.moment import SECOND, Moment
from protocols.picture import Picture
from protocols.profile.model import Profile
from protocols.reading import Origin, Reading

LATE_AFTER_NS = 60 * SECOND
START_GRACE_NS = 30 * SECOND
LOST_PERIODS = 2.5
ENDS_OF_SILENCE = frozenset((Event.UNSHELVE, Event.UNSUPPRESS, Event.IN_SERVICE))


class Watched:
    """A device under watch: its profile, the kind of its area, and how often it reports (seconds)."""

    def __init__(self, device: str, profile: Profile, area_kind: str, period_s: float) -> None:
        self.device = device
        self.profile = profile
        self.area_kind = area_kind
        self.lost_after_ns = int(LOST_PERIODS * period_s * SECOND)


class _Standing:
    """One alarm with its timers and the rule behind it (``None`` for an orphan, S11)."""

    __slots__ = ("bound", "record", "timers")

    def __init__(self, record: AlarmRecord, bound: Bound | None) -> None:
        self.record = record
        self.bound = bound
        self.timers = Timers()


class AlarmEngine:
    """All alarms of a gateway."""

    def __init__(self, rules: Mapping[str, AlarmRule], devices: Iterable[Watched], now: Moment) -> None:
        self.rules = rules
        self._devices = {watched.device: watched for watched in devices}
        self._bound = {
            watched.device: [
                bound
                for rule in rules.values()
                if not rule.areas or watched.area_kind in rule.areas
                for bound in bind(rule, watched.profile)
            ]
            for watched in self._devices.values()
        }
        self._pictures: dict[tuple[str, Origin], Picture] = {}
        self._alarms: dict[str, _Standing] = {}
        self._by_device: dict[tuple[str, Origin], list[_Standing]] = {}
        self._due: list[tuple[int, str]] = []
        self._changed: dict[str, AlarmRecord] = {}
        self._out: list[AlarmTransition] = []
        self._started = now.mono
        for watched in self._devices.values():
            self._picture(watched, Origin.LIVE, now)
            heapq.heappush(self._due, (now.mono + max(START_GRACE_NS, watched.lost_after_ns), watched.device))

    # -- what comes in ---------------------------------------------------------------------------------------

    def observe(self, reading: Reading, now: Moment) -> None:
        """Judge one reading. Unknown devices are the caller's to refuse."""
        watched = self._devices[reading.device]
        picture = self._picture(watched, reading.origin, now)
        late = now.wall - reading.at > LATE_AFTER_NS
        if late and reading.at <= picture.newest_at:
            return
        if late:
            self._observe_late(watched, reading, now)
            return
        was_lost = picture.lost
        picture.update(reading, now)
        if was_lost and reading.origin is Origin.LIVE:
            heapq.heappush(self._due, (now.mono + watched.lost_after_ns, watched.device))
        for standing in self._standing(watched, reading.origin):
            self._judge(standing, picture, now, reading.at, fresh=True)

    def _observe_late(self, watched: Watched, reading: Reading, now: Moment) -> None:
        """S9: a late reading can raise (told once, marked), and clears nothing."""
        picture = Picture(watched.profile, now.mono)
        picture.update(reading, now)
        for standing in self._standing(watched, reading.origin):
            bound = standing.bound
            if bound is None or standing.record.state is not AlarmState.NORMAL:
                continue
            if bound.rule.on_reports == 1 and bound.judge(picture) is Judgement.ACTIVE:
                self._note_value(standing, picture, reading.at)
                self._apply(standing, Event.RAISE, now, late=True)

    def lost(self, device: str, now: Moment) -> None:
        """The transport knows at once that the device does not answer (a poll failed, a line broke)."""
        watched = self._devices[device]
        picture = self._picture(watched, Origin.LIVE, now)
        if not picture.lost:
            picture.lost = True
            self._judge_all(watched, Origin.LIVE, picture, now)

    def report(self, device: str, rule: str, active: bool, now: Moment, origin: Origin = Origin.LIVE) -> None:
        """Another part of the gateway reports the condition of a ``reported`` rule."""
        watched = self._devices[device]
        for standing in self._standing(watched, origin):
            if standing.record.rule == rule and standing.bound is not None:
                self._note_value(standing, self._picture(watched, origin, now), now.wall)
                self._decide(standing, Judgement.ACTIVE if active else Judgement.CLEAR, now)

    def tick(self, now: Moment) -> None:
        """Let time act: silence that lasts too long, delays that end, silencing that is over."""
        while self._due and self._due[0][0] <= now.mono:
            _, key = heapq.heappop(self._due)
            if key in self._devices:
                self._check_silence(self._devices[key], now)
            elif (standing := self._alarms.get(key)) is not None:
                self._on_due(standing, now)

    def due(self) -> int | None:
        """The mono time of the next `tick` that can change something; ``None`` when nothing waits."""
        return self._due[0][0] if self._due else None

    def act(self, action: Action, now: Moment) -> AlarmTransition:
        """Do what a person asked for. Raises `NoSuchAlarm` or `ActionRefused`."""
        standing = self._alarms.get(action.alarm)
        if standing is None:
            raise NoSuchAlarm(f"no alarm {action.alarm!r}; see GET /api/v1/alarms")
        record = standing.record
        event = perform(record, standing.bound.rule if standing.bound else None, action, now.wall)
        if event is Event.RESET and record.state is AlarmState.ACKNOWLEDGED:
            self._apply(standing, Event.RETURN_LATCHED, now, who=action.who, why="settled: its rule is gone")
        transition = self._apply(standing, event, now, who=action.who, why=action.why)
        if record.silence_until:
            heapq.heappush(self._due, (now.mono + max(0, record.silence_until - now.wall), record.alarm))
        if event in ENDS_OF_SILENCE:
            self._come_back(standing, now)
        return transition

    # -- what goes out ---------------------------------------------------------------------------------------

    def drain(self) -> tuple[list[AlarmTransition], dict[str, bytes]]:
        """Transitions since the last call and the state to store with them (key ``alarm/ID`` -> body)."""
        out, self._out = self._out, []
        changed, self._changed = self._changed, {}
        return out, {f"alarm/{name}": encode(record) for name, record in changed.items()}

    def load(self, state: Mapping[str, bytes]) -> None:
        """Take back what stood before the restart. A rule that is gone leaves an orphan (S11)."""
        for body in state.values():
            record = decode_record(body)
            watched = self._devices.get(record.device)
            if watched is not None:
                self._standing(watched, record.origin)
            standing = self._alarms.get(record.alarm)
            if standing is None:
                standing = self._alarms[record.alarm] = _Standing(record, None)
            standing.record = record
            if record.silence_until:
                heapq.heappush(self._due, (self._started, record.alarm))

    def records(self) -> list[AlarmRecord]:
        """Every alarm, whatever its state."""
        return [standing.record for standing in self._alarms.values()]

    def is_orphan(self, alarm: str) -> bool:
        """Whether the rule behind the alarm is gone."""
        return self._alarms[alarm].bound is None

    # -- judging ---------------------------------------------------------------------------------------------

    def _picture(self, watched: Watched, origin: Origin, now: Moment) -> Picture:
        key = (watched.device, origin)
        picture = self._pictures.get(key)
        if picture is None:
            picture = self._pictures[key] = Picture(watched.profile, now.mono)
        return picture

    def _standing(self, watched: Watched, origin: Origin) -> list[_Standing]:
        key = (watched.device, origin)
        known = self._by_device.get(key)
        if known is None:
            known = self._by_device[key] = [self._new(watched, origin, bound) for bound in self._bound[watched.device]]
        return known

    def _new(self, watched: Watched, origin: Origin, bound: Bound) -> _Standing:
        rule = bound.rule
        name = alarm_id(watched.device, rule.id, origin, bound.point.name if bound.several else None)
        record = AlarmRecord(name, watched.device, bound.point.name, rule.id, origin, rule.priority, rule.life_safety)
        standing = self._alarms[name] = _Standing(record, bound)
        return standing

    def _judge_all(self, watched: Watched, origin: Origin, picture: Picture, now: Moment) -> None:
        for standing in self._standing(watched, origin):
            self._judge(standing, picture, now, now.wall, fresh=False)

    def _judge(self, standing: _Standing, picture: Picture, now: Moment, sampled_at: int, fresh: bool) -> None:
        bound = standing.bound
        if bound is None:
            return
        judgement = bound.judge(picture)
        if fresh:
            self._note_value(standing, picture, sampled_at)
            standing.timers.reports = standing.timers.reports + 1 if judgement is Judgement.ACTIVE else 0
        self._decide(standing, judgement, now)

    def _note_value(self, standing: _Standing, picture: Picture, sampled_at: int) -> None:
        assert standing.bound is not None
        known = picture.known(standing.bound.point.index)
        if known is not None:
            standing.record.value = None if math.isnan(known.value) else known.value
            standing.record.quality = int(known.quality)
        standing.record.sampled_at = sampled_at

    def _decide(self, standing: _Standing, judgement: Judgement, now: Moment) -> None:
        timers = standing.timers
        if judgement is Judgement.ACTIVE:
            timers.off_since = None
            if not standing.record.active:
                self._pend(standing, now)
        elif judgement is Judgement.CLEAR:
            timers.on_since = None
            if standing.record.active:
                self._pend_return(standing, now)
        else:
            # nobody can tell: a running return is broken off, a running raise goes on (S3)
            timers.off_since = None

    def _pend(self, standing: _Standing, now: Moment) -> None:
        assert standing.bound is not None
        rule, timers = standing.bound.rule, standing.timers
        started = timers.on_since is None
        if timers.on_since is None:
            timers.on_since = now.mono
        ready_at = timers.on_since + int(rule.on_delay_s * SECOND)
        if now.mono >= ready_at and (rule.on_reports == 1 or timers.reports >= rule.on_reports):
            timers.on_since = None
            self._apply(standing, Event.RAISE, now)
        elif started:
            heapq.heappush(self._due, (ready_at, standing.record.alarm))

    def _pend_return(self, standing: _Standing, now: Moment) -> None:
        assert standing.bound is not None
        rule, timers = standing.bound.rule, standing.timers
        started = timers.off_since is None
        if timers.off_since is None:
            timers.off_since = now.mono
        ready_at = timers.off_since + int(rule.off_delay_s * SECOND)
        if now.mono >= ready_at:
            timers.off_since = None
            self._apply(standing, Event.RETURN_LATCHED if rule.latch else Event.RETURN, now)
        elif started:
            heapq.heappush(self._due, (ready_at, standing.record.alarm))

    def _on_due(self, standing: _Standing, now: Moment) -> None:
        record, bound = standing.record, standing.bound
        if silence_over(record, now.wall):
            event = Event.UNSHELVE if record.state is AlarmState.SHELVED else Event.IN_SERVICE
            self._apply(standing, event, now, why="the time was over")
            self._come_back(standing, now)
        elif record.silence_until:
            heapq.heappush(self._due, (now.mono + record.silence_until - now.wall, record.alarm))
        if bound is None:
            return
        if standing.timers.on_since is not None and not record.active:
            self._pend(standing, now)
        elif standing.timers.off_since is not None and record.active:
            self._pend_return(standing, now)

    def _come_back(self, standing: _Standing, now: Moment) -> None:
        """What was silenced before it was over stands again; a condition that has gone is then returned."""
        record = standing.record
        gone = not record.active
        if gone and not record.unfinished:
            return
        record.unfinished = False
        self._apply(standing, Event.RAISE, now, why="the silence is over")
        if gone:
            latch = standing.bound.rule.latch if standing.bound else True
            self._apply(standing, Event.RETURN_LATCHED if latch else Event.RETURN, now)

    def _check_silence(self, watched: Watched, now: Moment) -> None:
        picture = self._picture(watched, Origin.LIVE, now)
        if picture.lost:
            return
        limit = watched.lost_after_ns if picture.heard is not None else max(START_GRACE_NS, watched.lost_after_ns)
        left = limit - picture.silent_for(now)
        if left > 0:
            heapq.heappush(self._due, (now.mono + left, watched.device))
            return
        picture.lost = True
        self._judge_all(watched, Origin.LIVE, picture, now)

    # -- the one place that changes a state ------------------------------------------------------------------

    def _apply(
        self,
        standing: _Standing,
        event: Event,
        now: Moment,
        *,
        late: bool = False,
        who: str = "",
        why: str = "",
    ) -> AlarmTransition:
        record = standing.record
        before = record.state
        after = TABLE[before, event]
        assert after is not None
        record.state = after
        _follow(record, event, before, after, now.wall, who)
        transition = AlarmTransition(
            record.alarm, record.device, record.point, record.rule, record.origin, record.priority,
            record.life_safety, event, before, after, now.wall, record.sampled_at, record.value, record.quality,
            record.raised_at, late, who, why,
        )  # fmt: skip
        self._changed[record.alarm] = record
        if before is not after:
            self._out.append(transition)
        return transition


def _follow(record: AlarmRecord, event: Event, before: AlarmState, after: AlarmState, wall: int, who: str) -> None:
    """The fields of the record that go with a change of state."""
    if event is Event.RAISE:
        record.active = True
        if not before.stands and after.stands:
            record.raised_at, record.first_value, record.first_sampled_at = (
                wall,
                record.value,
                record.sampled_at,
            )
            record.acknowledged_by, record.acknowledged_at = "", 0
    elif event in (Event.RETURN, Event.RETURN_LATCHED):
        record.active = False
    elif event is Event.ACKNOWLEDGE:
        record.acknowledged_by, record.acknowledged_at = who, wall
    if before.stands and not after.stands and after is not AlarmState.NORMAL:
        record.unfinished = True
    if event in ENDS_OF_SILENCE:
        record.silence_until = 0
    if before is not after:
        record.changed_at = wall
