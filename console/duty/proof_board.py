"""Proof tests as people see them: each valve that has to be proved, its last test, and when it is due.

A projection of the journal's entries of both kinds; `listen` as of `console.duty.mode_board`."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from console.duty.places import area_item, device_title, find_area, iso_or_none, plain, text
from console.present import iso
from console.services import SiteView
from journal.entry import Stored
from protocols.moment import SECOND
from protocols.proof_test import (
    KIND,
    PLAN_KIND,
    PLAN_STATE,
    STATE,
    Element,
    ProofPlan,
    ProofTest,
    decode_proof_plan,
    decode_proof_test,
    due_at,
)

log = logging.getLogger("gengfu.console")

DAY_NS = 86_400 * SECOND


class ProofBoard:
    """All valves of the plan. ``clock``: UTC ns. One thread: the event loop's. ``undecoded`` counts what this release
    cannot read."""

    def __init__(self, site: SiteView, clock: Callable[[], int]) -> None:
        self._site = site
        self._clock = clock
        self._plan = ProofPlan({})
        self._last: dict[str, ProofTest] = {}
        self.undecoded = 0

    def warm(self, state: Mapping[str, bytes]) -> None:
        """Start from the journal's state keys (``proof-test/...``, ``proof-plan/...``; others are skipped)."""
        for key, body in state.items():
            if key == PLAN_STATE:
                self._take(PLAN_KIND, body)
            elif key.startswith(STATE):
                self._take(KIND, body)

    def listen(self, batch: Sequence[Stored]) -> None:
        """Follow one commit."""
        for stored in batch:
            if stored.entry.kind in (KIND, PLAN_KIND):
                self._take(stored.entry.kind, stored.entry.body)

    def _take(self, kind: str, body: bytes) -> None:
        """One that cannot be read (a newer gateway wrote it) must not hide the rest."""
        try:
            if kind == KIND:
                test = decode_proof_test(body)
                self._last[test.id] = test
            else:
                self._plan = decode_proof_plan(body)
        except msgspec.DecodeError as error:
            self.undecoded += 1
            log.error("an entry of the journal cannot be read, update this console: %s", error)

    def items(self, within_days: float | None = None) -> list[dict[str, Any]]:
        """Those that are due first; ``within_days``: only what is due by then, or overdue."""
        found = sorted((self._due_at(name), name) for name in self._plan.elements)
        limit = None if within_days is None else self._clock() + int(within_days * DAY_NS)
        return [self._item(name) for due, name in found if limit is None or due <= limit]

    def find(self, name: str) -> dict[str, Any] | None:
        """One valve; ``None`` for an id that names none of the plan."""
        return self._item(name) if name in self._plan.elements else None

    def _due_at(self, name: str) -> int:
        last = self._last.get(name)
        return due_at(self._plan.elements[name], last.passed_at if last is not None else 0)

    def _item(self, name: str) -> dict[str, Any]:
        element, last, due = self._plan.elements[name], self._last.get(name), self._due_at(name)
        left = due - self._clock()
        return {
            "id": name,
            **self._where(element),
            "point": element.point,
            "due_at": iso(due),
            "due_in_days": left // DAY_NS,
            "overdue": left <= 0,
            "every_days": element.every_s / 86_400.0,
            "passed_at": iso_or_none(last.passed_at) if last is not None else None,
            "last": self._test(last) if last is not None else None,
        }

    def _where(self, element: Element) -> dict[str, Any]:
        device = self._site.devices.get(element.device)
        title = plain(element.point)
        if device is not None and element.point in device.profile.by_name:
            title = text(device.profile.file.point[device.profile.by_name[element.point].index].title)
        return {
            "device": element.device,
            "device_title": device_title(self._site, element.device),
            "area": area_item(device.area) if device is not None else find_area({}, ""),
            "point_title": title,
        }

    def _test(self, one: ProofTest) -> dict[str, Any]:
        return {
            "state": one.state,
            "who": one.who,
            "why": one.why,
            "on_site": one.on_site,
            "command": one.command,
            "began_at": iso(one.began_at),
            "ended_at": iso_or_none(one.ended_at),
            "took_s": one.took_s,
            "within_s": one.within_s,
            "detail": one.detail,
        }
