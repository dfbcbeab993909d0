"""Deciding: from what a condition says to what is raised and returned, with the delays between."""

from collections.abc import Iterable

from alarms.group import Group
from alarms.judging import Judgement
from alarms.register import AlarmRegister
from alarms.standing import Standing
from alarms.states import Event
from protocols.moment import SECOND, Moment
from protocols.picture import Picture
from protocols.reading import Reading
from protocols.telling import tells_of

_SOONEST_NS = SECOND // 1000
_PACES = {Judgement.ACTIVE: 1, Judgement.CLEAR: -1, Judgement.HOLD: 0}


class Decider(AlarmRegister):
    """Judges the alarms of a device on what is known, and runs their delays."""

    def _judge_all(
        self, group: Group, now: Moment, reading: Reading | None = None, *, is_ordinary: bool = False
    ) -> None:
        """``reading``: that which has just come; ``is_ordinary``: as `Picture.update` says."""
        group.stir(reading)
        picture, mono = group.picture, now.mono
        if reading is not None and is_ordinary:
            standings: Iterable[Standing] = group.concerned(reading.values, mono)
        else:
            standings = group.standings
        for standing in standings:
            self._weigh(standing, standing.judge(picture, mono), now, reading)

    def _judge(self, standing: Standing, picture: Picture, now: Moment) -> None:
        """Judge one of them, because of time."""
        standing.touch()
        self._weigh(standing, standing.judge(picture, now.mono), now)

    def _weigh(self, standing: Standing, judgement: Judgement, now: Moment, reading: Reading | None = None) -> None:
        """A reading without the alarm's point is no report of it."""
        if judgement is not Judgement.ACTIVE:
            if reading is not None:
                standing.timers.reports = 0
        elif reading is not None and standing.bound is not None and tells_of(reading, (standing.bound.point.index,)):
            standing.timers.reports += 1
        self._decide(standing, judgement, now)
        if standing.windows:
            self._look_again(standing, judgement, now)

    def _look_again(self, standing: Standing, judgement: Judgement, now: Moment) -> None:
        """Judge it when it may have become active by time alone, and others that may have by what it heard."""
        if judgement is not Judgement.ACTIVE:
            due = standing.due(now.mono)
            if due is not None:
                self._agenda.at(standing.record.alarm, max(due, now.mono + _SOONEST_NS))
        for window in standing.windows:
            for alarm in window.whom_to_judge():
                self._agenda.at(alarm, now.mono)

    def _note_value(self, standing: Standing, picture: Picture, otherwise: int) -> None:
        standing.touch()
        standing.note_value(picture, otherwise)

    def _decide(self, standing: Standing, judgement: Judgement, now: Moment) -> None:
        timers = standing.timers
        if standing.accumulates:
            self._count(standing, _PACES[judgement], now)
        if judgement is Judgement.ACTIVE:
            timers.off_since = None
            if not (standing.record.active or standing.accumulates):
                self._pend(standing, now)
        elif judgement is Judgement.CLEAR:
            timers.on_since = None
            if standing.record.active:
                self._pend_return(standing, now)
        else:
            # nobody can tell: a running return is broken off, a running raise goes on (S3)
            timers.off_since = None

    def _count(self, standing: Standing, pace: int, now: Moment) -> None:
        """Of an accumulating delay: count until now, and see whether it has come to its end."""
        most = _on_delay(standing)
        counted = standing.timers.count(now.mono, most, pace)
        if pace > 0 and not standing.record.active:
            if counted < most:
                self._agenda.at(standing.record.alarm, now.mono + most - counted)
            else:
                self._apply(standing, Event.RAISE, now)

    def _pend(self, standing: Standing, now: Moment) -> None:
        assert standing.bound is not None
        rule, timers = standing.bound.rule, standing.timers
        if timers.on_since is None:
            timers.on_since = now.mono
        ready_at = timers.on_since + _on_delay(standing)
        if now.mono < ready_at:
            self._agenda.at(standing.record.alarm, ready_at)
        elif rule.on_reports == 1 or timers.reports >= rule.on_reports:
            timers.on_since = None
            self._apply(standing, Event.RAISE, now)

    def _pend_return(self, standing: Standing, now: Moment) -> None:
        assert standing.bound is not None
        rule, timers = standing.bound.rule, standing.timers
        if standing.is_outlived and not self.has_seen(standing):
            timers.off_since = None
            return
        if timers.off_since is None:
            timers.off_since = now.mono
        ready_at = timers.off_since + int(rule.off_delay_s * SECOND)
        if now.mono < ready_at:
            self._agenda.at(standing.record.alarm, ready_at)
        else:
            timers.off_since = None
            self._apply(standing, Event.RETURN_LATCHED if standing.latches else Event.RETURN, now)


def _on_delay(standing: Standing) -> int:
    """Mono ns."""
    assert standing.bound is not None
    return int(standing.bound.rule.on_delay_s * SECOND)
