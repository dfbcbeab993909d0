"""Bump tests and maintenance as people see them: a projection of the journal's entries of both kinds.

`listen` is a listener of the uplink journal, to be subscribed before who waits for answers: whoever waited for one
finds the board changed.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from console.duty.places import device_title, find_area, iso_or_none
from console.present import iso, unit_text
from console.services import SiteView
from journal.entry import Stored
from protocols import bump_test, maintenance
from protocols.bump_test import BumpTest, decode_bump_test
from protocols.maintenance import Maintenance, decode_maintenance

log = logging.getLogger("gengfu.console")

MARKED = {
    "zh": "通气测试中:该探测器的读数带“测试中”标记,即使超过二级也不触发任何动作;同区其他探测器照常布防",
    "en": "Under bump test: what this detector says is marked and does nothing, above level 2 too; its neighbours "
    "stay armed",
}
"""To be shown with every test that runs."""
ARMED = {
    "zh": "维护中:诊断类报警静默;生命安全报警和联锁照常",
    "en": "Under maintenance: diagnostic alarms are silent; life-safety alarms and interlocks act as ever",
}


class ModeBoard:
    """The last bump test of each detector, and the last maintenance of each target. One thread: the event loop's.
    ``undecoded`` counts what this release cannot read."""

    def __init__(self, site: SiteView) -> None:
        self._site = site
        self._tests: dict[str, BumpTest] = {}
        self._maintenance: dict[str, Maintenance] = {}
        self.undecoded = 0

    def warm(self, state: Mapping[str, bytes]) -> None:
        """Start from the journal's state keys (``bump-test/...``, ``maintenance/...``; others are skipped)."""
        for key, body in state.items():
            self._take(key.partition("/")[0], body)

    def listen(self, batch: Sequence[Stored]) -> None:
        """Follow one commit."""
        for stored in batch:
            self._take(stored.entry.kind, stored.entry.body)

    def _take(self, kind: str, body: bytes) -> None:
        """One that cannot be read (a newer gateway wrote it) must not hide the rest."""
        try:
            if kind == bump_test.KIND:
                test = decode_bump_test(body)
                self._tests[test.id] = test
            elif kind == maintenance.KIND:
                one = decode_maintenance(body)
                self._maintenance[one.id] = one
        except msgspec.DecodeError as error:
            self.undecoded += 1
            log.error("an entry of the journal cannot be read, update this console: %s", error)

    def bump_tests(self) -> list[dict[str, Any]]:
        """Those that run first, then the newest."""
        return [self._test_item(one) for one in sorted(self._tests.values(), key=_order)]

    def bump_test(self, test: str) -> dict[str, Any] | None:
        """The last of a detector; ``None`` where there was none."""
        found = self._tests.get(test)
        return self._test_item(found) if found is not None else None

    def maintenance(self) -> list[dict[str, Any]]:
        """Those that go on first, then the newest."""
        return [self._maintenance_item(one) for one in sorted(self._maintenance.values(), key=_order)]

    def one_maintenance(self, maintenance_id: str) -> dict[str, Any] | None:
        """The last of a target; ``None`` where there was none."""
        found = self._maintenance.get(maintenance_id)
        return self._maintenance_item(found) if found is not None else None

    def _test_item(self, one: BumpTest) -> dict[str, Any]:
        return {
            "id": one.id,
            "device": one.device,
            "device_title": device_title(self._site, one.device),
            "point": one.point,
            "state": one.state,
            "saw_gas": one.saw_gas,
            "limit": one.limit,
            "highest": one.highest,
            "unit": one.unit,
            "unit_text": unit_text(one.unit),
            "readings": one.readings,
            "notice": MARKED if one.is_running else None,
            **_times(one),
        }

    def _maintenance_item(self, one: Maintenance) -> dict[str, Any]:
        return {
            "id": one.id,
            "scope": one.scope,
            "target": one.target,
            "title": device_title(self._site, one.target)
            if one.scope == "device"
            else find_area(self._site.areas, one.target)["title"],
            "state": "running" if one.is_running else "ended",
            "alarms": list(one.alarms),
            "notice": ARMED if one.is_running else None,
            **_times(one),
        }


def _times(one: BumpTest | Maintenance) -> dict[str, Any]:
    return {
        "who": one.who,
        "why": one.why,
        "began_at": iso(one.term.began_at),
        "until": iso(one.term.until),
        "ended_at": iso_or_none(one.ended_at),
        "ended_by": one.ended_by,
        "ended_why": one.ended_why,
    }


def _order(one: BumpTest | Maintenance) -> tuple[bool, int, str]:
    return not one.is_running, -one.term.began_at, one.id
