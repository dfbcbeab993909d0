"""One interlock: a matrix in a zone at one origin, what it sees and what it keeps."""

from collections.abc import Iterable

from interlocks.causes import BoundCause, Proof
from interlocks.matrix import Cause, Matrix
from interlocks.record import EffectRecord, InterlockRecord, interlock_id
from interlocks.states import TABLE, Event, InterlockState
from interlocks.zone import Zone
from protocols.moment import SECOND, Moment
from protocols.picture import Patience, Picture
from protocols.reading import Origin

LOST_PERIODS = 2.5
START_GRACE_NS = 30 * SECOND


class Interlock:
    """``since``: causes that stand, with the mono time they began. ``ready``: mono time of effects that wait.

    ``proved``: devices whose last good feedback since the start, or read-back by the actuator, is a closed valve.
    ``looks_at_all``: the next evaluation looks at every valve; else what was quiet is still as it was, but for the
    device that has just told something.
    """

    def __init__(self, matrix: Matrix, zone: Zone, origin: Origin, started: int) -> None:
        self.matrix = matrix
        self.zone = zone
        self.record = InterlockRecord(interlock_id(zone.id, matrix.id, origin), zone.id, matrix.id, origin)
        self.name = self.record.id
        self.acts = matrix.mode == "act" and origin is Origin.LIVE
        self.is_live = origin is Origin.LIVE
        self.members = {member.device: member for member in zone.members}
        self.valves = {member.device: valve for member in zone.members if (valve := member.valve())}
        self.pictures = {member.device: Picture(member.profile, started) for member in zone.members}
        self.patience = {member.device: _patience(member.period_s) for member in zone.members}
        self._causes = [BoundCause(cause, zone) for cause in matrix.cause]
        self._proof = Proof(zone)
        for device in self.pictures:
            self.follow(device)
        self.since: dict[str, int] = {}
        self.ready: dict[tuple[str, str, str], int] = {}
        self.clear_since: int | None = None
        self.proved: set[str] = set()
        self.looks_at_all = True

    def succeed(self, before: "Interlock") -> None:
        """Go on where the interlock of the same name stood before its zone was changed. It is read back anew (S10)."""
        self.record = before.record
        if self.record.state is InterlockState.ARMED:
            self.record.state = InterlockState.UNKNOWN
        causes = {cause.id for cause in self.matrix.cause}
        self.since = {cause: since for cause, since in before.since.items() if cause in causes}
        self.ready = dict(before.ready)
        for device, member in self.members.items():
            known = before.pictures.get(device)
            if known is not None:
                self.pictures[device] = known.carried(member.profile)
                self.follow(device)
        self.proved = {device for device in before.proved if before.valves[device] == self.valves.get(device)}

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

    def look(self, now: Moment) -> list[Cause]:
        """The causes that stand now; also keeps since when each does, and since when nothing does."""
        standing = [bound.cause for bound in self._causes if bound.stands]
        self.since = {cause.id: self.since.get(cause.id, now.mono) for cause in standing}
        if standing or not self._proof.stands:
            self.clear_since = None
        elif self.clear_since is None:
            self.clear_since = now.mono
        return standing

    def is_ready(self, cause: Cause, now: Moment) -> bool:
        """Whether a cause that stands has stood for its delay."""
        return now.mono >= self.ready_at(cause)

    def ready_at(self, cause: Cause) -> int:
        """When a cause that stands has stood for its delay, mono ns."""
        return self.since[cause.id] + int(cause.delay_s * SECOND)

    def has_tripped(self, cause: str) -> bool:
        """Whether the cause is behind the latch that stands."""
        return any(seen == cause for seen, _ in self.record.causes)

    @property
    def holds_fans(self) -> bool:
        """Whether a cause that stands now, or tripped before, leaves the fans to a person."""
        return any(
            effect.action == "hold-fan"
            for cause in self.matrix.cause
            if cause.id in self.since or self.has_tripped(cause.id)
            for effect in cause.effect
        )

    @property
    def is_quiet(self) -> bool:
        """Whether it is armed, nothing stands and nothing is asked of any final element."""
        record = self.record
        return record.state is InterlockState.ARMED and not (self.since or record.causes or record.effects)

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

    def is_read_back(self) -> bool:
        """Whether every device was heard, its final element and its inputs included, or given up (S10).

        Not all of them: without a detector that is heard and a valve that was read nothing is armed.
        """
        heard = [device for device, picture in self.pictures.items() if not picture.lost]
        has_valve = not self.valves or any(device in self.valves for device in heard)
        return has_valve and self._has_detector() and all(self._is_heard(device) for device in heard)

    def _has_detector(self) -> bool:
        """Whether a life-safety value of the zone's own devices is heard."""
        return any(
            self.pictures[member.device].known(index) is not None and not self.pictures[member.device].is_lost(index)
            for member in self.zone.members
            if not member.upstream
            for index in member.inputs
        )

    def _is_heard(self, device: str) -> bool:
        """Whether the device told each of its inputs, or gave it up, and where its valve is, beyond doubt."""
        picture = self.pictures[device]
        if any(picture.known(one) is None and not picture.is_lost(one) for one in self.members[device].inputs):
            return False
        if device not in self.valves:
            return picture.heard is not None
        index, *places = self.valves[device]
        known = picture.known(index)
        return known is not None and known.quality.is_good and known.value in places


def _patience(period_s: float) -> Patience:
    """How long a device, and each life-safety point of it, may be silent before it counts as lost."""
    after = int(LOST_PERIODS * period_s * SECOND)
    return Patience(after, max(START_GRACE_NS, after))


def place_of(effect: EffectRecord) -> tuple[str, str, str]:
    """What tells the effects of one interlock apart."""
    return effect.cause, effect.effect, effect.device
