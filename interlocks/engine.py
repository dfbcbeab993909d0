"""The interlock engine: readings and time in, commands and trip events out. No I/O, no clock, no alarm state.

A cause that stands trips its matrix: the latch closes, effects leave in the listed order, and a failed effect never
stops the next. Causes that were seen already are not tripped twice (idempotent over restarts and repeated
readings). Only live interlocks command; DRILL and SIMULATED ones record what would have been done (S5).
"""

from collections.abc import Collection, Iterable, Mapping

from interlocks import people
from interlocks.bypass import Bypassed
from interlocks.driver import Driver
from interlocks.effects import Plan, plan_effects
from interlocks.errors import NoSuchTrip, ResetRefused
from interlocks.interlock import LOST_PERIODS, START_GRACE_NS, Interlock
from interlocks.matrix import Cause, Matrix
from interlocks.membership import LATE_AFTER_NS, Membership, membership_of
from interlocks.observing import Observer
from interlocks.orphans import hand_over, inherit, is_latch, is_orphan, is_over, mark_of, orphan
from interlocks.outbox import Outbox, Outcome
from interlocks.record import InterlockRecord, decode_record
from interlocks.reported import Reported
from interlocks.sharing import is_fan_held
from interlocks.states import TABLE, Event, InterlockState
from interlocks.valves import follow_valves
from interlocks.zone import Zone
from protocols.agenda import Agenda
from protocols.moment import SECOND, Moment
from protocols.reading import Origin, Reading

__all__ = ["LATE_AFTER_NS", "LOST_PERIODS", "START_GRACE_NS", "InterlockEngine", "Outcome"]


