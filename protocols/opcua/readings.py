"""What a server tells of one device, as readings: changes by the time of their source, and looks at all of its points.

    source time                                at of the reading
    within 30 s before us, 5 s ahead [*]       the source time; changes of one time are one reading
    older                                      when it was heard: a value that stands keeps its old time at the server,
                                               and a clock behind ours must not make a leak look old (S9)
    further ahead                              when it was heard; claimed_at = the source's, uncertain:clock
    none                                       the server's time by the same rules, else when it was heard

    [*] as the profile's ``clock.max_ahead_s`` says

A look (everything read at once) has the time of the gateway: that is when the value is known to stand. No two readings
of a device get one time: the second is moved by 1 µs. A value that comes again unchanged, with its time, is no change.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from protocols.moment import SECOND
from protocols.opcua.status import changed_meaning, lost_changes, name_of, quality_of
from protocols.opcua.values import Parts, Sample, judge
from protocols.profile.model import Profile
from protocols.quality import Quality, worse
from protocols.reading import Origin, Reading

LATE_NS = 30 * SECOND
"""Half of what makes a reading late (S9, 60 s): what a server tells now it has seen now."""
SPREAD_NS = 1_000
_REMEMBERED = 1024
_UNHEARD = frozenset({Quality.BAD_COMM_LOSS, Quality.BAD_MISSING})

Note = Callable[[str], None]
"""Told a word for each thing that is not as it should be: ``unstamped``, ``old-stamp``, ``clock``, ``overflow``,
``semantics``."""


class _Stamp(NamedTuple):
    at: int
    claimed: int | None = None


class DeviceValues:
    """One device. ``note``: see `Note`."""

    def __init__(self, device: str, profile: Profile, parts: Parts, origin: Origin, note: Note) -> None:
        self.device = device
        self.profile = profile
        self.parts = parts
        self._origin = origin
        self._note = note
        self._max_ahead_ns = int(profile.file.clock.max_ahead_s * SECOND)
        self._known: dict[int, Sample] = {}
        self._given: dict[int, None] = {}

    @property
    def why_silent(self) -> str:
        """Why nothing is heard of the device although its server speaks, or an empty string."""
        if len(self._known) < len(self.parts):
            return ""
        if any(quality_of(one.status) not in _UNHEARD for one in self._known.values()):
            return ""
        first = min(self._known)
        word = name_of(self._known[first].status)
        return f"its server says {word} of all {len(self.parts)} points, first of {self.parts[first].node!r}"

    def look(self, samples: Sequence[tuple[int, Sample]], received: int) -> Reading:
        """All points as they stand now."""
        for index, sample in samples:
            self._take(index, sample)
        return self._reading(samples, _Stamp(received), received)

    def changes(self, samples: Iterable[tuple[int, Sample]], received: int) -> list[Reading]:
        """Changes in the order the server tells them, as readings by time."""
        groups: dict[tuple[_Stamp, int], dict[int, Sample]] = {}
        turns: dict[tuple[_Stamp, int], int] = {}
        for index, sample in samples:
            known = self._known.get(index)
            if known is not None and known[:3] == sample[:3]:
                continue
            self._take(index, sample)
            stamp = self._stamp(sample, received)
            turn = turns[stamp, index] = turns.get((stamp, index), -1) + 1
            groups.setdefault((stamp, turn), {})[index] = sample
        ordered = sorted(groups.items(), key=lambda one: (one[0][0].at, one[0][1]))
        return [self._reading(list(group.items()), stamp, received) for (stamp, _), group in ordered]

    def _take(self, index: int, sample: Sample) -> None:
        self._known[index] = sample
        if lost_changes(sample.status):
            self._note("overflow")
        if changed_meaning(sample.status):
            self._note("semantics")

    def _stamp(self, sample: Sample, received: int) -> _Stamp:
        at = sample.source_at
        if at is None:
            self._note("unstamped")
            at = received if sample.server_at is None else sample.server_at
        if at > received + self._max_ahead_ns:
            self._note("clock")
            return _Stamp(received, at)
        if at < received - LATE_NS:
            self._note("old-stamp")
            return _Stamp(received)
        return _Stamp(at)

    def _reading(self, samples: Iterable[tuple[int, Sample]], stamp: _Stamp, received: int) -> Reading:
        values, quality = judge(self.profile, self.parts, samples)
        at = stamp.at
        while at in self._given:
            at += SPREAD_NS
        self._given[at] = None
        if len(self._given) > _REMEMBERED:
            del self._given[next(iter(self._given))]
        reading = Reading(self.device, self.profile.id, at, received, self._origin, values, quality)
        if stamp.claimed is None:
            return reading
        doubted = tuple(
            one if value is None else int(worse(Quality(one), Quality.UNCERTAIN_CLOCK))
            for value, one in zip(values, quality, strict=True)
        )
        return msgspec.structs.replace(reading, quality=doubted, claimed_at=stamp.claimed)
