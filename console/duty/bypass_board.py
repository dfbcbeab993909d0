"""Bypasses as people see them: a projection of the journal's entries of that kind. `listen` as of
`console.duty.mode_board`."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from console.duty.places import device_title, find_area, iso_or_none, plain, text
from console.present import iso
from console.services import SiteView
from interlocks.matrix import Cause, Matrix
from journal.entry import Stored
from protocols.bypass import KIND, STATE, Bypass, decode_bypass

log = logging.getLogger("gengfu.console")

ACTIVE = {
    "zh": "旁路中:该原因在所列探测器上不触发动作;报警照常,超量程照样动作;到时自动恢复",
    "en": "Bypassed: this cause does not trip at these detectors; alarms go on, over-range trips all the same; it ends "
    "by itself",
}
"""To be shown with every bypass that is active."""
REQUESTED = {
    "zh": "等待另一人确认:尚未旁路",
    "en": "Waits for another person to confirm it: nothing is bypassed yet",
}


class BypassBoard:
    """The last bypass of each area. One thread: the event loop's. ``undecoded`` counts what this release cannot
    read."""

    def __init__(self, site: SiteView, matrices: Iterable[Matrix]) -> None:
        self._site = site
        self._causes = {(one.id, cause.id): cause for one in matrices for cause in one.cause}
        self._last: dict[str, Bypass] = {}
        self.undecoded = 0

    def warm(self, state: Mapping[str, bytes]) -> None:
        """Start from the journal's state keys (others than ``bypass/...`` are skipped)."""
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
            one = decode_bypass(body)
        except msgspec.DecodeError as error:
            self.undecoded += 1
            log.error("an entry of the journal cannot be read, update this console: %s", error)
            return
        self._last[one.id] = one

    def items(self) -> list[dict[str, Any]]:
        """Those that are active or wait first, then the newest."""
        return [self._item(one) for one in sorted(self._last.values(), key=_order)]

    def find(self, bypass: str) -> dict[str, Any] | None:
        """The last of an area; ``None`` where there was none."""
        one = self._last.get(bypass)
        return self._item(one) if one is not None else None

    def bypassed(self) -> Iterator[tuple[str, str]]:
        """The detectors that are bypassed now: device and point; an empty point is every one of the device."""
        for one in self._last.values():
            for device in one.devices if one.is_active else ():
                points = self._points(one, device)
                yield from ((device, point) for point in points or ("",))

    def _points(self, one: Bypass, device: str) -> list[str]:
        """Of a device, those that the cause speaks of."""
        known, cause = self._site.devices.get(device), self._cause(one)
        roles = {when.role for when in cause.when} if cause is not None else set()
        return [point.name for point in known.profile.points if point.role in roles] if known is not None else []

    def _cause(self, one: Bypass) -> Cause | None:
        return self._causes.get((one.interlock.partition("~")[2], one.cause))

    def _item(self, one: Bypass) -> dict[str, Any]:
        cause = self._cause(one)
        notice = REQUESTED if one.state == "requested" else ACTIVE
        return {
            "id": one.id,
            "area": find_area(self._site.areas, one.id),
            "interlock": one.interlock,
            "cause": {"id": one.cause, "title": text(cause.title) if cause is not None else plain(one.cause)},
            "devices": [{"id": name, "title": device_title(self._site, name)} for name in one.devices],
            "state": one.state,
            "for_s": one.for_s,
            "who": one.who,
            "why": one.why,
            "measure": one.measure,
            "asked_at": iso(one.asked.began_at),
            "confirm_until": iso(one.asked.until),
            "confirmed_by": one.confirmed_by,
            "began_at": iso(one.term.began_at) if one.term is not None else None,
            "until": iso(one.term.until) if one.term is not None else None,
            "ended_at": iso_or_none(one.ended_at),
            "ended_by": one.ended_by,
            "ended_why": one.ended_why,
            "notice": None if one.is_over else notice,
        }


def _order(one: Bypass) -> tuple[bool, int, str]:
    return one.is_over, -one.asked.began_at, one.id
