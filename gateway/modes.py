"""What people have a gateway do for a time: bump tests, maintenance, bypasses and proof tests (safety rules S5, S8).
And what they report to it."""

from collections.abc import Callable, Mapping

from gateway.bump_tests import BumpTests
from gateway.bypasses import Bypasses
from gateway.maintenance import MaintenanceMode
from gateway.pipeline import Verdict
from gateway.proof_tests import ProofTests
from gateway.reports import Reports
from protocols.moment import Moment
from protocols.request import OperatorRequest


class Modes:
    """All of a gateway. ``verbs``: who carries out which request of a person."""

    def __init__(
        self,
        bump_tests: BumpTests,
        maintenance: MaintenanceMode,
        bypasses: Bypasses,
        proof_tests: ProofTests,
        reports: Reports,
    ) -> None:
        self.bump_tests = bump_tests
        self.maintenance = maintenance
        self.bypasses = bypasses
        self.proof_tests = proof_tests
        self.reports = reports
        self._every = (bump_tests, maintenance, bypasses, proof_tests, reports)
        self.verbs: Mapping[str, Callable[[OperatorRequest, Moment], Verdict]] = {
            "bump-test": bump_tests.begin,
            "end-bump-test": bump_tests.end,
            "maintenance": maintenance.begin,
            "end-maintenance": maintenance.end,
            "bypass": bypasses.begin,
            "confirm-bypass": bypasses.confirm,
            "end-bypass": bypasses.end,
            "proof-test": proof_tests.begin,
            "report": reports.enter,
            "withdraw-report": reports.withdraw,
        }

    def load(self, state: Mapping[str, bytes], now: Moment) -> None:
        """Take back what stood before the restart; the alarms and the interlocks are loaded."""
        for one in self._every:
            one.load(state, now)

    def follow_site(self, now: Moment) -> None:
        """The site was changed; the alarms and the interlocks follow it already."""
        for one in self._every:
            one.follow_site(now)

    def due(self) -> int | None:
        """The mono time of the next `tick` that can change something."""
        return min((due for one in self._every if (due := one.due()) is not None), default=None)

    def tick(self, now: Moment) -> None:
        """Do what is due: end what is over, send what was written down."""
        for one in self._every:
            one.tick(now)
