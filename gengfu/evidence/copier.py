"""The copier: fills the evidence files from the journals and the frame files.

What is read is read once for all freezes, from where the one that is furthest behind has come to, in slices; each takes
what is its own. A file that cannot be written to is left behind and tried again with the next call.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from console.present import iso
from gateway.frame_files import FrameFiles
from gengfu.evidence.freeze import Freeze, Raised, Start, begin
from gengfu.evidence.order import Members, Order, Report, Standing, standing_of
from gengfu.evidence.ownership import Mark, mark_of, mark_of_request
from gengfu.evidence.speakers import Speakers
from journal.entry import Stored
from journal.errors import JournalError
from journal.extract import About, Extract, NoteRow, Progress
from journal.onlooker import Found, Onlooker

log = logging.getLogger("gengfu.evidence")

SLICE = 5_000
"""Rows and frames that are read at once."""


class Sources(NamedTuple):
    """What is copied from: what the gateway stored, what people asked, what went over the wires."""

    journal: Onlooker
    requests: Onlooker
    frames: FrameFiles


def unfinished(folder: Path) -> list[Standing]:
    """What was not whole when the process ended. A file that cannot be read stays as it is, and is told."""
    found = []
    for path in sorted(folder.glob("*.sqlite")):
        try:
            freeze = _resumed(path, to_write=False)
        except JournalError as error:
            log.error("evidence %s: %s; keep the file, and have it looked at", path, error)
            continue
        if freeze is not None:
            found.append(standing_of(freeze))
            freeze.close()
    return found


def _resumed(path: Path, *, to_write: bool) -> Freeze | None:
    """``None`` for one that is whole, and for what a crash left of one that was never begun."""
    extract = Extract.open(path, to_write=to_write)
    if extract is None:
        return None
    if extract.about.is_closed:
        extract.close()
        return None
    return Freeze(extract)


class Copier:
    """Implements `gengfu.evidence.order.Copies`. ``stops``: asked between slices whether to end with this one."""

    def __init__(self, folder: Path, sources: Sources, stops: Callable[[], bool] = lambda: False) -> None:
        self.folder = folder
        self._sources = sources
        self._stops = stops
        self._open: dict[str, Freeze] | None = None
        self._refused: set[str] = set()
        self._speakers = Speakers()
        self._lock = threading.Lock()
        self._is_closed = False

    @property
    def freezes(self) -> tuple[Freeze, ...]:
        """Those that are not whole yet, as far as they are known here."""
        return tuple((self._open or {}).values())

    @property
    def problems(self) -> int:
        """How many areas' evidence could not be written last time."""
        return len(self._refused) + sum(bool(one.problem) for one in self.freezes)

    def run(self, order: Order) -> Report:
        """See `Copies.run`."""
        with self._lock:
            if self._is_closed:
                return Report()
            if self._open is None:
                self._open = self._load()
            self._speakers.become(order.shared, order.names)
            return self._carry_out(order)

    def _carry_out(self, order: Order) -> Report:
        self._join(order.members)
        waiting = [one for one in order.raised if not self._take(*one, order)]
        self._tell_dropped(order)
        self._copy(order.now)
        if waiting:  # for a file that had to be whole first
            waiting = [one for one in waiting if not self._take(*one, order)]
            self._copy(order.now)
        left = [one for one, _ in waiting]
        written = [one for one, _ in order.raised if one not in left]
        return Report(written, [standing_of(one) for one in self.freezes], self.problems)

    def _load(self) -> dict[str, Freeze]:
        found: dict[str, Freeze] = {}
        for path in sorted(self.folder.glob("*.sqlite")):
            try:
                freeze = _resumed(path, to_write=True)
            except JournalError:  # it was told at the start
                continue
            if freeze is not None:
                found[freeze.about.area] = freeze
        return found

    def _set(self, area: str, freeze: Freeze | None) -> None:
        others = {name: one for name, one in (self._open or {}).items() if name != area}
        self._open = others if freeze is None else {**others, area: freeze}

    def _join(self, members: Members) -> None:
        for freeze in self.freezes:
            rows = members.get(freeze.about.area, ())
            self._does(freeze, partial(freeze.join, rows))

    def _take(self, raised: Raised, about: About, order: Order) -> bool:
        freeze = next((one for one in self.freezes if one.about.area == raised.area), None)
        if freeze is None:
            return self._begin(raised, about, order)
        if freeze.is_over(raised.alarm.at):
            return False
        return self._does(freeze, partial(freeze.extend, raised.alarm))

    def _begin(self, raised: Raised, about: About, order: Order) -> bool:
        try:
            freeze = begin(self.folder, about, raised, order.members[raised.area], self._start(about, order.now))
        except JournalError as error:
            if raised.area not in self._refused:
                log.error("evidence of area %s cannot be begun: %s; it is tried again", raised.area, error)
            self._refused.add(raised.area)
            return False
        self._refused.discard(raised.area)
        if freeze is not None:
            log.warning("evidence of area %s is kept for alarm %s: %s", raised.area, raised.alarm.alarm, freeze.path)
            self._set(raised.area, freeze)
        return True

    def _start(self, about: About, now: int) -> Start:
        journal, requests, frames = self._sources
        place = frames.place_before(about.begin)
        positions = journal.since(about.begin) - 1, requests.since(about.begin) - 1
        oldest = frames.oldest or now
        notes = [] if oldest <= about.begin else [NoteRow(now, f"no frames from before {iso(oldest)} were there")]
        return Start(Progress(*positions, *place), notes)

    def _copy(self, now: int) -> None:
        done = self._copy_entries(self.freezes, now)
        for freeze in self._copy_frames(done, now):
            if freeze.problem:
                log.warning("evidence of area %s is written again: %s", freeze.about.area, freeze.path)
                freeze.problem = ""
            if freeze.is_over(now) and self._does(freeze, freeze.end):
                log.warning("evidence of area %s is whole: %s", freeze.about.area, freeze.path)
                self._set(freeze.about.area, None)

    def _tell_dropped(self, order: Order) -> None:
        if order.dropped:
            text = f"{order.dropped} frames of all connections were dropped for want of room"
            for freeze in self.freezes:
                self._does(freeze, partial(freeze.note, order.now, text))

    @property
    def _is_to_end(self) -> bool:
        return self._is_closed or self._stops()

    def _copy_entries(self, freezes: Iterable[Freeze], now: int) -> list[Freeze]:
        """Returns those that have everything."""
        active = list(freezes)
        while active and not self._is_to_end:
            found = _next(self._sources.journal, active, lambda one: one.progress.position)
            self._tell_lost(active, found, now)
            # an answer is known by its request, which was durable before it
            active = self._copy_requests(active, now)
            marked = [(one, mark) for one in found.stored if (mark := mark_of(one.entry)) is not None]
            active = self._deal(active, marked, found.position, Freeze.add_entries, lambda one: one.progress.position)
            if len(found.stored) < SLICE:
                return active
        return []

    def _copy_requests(self, freezes: Iterable[Freeze], now: int) -> list[Freeze]:
        active = list(freezes)
        while active:
            found = _next(self._sources.requests, active, lambda one: one.progress.request)
            self._tell_lost(active, found, now)
            marked = [(one, mark) for one in found.stored if (mark := mark_of_request(one.entry)) is not None]
            active = self._deal(active, marked, found.position, Freeze.add_requests, lambda one: one.progress.request)
            if len(found.stored) < SLICE:
                break
        return active

    def _tell_lost(self, freezes: Iterable[Freeze], found: Found, now: int) -> None:
        for path in found.lost:
            log.error("%s is damaged; what it held of an area is missing in its evidence. Keep the file", path)
            for freeze in freezes:
                self._does(freeze, partial(freeze.note, now, f"{path.name} is damaged; what it held is missing here"))

    def _deal(
        self,
        freezes: Iterable[Freeze],
        marked: Sequence[tuple[Stored, Mark]],
        last: int,
        add: Callable[[Freeze, Sequence[Stored], int], None],
        known: Callable[[Freeze], int],
    ) -> list[Freeze]:
        """Give each its own of what is beyond what it has, up to ``last``; returns those that took it."""
        by_owner: dict[str, list[tuple[Stored, Mark]]] = {}
        for one in marked:
            for owner in {*one[1][1:]} - {""}:
                by_owner.setdefault(owner, []).append(one)
        done = []
        for freeze in freezes:
            owners = by_owner.keys() & {freeze.about.area, *freeze.devices, *freeze.requests}
            ours = {
                stored.position: stored
                for owner in owners
                for stored, mark in by_owner[owner]
                if stored.position > known(freeze) and freeze.wants(mark)
            }
            entries = [ours[position] for position in sorted(ours)]
            if self._does(freeze, partial(add, freeze, entries, last)):
                done.append(freeze)
        return done

    def _copy_frames(self, freezes: Iterable[Freeze], now: int) -> list[Freeze]:
        """Returns those that have everything."""
        active = list(freezes)
        while active and not self._is_to_end:
            found = self._sources.frames.read(min(freeze.place for freeze in active), SLICE)
            if not found:
                return active
            last = found[-1].place
            frames = self._speakers.sort(found)
            done = []
            for freeze in active:
                beyond = (one for one in frames.of(freeze.speakers) if one.place > freeze.place)
                ours = [one.frame for one in beyond if freeze.covers(one.frame.at)]
                if self._does(freeze, partial(freeze.add_frames, ours, last, now)):
                    done.append(freeze)
            active = done
            if len(found) < SLICE:
                return active
        return []

    def _does(self, freeze: Freeze, write: Callable[[], None]) -> bool:
        """Whether it could be written; why not is told once."""
        try:
            write()
        except JournalError as error:
            if not freeze.problem:
                log.error(
                    "evidence of area %s: %s; what is not in it yet stays in the journal and is tried again",
                    freeze.about.area,
                    error,
                )
            freeze.problem = str(error)
            return False
        return True

    def close(self) -> None:
        """Let go of the files; a call that runs ends with its slice."""
        self._is_closed = True
        with self._lock:
            for freeze in self.freezes:
                freeze.close()


def _next(journal: Onlooker, freezes: Sequence[Freeze], known: Callable[[Freeze], int]) -> Found:
    """What stands in the freezes' partitions behind the one that is furthest behind."""
    partitions = set().union(*(one.partitions for one in freezes))
    return journal.read(partitions, min(known(one) for one in freezes), SLICE)
