"""The response plans that run, as people see them: read from `operations` whenever the journal tells of a change.

`operations` blocks on its database, so every question goes to a thread. The open runs are kept here beside, for the
snapshot of the event stream.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from console.duty.run_items import WORDS, plan_detail, plan_item, run_item
from console.events import EventHub
from console.services import PlanStart, SiteView, StepAct
from journal.entry import Entry
from operations.errors import NoSuchRun, StoreError
from operations.events import decode_event
from operations.photos import PhotoStore
from operations.plan import Plan, Stage
from operations.views import RunView
from protocols.moment import Moment

log = logging.getLogger("gengfu.console")

_VERBS = {word: verb for verb, word in WORDS.items()}


class RunService(Protocol):
    """What is needed of `operations.service.Operations`. Thread-safe; blocks. Raises `operations.errors`."""

    @property
    def plans(self) -> Mapping[str, Plan]: ...

    def runs(self, now: Moment, state: str | None = None) -> list[RunView]: ...

    def run(self, run: str, now: Moment) -> RunView: ...

    def act(
        self,
        run: str,
        step: str,
        action: str,
        who: str,
        role: str,
        evidence: Mapping[str, str],
        why: str,
        now: Moment,
    ) -> RunView: ...

    def start(self, plan: str, area: str, stage: Stage, who: str, role: str, why: str, now: Moment) -> RunView: ...

    def close_run(
        self, run: str, who: str, role: str, why: str, evidence: Mapping[str, str], now: Moment
    ) -> RunView: ...


class RunBoard:
    """Implements `console.services.Runs` and `console.duty.desk.PlanListener`. All calls on the event loop."""

    def __init__(
        self,
        site: SiteView,
        service: RunService,
        now: Callable[[], Moment],
        hub: EventHub,
        photos: PhotoStore | None = None,
    ) -> None:
        """``photos``: where the evidence of steps may be."""
        self._site = site
        self._service = service
        self._now = now
        self._hub = hub
        self._photos = photos
        self._open: dict[str, dict[str, Any]] = {}
        self._dirty: dict[str, None] = {}
        self._changed = asyncio.Event()

    # -- following -------------------------------------------------------------------------------------------

    async def warm(self) -> None:
        """Start from the runs that go on. Raises `operations.errors.StoreError`."""
        self._open = {item["id"]: item for item in await self.runs("open")}

    def listen(self, entries: Sequence[Entry]) -> None:
        """Plan events of one commit: `follow` reads what they changed."""
        for entry in entries:
            try:
                self._dirty[decode_event(entry.body).run] = None
            except msgspec.DecodeError as error:
                log.error("a plan event cannot be read, update this console: %s", error)
        self._changed.set()

    async def follow(self) -> None:
        """Read and publish each run that the journal told of; ends when cancelled.

        Raises `operations.errors.StoreError`; called again, it goes on with what is left.
        """
        while True:
            await self._changed.wait()
            while self._dirty:
                run, _ = self._dirty.popitem()
                try:
                    item = await self.run(run)
                except StoreError:
                    self._dirty[run] = None
                    raise
                if item is not None:
                    self._put(item)
            self._changed.clear()

    def _put(self, item: dict[str, Any]) -> None:
        known = self._open.get(item["id"])
        if known is not None and len(item["log"]) < len(known["log"]):
            return  # read before what is shown already
        if item["state"] == "open":
            self._open[item["id"]] = item
        else:
            self._open.pop(item["id"], None)
        self._hub.publish("run", item)

    # -- asking ----------------------------------------------------------------------------------------------

    def open_items(self) -> list[dict[str, Any]]:
        """See `console.services.Runs`."""
        return sorted(self._open.values(), key=lambda item: (item["opened_at"], item["id"]), reverse=True)

    def open_areas(self) -> set[str]:
        """Ids of the areas in which a plan runs, drill or live."""
        return {item["area"]["id"] for item in self._open.values()}

    def plans(self) -> list[dict[str, Any]]:
        """See `console.services.Runs`."""
        return [plan_item(plan) for plan in self._service.plans.values()]

    def plan(self, plan: str) -> dict[str, Any] | None:
        """See `console.services.Runs`."""
        known = self._service.plans.get(plan)
        return plan_detail(known) if known else None

    async def runs(self, state: str = "") -> list[dict[str, Any]]:
        """See `console.services.Runs`."""
        wanted = {"": None, "open": "active"}.get(state, state)
        found = await asyncio.to_thread(self._service.runs, self._now(), wanted)
        return [run_item(self._site, run) for run in found]

    async def run(self, run: str) -> dict[str, Any] | None:
        """See `console.services.Runs`."""
        try:
            return run_item(self._site, await asyncio.to_thread(self._service.run, run, self._now()))
        except NoSuchRun:
            return None

    # -- acting ----------------------------------------------------------------------------------------------

    async def start(self, plan: str, start: PlanStart) -> dict[str, Any]:
        """See `console.services.Runs`."""
        role = start.role or self._recorder_of(plan)
        return await self._change(
            self._service.start, plan, start.area, start.stage, start.who, role, start.why, self._now()
        )

    async def act(self, run: str, step: str, act: StepAct) -> dict[str, Any]:
        """See `console.services.Runs`."""
        role = act.role or await self._recorder(run)
        if self._photos is not None:
            await asyncio.to_thread(self._photos.check, act.evidence)
        verb = _VERBS.get(act.action, act.action)
        return await self._change(
            self._service.act, run, step, verb, act.who, role, act.evidence, act.why, self._now()
        )  # fmt: skip

    async def close(self, run: str, act: StepAct) -> dict[str, Any]:
        """See `console.services.Runs`."""
        role = act.role or await self._recorder(run)
        return await self._change(self._service.close_run, run, act.who, role, act.why, act.evidence, self._now())

    async def _change(self, change: Callable[..., RunView], *given: object) -> dict[str, Any]:
        item = run_item(self._site, await asyncio.to_thread(change, *given))
        self._put(item)
        return item

    async def _recorder(self, run: str) -> str:
        """The actor who writes down what others report, which is what a duty officer is who names no role."""
        item = self._open.get(run) or await self.run(run)
        return self._recorder_of(item["plan"]["id"]) if item else ""

    def _recorder_of(self, name: str) -> str:
        plan = self._service.plans.get(name)
        return next((actor.id for actor in plan.actor if actor.recorder), "") if plan else ""
