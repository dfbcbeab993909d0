"""Modes in which a gateway says less than it sees, each for a time: bump tests and maintenance (safety rule S8)."""

from collections.abc import Callable, Mapping

from gateway.bump_tests import BumpTests
from gateway.maintenance import MaintenanceMode
from gateway.pipeline import Verdict
from protocols.moment import Moment
from protocols.request import OperatorRequest


class Modes:
    """Both of a gateway. ``verbs``: who carries out which request of a person."""

    def __init__(self, bump_tests: BumpTests, maintenance: MaintenanceMode) -> None:
        self.bump_tests = bump_tests
        self.maintenance = maintenance
        self.verbs: Mapping[str, Callable[[OperatorRequest, Moment], Verdict]] = {
            "bump-test": bump_tests.begin,
            "end-bump-test": bump_tests.end,
            "maintenance": maintenance.begin,
            "end-maintenance": maintenance.end,
        }

    def load(self, state: Mapping[str, bytes], now: Moment) -> None:
        """Take back what stood before the restart; the alarms are loaded."""
        self.bump_tests.load(state, now)
        self.maintenance.load(state, now)

    def follow_site(self, now: Moment) -> None:
        """The site was changed; the alarms follow it already."""
        self.bump_tests.follow_site(now)
        self.maintenance.follow_site(now)

    def due(self) -> int | None:
        """The mono time of the next `tick` that can change something."""
        return min((due for due in (self.bump_tests.due(), self.maintenance.due()) if due is not None), default=None)

    def tick(self, now: Moment) -> None:
        """End what is over."""
        self.bump_tests.tick(now)
        self.maintenance.tick(now)
