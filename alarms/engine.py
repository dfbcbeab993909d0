"""The alarm engine: readings and time in, transitions out. It does no I/O and reads no clock.

Alarms are 1-out-of-n: never voted. All state is keyed by device, point, rule and origin (S4). A reading may only
clear an alarm when it is good, fresh and not late (S3, S9). The caller stores what `drain` returns in the same
commit as the reading, and calls `tick` when `due` says so.
"""

from collections.abc import Iterable, Mapping

from alarms.actions import SILENCES, Action, perform, silence_over
from alarms.alarm import AlarmRecord, AlarmTransition, alarm_id, decode_record, encode
from alarms.conditions import Bound, Judgement
from alarms.errors import ActionRefused, NoSuchAlarm
from alarms.group import LATE_AFTER_NS, Group
from alarms.rule import AlarmRule
from alarms.standing import ENDS_OF_SILENCE, LOST_PERIODS, START_GRACE_NS, Standing, Watched
from alarms.states import TABLE, AlarmState, Event
from protocols.agenda import Agenda
from protocols.moment import SECOND, Moment
from protocols.picture import Picture
from protocols.reading import Origin, Reading
from protocols.telling import tells_of

__all__ = ["LATE_AFTER_NS", "LOST_PERIODS", "START_GRACE_NS", "AlarmEngine", "Watched"]


