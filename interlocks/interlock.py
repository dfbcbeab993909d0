"""One interlock: a matrix in a zone at one origin, what it sees and what it keeps."""

from interlocks.causes import Stands, all_good, bind
from interlocks.matrix import Cause, Matrix
from interlocks.record import EffectRecord, InterlockRecord, interlock_id
from interlocks.states import TABLE, Event
from interlocks.zone import Zone
from protocols.moment import SECOND, Moment
from protocols.picture import Picture
from protocols.reading import Origin, Reading

LOST_PERIODS = 2.5
START_GRACE_NS = 30 * SECOND
PATIENCE_NS = 5 * SECOND
"""A device that comes back sends what it kept, old values first: so long the newest of them may take to come."""


class Interlock:
    """``since``: causes that stand, with the mono time they began. ``ready``: mono time of effects that wait.

    ``late``: the newest late reading of a device and when the first of its row came (mono), until a fresh one
    follows; ``trusting_late``: devices of which late readings count as live, because none did (S9).
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
        self.stands: list[tuple[Cause, Stands]] = [(cause, bind(cause, zone)) for cause in matrix.cause]
        self.since: dict[str, int] = {}
        self.ready: dict[tuple[str, str, str], int] = {}
        self.clear_since: int | None = None
        self.late: dict[str, tuple[Reading, int]] = {}
        self.trusting_late: set[str] = set()

    def step(self, event: Event) -> None:
        """Follow the table."""
        after = TABLE[self.record.state, event]
        assert after is not None
        self.record.state = after

    def look(self, now: Moment) -> list[Cause]:
        """The causes that stand now; also keeps since when each does, and since when nothing does."""
        standing = [cause for cause, stands in self.stands if stands(self.pictures)]
        self.since = {cause.id: self.since.get(cause.id, now.mono) for cause in standing}
        if standing or not all_good(self.zone, self.pictures):
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

    def is_read_back(self) -> bool:
        """Whether every device was heard, its final element included, or given up (S10)."""
        return all(
            picture.lost or (picture.heard is not None and self._valve_is_known(device))
            for device, picture in self.pictures.items()
        )

    def _valve_is_known(self, device: str) -> bool:
        valve = self.valves.get(device)
        return valve is None or self.pictures[device].known(valve[0]) is not None

    def lost_after_ns(self, device: str) -> int:
        """How long the device may be silent before it counts as lost."""
        after = int(LOST_PERIODS * self.members[device].period_s * SECOND)
        return after if self.pictures[device].heard is not None else max(START_GRACE_NS, after)

    def note_late(self, reading: Reading, now: Moment) -> None:
        """Keep the newest late reading, until a fresh one follows or it is time to count it as live."""
        newest, since = self.late.get(reading.device, (reading, now.mono))
        self.late[reading.device] = max(newest, reading, key=lambda one: one.at), since

    def check_silence(self, device: str, now: Moment) -> int | None:
        """Find out whether the device is lost. Returns when to look again (mono ns), if ever."""
        picture = self.pictures[device]
        if not self.is_live:
            return None
        late = self.late.get(device)
        if not picture.lost:
            until = now.mono + self.lost_after_ns(device) - picture.silent_for(now)
        elif late is None:
            return None
        else:
            until = now.mono if device in self.trusting_late else late[1] + PATIENCE_NS
        if now.mono < until:
            return until
        if late is not None:
            picture.update(self.late.pop(device)[0], now)
            self.trusting_late.add(device)
        picture.lost = True
        return None

    def heard(self, reading: Reading, now: Moment) -> None:
        """Take in a fresh reading: what came late before is overtaken."""
        self.late.pop(reading.device, None)
        self.trusting_late.discard(reading.device)
        self.pictures[reading.device].update(reading, now)


def place_of(effect: EffectRecord) -> tuple[str, str, str]:
    """What tells the effects of one interlock apart."""
    return effect.cause, effect.effect, effect.device
