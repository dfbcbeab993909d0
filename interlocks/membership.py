"""Membership: one device of one live interlock, and what it takes for its ordinary reading to change nothing there."""

from interlocks.interlock import Interlock
from protocols.moment import SECOND, Moment
from protocols.ordinary import Numbers, band_of
from protocols.reading import Reading

LATE_AFTER_NS = 60 * SECOND


class Membership:
    """Valid as long as its interlock is (`interlocks.engine.InterlockEngine.rezone`)."""

    __slots__ = ("_band", "_device", "_interlock", "_picture", "_valve")

    def __init__(self, interlock: Interlock, device: str) -> None:
        self._interlock = interlock
        self._device = device
        self._picture = interlock.pictures[device]
        valve = interlock.valves.get(device)
        self._valve = None if valve is None else valve[0]
        # a reading without an input would let what is known of it grow old, and then it is no proof any more
        self._band = band_of(*interlock.limits_of(device), needed=interlock.members[device].inputs)

    def passes(self, reading: Reading, now: Moment) -> Numbers | None:
        """The numbers of a reading that changes nothing while the interlock rests, to be taken in with `note`; ``None``
        for one that has to be judged. Changes nothing."""
        if not self._interlock.rests or now.wall - reading.at > LATE_AFTER_NS:
            return None
        numbers = self._picture.ordinary(reading)
        if numbers is None or not self._band.holds(reading.values):
            return None
        value = None if self._valve is None else reading.values[self._valve]
        is_still = value is None or self._interlock.seen.get(self._device) == (value, True)
        return numbers if is_still else None

    def note(self, reading: Reading, numbers: Numbers, now: Moment) -> None:
        """Let a reading through that `passes`."""
        self._picture.note(reading, numbers, now)


class ObservedMembership(Membership):
    """Of one that only observes: other values may make a cause stand too, and counters must move."""

    __slots__ = ("_beats", "_tests")

    def __init__(self, interlock: Interlock, device: str) -> None:
        super().__init__(interlock, device)
        self._beats = interlock.beats_of(device)
        self._tests = interlock.tests_of(device)

    def passes(self, reading: Reading, now: Moment) -> Numbers | None:
        """See `Membership.passes`."""
        numbers = super().passes(reading, now)
        return None if numbers is None or any(test(reading.values) for test in self._tests) else numbers

    def note(self, reading: Reading, numbers: Numbers, now: Moment) -> None:
        """See `Membership.note`."""
        super().note(reading, numbers, now)
        for beat in self._beats:
            value = reading.values[beat.point]
            if isinstance(value, float | int):
                beat.note(value, now.mono)


def membership_of(interlock: Interlock, device: str) -> Membership:
    """The device in this interlock."""
    return ObservedMembership(interlock, device) if interlock.only_observes else Membership(interlock, device)
