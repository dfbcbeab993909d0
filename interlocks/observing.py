"""Observing: what a station must do by itself when a cause stands, and whether its proof was seen in time (S15).

Nothing here commands anything, and the station is reset by its own people alone. A cause asks for proofs, and its end
does not take them back: every point of the proof's role must show it, good and fresh, at a device that was heard since.
What is not seen is not proven: a bad, stale or lost proof is none (S3). What stands is over when every cause is gone on
good values. Proofs are kept as effects of the record, whose ``effect`` is the role that shows it.
"""

from collections.abc import Callable, Iterator, Sequence

from interlocks.interlock import START_GRACE_NS, Interlock, place_of
from interlocks.matrix import Cause, Expectation
from interlocks.orphans import is_orphan, mark_of
from interlocks.outbox import Outbox
from interlocks.record import EXPECT, EffectRecord, Status
from interlocks.states import Event, InterlockState
from protocols.moment import SECOND, Moment

RULE_CHANGED = ("rule-changed",)
"""Why a missing proof is not found any more: another matrix asked for it (S11)."""


class Observer:
    """All that is observed. ``wake(interlock, mono)``: look at it again at that time."""

    def __init__(self, out: Outbox, wake: Callable[[Interlock, int], None]) -> None:
        self._out = out
        self._wake = wake

    def look(self, interlock: Interlock, standing: Sequence[Cause], now: Moment) -> None:
        """Judge what stands, and what was asked for."""
        for cause in standing:
            if not interlock.is_ready(cause, now):
                self._wake(interlock, interlock.ready_at(cause))
                continue
            if not interlock.has_tripped(cause.id):
                self._note(interlock, cause, now)
            self._ask(interlock, cause, now)
        found = [self._judge(interlock, effect, now) for effect in interlock.record.effects]
        if "failed" not in found:  # it is to be seen, even where its cause has gone
            self._follow_end(interlock, now)
        for mono in interlock.beats_due(now.mono):
            self._wake(interlock, mono)

    def _note(self, interlock: Interlock, cause: Cause, now: Moment) -> None:
        record = interlock.record
        record.causes.append((cause.id, now.wall))
        record.mark = mark_of(interlock.matrix)
        record.tripped_at = record.tripped_at or now.wall
        interlock.step(Event.TRIP)
        self._out.tell(interlock, "tripped", now, cause=cause.id, stage=cause.stage or "")

    def _ask(self, interlock: Interlock, cause: Cause, now: Moment) -> None:
        """For its proofs, where they are not asked for yet."""
        known = {place_of(effect) for effect in interlock.record.effects}
        for expectation in cause.expect:
            for device in _who_shows(interlock, cause, expectation.role, now):
                place = (cause.id, expectation.role, device)
                if place not in known:
                    effect = EffectRecord(*place[:2], EXPECT, device, "waiting", 0)
                    interlock.record.effects.append(effect)
                    self._begin(interlock, effect, expectation, now)

    def _begin(self, interlock: Interlock, effect: EffectRecord, expectation: Expectation, now: Moment) -> None:
        within_ns = int(expectation.within_s * SECOND)
        effect.due_at = now.wall + within_ns
        interlock.asked[place_of(effect)] = now.mono
        interlock.ready[place_of(effect)] = now.mono + within_ns
        self._set(interlock, effect, "waiting", now)

    def _judge(self, interlock: Interlock, effect: EffectRecord, now: Moment) -> Status | None:
        """What it has become, if that is new."""
        if effect.action != EXPECT or effect.reason == RULE_CHANGED:
            return None
        before = effect.status
        expectation = _expectation(interlock, effect)
        is_shown = expectation is not None and _is_shown(interlock, effect, expectation, now)
        if effect.status == "done" and not is_shown and expectation is not None and effect.cause in interlock.since:
            self._begin(interlock, effect, expectation, now)
        if effect.status in ("waiting", "failed") and is_shown:
            self._set(interlock, effect, "done", now)
            if before == "failed":
                self._report(interlock, effect, missing=False)
        elif effect.status == "waiting":
            due = _judged_at(interlock, effect, now)
            if now.mono < due:
                self._wake(interlock, due)
            else:
                self._set(interlock, effect, "failed", now)
                self._report(interlock, effect, missing=True)
        return effect.status if effect.status != before else None

    def _follow_end(self, interlock: Interlock, now: Moment) -> None:
        record = interlock.record
        if record.state is not InterlockState.TRIPPED or interlock.clear_since is None or is_orphan(interlock):
            return
        if any(
            one.status == "waiting" or _is_left(interlock, one) or _is_still(interlock, one) for one in record.effects
        ):
            return
        self.forget(interlock)
        record.causes, record.effects, record.tripped_at, record.inherited = [], [], 0, 0
        interlock.step(Event.RESET)
        self._out.tell(interlock, "armed", now)

    def settle(self, interlock: Interlock, who: str, now: Moment) -> bool:
        """A person settles what another matrix has left (S11). Returns whether there was anything."""
        left = [one for one in interlock.record.effects if _is_left(interlock, one)]
        for effect in left:
            interlock.record.effects.remove(effect)
            self._report(interlock, effect, missing=False)
        if left:
            self._out.tell(interlock, "reset", now, who=who)
        return bool(left)

    def forget(self, interlock: Interlock) -> None:
        """Nothing is asked any more."""
        for effect in interlock.record.effects:
            if effect.action == EXPECT and effect.status == "failed":
                self._report(interlock, effect, missing=False)
            interlock.asked.pop(place_of(effect), None)
            interlock.ready.pop(place_of(effect), None)

    def resume(self, interlock: Interlock, now: Moment) -> None:
        """After a restart: what was asked is judged afresh. What was proven has to be seen again; what was due
        meanwhile is due now, or when the start gives its device up (S10). What was missing under another matrix stays
        so until a person settles it (S11)."""
        for effect in interlock.record.effects:
            if effect.action != EXPECT:
                continue
            expectation = _expectation(interlock, effect)
            longest = int(expectation.within_s * SECOND) if expectation is not None else 0
            if effect.status == "done":
                effect.status, effect.due_at = "waiting", now.wall + longest
            if effect.status == "failed" and interlock.record.inherited:
                effect.reason = RULE_CHANGED
            left = min(max(effect.due_at - now.wall, 0), longest)
            interlock.asked[place_of(effect)], interlock.ready[place_of(effect)] = now.mono, now.mono + left
            self._wake(interlock, now.mono + left)

    def _set(self, interlock: Interlock, effect: EffectRecord, status: Status, now: Moment) -> None:
        effect.status = status
        self._out.tell_effect(interlock, effect, now)

    def _report(self, interlock: Interlock, effect: EffectRecord, *, missing: bool) -> None:
        """Of live ones only (S4), at the point that should show it; where there is none, at that of the cause."""
        if interlock.is_live and effect.device in interlock.members:
            has_role = effect.effect in _roles(interlock, effect.device)
            for role in (effect.effect,) if has_role else _roles_of_cause(interlock, effect):
                self._out.unproven(effect, role, missing=missing)


