"""The rules that run, looked at beside the approved ones: once a day, and whenever somebody asks (S11).

What is found is told to whoever watches over the gateway (GH-05a), shown by the console, and not put right.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device_registry.in_use import SiteInUse
from gateway.watch import Watch
from gengfu.rules import Rulebook
from gengfu.site_rules.approved import Register, Row, compare

log = logging.getLogger("gengfu.rules")

EVERY_S = 86_400.0


class RuleDesk:
    """The console's `console.services.RuleDesk`. ``document``: the site's; ``None``: there is none (the demo, whose
    delays are short), and what the process was started with is approved. ``tell``: how many deviations there are,
    whenever somebody has looked."""

    def __init__(
        self, document: Path | None, in_use: SiteInUse, running: Callable[[], Rulebook], tell: Callable[[int], None]
    ) -> None:
        self._started = running()
        self._document = document
        self._in_use = in_use
        self._running = running
        self._tell = tell
        self._one_at_a_time = asyncio.Lock()

    async def look(self) -> dict[str, Any]:
        """See `console.services.RuleDesk`."""
        found = await self._compare()
        return {"items": [_item(row) for row in found.rows], "deviations": found.deviations}

    async def run(self) -> None:
        """Look now and every `EVERY_S`, for ever; what is found is in the log."""
        while True:
            for line in (await self._compare()).deviations:
                log.error("not as approved: %s", line)
            await asyncio.sleep(EVERY_S)

    async def _compare(self) -> Register:
        async with self._one_at_a_time:
            found = await asyncio.to_thread(compare, self._document, self._in_use.site, self._running(), self._started)
        self._tell(len(found.deviations))
        return found


def running(watch: Watch, book: Rulebook) -> Rulebook:
    """What the engines judge by now. ``book``: what the process was started with, for the texts of the responses."""
    return Rulebook(watch.alarms.rules, book.responses, watch.interlocks.matrices)


def _item(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "title": None if row.title is None else row.title.model_dump(),
        "key": row.key,
        **{name: _text(getattr(row, name)) for name in ("shipped", "approved", "running")},
        "is_approved": row.is_approved,
        "approved_by": list(row.approved_by),
        "approved_on": None if row.approved_on is None else row.approved_on.isoformat(),
        "why": row.why,
        "file": row.file,
    }


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return f"{value:g}" if isinstance(value, float) else str(value)
