"""The keeper: hears of life-safety alarms, and has what belongs to them copied where nothing is ever removed.

How far it has heard the journal is kept in the journal's state: an alarm whose file was not begun when the process was
killed is found again at the next start.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from alarms.alarm import AlarmTransition, decode_transition
from alarms.states import Event
from device_registry.devices import Site
from device_registry.rules import OWN
from gateway.frame_log import KEPT_NS, FrameLog
from gateway.watch import ALARM
from gengfu import clock
from gengfu.evidence.copier import unfinished
from gengfu.evidence.copying import CopyingEnded, CopyProcess, Folders
from gengfu.evidence.freeze import AFTER_NS, BEFORE_NS, Raised, about_of
from gengfu.evidence.members import members_of, shared_wires
from gengfu.evidence.order import Copies, Order, Report
from gengfu.supervisor import Supervisor
from journal.entry import PARTITIONS, Stored
from journal.errors import JournalError
from journal.extract import AlarmRow
from journal.sqlite import SqliteJournal
from protocols.reading import Origin

log = logging.getLogger("gengfu.evidence")

EVERY_S = 10.0
"""How often what has come is copied while an area is kept."""
IDLE_S = 60.0
"""Else: how often it is noted how far the journal was heard."""
WRITE_S = 1.0
"""A crash loses at most the frames of so long."""
HEARD = "evidence/heard"
"""State key: up to this position every alarm has its file."""


class EvidenceKeeper(Collector):
    """One per process. Begin with `start`; when the supervisor has stopped its tasks, end with `stop`."""

    def __init__(
        self,
        site: Site,
        folder: Path,
        journal: SqliteJournal,
        frames: FrameLog,
        copier: Copies,
        now: Callable[[], int] = clock.wall,
    ) -> None:
        self.frames = frames
        self._folder = folder
        self._now = now
        self._site = site
        self._journal = journal
        self._copier = copier
        self._report = Report()
        self._problem = ""
        self._dropped = 0
        self._raised: list[Raised] = []
        self._heard = 0
        self._noted = 0
        self._came = asyncio.Event()
        self._leave: Callable[[], None] = lambda: None

    async def start(self, supervisor: Supervisor, metrics: CollectorRegistry) -> None:
        """Before the first connection is opened, so that no frame of its first alarm is missed. Raises what `load`
        raises."""
        await self.load()
        supervisor.run("evidence", self.run)
        supervisor.run("frame log", self.record)
        metrics.register(self)

    async def load(self) -> None:
        """Find what was being gathered, and alarms that were not heard. Raises `JournalError`."""
        self._report = Report(standing=await asyncio.to_thread(unfinished, self._folder))
        self._leave = self._journal.subscribe(self.listen)
        body = self._journal.load_state(HEARD).get(HEARD)
        missed, heard = await asyncio.to_thread(self._missed, msgspec.msgpack.decode(body) if body else None)
        for one in missed:
            self._hear(one)
        self._heard = max(self._heard, heard)

    def _missed(self, heard: int | None) -> tuple[list[AlarmTransition], int]:
        """Of a journal that was never heard, the alarms of the last hour."""
        since = self._now() - AFTER_NS if heard is None else 0
        bodies, newest = self._journal.survey.of_kind(ALARM, self._journal.since(since) - 1 if heard is None else heard)
        return [one for one in map(_transition, bodies) if one is not None and one.at >= since], newest

    def listen(self, batch: Sequence[Stored]) -> None:
        """Listener of the journal."""
        for one in batch:
            if one.entry.kind == ALARM:
                self._hear(_transition(one.entry.body))
        self._heard = batch[-1].position

    def _hear(self, one: AlarmTransition | None) -> None:
        if one is None or one.event is not Event.RAISE or not one.life_safety or one.origin is not Origin.LIVE:
            return
        if one.device.startswith(OWN):
            return  # it is in no area: nothing was measured there
        device = self._site.devices.get(one.device)
        if device is None:
            log.error("no evidence is kept for alarm %s: the site has no device %s any more", one.alarm, one.device)
            return
        self._raised.append(Raised(device.area.id, AlarmRow(one.alarm, one.at, one.rule, one.device, one.raised_at)))
        self._came.set()

    async def run(self) -> None:
        """Copy every now and then while an area is kept. An alarm waits for it too: its first seconds belong to those
        who act on it, and what is to be copied is on the disk."""
        while True:
            self._came.clear()
            await self.step()
            if self._report.standing or self._raised:
                await asyncio.sleep(EVERY_S)
                continue
            with suppress(TimeoutError):
                # not `wait_for`: in 3.11 it swallows a cancellation that comes together with the event
                async with asyncio.timeout(IDLE_S):
                    await self._came.wait()
                await asyncio.sleep(EVERY_S)

    async def step(self) -> None:
        """Copy what has come. What fails is told once, and is tried again with the next."""
        raised, heard = tuple(self._raised), self._heard
        if raised or self._report.standing:
            try:
                self._report = await self._copy(raised)
            except (JournalError, CopyingEnded) as error:
                if not self._problem:
                    log.error("evidence is not copied: %s; it is tried again", error)
                self._problem = str(error)
                return
            self._problem = ""
            self._raised = [one for one in self._raised if one not in self._report.written]
        await asyncio.to_thread(self._prune)
        if not set(raised) & set(self._raised) and heard != self._noted:
            with suppress(JournalError):  # an older note costs a longer start
                await self._journal.append((), {HEARD: msgspec.msgpack.encode(heard)})
                self._noted = heard

    async def _copy(self, raised: Sequence[Raised]) -> Report:
        areas = {one.area for one in self._report.standing} | {one.area for one in raised}
        shared, names = shared_wires(self._site)
        about = [(one, about_of(self._site, one)) for one in raised]
        dropped = self.frames.dropped
        order = Order(about, members_of(self._site, areas), shared, names, dropped - self._dropped, self._now())
        report = await asyncio.to_thread(self._copier.run, order)
        self._dropped = dropped
        return report

    def _prune(self) -> None:
        """Frames that nobody needs any more."""
        held = [one.place for one in self._report.standing]
        held += [self.frames.files.place_before(one.alarm.at - BEFORE_NS) for one in tuple(self._raised)]
        self.frames.prune(self._now(), min(held, default=None))

    async def record(self) -> None:
        """Write down what goes over the wires."""
        while True:
            await self._write()
            await asyncio.sleep(WRITE_S)

    async def _write(self) -> None:
        waiting = self.frames.take()
        if waiting.frames:
            await asyncio.to_thread(self.frames.write, waiting, self._now())

    def cursor(self) -> dict[int, int]:
        """What the journal may lose, as a cursor for `SqliteJournal.prune`: neither what is not copied yet, nor what an
        alarm that comes now would need."""
        needed = [self._now() - KEPT_NS, *(one.alarm.at - BEFORE_NS for one in self._raised)]
        cursor = dict.fromkeys(range(PARTITIONS), self._journal.since(min(needed)) - 1)
        for one in self._report.standing:
            for partition in one.partitions:
                cursor[partition] = min(cursor[partition], one.position)
        return cursor

    def collect(self) -> Iterable[Metric]:
        """What is kept, and what could not be."""
        sizes = [path.stat().st_size for path in self._folder.glob("*.sqlite")]
        for name, about, value in (
            ("gengfu_evidence_bytes", "Bytes of all evidence files", sum(sizes)),
            ("gengfu_evidence_files", "Evidence files", len(sizes)),
            ("gengfu_evidence_open", "Areas whose evidence is being gathered", len(self._report.standing)),
            (
                "gengfu_evidence_failing",
                "Areas whose evidence could not be written",
                self._report.failing or bool(self._problem),
            ),
            ("gengfu_frame_log_bytes", "Bytes of frames on disk", self.frames.used_bytes),
        ):
            gauge = GaugeMetricFamily(name, about)
            gauge.add_metric([], value)
            yield gauge
        dropped = CounterMetricFamily("gengfu_frames_dropped", "Frames that went before their time, for want of room")
        dropped.add_metric([], self.frames.dropped)
        yield dropped

    async def stop(self) -> None:
        """Write down the last frames. What is not copied yet is copied after the next start."""
        self._leave()
        await self._write()
        await asyncio.to_thread(self._copier.close)
        self.frames.close()


def open_evidence(site: Site, folder: Path, journal: SqliteJournal) -> EvidenceKeeper:
    """The keeper of a data folder, as the program has it; ``journal``: the one of what the gateway stores."""
    folders = Folders(folder / "evidence", folder / "journal", folder / "downlink", folder / "frames")
    return EvidenceKeeper(site, folders.evidence, journal, FrameLog(folders.frames), CopyProcess(folders))


def _transition(body: bytes) -> AlarmTransition | None:
    """The watch must not fail to start because another release wrote this."""
    try:
        return decode_transition(body)
    except msgspec.DecodeError as error:
        log.error("an alarm in the journal cannot be read, no evidence is kept for it: %s", error)
        return None
