"""The interlocks of the site as people see them: a projection of the journal's trip events."""

from collections.abc import Iterable
from typing import Any

import msgspec

from console.duty.places import device_title, find_area, iso_or_none, plain, text
from console.present import iso
from console.services import SiteView
from interlocks.matrix import Matrix
from interlocks.record import FOUND_CLOSED, EffectRecord, InterlockRecord, TripEvent, interlock_id
from interlocks.states import InterlockState
from protocols.reading import Origin

_FOUND_CLOSED = {"zh": "阀门已关,原因不明", "en": "valve found closed, reason unknown"}


class InterlockBoard:
    """All interlocks by id; those that nothing was heard of are ``unknown``. One thread: the event loop's."""

    def __init__(self, site: SiteView, matrices: Iterable[Matrix]) -> None:
        self._site = site
        self._matrices = {matrix.id: matrix for matrix in matrices}
        self._records: dict[str, InterlockRecord] = {}
        self.follow_site()

    def follow_site(self) -> None:
        """What the site has and nothing was heard of is ``unknown``. The gateway tells of those that are gone."""
        areas = [device.area for device in self._site.devices.values()]
        kinds = {area.id: area.kind for area in areas}
        kinds |= {area.within: self._site.areas[area.within].kind for area in areas if area.within}
        for area, kind in kinds.items():
            for matrix in self._matrices.values():
                name = interlock_id(area, matrix.id, Origin.LIVE)
                if kind in matrix.areas and name not in self._records:
                    self._records[name] = InterlockRecord(name, area, matrix.id, Origin.LIVE)

    @property
    def matrices(self) -> list[Matrix]:
        """The cause-and-effect matrices that run."""
        return list(self._matrices.values())

    def warm(self, records: Iterable[InterlockRecord]) -> None:
        """Start from what the gateway keeps. It started shortly before us: what was armed is unknown until it has read
        back its valves and says so (S10), which it may have done already; what was tripped still is."""
        for record in records:
            armed = record.state is InterlockState.ARMED
            state = InterlockState.UNKNOWN if armed else record.state
            self._records[record.id] = msgspec.structs.replace(record, state=state)

    def observe(self, event: TripEvent) -> str | None:
        """Follow one event; returns the id of the interlock if it changed, and is there still."""
        if event.record is None:
            return None
        if event.event == "removed":
            self._records.pop(event.interlock, None)
            return None
        self._records[event.interlock] = event.record
        return event.interlock

    def find(self, interlock: str) -> dict[str, Any] | None:
        """The item of one interlock; ``None`` for an id that names none."""
        return self.item(interlock) if interlock in self._records else None

    def items(self) -> list[dict[str, Any]]:
        """Every interlock, tripped ones first, the newest of them first."""
        order = sorted(self._records.values(), key=lambda record: (-record.tripped_at, record.id))
        return [self.item(record.id) for record in order]

    def item(self, interlock: str) -> dict[str, Any]:
        """One interlock as the API shows it."""
        record = self._records[interlock]
        matrix = self._matrices.get(record.matrix)
        causes = [{"id": cause, "title": _title(matrix, cause), "at": iso(at)} for cause, at in record.causes]
        return {
            "id": record.id,
            "area": find_area(self._site.areas, record.zone),
            "matrix": record.matrix,
            "title": text(matrix.title) if matrix else plain(record.matrix),
            "mode": matrix.mode if matrix else "observe",
            "origin": record.origin.name.lower(),
            "state": record.state.word,
            "tripped_at": iso_or_none(record.tripped_at),
            "first_out": {"id": causes[0]["id"], "title": causes[0]["title"]} if causes else None,
            "causes": causes,
            "effects": [self._effect(effect) for effect in record.effects],
            "closed": list(record.closed),
            "reset_after_s": matrix.reset_after_s if matrix else None,
            "verified": matrix is not None and all(source.verified for source in matrix.source),
        }

    def _effect(self, effect: EffectRecord) -> dict[str, Any]:
        return {
            "cause": effect.cause,
            "effect": effect.effect,
            "action": effect.action,
            "device": effect.device or None,
            "device_title": device_title(self._site, effect.device) if effect.device else None,
            "status": effect.status,
            "reason": list(effect.reason),
        }


def _title(matrix: Matrix | None, cause: str) -> dict[str, str]:
    if cause == FOUND_CLOSED:
        return _FOUND_CLOSED
    found = next((one for one in matrix.cause if one.id == cause), None) if matrix else None
    return text(found.title) if found else plain(cause)
