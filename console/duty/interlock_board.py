"""The interlocks of the site as people see them: a projection of the journal's trip events."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from console.duty.places import AreaLike, find_area, iso_or_none, plain, text
from console.present import iso
from console.services import SiteView
from interlocks.matrix import Matrix
from interlocks.record import FOUND_CLOSED, EffectRecord, InterlockRecord, TripEvent

_FOUND_CLOSED = {"zh": "阀门已关,原因不明", "en": "valve found closed, reason unknown"}


class InterlockBoard:
    """All interlocks by id. ``changed`` is given the item after each event. One thread: the event loop's."""

    def __init__(self, site: SiteView, matrices: Iterable[Matrix], changed: Callable[[dict[str, Any]], None]) -> None:
        self._site = site
        self._areas: Mapping[str, AreaLike] = {one.area.id: one.area for one in site.devices.values()}
        self._matrices = {matrix.id: matrix for matrix in matrices}
        self._changed = changed
        self._records: dict[str, InterlockRecord] = {}

    def warm(self, records: Iterable[InterlockRecord]) -> None:
        """Start from what the gateway keeps."""
        self._records = {record.id: record for record in records}

    def observe(self, event: TripEvent) -> None:
        """Follow one event."""
        if event.record is not None:
            self._records[event.interlock] = event.record
            self._changed(self.item(event.interlock))

    def find(self, interlock: str) -> dict[str, Any] | None:
        """The item of one interlock; ``None`` for an id that names none."""
        return self.item(interlock) if interlock in self._records else None

    def items(self) -> list[dict[str, Any]]:
        """Every interlock that was heard of, tripped ones first."""
        order = sorted(self._records.values(), key=lambda record: (-record.tripped_at, record.id))
        return [self.item(record.id) for record in order]

    def item(self, interlock: str) -> dict[str, Any]:
        """One interlock as the API shows it."""
        record = self._records[interlock]
        matrix = self._matrices.get(record.matrix)
        causes = [{"id": cause, "title": _title(matrix, cause), "at": iso(at)} for cause, at in record.causes]
        return {
            "id": record.id,
            "area": find_area(self._areas, record.zone),
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
        device = self._site.devices.get(effect.device)
        return {
            "cause": effect.cause,
            "effect": effect.effect,
            "action": effect.action,
            "device": effect.device or None,
            "device_title": text(device.title) if device else None,
            "status": effect.status,
            "reason": list(effect.reason),
        }


def _title(matrix: Matrix | None, cause: str) -> dict[str, str]:
    if cause == FOUND_CLOSED:
        return _FOUND_CLOSED
    found = next((one for one in matrix.cause if one.id == cause), None) if matrix else None
    return text(found.title) if found else plain(cause)
