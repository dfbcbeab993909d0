"""What people have a gateway do for a time, wired: bump tests, maintenance, bypasses, proof tests, reports."""

from collections.abc import Callable

from device_registry.devices import Site
from device_registry.site import AreaPart
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
from gateway.reports import Reports
from gateway.reports import Ways as ReportWays
from gateway.watch import Watch
from gengfu.own_devices.report_places import ReportPlaces, place_id
from gengfu.rules import Rulebook, malls_near
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
        Reports(ReportWays(alarms, interlocks, _Places(site), ReportPlaces(site).__contains__, origin, watch.settle)),
    )


class _Places:
    """Where an alarm of a report is raised: at its area, and works damage at each mall near by too."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._areas: tuple[AreaPart, ...] = ()
        self._malls: dict[str, list[str]] = {}

    def __call__(self, what: str, area: str) -> tuple[str, ...]:
        if area not in self._site.areas:
            return ()
        malls = self._near().get(area, ()) if what == "works-damage" else ()
        return tuple(place_id(self._site.id, one) for one in dict.fromkeys((area, *malls)))

    def _near(self) -> dict[str, list[str]]:
        """As the site is now."""
        areas = tuple(self._site.areas.values())
        if areas != self._areas:
            self._areas, self._malls = areas, malls_near(self._site.areas)
        return self._malls
