"""The numbers that alarm metrics are made of (ISA-18.2, EEMUA 191). Times are UTC ns, durations say their unit."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from alarms.metrics.figures import Flood, NumberName

SECOND = 10**9
TEN_MINUTES = 600 * SECOND
HOUR = 3600 * SECOND
UNITS: Mapping[str, str] = {
    "flood-share": "%",
    "top-share": "%",
    "share-critical-high": "%",
    "share-medium": "%",
    "share-low": "%",
    "acknowledge-p50": "s",
    "acknowledge-p95": "s",
}
"""UCUM codes of the numbers; of those that are not named: 1."""


class Span(NamedTuple):
    """``start`` <= at < ``end``."""

    start: int
    end: int

    def holds(self, at: int) -> bool:
        """Whether an instant is in it."""
        return self.start <= at < self.end

    def windows(self, length: int) -> int:
        """How many windows of a length begin in it; the last may be a shorter one."""
        return -(-(self.end - self.start) // length)


class Rate(NamedTuple):
    """Announcements per window. ``mean``: of a span that is shorter than one window, their count."""

    mean: float
    peak: int


class Floods(NamedTuple):
    """``windows``: those of 10 minutes that belong to a flood, of ``of``."""

    begun: int
    windows: int
    of: int


class Often(NamedTuple):
    """An alarm and how many times it was announced."""

    alarm: str
    rule: str
    device: str
    times: int


class Stood(NamedTuple):
    """An alarm that stands."""

    alarm: str
    rule: str
    device: str
    priority: str
    raised_at: int


class Metrics(NamedTuple):
    """What was measured of some alarms in a span.

    ``announced``: by priority. ``top``: the ten most frequent. ``standing``, ``unacknowledged`` and ``stale`` are those
    of the end of the span; ``stale`` has the oldest first. ``waits``: how long each acknowledgement took, ns, sorted.
    """

    span: Span
    announced: Mapping[str, int]
    per_10_min: Rate
    per_hour: Rate
    floods: Floods
    standing: Mapping[str, int]
    unacknowledged: int
    stale: Sequence[Stood]
    chattering: Sequence[Often]
    fleeting: int
    top: Sequence[Often]
    waits: Sequence[int]

    def numbers(self) -> dict[NumberName, float | None]:
        """Each number by name, in the unit that `UNITS` has; ``None``: nothing to make it of."""
        total = sum(self.announced.values())
        medium, low = self.announced.get("medium", 0), self.announced.get("low", 0)
        return {
            "announced": total,
            "per-10-min-mean": self.per_10_min.mean,
            "per-10-min-peak": self.per_10_min.peak,
            "per-hour-mean": self.per_hour.mean,
            "per-hour-peak": self.per_hour.peak,
            "flood-share": share(self.floods.windows, self.floods.of),
            "floods": self.floods.begun,
            "standing": sum(self.standing.values()),
            "unacknowledged": self.unacknowledged,
            "stale": len(self.stale),
            "chattering": len(self.chattering),
            "fleeting": self.fleeting,
            "top-share": share(sum(one.times for one in self.top), total),
            "share-critical-high": share(total - medium - low, total),
            "share-medium": share(medium, total),
            "share-low": share(low, total),
            "acknowledged": len(self.waits),
            "acknowledge-p50": percentile_s(self.waits, 0.5),
            "acknowledge-p95": percentile_s(self.waits, 0.95),
        }


def share(part: int, whole: int) -> float | None:
    """In per cent; ``None`` of nothing."""
    return 100.0 * part / whole if whole else None


def percentile_s(ordered: Sequence[int], part: float) -> float | None:
    """The nearest rank of sorted durations in ns, in seconds; ``None`` of nothing. ``part``: above 0, at most 1."""
    return ordered[math.ceil(part * len(ordered)) - 1] / SECOND if ordered else None


def rate(windows: Mapping[int, int], span: Span, length: int) -> Rate:
    """``windows``: announcements by number of the window from the beginning of the span on."""
    count = sum(windows.values())
    return Rate(count / max(1.0, (span.end - span.start) / length), max(windows.values(), default=0))


def floods(windows: Mapping[int, int], of: int, figures: Flood) -> Floods:
    """``windows``: as for `rate`; what is not there is empty. ``of``: how many there are."""
    count = inside = 0
    flooding, previous = False, -1
    for number in sorted(windows):
        # a window without any announcement stands between: it ended the flood
        flooding = flooding and number == previous + 1 and windows[number] >= figures.ends_below
        if not flooding and windows[number] > figures.begins_above:
            flooding = True
            count += 1
        inside += flooding
        previous = number
    return Floods(count, inside, of)
