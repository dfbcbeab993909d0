"""The interlock engine: readings and time in, commands and trip events out. No I/O, no clock, no alarm state.

A cause that stands trips its matrix: the latch closes, effects leave in the listed order, and a failed effect never
stops the next. Causes that were seen already are not tripped twice (idempotent over restarts and repeated
readings). Only live interlocks command; DRILL and SIMULATED ones record what would have been done (S5).
"""

import heapq
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from interlocks.causes import Stands, all_good, bind
from interlocks.effects import Plan, plan_effects
from interlocks.errors import NoSuchTrip, ResetRefused
from interlocks.matrix import Cause, Matrix
from interlocks.record import (
    FOUND_CLOSED,
    EffectRecord,
    InterlockRecord,
    Status,
    TripEvent,
    decode_record,
    encode,
    interlock_id,
)
from interlocks.states import TABLE, Event, InterlockState
from interlocks.zone import Member, Zone
from protocols.command import Command
from protocols.moment import SECOND, Moment
from protocols.picture import Picture
from protocols.reading import Origin, Reading

LATE_AFTER_NS = 60 * SECOND
START_GRACE_NS = 30 * SECOND
LOST_PERIODS = 2.5
COMMAND_LIFE_NS = 300 * SECOND
"""A command that could not be sent for so long is given up; the interlock has failed by then and said so."""


class Outcome(NamedTuple):
    """What the caller stores (one commit) and does. ``cancels``: ids of commands that must not be sent again.
    ``failures``: (device, whether its final element has failed)."""

    events: list[TripEvent]
    commands: list[Command]
    cancels: list[str]
    failures: list[tuple[str, bool]]
    state: dict[str, bytes]


class _Interlock:
    __slots__ = ("clear_since", "matrix", "members", "pictures", "ready", "record", "since", "stands", "zone")

    def __init__(self, matrix: Matrix, zone: Zone, record: InterlockRecord, pictures: dict[str, Picture]) -> None:
        self.matrix = matrix
        self.zone = zone
        self.record = record
        self.pictures = pictures
        self.members = {member.device: member for member in zone.members}
        self.stands: list[tuple[Cause, Stands]] = [(cause, bind(cause, zone)) for cause in matrix.cause]
        self.since: dict[str, int] = {}
        self.ready: dict[tuple[str, str, str], int] = {}
        self.clear_since: int | None = None


