"""The alarm engine: readings and time in, transitions out. It does no I/O and reads no clock.

Alarms are 1-out-of-n: never voted. All state is keyed by device, point, rule and origin (S4). A reading may only
clear an alarm when it is good, fresh and not late (S3, S9). The caller stores what `drain` returns in the same
commit as the reading, and calls `tick` when `due` says so.
"""

from collections.abc import Iterable

from alarms.actions import SILENCES, Action, perform, silence_over
from alarms.alarm import AlarmTransition
from alarms.deciding import Decider
from alarms.errors import ActionRefused, NoSuchAlarm
from alarms.group import LATE_AFTER_NS, Group
from alarms.judging import Judgement
from alarms.standing import ENDS_OF_SILENCE, LOST_PERIODS, START_GRACE_NS, Standing, Watched
from alarms.states import AlarmState, Event
from protocols.moment import Moment
from protocols.picture import Picture
from protocols.reading import Origin, Reading

__all__ = ["LATE_AFTER_NS", "LOST_PERIODS", "START_GRACE_NS", "AlarmEngine", "Watched"]


class AlarmEngine(Decider):
    """All alarms of a gateway."""

    # -- which devices ---------------------------------------------------------------------------------------

    def rewatch(self, devices: Iterable[Watched], now: Moment) -> None:
        """The site was changed: watch these devices from now on; those that stay the same are not touched. An alarm
        that is not normal and whose device or rule is gone stays as an orphan until a person settles it (S11)."""
        self._bound_alike.clear()
        wanted = {watched.device: watched for watched in devices}
        for device in self._devices.keys() - wanted.keys():
            self._leave(device)
        for watched in wanted.values():
            known = self._devices.get(watched.device)
            if known is None:
                self._begin(watched, now)
            elif not known.is_like(watched):
                self._change(watched, now)

    def _change(self, watched: Watched, now: Moment) -> None:
        self._devices[watched.device] = watched
        self._bind(watched)
        for origin in Origin:
            before = self._groups.pop((watched.device, origin), None)
            if before is not None:
                before.write_down()
                kept = self._new_group(watched, origin, before.picture.carried(watched.profile))
                self._let_go(standing for standing in before.standings if standing not in kept.standings)
                for standing in kept.standings:
                    self._note_outlived(standing, now)
                for standing in kept.active(now.mono):  # of a device that is lost no reading comes to tell
                    self._note_value(standing, kept.picture, now.wall)
                    self._decide(standing, Judgement.ACTIVE, now)
        self._check_silence(watched.device, self._live[watched.device], now)

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
        is_ordinary = picture.update(reading, now)
        if is_ordinary and group.lets_through(reading, now):
            return
        if is_back and reading.origin is Origin.LIVE:
            self._agenda.at(watched.device, now.mono + watched.lost_after_ns)
        self._judge_all(group, now, reading, is_ordinary=is_ordinary)
        group.settle(now.mono)

    def _observe_late(self, watched: Watched, group: Group, reading: Reading, now: Moment) -> None:
        """S9: a late reading can raise (told once, marked), and clears nothing. It counts as live when no fresh
        one follows, whatever its stamp: the clock of the device may have been set back, or stand still."""
        seen = group.picture
        picture = Picture(watched.profile, reading.at)
        picture.update(reading, now._replace(mono=reading.at))
        for standing in group.standings:
            bound = standing.bound
            if bound is None or standing.record.state is not AlarmState.NORMAL:
                continue
            if bound.rule.on_reports == 1 and standing.judge_late(picture, reading.at) is Judgement.ACTIVE:
                self._note_value(standing, picture, reading.at)
                self._apply(standing, Event.RAISE, now, late=True)
        seen.recall(reading)
        if seen.lost:
            self._judge_all(group, now)
        if reading.origin is Origin.LIVE:
            seen.note_late(reading, now)
            self._check_silence(watched.device, group, now)

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
        rule = standing.bound.rule if standing.bound else None
        event = perform(record, rule, action, now.wall, is_outlived=standing.is_outlived)
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
        record = standing.record
        if standing.bound is None or standing.is_reported:
            return
        standing.touch()
        picture = self._group(self._devices[record.device], record.origin, now).picture
        if standing.judge(picture, now.mono) is not Judgement.CLEAR:
            raise ActionRefused(f"{record.rule} is reset on a good, fresh value below its limit; there is none now")
        if standing.is_outlived and not self.has_seen(standing):
            raise ActionRefused(f"{record.rule} was changed, and has not seen a fresh value of each input since (S11)")

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
        if standing.timers.pace > 0:
            self._count(standing, 1, now)
        elif standing.timers.on_since is not None and not record.active:
            self._pend(standing, now)
        elif standing.timers.off_since is not None and record.active:
            self._pend_return(standing, now)
        elif standing.windows:
            self._judge(standing, self._groups[record.device, record.origin].picture, now)

    def _come_back(self, standing: Standing, now: Moment) -> None:
        """What was silenced before it was over stands again; a condition that has gone is then returned."""
        record = standing.record
        gone = not record.active
        if gone and not record.unfinished:
            return
        self._apply(standing, Event.RAISE, now, why="the silence is over")
        record.unfinished = False  # only now: an orphan stays one
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
