"""Reports of people as the desk sees them: a projection of the journal's entries of that kind. `listen` as of
`console.duty.mode_board`."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from console.duty.places import find_area, iso_or_none
from console.present import iso
from console.services import SiteView
from journal.entry import Stored
from protocols.report import KEPT, KIND, STATE, Report, decode_report

log = logging.getLogger("gengfu.console")


class ReportBoard:
    """Those that stand, and the last that were withdrawn. One thread: the event loop's. ``undecoded`` counts what this
    release cannot read."""

    def __init__(self, site: SiteView) -> None:
        self._site = site
        self._known: dict[str, Report] = {}
        self.undecoded = 0

    def warm(self, state: Mapping[str, bytes]) -> None:
        """Start from the journal's state keys (others than ``report/...`` are skipped)."""
        for key, body in state.items():
            if key.startswith(STATE):
                self._take(body)

    def listen(self, batch: Sequence[Stored]) -> None:
        """Follow one commit."""
        for stored in batch:
            if stored.entry.kind == KIND:
                self._take(stored.entry.body)

    def _take(self, body: bytes) -> None:
        try:
            one = decode_report(body)
        except msgspec.DecodeError as error:
            self.undecoded += 1
            log.error("an entry of the journal cannot be read, update this console: %s", error)
            return
        self._known[one.id] = one
        past = sorted((one for one in self._known.values() if not one.stands), key=lambda one: one.withdrawn_at)
        for gone in past[:-KEPT]:
            del self._known[gone.id]

    def items(self, state: str = "") -> list[dict[str, Any]]:
        """The newest first. ``state``: ``standing``, ``withdrawn``, or empty for both."""
        found = sorted(self._known.values(), key=lambda one: (one.at, one.id), reverse=True)
        return [self._item(one) for one in found if state in ("", _state(one))]

    def find(self, report: str) -> dict[str, Any] | None:
        """One report; ``None`` for an id that names none."""
        one = self._known.get(report)
        return self._item(one) if one is not None else None

    def _item(self, one: Report) -> dict[str, Any]:
        return {
            "id": one.id,
            "what": one.what,
            "area": find_area(self._site.areas, one.area),
            "origin": one.origin.name.lower(),
            "state": _state(one),
            "text": one.text,
            "phone": one.phone or None,
            "who": one.who,
            "at": iso(one.at),
            "noticed_at": iso(one.noticed_at),
            "withdrawn_at": iso_or_none(one.withdrawn_at),
            "withdrawn_by": one.withdrawn_by,
            "withdrawn_why": one.withdrawn_why,
        }


def _state(one: Report) -> str:
    return "standing" if one.stands else "withdrawn"
