"""Meter: alarm transitions in, the metrics of a span out. Pure: no clock, no store; one pass, whatever comes first.

An **announcement** is what calls somebody: an alarm that was not unacknowledged becomes so. What goes on while an alarm
is silenced (shelved, suppressed, out of service) is no announcement, and stands for nobody.

Memory grows with the alarms, the windows with announcements and the acknowledgements of the span, not its length.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from alarms.alarm import AlarmRecord, AlarmTransition
from alarms.metrics.figures import Figures
from alarms.metrics.measures import HOUR, SECOND, TEN_MINUTES, Metrics, Often, Span, Stood, floods, rate
from alarms.states import AlarmState, Event
from protocols.reading import Origin

TOP = 10
Counts = Callable[[str, Origin], bool]
"""Whether alarms of a rule and an origin are measured."""
_UNACKNOWLEDGED = (
    AlarmState.UNACKNOWLEDGED,
    AlarmState.RETURNED_UNACKNOWLEDGED,
    AlarmState.LATCHED_UNACKNOWLEDGED,
)


def is_announcement(one: AlarmTransition) -> bool:
    """Whether it calls somebody."""
    return one.event is Event.RAISE and one.after is AlarmState.UNACKNOWLEDGED and one.before is not one.after


@dataclass(slots=True)
class _Alarm:
    """One alarm. ``state`` and ``raised_at``: at the end of the span, as far as is known. ``waits_since``: since when
    it calls for an acknowledgement; ``shown_at``: of the last announcement, while neither acknowledged nor returned; 0
    for both: not so, or not known. ``last``: its last announcements."""

    rule: str
    device: str
    priority: str
    state: AlarmState
    raised_at: int
    last: deque[int]
    waits_since: int = 0
    shown_at: int = 0
    count: int = 0
    chatters: bool = False


@dataclass(slots=True)
class _Tally:
    """What is counted without regard to the alarm."""

    announced: Counter[str] = field(default_factory=Counter)
    windows: Counter[int] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)
    fleeting: int = 0
    waits: list[int] = field(default_factory=list)


class Meter:
    """Measures ``span``. Give it transitions in the order of each alarm (`observe`), those from before the span too
    where they are at hand, and those from behind it; then the records of now (`settle`); then ask for `metrics`.

    ``span`` ends after it starts; its windows are counted from its start. An interval that the wall clock made negative
    counts as 0.
    """

    def __init__(self, span: Span, figures: Figures, counts: Counts) -> None:
        self._span = span
        self._figures = figures
        self._counts = counts
        self._alarms: dict[str, _Alarm] = {}
        self._tally = _Tally()

    def observe(self, one: AlarmTransition) -> None:
        """Follow one transition."""
        if not self._counts(one.rule, one.origin):
            return
        known = self._alarms.get(one.alarm)
        if one.at >= self._span.end:
            if known is None:  # nobody knows how it came so far, but it was so at the end of the span
                self._add(one, one.before)
            return
        if known is None:
            known = self._add(one, one.before)
        self._follow(known, one)
        known.state, known.raised_at, known.priority = one.after, one.raised_at, one.priority

    def settle(self, record: AlarmRecord) -> None:
        """An alarm as it is now: if no transition said anything of it, it has been so all the time."""
        if record.alarm not in self._alarms and self._counts(record.rule, record.origin):
            self._add(record, record.state)

    def metrics(self) -> Metrics:
        """Of all that was given until now."""
        tally, span, alarms = self._tally, self._span, self._alarms.items()
        standing = [(alarm, one) for alarm, one in alarms if one.state.stands and one.raised_at < span.end]
        oldest = span.end - int(self._figures.stale.after_s * SECOND)
        stale = [
            Stood(alarm, one.rule, one.device, one.priority, one.raised_at)
            for alarm, one in standing
            if one.raised_at <= oldest
        ]
        often = [(Often(alarm, one.rule, one.device, one.count), one.chatters) for alarm, one in alarms if one.count]
        often.sort(key=lambda pair: (-pair[0].times, pair[0].alarm))
        return Metrics(
            span,
            dict(tally.announced),
            rate(tally.windows, span, TEN_MINUTES),
            rate(tally.hours, span, HOUR),
            floods(tally.windows, span.windows(TEN_MINUTES), self._figures.flood),
            dict(Counter(one.priority for _, one in standing)),
            sum(one.state in _UNACKNOWLEDGED for _, one in standing),
            sorted(stale, key=lambda one: (one.raised_at, one.alarm)),
            [one for one, chatters in often if chatters],
            tally.fleeting,
            [one for one, _ in often[:TOP]],
            sorted(tally.waits),
        )

    def _add(self, of: AlarmTransition | AlarmRecord, state: AlarmState) -> _Alarm:
        times: deque[int] = deque(maxlen=self._figures.chattering.times)
        made = self._alarms[of.alarm] = _Alarm(of.rule, of.device, of.priority, state, of.raised_at, times)
        return made

    def _follow(self, known: _Alarm, one: AlarmTransition) -> None:
        event = one.event
        if event is Event.RAISE:
            if is_announcement(one):
                self._announce(known, one)
        elif event in (Event.RETURN, Event.RETURN_LATCHED):
            self._return(known, one.at)
        else:
            if event is Event.ACKNOWLEDGE and self._span.holds(one.at):
                self._tally.waits.append(max(0, one.at - (known.waits_since or one.raised_at)))
            known.waits_since = known.shown_at = 0

    def _announce(self, known: _Alarm, one: AlarmTransition) -> None:
        if one.before not in _UNACKNOWLEDGED:
            known.waits_since = one.at
        known.shown_at = one.at
        if not self._span.holds(one.at):
            return
        since = one.at - self._span.start
        tally = self._tally
        tally.announced[one.priority] += 1
        tally.windows[since // TEN_MINUTES] += 1
        tally.hours[since // HOUR] += 1
        known.count += 1
        known.last.append(one.at)
        if len(known.last) == known.last.maxlen:
            known.chatters |= known.last[-1] - known.last[0] <= self._figures.chattering.within_s * SECOND

    def _return(self, known: _Alarm, at: int) -> None:
        if known.shown_at and self._span.holds(at):
            self._tally.fleeting += at - known.shown_at <= self._figures.fleeting.within_s * SECOND
        known.shown_at = 0
