"""What happened to the alarms lately: the last transitions, kept in memory.

Bounded and honest about it: `KEPT` transitions, filled at the start from the end of the journal that is given then,
and followed from there. What is older stands in the journal alone.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from alarms.alarm import AlarmTransition
from console.present import finite, iso, quality_text, unit_text
from console.services import HistoryQuery, Page, SiteView

KEPT = 1000


class _Kept(NamedTuple):
    cursor: str
    transition: AlarmTransition


class AlarmHistory:
    """The last transitions. One thread: the event loop's."""

    def __init__(self, site: SiteView, kept: int = KEPT) -> None:
        self._site = site
        self._kept: deque[_Kept] = deque(maxlen=kept)

    def add(self, cursor: str, transition: AlarmTransition) -> None:
        """Remember one more. ``cursor``: names its journal entry, the same after a restart."""
        self._kept.append(_Kept(cursor, transition))

    def page(self, query: HistoryQuery) -> Page | None:
        """Transitions that match, the newest first; ``None`` where ``query.after`` is not (or no longer) kept."""
        newest_first = list(reversed(self._kept))
        if query.after is not None:
            place = next((at for at, one in enumerate(newest_first) if one.cursor == query.after), None)
            if place is None:
                return None
            newest_first = newest_first[place + 1 :]
        found = [one for one in newest_first if _matches(one.transition, query)]
        page = found[: query.limit]
        return Page([self._item(one.transition) for one in page], _next(found, page))

    def _item(self, one: AlarmTransition) -> dict[str, Any]:
        unit = self._unit(one)
        return {
            "alarm": one.alarm,
            "event": one.event.word,
            "before": one.before.word,
            "after": one.after.word,
            "at": iso(one.at),
            "value": finite(one.value),
            "unit": unit,
            "unit_text": unit_text(unit),
            "quality": quality_text(one.quality),
            "who": one.who,
            "why": one.why,
            "late": one.late,
        }

    def _unit(self, one: AlarmTransition) -> str:
        device = self._site.devices.get(one.device)
        point = device.profile.by_name.get(one.point) if device else None
        return point.unit if point else "1"


def _matches(one: AlarmTransition, query: HistoryQuery) -> bool:
    return (
        query.device in ("", one.device)
        and (query.start is None or one.at >= query.start)
        and (query.end is None or one.at < query.end)
    )


def _next(found: Sequence[_Kept], page: Sequence[_Kept]) -> str | None:
    return page[-1].cursor if len(found) > len(page) else None