def _expectation(interlock: Interlock, effect: EffectRecord) -> Expectation | None:
    """What the matrix of today says of it; ``None`` where it says nothing, or the device is gone."""
    if effect.device not in interlock.members:
        return None
    cause = next((one for one in interlock.matrix.cause if one.id == effect.cause), None)
    return next((one for one in cause.expect if one.role == effect.effect), None) if cause else None


def _is_left(interlock: Interlock, effect: EffectRecord) -> bool:
    """Whether only a person can settle it: another matrix has left it."""
    return effect.reason == RULE_CHANGED or effect.action != EXPECT or _expectation(interlock, effect) is None


def _is_still(interlock: Interlock, effect: EffectRecord) -> bool:
    """Whether it waits for a counter to move: after a start nobody knows that it does, and its cause seems gone."""
    expectation = _expectation(interlock, effect)
    return effect.status == "failed" and expectation is not None and expectation.shows is None


def _who_shows(interlock: Interlock, cause: Cause, role: str, now: Moment) -> Iterator[str]:
    """Each device at which the cause stands shows it itself; where it cannot, all that can. Where none can, it is
    missing at the device of the cause."""
    able = [device for device in interlock.members if role in _roles(interlock, device)]
    found: dict[str, None] = {}
    for device in sorted(interlock.devices_at(cause.id, now.mono)):
        found.update(dict.fromkeys([device] if device in able or not able else able))
    yield from found


def _is_shown(interlock: Interlock, effect: EffectRecord, expectation: Expectation, now: Moment) -> bool:
    """Whether every point of the role shows it beyond doubt; none is no proof (S16)."""
    asked = interlock.asked[place_of(effect)]
    if expectation.shows is None:
        moved = [beat.moved_at or 0 for beat in interlock.beats_of(effect.device)]
        return effect.cause not in interlock.since and bool(moved) and min(moved) >= asked
    picture, patience = interlock.pictures[effect.device], interlock.patience[effect.device]
    points = [one.index for one in interlock.members[effect.device].profile.points if one.role == expectation.role]
    known = [picture.known(index) for index in points if picture.is_proof(index)]
    is_since = picture.heard is not None and picture.heard >= asked
    is_whole = bool(points) and len(known) == len(points)
    return is_since and is_whole and all(
        one is not None and one.value == expectation.shows and now.mono - one.heard <= patience.after for one in known
    )  # fmt: skip


def _judged_at(interlock: Interlock, effect: EffectRecord, now: Moment) -> int:
    """When it is due, mono ns; after a start not before its device was heard, or given up (S10)."""
    due = interlock.ready.get(place_of(effect), now.mono)
    picture = interlock.pictures.get(effect.device)
    is_awaited = picture is not None and picture.heard is None and not picture.lost and interlock.is_live
    return max(due, picture.started + START_GRACE_NS) if picture is not None and is_awaited else due


def _roles(interlock: Interlock, device: str) -> set[str]:
    return {point.role for point in interlock.members[device].profile.points if point.role}


def _roles_of_cause(interlock: Interlock, effect: EffectRecord) -> list[str]:
    own = _roles(interlock, effect.device)
    cause = next((one for one in interlock.matrix.cause if one.id == effect.cause), None)
    return sorted({when.role for when in cause.when} & own) if cause else []