class InterlockEngine:
    """All interlocks of a gateway."""

    def __init__(self, matrices: Iterable[Matrix], zones: Iterable[Zone], now: Moment) -> None:
        self._matrices = tuple(matrices)
        self._zones = tuple(zones)
        self._interlocks: dict[str, _Interlock] = {}
        self._by_device: dict[tuple[str, Origin], list[_Interlock]] = {}
        self._commands: dict[str, tuple[_Interlock, EffectRecord]] = {}
        self._late: dict[str, Reading] = {}
        self._due: list[tuple[int, str]] = []
        self._out = Outcome([], [], [], [], {})
        self._started = now.mono
        self._serial = 0
        self._build(Origin.LIVE, now)
        for name in self._interlocks:
            heapq.heappush(self._due, (now.mono + START_GRACE_NS, name))

    def _build(self, origin: Origin, now: Moment) -> None:
        for zone in self._zones:
            pictures = {member.device: Picture(member.profile, now.mono) for member in zone.members}
            for matrix in self._matrices:
                if zone.kind not in matrix.areas or not zone.members:
                    continue
                name = interlock_id(zone.id, matrix.id, origin)
                interlock = _Interlock(matrix, zone, InterlockRecord(name, zone.id, matrix.id, origin), pictures)
                self._interlocks[name] = interlock
                for member in zone.members:
                    self._by_device.setdefault((member.device, origin), []).append(interlock)

    # -- what comes in ---------------------------------------------------------------------------------------

    def observe(self, reading: Reading, now: Moment) -> None:
        """Judge one reading."""
        if reading.origin is not Origin.LIVE and not any(key[1] is reading.origin for key in self._by_device):
            self._build(reading.origin, now)
        for interlock in self._by_device.get((reading.device, reading.origin), ()):
            picture = interlock.pictures[reading.device]
            if now.wall - reading.at > LATE_AFTER_NS:
                self._observe_late(interlock, picture, reading, now)
                continue
            self._late.pop(reading.device, None)
            picture.update(reading, now)
            self._wake(interlock, now.mono + _lost_after_ns(interlock.members[reading.device]))
            self._follow_valve(interlock, interlock.members[reading.device], now)
            self._evaluate(interlock, now)

    def _observe_late(self, interlock: _Interlock, picture: Picture, reading: Reading, now: Moment) -> None:
        """S9: a late reading commands nothing, unless it is the newest known and no fresh one follows."""
        if reading.at < picture.newest_at or reading.origin is not Origin.LIVE:
            return
        if picture.lost:
            picture.update(reading, now)
            picture.lost = True
            self._evaluate(interlock, now)
        else:
            picture.newest_at = reading.at
            self._late[reading.device] = reading
            self._wake(interlock, now.mono + _lost_after_ns(interlock.members[reading.device]))

    def lost(self, device: str, now: Moment) -> None:
        """The transport knows that the device does not answer."""
        for interlock in self._by_device.get((device, Origin.LIVE), ()):
            interlock.pictures[device].lost = True
            self._evaluate(interlock, now)

    def settled(self, command: str, ok: bool, now: Moment) -> None:
        """The actuator says that a command was read back (``ok``) or was not in time."""
        known = self._commands.get(command)
        if known is None:
            return
        interlock, effect = known
        if effect.status in ("issued", "failed"):
            self._set(interlock, effect, "done" if ok else "failed", now)
            self._out.failures.append((effect.device, not ok))
            if ok:
                self._remember_closed(interlock, effect)
            else:
                self._release(interlock, effect, now)

    def tick(self, now: Moment) -> None:
        """Let time act: silence, delays of causes, effects that wait for their time, the end of the start."""
        ready: dict[str, None] = {}
        while self._due and self._due[0][0] <= now.mono:
            ready[heapq.heappop(self._due)[1]] = None
        for name in ready:
            interlock = self._interlocks[name]
            for device, picture in interlock.pictures.items():
                self._check_silence(interlock, interlock.members[device], picture, now)
            self._evaluate(interlock, now)
            self._send_due(interlock, now)

    def due(self) -> int | None:
        """The mono time of the next `tick` that can change something."""
        return self._due[0][0] if self._due else None

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
        self._evaluate(found, now)
        missing = self._missing_for_reset(found, now)
        if missing:
            raise ResetRefused(missing)
        for effect in record.effects:
            self._commands.pop(effect.command, None)
        record.causes, record.effects, record.tripped_at = [], [], 0
        self._step(found, Event.RESET)
        self._tell(found, "reset", now, who=who)

    def _missing_for_reset(self, interlock: _Interlock, now: Moment) -> str:
        if interlock.clear_since is None:
            return "a cause still stands, or a detector of the zone is lost, bad or not fresh: no value to reset on"
        left = interlock.matrix.reset_after_s - (now.mono - interlock.clear_since) / SECOND
        return (
            f"every cause must have been gone for {interlock.matrix.reset_after_s:g} s; {left:.0f} s are left"
            if left > 0
            else ""
        )

    # -- what goes out ---------------------------------------------------------------------------------------

    def drain(self) -> Outcome:
        """Everything since the last call."""
        out, self._out = self._out, Outcome([], [], [], [], {})
        return out

    def load(self, state: Mapping[str, bytes], now: Moment) -> None:
        """Take back what stood before the restart; effects that were not completed are driven again (S10)."""
        for body in state.values():
            record = decode_record(body)
            interlock = self._interlocks.get(record.id)
            if interlock is None:
                continue
            interlock.record = record
            for effect in record.effects:
                if effect.status == "issued" or (effect.status == "waiting" and not effect.if_failed):
                    self._wake(interlock, now.mono)
                    effect.status = "waiting"

    def records(self) -> list[InterlockRecord]:
        """Every interlock, whatever its state."""
        return [interlock.record for interlock in self._interlocks.values()]

    # -- causes ----------------------------------------------------------------------------------------------

    def _check_silence(self, interlock: _Interlock, member: Member, picture: Picture, now: Moment) -> None:
        if picture.lost or interlock.record.origin is not Origin.LIVE:
            return
        limit = _lost_after_ns(member) if picture.heard is not None else max(START_GRACE_NS, _lost_after_ns(member))
        left = limit - picture.silent_for(now)
        if left > 0:
            self._wake(interlock, now.mono + left)
            return
        late = self._late.pop(member.device, None)
        if late is not None:
            picture.newest_at = 0
            picture.update(late, now)
        picture.lost = True

    def _evaluate(self, interlock: _Interlock, now: Moment) -> None:
        standing = [cause for cause, stands in interlock.stands if stands(interlock.pictures)]
        interlock.since = {cause.id: interlock.since.get(cause.id, now.mono) for cause in standing}
        for cause in standing:
            ready_at = interlock.since[cause.id] + int(cause.delay_s * SECOND)
            if now.mono < ready_at:
                self._wake(interlock, ready_at)
            elif all(seen != cause.id for seen, _ in interlock.record.causes):
                self._trip(interlock, cause, now)
        if standing or not all_good(interlock.zone, interlock.pictures):
            interlock.clear_since = None
        elif interlock.clear_since is None:
            interlock.clear_since = now.mono
        self._leave_unknown(interlock, now)

    def _leave_unknown(self, interlock: _Interlock, now: Moment) -> None:
        if interlock.record.state is not InterlockState.UNKNOWN:
            return
        heard = all(picture.heard is not None or picture.lost for picture in interlock.pictures.values())
        if heard or interlock.record.origin is not Origin.LIVE:
            self._step(interlock, Event.READ_BACK)
            self._tell(interlock, "armed", now)

    def _trip(self, interlock: _Interlock, cause: Cause, now: Moment) -> None:
        record = interlock.record
        record.causes.append((cause.id, now.wall))
        record.tripped_at = record.tripped_at or now.wall
        self._step(interlock, Event.TRIP)
        self._tell(interlock, "tripped", now, cause=cause.id, stage=cause.stage or "")
        acts = interlock.matrix.mode == "act" and record.origin is Origin.LIVE
        hold_fans = _holds_fans(interlock)
        if hold_fans:
            self._hold_starting_fans(interlock, now)
        for effect in plan_effects(Plan(cause, interlock.zone, record, acts, hold_fans, now.wall)):
            record.effects.append(effect)
            interlock.ready[_place(effect)] = now.mono + effect.due_at - now.wall
            self._tell_effect(interlock, effect, now)
        self._send_due(interlock, now)

    def _hold_starting_fans(self, interlock: _Interlock, now: Moment) -> None:
        """Level 2 came before the fan ran: it must not start any more (dilution passes the flammable range)."""
        for effect in interlock.record.effects:
            if effect.action == "start-fan" and effect.status in ("waiting", "issued", "failed"):
                if effect.command:
                    self._out.cancels.append(effect.command)
                    self._commands.pop(effect.command, None)
                effect.reason = ("person-decides",)
                self._set(interlock, effect, "held", now)

    # -- effects ---------------------------------------------------------------------------------------------

    def _send_due(self, interlock: _Interlock, now: Moment) -> None:
        for effect in interlock.record.effects:
            if effect.status != "waiting" or effect.if_failed:
                continue
            ready_at = interlock.ready.get(_place(effect), now.mono)
            if now.mono < ready_at:
                self._wake(interlock, ready_at)
            else:
                self._send(interlock, effect, now)

    def _send(self, interlock: _Interlock, effect: EffectRecord, now: Moment) -> None:
        member = interlock.members[effect.device]
        name = member.command_for("start-fan" if effect.action == "start-fan" else "close-valve")
        assert name is not None
        self._serial += 1
        effect.command = f"{interlock.record.id}/{effect.cause}/{effect.effect}/{now.wall}.{self._serial}"
        self._commands[effect.command] = (interlock, effect)
        self._out.commands.append(
            Command(
                effect.command, effect.device, name, interlock.record.origin, f"trip/{interlock.record.id}",
                now.wall, now.wall + COMMAND_LIFE_NS,
            )
        )  # fmt: skip
        self._set(interlock, effect, "issued", now)
        if interlock.pictures[effect.device].lost:
            # S13: its path is the one that failed; said at once, tried all the same
            self._set(interlock, effect, "failed", now)
            self._out.failures.append((effect.device, True))
            self._release(interlock, effect, now)

    def _release(self, interlock: _Interlock, failed: EffectRecord, now: Moment) -> None:
        """Effects that wait for this one to fail start now."""
        for effect in interlock.record.effects:
            if effect.status == "waiting" and effect.cause == failed.cause and effect.if_failed == failed.effect:
                effect.if_failed, effect.due_at = "", now.wall
                interlock.ready.pop(_place(effect), None)
        self._send_due(interlock, now)

    def _set(self, interlock: _Interlock, effect: EffectRecord, status: Status, now: Moment) -> None:
        effect.status = status
        self._tell_effect(interlock, effect, now)

    # -- valves ----------------------------------------------------------------------------------------------

    def _remember_closed(self, interlock: _Interlock, effect: EffectRecord) -> None:
        if effect.action != "start-fan" and effect.device not in interlock.record.closed:
            interlock.record.closed.append(effect.device)

    def _follow_valve(self, interlock: _Interlock, member: Member, now: Moment) -> None:
        valve = member.valve()
        known = interlock.pictures[member.device].known(valve[0]) if valve else None
        if valve is None or known is None or interlock.record.origin is not Origin.LIVE:
            return
        record = interlock.record
        if known.value == valve[1] and member.device not in record.closed:
            record.closed.append(member.device)
            if not record.causes:
                record.causes.append((FOUND_CLOSED, now.wall))
                record.tripped_at = now.wall
                self._step(interlock, Event.TRIP)
                self._tell(interlock, "tripped", now, cause=FOUND_CLOSED, device=member.device)
        elif known.value == valve[2] and member.device in record.closed:
            record.closed.remove(member.device)
            self._opened(interlock, member, now)

    def _opened(self, interlock: _Interlock, member: Member, now: Moment) -> None:
        """A person opened the valve. While the latch stands that is a critical alarm, and a standing cause closes
        it again (S2)."""
        latched = interlock.record.state is InterlockState.TRIPPED
        self._tell(interlock, "opened", now, device=member.device, status="latched" if latched else "")
        if not latched:
            return
        self._out.failures.append((member.device, True))
        if interlock.since:
            for effect in interlock.record.effects:
                if effect.device == member.device and effect.action != "start-fan" and effect.status == "done":
                    effect.status, effect.due_at = "waiting", now.wall
                    interlock.ready.pop(_place(effect), None)
            self._send_due(interlock, now)

    # -- telling ---------------------------------------------------------------------------------------------

    def _wake(self, interlock: _Interlock, mono: int) -> None:
        heapq.heappush(self._due, (mono, interlock.record.id))

    def _step(self, interlock: _Interlock, event: Event) -> None:
        after = TABLE[interlock.record.state, event]
        assert after is not None
        interlock.record.state = after

    def _tell_effect(self, interlock: _Interlock, effect: EffectRecord, now: Moment) -> None:
        self._tell(
            interlock, "effect", now, cause=effect.cause, effect=effect.effect, action=effect.action,
            device=effect.device, status=effect.status, command=effect.command, reason=effect.reason,
        )  # fmt: skip

    def _tell(
        self,
        interlock: _Interlock,
        event: str,
        now: Moment,
        *,
        reason: tuple[str, ...] = (),
        **details: str,
    ) -> None:
        record = interlock.record
        body = encode(record)
        self._out.events.append(
            TripEvent(
                record.id,
                record.zone,
                record.matrix,
                record.origin,
                event,
                now.wall,
                reason=reason,
                record=decode_record(body),
                **details,
            )  # fmt: skip
        )
        self._out.state[f"interlock/{record.id}"] = body


def _holds_fans(interlock: _Interlock) -> bool:
    """Whether a cause that stands now, or tripped before, leaves the fans to a person."""
    concerned = set(interlock.since) | {cause for cause, _ in interlock.record.causes}
    return any(
        effect.action == "hold-fan"
        for cause in interlock.matrix.cause
        if cause.id in concerned
        for effect in cause.effect
    )


def _place(effect: EffectRecord) -> tuple[str, str, str]:
    return effect.cause, effect.effect, effect.device


def _lost_after_ns(member: Member) -> int:
    return int(LOST_PERIODS * member.period_s * SECOND)
