"""What people may do to an alarm, and the safety rules that limit it (S3, S8, S11)."""

from typing import Literal, NamedTuple, get_args

from alarms.alarm import AlarmRecord
from alarms.errors import ActionRefused
from alarms.rule import AlarmRule
from alarms.states import TABLE, AlarmState, Event, refusal
from protocols.moment import SECOND

LONGEST_SHELF_S = 8 * 3600.0
LONGEST_OUT_OF_SERVICE_S = 7 * 86400.0

Verb = Literal["acknowledge", "reset", "shelve", "unshelve", "suppress", "unsuppress", "out-of-service", "in-service"]

_EVENTS: dict[str, Event] = {event.word: event for event in Event if event.word in get_args(Verb)}

SILENCES = frozenset((Event.SHELVE, Event.SUPPRESS, Event.OUT_OF_SERVICE))


class Action(NamedTuple):
    """One action of one named person. ``for_s``: how long a shelving or out-of-service lasts (seconds).

    ``measure``: the compensating measure while a life-safety alarm is out of service. ``on_site``: the person
    confirms to stand at the detector, its zero and calibration checked.
    """

    verb: Verb
    alarm: str
    who: str
    why: str = ""
    for_s: float | None = None
    measure: str = ""
    on_site: bool = False


def perform(
    record: AlarmRecord, rule: AlarmRule | None, action: Action, wall: int, *, is_outlived: bool = False
) -> Event:
    """Check the action, note its limits in the record and return its event. Raises `ActionRefused`.

    ``is_outlived``: another rule raised it than ``rule``.
    """
    if not action.who:
        raise ActionRefused("an action needs the name of the person who does it")
    event = _EVENTS.get(action.verb)
    if event is None:
        raise ActionRefused(
            f"{action.verb!r} is nothing that a person does to an alarm; do one of {', '.join(_EVENTS)}"
        )
    if event in (Event.SHELVE, Event.SUPPRESS) and record.life_safety:
        raise ActionRefused(
            f"{record.rule} is a life-safety alarm: it can never be shelved or suppressed; "
            "take its point out of service with a reason, an end and a compensating measure"
        )
    if TABLE[record.state, event] is None and not (rule is None and _settles(record, event)):
        raise ActionRefused(refusal(record.state, event))
    if event is Event.RESET and not action.on_site and _needs_calibration(record, rule, is_outlived):
        raise ActionRefused(f"{record.rule} needs zero and calibration confirmed on site before it is reset")
    if event is Event.SHELVE:
        _silence(record, action, wall, LONGEST_SHELF_S)
    if event is Event.SUPPRESS:
        _note(record, action)
    if event is Event.OUT_OF_SERVICE:
        if record.life_safety and not action.measure:
            raise ActionRefused("a life-safety point out of service needs a compensating measure")
        _silence(record, action, wall, LONGEST_OUT_OF_SERVICE_S)
    return event


def silence_over(record: AlarmRecord, wall: int) -> bool:
    """Whether a shelving or out-of-service has reached its end. A stepping clock ends it early, never late
    (S10): the caller also asks on the monotonic time of the end."""
    silent = record.state in (AlarmState.SHELVED, AlarmState.OUT_OF_SERVICE)
    return silent and bool(record.silence_until) and wall >= record.silence_until


def _needs_calibration(record: AlarmRecord, rule: AlarmRule | None, is_outlived: bool) -> bool:
    """Of a life-safety alarm whose rule is gone nobody knows whether it needed that: it does."""
    if record.life_safety and (rule is None or is_outlived):
        return True
    return rule is not None and rule.reset == "on-site-calibration"


def _settles(record: AlarmRecord, event: Event) -> bool:
    """A person settles an orphan (S11): its condition can no longer be judged, so a reset ends it."""
    return event is Event.RESET and record.state is AlarmState.ACKNOWLEDGED


def _silence(record: AlarmRecord, action: Action, wall: int, longest_s: float) -> None:
    if not action.why:
        raise ActionRefused(f"{action.verb} needs a reason")
    if action.for_s is None or not 0 < action.for_s <= longest_s:
        raise ActionRefused(f"{action.verb} needs an end: between 1 s and {longest_s:g} s from now")
    record.silence_until = wall + int(action.for_s * SECOND)
    _note(record, action)


def _note(record: AlarmRecord, action: Action) -> None:
    """Who silenced it, why, and what stands in for it meanwhile."""
    record.silenced_by = action.who
    record.silenced_why = "; ".join(part for part in (action.why, action.measure) if part)
