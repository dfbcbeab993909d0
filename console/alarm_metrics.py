"""What the API asks about alarm metrics (ISA-18.2, EEMUA 191): how many alarms, how often, and who answered them."""

from typing import NamedTuple, Protocol

from alarms.metrics.figures import Figures
from alarms.metrics.measures import Metrics
from protocols.reading import Origin


class MetricsQuery(NamedTuple):
    """``start`` <= at < ``end``, UTC ns. Alarms of one origin: a drill is never counted with what is real (S4)."""

    start: int
    end: int
    origin: Origin = Origin.LIVE


class Measured(NamedTuple):
    """``everything``: of all alarms; ``operational``: without those of the class ``diagnostic``. Their span begins
    later than was asked for where the journal does. ``unread``: entries that this release cannot read."""

    everything: Metrics
    operational: Metrics
    unread: int = 0


class AlarmMetrics(Protocol):
    """The alarm metrics of the site; `gengfu.alarm_metrics.AlarmMeters`."""

    @property
    def figures(self) -> Figures:
        """What is counted, and the targets."""

    async def measure(self, query: MetricsQuery) -> Measured | None:
        """One query after the other; ``None``: the journal holds nothing of that time any more. Raises
        `console.errors.MetricsBusy`, `journal.errors.JournalError`."""
