"""What people have a gateway do for a time, wired: bump tests, maintenance, bypasses and proof tests."""

from collections.abc import Callable

from device_registry.devices import Site
from gateway.bump_tests import BumpTests, Surroundings
from gateway.bypasses import Bypasses
from gateway.bypasses import Ways as BypassWays
from gateway.decisions import nobody_waits
from gateway.maintenance import MaintenanceMode
from gateway.maintenance import Ways as MaintenanceWays
from gateway.modes import Modes
from gateway.pipeline import Verdict
from gateway.proof_tests import ProofTests
from gateway.proof_tests import Ways as ProofWays
from gateway.watch import Watch
from gengfu.rules import Rulebook
from journal.entry import Done
from protocols.reading import Origin


def make_modes(
    site: Site,
    watch: Watch,
    book: Rulebook,
    origin: Origin,
    boot: str,
    store: Callable[[Verdict, Done], None],
    wake: Callable[[], None],
) -> Modes:
    """All of a gateway. ``boot``: as in `protocols.term.Term`; ``wake``: something is due at once."""
    alarms, interlocks = watch.alarms, watch.interlocks

    def keep(verdict: Verdict) -> None:
        store(verdict, nobody_waits)

    def devices_of(area: str) -> frozenset[str]:
        return frozenset(one.id for one in site.devices.values() if area in (one.area.id, one.area.within))

    observed = frozenset(kind for matrix in book.matrices if matrix.mode == "observe" for kind in matrix.areas)
    proofs = ProofWays(
        site, alarms, interlocks, devices_of, observed, origin, watch.issue, watch.settle, store, wake
    )  # fmt: skip
    return Modes(
        BumpTests(Surroundings(site, alarms, interlocks, origin, boot, keep)),
        MaintenanceMode(MaintenanceWays(site, alarms, watch.perform, boot, keep)),
        Bypasses(BypassWays(alarms, interlocks, devices_of, origin, boot, watch.settle, keep)),
        ProofTests(proofs),
    )