class AlarmEngine:
    """All alarms of a gateway."""

    def __init__(self, rules: Mapping[str, AlarmRule], devices: Iterable[Watched], now: Moment) -> None:
        self.rules = rules
        self._devices: dict[str, Watched] = {}
        self._bound: dict[str, list[Bound]] = {}
        self._alarms: dict[str, Standing] = {}
        self._groups: dict[tuple[str, Origin], Group] = {}
        self._live: dict[str, Group] = {}
        self._agenda = Agenda()
        self._changed: dict[str, AlarmRecord] = {}
        self._out: list[AlarmTransition] = []
        self._started = now
        for watched in devices:
            self._begin(watched, now)

    # -- which devices ---------------------------------------------------------------------------------------

    def _begin(self, watched: Watched, now: Moment) -> None:
        self._devices[watched.device] = watched
        self._bound[watched.device] = watched.bound_to(self.rules)
        self._group(watched, Origin.LIVE, now)
        self._agenda.at(watched.device, now.mono + watched.patience.first)

    def rewatch(self, devices: Iterable[Watched], now: Moment) -> None:
        """The site was changed: watch these devices from now on; those that stay the same are not touched. An alarm
        that is not normal and whose device or rule is gone stays as an orphan until a person settles it (S11)."""
        wanted = {watched.device: watched for watched in devices}
        for device in self._devices.keys() - wanted.keys():
            self._leave(device)
        for watched in wanted.values():
            known = self._devices.get(watched.device)
            if known is None:
                self._begin(watched, now)
            elif not known.is_like(watched):
                self._change(watched, now)

    def _leave(self, device: str) -> None:
        del self._devices[device], self._bound[device], self._live[device]
        for origin in Origin:
            group = self._groups.pop((device, origin), None)
            if group is not None:
                self._let_go(group.standings)

    def _change(self, watched: Watched, now: Moment) -> None:
        self._devices[watched.device] = watched
        self._bound[watched.device] = watched.bound_to(self.rules)
        for origin in Origin:
            before = self._groups.pop((watched.device, origin), None)
            if before is not None:
                before.write_down()
                kept = self._new_group(watched, origin, before.picture.carried(watched.profile))
                self._let_go(standing for standing in before.standings if standing not in kept.standings)
                for standing in kept.active():  # of a device that is lost no reading comes to tell
                    self._note_value(standing, kept.picture, now.wall)
                    self._decide(standing, Judgement.ACTIVE, now)
        self._check_silence(watched.device, self._live[watched.device], now)

    def _let_go(self, standings: Iterable[Standing]) -> None:
        """Nothing judges these any more."""
        for standing in standings:
            standing.leave()
            if standing.record.state is AlarmState.NORMAL:
                del self._alarms[standing.record.alarm]

    # -- what comes in ---------------------------------------------------------------------------------------

    def observe(self, reading: Reading, now: Moment) -> None:
        """Judge one reading. Unknown devices are the caller's to refuse."""
        watched = self._devices[reading.device]
        group = self._group(watched, reading.origin, now)
        picture = group.picture
        if now.wall - reading.at > LATE_AFTER_NS:
            self._observe_late(watched, group, reading, now)
            return
        is_back = picture.lost or picture.heard is None
        if picture.update(reading, now) and group.lets_through(reading):
            return
        if is_back and reading.origin is Origin.LIVE:
            self._agenda.at(watched.device, now.mono + watched.lost_after_ns)
        self._judge_all(group, now, reading)
        group.settle()

    def _observe_late(self, watched: Watched, group: Group, reading: Reading, now: Moment) -> None:
        """S9: a late reading can raise (told once, marked), and clears nothing. It counts as live when no fresh
        one follows, whatever its stamp: the clock of the device may have been set back, or stand still."""
        seen = group.picture
        picture = Picture(watched.profile, now.mono)
        picture.update(reading, now)
        for standing in group.standings:
            bound = standing.bound
            if bound is None or standing.record.state is not AlarmState.NORMAL:
                continue
            if bound.rule.on_reports == 1 and bound.judge(picture) is Judgement.ACTIVE:
                self._note_value(standing, picture, reading.at)
                self._apply(standing, Event.RAISE, now, late=True)
        seen.recall(reading)
        if seen.lost:
            self._judge_all(group, now)
        if reading.origin is Origin.LIVE:
            seen.note_late(reading, now)
            self._check_silence(watched.device, group, now)

    def group_of(self, device: str, origin: Origin) -> Group:
        """The alarms of a device that was heard at this origin. Valid until `rewatch`."""
        return self._groups[device, origin]

    def recall(self, reading: Reading) -> None:
        """After a start: the newest stored reading of a device says what stood before, if none comes (S10)."""
        watched = self._devices.get(reading.device)
        if watched is not None and reading.origin is Origin.LIVE:
            self._group(watched, Origin.LIVE).picture.recall(reading)

    def tells_of_life_safety(self, reading: Reading) -> bool:
        """Whether the reading says anything of a life-safety point, and not only of the board itself."""
        watched = self._devices.get(reading.device)
        return watched is not None and tells_of(reading, watched.life_safety)

    def lost(self, device: str, now: Moment) -> None:
        """The transport knows at once that the device does not answer (a poll failed, a line broke)."""
        group = self._live[device]
        if not group.picture.lost:
            group.picture.lose()
            self._judge_all(group, now)
            self._check_silence(device, group, now)

    def report(
        self,
        device: str,
        rule: str,
        active: bool,
        now: Moment,
        origin: Origin = Origin.LIVE,
        *,
        role: str | None = None,
    ) -> None:
        """Another part of the gateway reports the condition of a ``reported`` rule.

        ``role``: of the point it speaks of (``valve``), where the device has several.
        """
        group = self._group(self._devices[device], origin, now)
        for standing in group.standings:
            bound = standing.bound
            if standing.record.rule == rule and bound is not None and role in (None, bound.point.role):
                self._note_value(standing, group.picture, now.wall)
                self._decide(standing, Judgement.ACTIVE if active else Judgement.CLEAR, now)

    def tick(self, now: Moment) -> None:
        """Let time act: silence that lasts too long, delays that end, silencing that is over."""
        for key in self._agenda.take(now.mono):
            if (group := self._live.get(key)) is not None:
                self._check_silence(key, group, now)
            elif (standing := self._alarms.get(key)) is not None:
                self._on_due(standing, now)

    def due(self) -> int | None:
        """The mono time of the next `tick` that can change something; ``None`` when nothing waits."""
        return self._agenda.due()

    def act(self, action: Action, now: Moment) -> AlarmTransition:
        """Do what a person asked for. Raises `NoSuchAlarm` or `ActionRefused`."""
        standing = self._alarms.get(action.alarm)
        if standing is None:
            raise NoSuchAlarm(f"no alarm {action.alarm!r}; see GET /api/v1/alarms")
        record = standing.record
        event = perform(record, standing.bound.rule if standing.bound else None, action, now.wall)
        if event is Event.RESET:
            self._refuse_unproved(standing, now)
            if record.state is AlarmState.ACKNOWLEDGED:
                self._apply(standing, Event.RETURN_LATCHED, now, who=action.who, why="settled: its rule is gone")
        why = record.silenced_why if event in SILENCES else action.why
        transition = self._apply(standing, event, now, who=action.who, why=why)
        if standing.silence_end is not None:
            self._agenda.at(record.alarm, standing.silence_end)
        if event in ENDS_OF_SILENCE:
            self._come_back(standing, now)
        return transition

    def _refuse_unproved(self, standing: Standing, now: Moment) -> None:
        """A value that is bad, doubtful or old never resets (S3), and neither does silence after a start (S10)."""
        bound, record = standing.bound, standing.record
        if bound is None or standing.is_reported:
            return
        if bound.judge(self._group(self._devices[record.device], record.origin, now).picture) is not Judgement.CLEAR:
            raise ActionRefused(f"{record.rule} is reset on a good, fresh value below its limit; there is none now")

    # -- what goes out ---------------------------------------------------------------------------------------

    @property
    def has_news(self) -> bool:
        """Whether `drain` would give anything."""
        return bool(self._out or self._changed)

    def drain(self) -> tuple[list[AlarmTransition], dict[str, bytes]]:
        """Transitions since the last call and the state to store with them (key ``alarm/ID`` -> body)."""
        out, self._out = self._out, []
        changed, self._changed = self._changed, {}
        return out, {f"alarm/{name}": encode(record) for name, record in changed.items()}

    def load(self, state: Mapping[str, bytes]) -> None:
        """Take back what stood before the restart. A rule that is gone leaves an orphan (S11)."""
        for body in state.values():
            record = decode_record(body)
            if record.origin is not Origin.LIVE and record.device in self._devices:
                self._group(self._devices[record.device], record.origin)
            standing = self._alarms.get(record.alarm)
            if standing is None:
                if record.state is AlarmState.NORMAL:
                    continue
                standing = self._alarms[record.alarm] = Standing(record, None)
            standing.take_back(record, self._started)
            if standing.silence_end is not None:
                self._agenda.at(record.alarm, standing.silence_end)

    def records(self) -> list[AlarmRecord]:
        """Every alarm, whatever its state."""
        for group in self._groups.values():
            group.write_down()
        return [standing.record for standing in self._alarms.values()]

    def is_orphan(self, alarm: str) -> bool:
        """Whether the rule behind the alarm is gone."""
        return self._alarms[alarm].bound is None

    # -- judging ---------------------------------------------------------------------------------------------

    def _group(self, watched: Watched, origin: Origin, now: Moment | None = None) -> Group:
        """``now``: from when silence counts, where the group is new; else from the start."""
        group = self._groups.get((watched.device, origin))
        if group is None:
            return self._new_group(watched, origin, Picture(watched.profile, (now or self._started).mono))
        return group

    def _new_group(self, watched: Watched, origin: Origin, picture: Picture) -> Group:
        standings = [self._new(watched, origin, bound) for bound in self._bound[watched.device]]
        group = self._groups[watched.device, origin] = Group(picture, standings, watched.patience)
        if origin is Origin.LIVE:
            self._live[watched.device] = group
        return group

    def _new(self, watched: Watched, origin: Origin, bound: Bound) -> Standing:
        rule = bound.rule
        name = alarm_id(watched.device, rule.id, origin, bound.point.name if bound.several else None)
        known = self._alarms.get(name)
        if known is not None:
            known.rebind(bound)
            return known
        record = AlarmRecord(name, watched.device, bound.point.name, rule.id, origin, rule.priority, rule.life_safety)
        standing = self._alarms[name] = Standing(record, bound)
        return standing

    def _judge_all(self, group: Group, now: Moment, reading: Reading | None = None) -> None:
        for standing in group.standings:
            self._judge(standing, group.picture, now, reading)

    def _judge(self, standing: Standing, picture: Picture, now: Moment, reading: Reading | None = None) -> None:
        """``reading``: that which has just come. One without the alarm's point is no report of it."""
        bound = standing.bound
        if bound is None:
            return
        standing.touch()
        judgement = bound.judge(picture)
        if reading is not None:
            self._note_value(standing, picture, reading.at)
            if judgement is not Judgement.ACTIVE:
                standing.timers.reports = 0
            elif tells_of(reading, (bound.point.index,)):
                standing.timers.reports += 1
        self._decide(standing, judgement, now)

    def _note_value(self, standing: Standing, picture: Picture, otherwise: int) -> None:
        standing.touch()
        standing.note_value(picture, otherwise)

    def _decide(self, standing: Standing, judgement: Judgement, now: Moment) -> None:
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

    def _pend(self, standing: Standing, now: Moment) -> None:
        assert standing.bound is not None
        rule, timers = standing.bound.rule, standing.timers
        if timers.on_since is None:
            timers.on_since = now.mono
        ready_at = timers.on_since + int(rule.on_delay_s * SECOND)
        if now.mono < ready_at:
            self._agenda.at(standing.record.alarm, ready_at)
        elif rule.on_reports == 1 or timers.reports >= rule.on_reports:
            timers.on_since = None
            self._apply(standing, Event.RAISE, now)

    def _pend_return(self, standing: Standing, now: Moment) -> None:
        assert standing.bound is not None
        rule, timers = standing.bound.rule, standing.timers
        if timers.off_since is None:
            timers.off_since = now.mono
        ready_at = timers.off_since + int(rule.off_delay_s * SECOND)
        if now.mono < ready_at:
            self._agenda.at(standing.record.alarm, ready_at)
        else:
            timers.off_since = None
            self._apply(standing, Event.RETURN_LATCHED if rule.latch else Event.RETURN, now)

    def _on_due(self, standing: Standing, now: Moment) -> None:
        """Look at everything that may wait; what waits on asks again."""
        record = standing.record
        if standing.silence_end is not None:
            if now.mono >= standing.silence_end or silence_over(record, now.wall):
                event = Event.UNSHELVE if record.state is AlarmState.SHELVED else Event.IN_SERVICE
                self._apply(standing, event, now, why="the time was over")
                self._come_back(standing, now)
            else:
                self._agenda.at(record.alarm, standing.silence_end)
        if standing.timers.on_since is not None and not record.active:
            self._pend(standing, now)
        elif standing.timers.off_since is not None and record.active:
            self._pend_return(standing, now)

    def _come_back(self, standing: Standing, now: Moment) -> None:
        """What was silenced before it was over stands again; a condition that has gone is then returned."""
        record = standing.record
        gone = not record.active
        if gone and not record.unfinished:
            return
        record.unfinished = False
        self._apply(standing, Event.RAISE, now, why="the silence is over")
        if gone:
            self._apply(standing, Event.RETURN_LATCHED if standing.latches else Event.RETURN, now)

    def _check_silence(self, device: str, group: Group, now: Moment) -> None:
        """Find out what is lost, and let late readings count as live where no fresh one followed (S9)."""
        again = group.rests_until(now.mono)
        if again is None:
            picture = group.picture
            if picture.find_silent(group.patience, now):
                self._judge_all(group, now)
            for reading in picture.late_due(now):
                picture.doubt(reading, now)
                self._judge_all(group, now, reading)
            again = picture.next_look(group.patience)
        if again is not None:
            self._agenda.at(device, again)

    # -- the one place that changes a state ------------------------------------------------------------------

    def _apply(
        self, standing: Standing, event: Event, now: Moment, *, late: bool = False, who: str = "", why: str = ""
    ) -> AlarmTransition:
        standing.touch()
        record = standing.record
        before = record.state
        after = TABLE[before, event]
        assert after is not None
        record.state = after
        standing.follow(event, before, now, who)
        transition = AlarmTransition(
            record.alarm, record.device, record.point, record.rule, record.origin, record.priority,
            record.life_safety, event, before, after, now.wall, record.sampled_at, record.value, record.quality,
            record.raised_at, late, who, why, record.silence_until,
        )  # fmt: skip
        self._changed[record.alarm] = record
        if before is not after:
            self._out.append(transition)
        return transition