class InterlockEngine:
    """All interlocks of a gateway."""

    def __init__(self, matrices: Iterable[Matrix], zones: Iterable[Zone], now: Moment) -> None:
        self._matrices = tuple(matrices)
        self._zones = tuple(zones)
        self._interlocks: dict[str, Interlock] = {}
        self._by_device: dict[tuple[str, Origin], list[Interlock]] = {}
        self._built: set[Origin] = set()
        self._reports: dict[Origin, tuple[Reported, ...]] = {}
        self._agenda = Agenda()
        self._out = Outbox()
        self._driver = Driver(self._out, self._wake, self._sharing)
        self._observer = Observer(self._out, self._wake)
        self._build(Origin.LIVE, now, {})

    def _build(self, origin: Origin, now: Moment, before: Mapping[str, Interlock]) -> None:
        self._built.add(origin)
        for matrix in self._matrices:
            mark_of(matrix)  # made now: the first trip must not wait for it
        for zone in self._zones:
            for matrix in self._matrices:
                if zone.kind in matrix.areas and zone.members:
                    interlock = Interlock(matrix, zone, origin, now.mono)
                    known = before.get(interlock.name)
                    if known is not None and known.zone == zone:
                        interlock = known
                    elif known is not None:
                        interlock.succeed(known)
                    if interlock is not known and interlock.is_live:
                        self._wake(interlock, now.mono + START_GRACE_NS)
                    self._enter(interlock)

    def _enter(self, interlock: Interlock) -> None:
        """A whole mall is judged before its areas: it may keep their fans from being started."""
        self._interlocks[interlock.name] = interlock
        for device in interlock.members:
            known = self._by_device.setdefault((device, interlock.record.origin), [])
            known.insert(0 if interlock.zone.parts else len(known), interlock)

    def _sharing(self, interlock: Interlock, device: str) -> list[Interlock]:
        return self._by_device.get((device, interlock.record.origin), [])

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        """By which it judges."""
        return self._matrices

    # -- which zones -----------------------------------------------------------------------------------------

    def tripped_by_change(self, zones: Iterable[Zone]) -> list[str]:
        """Live interlocks that are tripped, and whose zone would be another, or gone: such a change is not made."""
        wanted = {zone.id: zone for zone in zones}
        return [
            interlock.name
            for interlock in self._interlocks.values()
            if interlock.is_live
            and interlock.record.state is InterlockState.TRIPPED
            and wanted.get(interlock.zone.id) != interlock.zone
        ]

    def rezone(self, zones: Iterable[Zone], now: Moment) -> None:
        """The site was changed: these are the zones from now on. Interlocks of zones that stay the same are not
        touched; of others the latch, what is known of their devices and how long causes stand are kept, and they are
        read back anew. The caller has refused what `tripped_by_change` names."""
        before, self._interlocks, self._by_device = self._interlocks, {}, {}
        self._zones = tuple(zones)
        for origin in tuple(self._built):
            self._build(origin, now, before)
        for name, interlock in before.items():
            if name not in self._interlocks and is_latch(interlock.record):
                self._enter(self._left(interlock.record, now))
                self._interlocks[name].succeed(interlock)
            elif name not in self._interlocks:
                self._out.remove(interlock, now)
            elif self._interlocks[name] is not interlock:
                self._evaluate(self._interlocks[name], now)
        for origin, reports in self._reports.items():
            self.heed(reports, origin, now)

    def memberships(self, device: str, origin: Origin) -> list[Membership]:
        """The device in each interlock that it is a member of."""
        return [membership_of(interlock, device) for interlock in self._by_device.get((device, origin), ())]

    # -- what comes in ---------------------------------------------------------------------------------------

    def observe(self, reading: Reading, now: Moment) -> None:
        """Judge one reading."""
        if reading.origin not in self._built:
            self._build(reading.origin, now, {})
        is_late = now.wall - reading.at > LATE_AFTER_NS
        for interlock in self._by_device.get((reading.device, reading.origin), ()):
            if is_late:
                self._observe_late(interlock, reading, now)
                continue
            picture = interlock.pictures[reading.device]
            was_lost = picture.lost
            picture.update(reading, now)
            interlock.follow(reading.device)
            self._wake(interlock, now.mono + interlock.patience[reading.device].after)
            self._evaluate(interlock, now, reading.device)
            if was_lost:
                self._driver.again(interlock, reading.device, now, "failed")

    def _observe_late(self, interlock: Interlock, reading: Reading, now: Moment) -> None:
        """S9: a late reading commands nothing, unless no fresh one follows. Its stamp says no more than that: the
        clock of the device may have been set back, or stand still."""
        if interlock.is_live:
            interlock.pictures[reading.device].note_late(reading, now)
            self._check_silence(interlock, reading.device, now)
            self._evaluate(interlock, now)

    def recall(self, reading: Reading, now: Moment) -> None:
        """After a start: the newest stored reading of a device counts if no fresh one follows (S9, S10)."""
        if reading.origin is Origin.LIVE:
            for interlock in self._by_device.get((reading.device, Origin.LIVE), ()):
                interlock.pictures[reading.device].note_late(reading, now)

    def lost(self, device: str, now: Moment) -> None:
        """The transport knows that the device does not answer."""
        for interlock in self._by_device.get((device, Origin.LIVE), ()):
            interlock.pictures[device].lose()
            interlock.follow(device)
            self._check_silence(interlock, device, now)
            self._evaluate(interlock, now)

    def heed(self, reports: Iterable[Reported], origin: Origin, now: Moment) -> None:
        """These reports of people stand at an origin: all of them, whenever one was entered or withdrawn."""
        self._reports[origin] = tuple(reports)
        if origin not in self._built:
            self._build(origin, now, {})
        for interlock in self._interlocks.values():
            if interlock.record.origin is origin and interlock.heed(self._reports[origin]):
                self._evaluate(interlock, now)

    def settled(self, command: str, ok: bool, now: Moment) -> None:
        """The actuator says that a command was read back (``ok``) or was not in time."""
        self._driver.settled(command, ok, now)

    def tick(self, now: Moment) -> None:
        """Let time act: silence, delays of causes, effects that wait for their time, the end of the start."""
        for name in self._agenda.take(now.mono):
            interlock = self._interlocks.get(name)
            if interlock is None:
                continue  # its zone is gone
            if is_over(interlock):
                self._drop(interlock, now)
                continue
            found = [self._check_silence(interlock, device, now) for device in interlock.members]
            if interlock.rests and not any(found) and not interlock.only_observes:
                continue
            self._evaluate(interlock, now)
            self._driver.send_due(interlock, now)

    def due(self) -> int | None:
        """The mono time of the next `tick` that can change something."""
        return self._agenda.due()

    def reset(self, interlock: str, who: str, on_site: bool, now: Moment) -> None:
        """Release the latch. Moves nothing: a closed valve stays closed until a person opens it at the board.

        Raises `NoSuchTrip`, or `ResetRefused` saying what is missing.
        """
        found = self._interlocks.get(interlock)
        if found is None:
            raise NoSuchTrip(f"no interlock {interlock!r}; see GET /api/v1/interlocks")
        record = found.record
        if TABLE[record.state, Event.RESET] is None:
            raise ResetRefused(f"{interlock} is {record.state.word}: there is no latch to reset")
        if not who or not on_site:
            raise ResetRefused("a reset needs a named person who confirms to be on site")
        if found.only_observes and not is_orphan(found):
            if not self._observer.settle(found, who, now):
                raise ResetRefused(
                    f"{interlock} only observes: it follows the station, and is not reset from here (S15)"
                )
            self._evaluate(found, now)
            return
        for device in found.members:
            self._check_silence(found, device, now)
        self._evaluate(found, now)
        missing = _missing_for_reset(found, now)
        if missing:
            raise ResetRefused(missing)
        self._observer.forget(found)
        self._driver.forget(found)
        record.causes, record.effects, record.tripped_at, record.inherited = [], [], 0, 0
        found.step(Event.RESET)
        if is_over(found):
            record.state = InterlockState.UNKNOWN
            self._wake(found, now.mono)
        self._out.tell(found, "reset", now, who=who)

    def refusal(self, device: str, effect: str) -> str:
        """Why a person may not have ``device`` told a command with this effect now; see `interlocks.people`."""
        return people.refusal(self._by_device.get((device, Origin.LIVE), ()), device, effect)

    # -- bypass ----------------------------------------------------------------------------------------------

    def bypass_refusal(self, interlock: str, cause: str, devices: Collection[str], now: Moment | None) -> str:
        """Why this may not be bypassed; see `interlocks.people`. ``now``: of one that begins; ``None``: of one that
        goes on over a restart."""
        found = self._interlocks.get(interlock)
        if found is None or not found.is_live:
            return f"no interlock {interlock!r}; see GET /api/v1/interlocks"
        refused = people.unfit_for_bypass(found, cause, devices)
        if refused or now is None:
            return refused
        for device in found.members:
            self._check_silence(found, device, now)
        self._evaluate(found, now)
        return people.unready_for_bypass(found)

    def bypass(self, interlock: str, wanted: Bypassed) -> None:
        """Let a cause not trip at some detectors until the end of its term. The caller has asked `bypass_refusal`."""
        self._interlocks[interlock].bypass(wanted)

    def end_bypass(self, interlock: str, now: Moment) -> None:
        """Each cause trips at all its detectors again, at once where one stands."""
        found = self._interlocks.get(interlock)
        if found is not None and found.bypassed is not None:
            found.bypass(None)
            self._evaluate(found, now)

    @property
    def bypasses(self) -> dict[str, Bypassed]:
        """What is bypassed, by interlock."""
        every = self._interlocks.items()
        return {name: one.bypassed for name, one in every if one.bypassed is not None}

    # -- what goes out ---------------------------------------------------------------------------------------

    @property
    def has_news(self) -> bool:
        """Whether `drain` would give anything."""
        return self._out.has_news

    def drain(self) -> Outcome:
        """Everything since the last call."""
        return self._out.take()

    def load(self, state: Mapping[str, bytes], now: Moment) -> None:
        """Take back what stood before the restart; effects that were not completed are driven again (S10). A latch
        whose matrix or zone is gone is kept until a person resets it (S11)."""
        for body in state.values():
            record = decode_record(body)
            interlock = self._interlocks.get(record.id)
            if interlock is None and record.origin is Origin.LIVE:
                interlock = self._left(record, now)
                self._enter(interlock)
            if interlock is None:
                continue
            interlock.record = record
            inherit(record, interlock.matrix)
            interlock.looks_at_all, interlock.rests = True, False
            if record.state is InterlockState.ARMED:
                record.state = InterlockState.UNKNOWN
            self._driver.resume(interlock, now)
            self._observer.resume(interlock, now)

    def _left(self, record: InterlockRecord, now: Moment) -> Interlock:
        left = orphan(record, self._zones, self._matrices, now.mono)
        self._wake(left, now.mono)
        return left

    def _drop(self, left: Interlock, now: Moment) -> None:
        """Nobody waits for this one any more."""
        del self._interlocks[left.name]
        for device in left.members:
            self._by_device[device, left.record.origin].remove(left)
        for other in hand_over(left, tuple(self._interlocks.values())):
            self._out.keep(other)
        self._out.remove(left, now)

    def records(self) -> list[InterlockRecord]:
        """Every interlock, whatever its state."""
        return [interlock.record for interlock in self._interlocks.values()]

    # -- causes ----------------------------------------------------------------------------------------------

    def _wake(self, interlock: Interlock, mono: int) -> None:
        self._agenda.at(interlock.name, mono)

    def _check_silence(self, interlock: Interlock, device: str, now: Moment) -> bool:
        """Find out what is lost, and let late readings count where no fresh one followed; whether anything is new."""
        if not interlock.is_live:
            return False
        picture, patience = interlock.pictures[device], interlock.patience[device]
        is_new = picture.find_silent(patience, now)
        if is_new:
            interlock.follow(device)
        for reading in picture.late_due(now):
            picture.doubt(reading, now)
            interlock.follow(device)
            self._evaluate(interlock, now)
            is_new = True
        again = picture.next_look(patience)
        if again is not None:
            self._wake(interlock, again)
        return is_new

    def _evaluate(self, interlock: Interlock, now: Moment, told: str | None = None) -> None:
        """``told``: the only device that has told anything since the last time; ``None``: look at all."""
        causes = interlock.look(now)
        if interlock.only_observes:
            self._observer.look(interlock, causes, now)
            self._leave_unknown(interlock, now)
            interlock.rests = interlock.is_quiet
            return
        interlock.follow_feedback(interlock.unsettled(told))
        for cause in causes:
            if not interlock.is_ready(cause, now):
                self._wake(interlock, interlock.ready_at(cause))
            elif not interlock.has_tripped(cause.id):
                self._trip(interlock, cause, now)
        devices = interlock.unsettled(told)
        interlock.settle(devices)
        follow_valves(interlock, devices, self._out, self._driver, self._sharing, now)
        self._leave_unknown(interlock, now)
        interlock.rests = interlock.is_quiet

    def _leave_unknown(self, interlock: Interlock, now: Moment) -> None:
        is_unknown = interlock.record.state is InterlockState.UNKNOWN
        if is_unknown and (interlock.is_read_back or not interlock.is_live):
            interlock.step(Event.READ_BACK)
            self._out.tell(interlock, "armed", now)

    def _trip(self, interlock: Interlock, cause: Cause, now: Moment) -> None:
        record = interlock.record
        record.causes.append((cause.id, now.wall))
        record.mark = mark_of(interlock.matrix)
        record.tripped_at = record.tripped_at or now.wall
        interlock.step(Event.TRIP)
        self._out.tell(interlock, "tripped", now, cause=cause.id, stage=cause.stage or "")
        if interlock.holds_fans:
            for other in self._beside(interlock):
                self._driver.hold_starting_fans(other, interlock.own, now)
        held = frozenset(device for device in interlock.own if is_fan_held(self._sharing(interlock, device), device))
        plan = Plan(cause, interlock.zone, record, interlock.acts, held, now.wall)
        self._driver.begin(interlock, plan_effects(plan), now)

    def _beside(self, interlock: Interlock) -> list[Interlock]:
        """Those that share a device of its zone, itself among them."""
        found = {one.name: one for device in interlock.own for one in self._sharing(interlock, device)}
        return list(found.values())


def _missing_for_reset(interlock: Interlock, now: Moment) -> str:
    if is_orphan(interlock) and not interlock.members:
        return ""  # its area is gone: the person on site is the only one who knows
    if interlock.has_report:
        return "a report still stands: it is withdrawn first"
    if interlock.clear_since is None:
        return "a cause still stands, or a detector of the zone is lost, bad or not fresh: no value to reset on"
    after_s = interlock.matrix.reset_after_s
    left = after_s - (now.mono - interlock.clear_since) / SECOND
    return f"every cause must have been gone for {after_s:g} s; {left:.0f} s are left" if left > 0 else ""
