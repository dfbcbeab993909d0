"""One interlock: a matrix in a zone at one origin, what it sees and what it keeps."""

from collections.abc import Collection, Iterable
from typing import TypeAlias

from interlocks.bypass import Bypassed
from interlocks.causes import BoundCause, Proof, Told
from interlocks.exposure import Exposures
from interlocks.heartbeat import Heartbeat
from interlocks.matrix import Cause, Matrix
from interlocks.readback import ReadBack
from interlocks.record import EffectRecord, InterlockRecord, interlock_id
from interlocks.reported import Reported
from interlocks.states import TABLE, Event, InterlockState
from interlocks.zone import Member, Zone
from protocols.moment import SECOND, Moment
from protocols.picture import Patience, Picture
from protocols.reading import Origin

Place: TypeAlias = tuple[float, bool]

LOST_PERIODS = 2.5
HOLD_FANS = ("hold-fan", "inhibit-fan")
START_GRACE_NS = 30 * SECOND


class Interlock:
    """``since``: causes that stand, with the mono time they began. ``ready``: mono time of effects that wait;
    ``asked``: since when the proof of an observed one is looked for.

    ``own``: devices that stand in the zone. ``proved``: those whose last good feedback since the start, or read-back by
    the actuator, is a closed valve.
    ``looks_at_all``: the next evaluation looks at every valve; else only at those of which something is new: what
    their board says (``seen``), or what is asked of them (``stirred``). ``rests``: it was armed, nothing stood and
    nothing was asked of any final element when it was evaluated last.
    """

    def __init__(self, matrix: Matrix, zone: Zone, origin: Origin, started: int) -> None:
        self.matrix = matrix
        self.zone = zone
        self.record = InterlockRecord(interlock_id(zone.id, matrix.id, origin), zone.id, matrix.id, origin)
        self.name = self.record.id
        self.acts = matrix.mode == "act" and origin is Origin.LIVE
        self.only_observes = matrix.mode == "observe"
        self.is_live = origin is Origin.LIVE
        beside = _beside(matrix, zone)
        watched = (*zone.members, *beside)
        self.members = {member.device: member for member in watched}
        self.members |= {member.device: member for member in zone.members}
        self.own = frozenset(member.device for member in zone.members if member.is_looked_at)
        self.valves = {member.device: valve for member in zone.members if (valve := member.valve())}
        self.pictures = {member.device: Picture(member.profile, started) for member in watched}
        self.patience = {member.device: _patience(member.period_s) for member in watched}
        # silence is waited for of live devices only (S4)
        causes = [cause for cause in matrix.cause if self.is_live or all(when.kind != "still" for when in cause.when)]
        self._causes = [BoundCause(cause, zone) for cause in causes]
        self._proof = Proof(watched)
        self._read_back = ReadBack(zone, beside)
        for device in self.pictures:
            self.follow(device)
        self.since: dict[str, int] = {}
        self.ready: dict[tuple[str, str, str], int] = {}
        self.asked: dict[tuple[str, str, str], int] = {}
        self._exposures = Exposures(matrix.cause)
        self.clear_since: int | None = None
        self.proved: set[str] = set()
        self.looks_at_all = True
        self.rests = False
        self.bypassed: Bypassed | None = None
        self.seen: dict[str, Place | None] = {}
        self.stirred: set[str] = set()
        self._looked_in: tuple[InterlockState, bool, bool] | None = None

    def succeed(self, before: "Interlock") -> None:
        """Go on where the interlock of the same name stood before its zone was changed. It is read back anew (S10)."""
        self.record = before.record
        if self.record.state is InterlockState.ARMED:
            self.record.state = InterlockState.UNKNOWN
        causes = {cause.id for cause in self.matrix.cause}
        self.since = {cause: since for cause, since in before.since.items() if cause in causes}
        self.ready, self.asked = dict(before.ready), dict(before.asked)
        self._exposures.succeed(before._exposures)
        for device, member in self.members.items():
            known = before.pictures.get(device)
            if known is not None:
                self.pictures[device] = known.carried(member.profile)
                self.follow(device)
        self.proved = {device for device in before.proved if before.valves.get(device) == self.valves.get(device)}

    def step(self, event: Event) -> None:
        """Follow the table."""
        after = TABLE[self.record.state, event]
        assert after is not None
        self.record.state = after

    def follow(self, device: str) -> None:
        """The picture of the device changed. To be called for each change before the next `look`."""
        picture = self.pictures[device]
        for bound in self._causes:
            bound.follow(device, picture)
        self._proof.follow(device, picture)
        self._read_back.follow(device, picture)

    def limits_of(self, device: str) -> tuple[list[tuple[int, float]], list[int]]:
        """What makes a cause stand at a device of which every known value is good and nothing is lost: limits (index
        and value) and flags (index)."""
        limits = [limit for bound in self._causes for limit in bound.limits.get(device, ())]
        return limits, [flag for bound in self._causes for flag in bound.flags.get(device, ())]

    def tests_of(self, device: str) -> list[Told]:
        """Whether other values of such a reading may (`limits_of`)."""
        return [test for bound in self._causes for test in bound.tests.get(device, ())]

    def beats_of(self, device: str) -> list[Heartbeat]:
        """The counters of the device that must move."""
        return [bound.beats[device] for bound in self._causes if device in bound.beats]

    def beats_due(self, mono: int) -> list[int]:
        """When a counter that moves will have stood still for too long, mono ns."""
        every = (beat.due for bound in self._causes for beat in bound.beats.values())
        return [due for due in every if due is not None and due > mono]

    def devices_at(self, cause: str, mono: int) -> frozenset[str]:
        """The devices that make a cause stand now, where it has no vote."""
        return frozenset(one for bound in self._causes if bound.cause.id == cause for one in bound.devices_at(mono))

    def heed(self, reports: Collection[Reported]) -> bool:
        """These reports of people stand now; whether that changes anything here. The next `look` knows."""
        changed = [bound.reports.follow(reports) for bound in self._causes]
        return any(changed)

    def bypass(self, wanted: Bypassed | None) -> None:
        """Let a cause not trip at some detectors; ``None``: let each trip at all again. The next `look` knows."""
        self.bypassed = wanted
        for bound in self._causes:
            is_meant = wanted is not None and bound.cause.id == wanted.cause
            bound.bypass(wanted.devices if wanted and is_meant else frozenset())
        for device in self.pictures:
            self.follow(device)

    def looked_at_by(self, cause: str) -> frozenset[str]:
        """The devices at which a cause looks."""
        return frozenset(device for bound in self._causes if bound.cause.id == cause for device in bound.devices)

    def look(self, now: Moment) -> list[Cause]:
        """The causes that stand now; also keeps since when each does, and since when nothing does."""
        if self.bypassed is not None and self.bypassed.term.is_over(now):
            self.bypass(None)
        met = [bound for bound in self._causes if bound.stands_at(now.mono)]
        standing = [bound.cause for bound in met if not bound.is_answered]
        self.since = {cause.id: self.since.get(cause.id, now.mono) for cause in standing}
        self._exposures.follow(self.since, now.mono)
        if met or not self._proof.stands:
            self.clear_since = None
        elif self.clear_since is None:
            self.clear_since = now.mono
        return standing

    def is_ready(self, cause: Cause, now: Moment) -> bool:
        """Whether a cause that stands has stood for its delay."""
        return now.mono >= self.ready_at(cause)

    def ready_at(self, cause: Cause) -> int:
        """When a cause that stands has stood for its delay, mono ns."""
        if cause.accumulate:
            return self._exposures.ready_at(cause.id)
        return self.since[cause.id] + int(cause.delay_s * SECOND)

    def has_tripped(self, cause: str) -> bool:
        """Whether the cause is behind the latch that stands, under the matrix of today."""
        return any(seen == cause for seen, _ in self.record.causes[self.record.inherited :])

    @property
    def holds_fans(self) -> bool:
        """Whether a cause that stands now, or tripped before, leaves the fans to a person."""
        if any(effect.action in HOLD_FANS for effect in self.record.effects):
            return True  # whatever its matrix says by now (S11)
        return any(
            effect.action in HOLD_FANS
            for cause in self.matrix.cause
            if cause.id in self.since or self.has_tripped(cause.id)
            for effect in cause.effect
        )

    @property
    def is_quiet(self) -> bool:
        """Whether it is armed, nothing stands or is voted for, and nothing is asked of any final element."""
        record = self.record
        nothing_asked = not (self.since or record.causes or record.effects)
        return record.state is InterlockState.ARMED and nothing_asked and all(one.is_calm for one in self._causes)

    def follow_feedback(self, devices: Iterable[str]) -> None:
        """Keep which valves are closed beyond doubt: a value that is not good proves nothing, and may disprove (S3)."""
        for device in devices:
            index, closed, _ = self.valves[device]
            known = self.pictures[device].known(index)
            if known is not None and known.value != closed:
                self.proved.discard(device)
            elif known is not None and known.quality.is_good:
                self.proved.add(device)

    @property
    def has_standing_trip(self) -> bool:
        """Whether a cause behind the latch stands now."""
        return any(self.has_tripped(cause) for cause in self.since)

    @property
    def has_report(self) -> bool:
        """Whether what people report makes a cause stand."""
        return any(bound.reports.stands for bound in self._causes)

    @property
    def is_read_back(self) -> bool:
        """Whether every device was heard, its final element and its inputs included, or given up (S10)."""
        return self._read_back.stands

    def unsettled(self, told: str | None) -> list[str]:
        """The devices whose valves have to be looked at, in the order of the zone, after ``told`` has told something
        (``None``: anything may have happened). For all others, to look again would change nothing: neither what their
        boards say nor what is asked of them is new, and it matters for the same situation."""
        if told is None or self.looks_at_all or self._looked_in != self._situation:
            return list(self.valves)
        if self.stirred:
            return [device for device in self.valves if device in self.stirred or device == told]
        return [told] if told in self.valves and self.seen.get(told) != self.place(told) else []

    def settle(self, devices: Iterable[str]) -> None:
        """These are about to be looked at; what is asked of them meanwhile is looked at the next time."""
        for device in devices:
            self.seen[device] = self.place(device)
        self.stirred.clear()
        self.looks_at_all = False
        self._looked_in = self._situation

    def place(self, device: str) -> Place | None:
        """Where the board says that its valve is, and whether beyond doubt; ``None`` where it never did."""
        known = self.pictures[device].known(self.valves[device][0])
        return None if known is None else (known.value, known.quality.is_good)

    @property
    def _situation(self) -> tuple[InterlockState, bool, bool]:
        """What else the look at a valve depends on, for the whole zone."""
        return self.record.state, bool(self.record.causes), self.has_standing_trip


def _beside(matrix: Matrix, zone: Zone) -> tuple[Member, ...]:
    """The devices outside the zone that the matrix looks at."""
    every = [when for cause in matrix.cause for when in cause.when]
    looks_at = {when.where for when in every} - {"zone"}
    found = [member for where in sorted(looks_at) for member in zone.detectors(where)]
    if any(when.kind == "lost-near-gas" for when in every):
        found += [member for part in zone.parts for member in part.detectors("neighbour")]
    return tuple(found)


def _patience(period_s: float) -> Patience:
    """How long a device, and each life-safety point of it, may be silent before it counts as lost."""
    after = int(LOST_PERIODS * period_s * SECOND)
    return Patience(after, max(START_GRACE_NS, after))


def place_of(effect: EffectRecord) -> tuple[str, str, str]:
    """What tells the effects of one interlock apart."""
    return effect.cause, effect.effect, effect.device
