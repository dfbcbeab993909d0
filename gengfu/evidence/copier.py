"""The copier: fills the evidence files from the journals and the frame log, on a thread of its own choice.

What is read is read once for all freezes, from where the one that is furthest behind has come to, in slices; each takes
what is its own. A file that cannot be written to is left behind and tried again with the next call.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from console.present import iso
from gateway.frame_log import FrameLog, Logged, Place
from gengfu.evidence.freeze import BEFORE_NS, Freeze, Raised, Start, begin
from gengfu.evidence.members import Members
from gengfu.evidence.ownership import Mark, mark_of, mark_of_request
from journal.entry import Stored
from journal.errors import JournalError
from journal.extract import About, Extract, NoteRow, Progress
from journal.sqlite import SqliteJournal

log = logging.getLogger("gengfu.evidence")

SLICE = 5_000
"""Rows and frames that are read at once."""


class Sources(NamedTuple):
    """What is copied from: what the gateway stored, what people asked, what went over the wires."""

    journal: SqliteJournal
    requests: SqliteJournal
    frames: FrameLog


class Copier:
    """Every method but `freezes` and `problems` blocks on the disk; one call at a time does anything."""

    def __init__(self, folder: Path, sources: Sources) -> None:
        self.folder = folder
        self._sources = sources
        self._open: dict[str, Freeze] = {}
        self._refused: set[str] = set()
        self._dropped_told = 0
        self._lock = threading.Lock()
        self._is_closed = False

    @property
    def freezes(self) -> tuple[Freeze, ...]:
        """Those that are not whole yet. From any thread."""
        return tuple(self._open.values())

    @property
    def problems(self) -> int:
        """How many areas' evidence could not be written last time. From any thread."""
        return len(self._refused) + sum(bool(one.problem) for one in self.freezes)

    def load(self) -> None:
        """Find what was not whole when the process ended. A file that cannot be read stays as it is, and is told."""
        for path in sorted(self.folder.glob("*.sqlite")):
            try:
                self._resume(Extract.open(path, to_write=True))
            except JournalError as error:
                log.error("evidence %s: %s; keep the file, and have it looked at", path, error)

    def _resume(self, extract: Extract | None) -> None:
        if extract is None:
            return
        if extract.about.is_closed:
            extract.close()
        else:
            freeze = Freeze(extract)
            self._set(freeze.about.area, freeze)

    def _set(self, area: str, freeze: Freeze | None) -> None:
        others = {name: one for name, one in self._open.items() if name != area}
        self._open = others if freeze is None else {**others, area: freeze}

    def run(self, raised: Sequence[tuple[Raised, About]], members: Members, now: int) -> list[Raised]:
        """Copy what has come since the last call; ``now``: UTC ns. ``raised``: alarms, with what a file of their area
        would say of itself. Returns those that are written down; give the others again. Raises `JournalError` when a
        journal cannot be read."""
        with self._lock:
            if self._is_closed:
                return []
            self._join(members)
            waiting = [one for one in raised if not self._take(*one, members, now)]
            self._copy(now)
            if waiting:  # for a file that had to be whole first
                waiting = [one for one in waiting if not self._take(*one, members, now)]
                self._copy(now)
            left = [one for one, _ in waiting]
            self._sources.frames.prune(now, self._held(left))
            return [one for one, _ in raised if one not in left]

    def _join(self, members: Members) -> None:
        for area, freeze in self._open.items():
            rows = members.get(area, [])
            self._does(freeze, partial(freeze.join, rows))

    def _take(self, raised: Raised, about: About, members: Members, now: int) -> bool:
        freeze = self._open.get(raised.area)
        if freeze is None:
            return self._begin(raised, about, members, now)
        if freeze.is_over(raised.alarm.at):
            return False
        return self._does(freeze, partial(freeze.extend, raised.alarm))

    def _begin(self, raised: Raised, about: About, members: Members, now: int) -> bool:
        try:
            freeze = begin(self.folder, about, raised, members[raised.area], self._start(about, now))
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
        self._tell_dropped(now)
        done = self._copy_entries(self.freezes)
        for freeze in self._copy_frames(done, now):
            if freeze.problem:
                log.warning("evidence of area %s is written again: %s", freeze.about.area, freeze.path)
                freeze.problem = ""
            if freeze.is_over(now) and self._does(freeze, freeze.end):
                log.warning("evidence of area %s is whole: %s", freeze.about.area, freeze.path)
                self._set(freeze.about.area, None)

    def _tell_dropped(self, now: int) -> None:
        dropped = self._sources.frames.dropped
        if dropped > self._dropped_told:
            text = f"{dropped - self._dropped_told} frames of all connections were dropped for want of room"
            for freeze in self.freezes:
                self._does(freeze, partial(freeze.note, now, text))
            self._dropped_told = dropped

    def _copy_entries(self, freezes: Iterable[Freeze]) -> list[Freeze]:
        """Returns those that have everything."""
        active = list(freezes)
        while active and not self._is_closed:
            batch = _next(self._sources.journal, active, lambda one: one.progress.position)
            # an answer is known by its request, which was durable before it
            active = self._copy_requests(active)
            marked = [(one, mark) for one in batch if (mark := mark_of(one.entry)) is not None]
            active = self._deal(active, marked, batch, Freeze.add_entries, lambda one: one.progress.position)
            if len(batch) < SLICE:
                return active
        return []

    def _copy_requests(self, freezes: Iterable[Freeze]) -> list[Freeze]:
        active = list(freezes)
        while active:
            batch = _next(self._sources.requests, active, lambda one: one.progress.request)
            marked = [(one, mark) for one in batch if (mark := mark_of_request(one.entry)) is not None]
            active = self._deal(active, marked, batch, Freeze.add_requests, lambda one: one.progress.request)
            if len(batch) < SLICE:
                break
        return active

    def _deal(
        self,
        freezes: Iterable[Freeze],
        marked: Sequence[tuple[Stored, Mark]],
        batch: Sequence[Stored],
        add: Callable[[Freeze, Sequence[Stored], int], None],
        known: Callable[[Freeze], int],
    ) -> list[Freeze]:
        """Give each its own of what is beyond what it has; returns those that took it."""
        if not batch:
            return list(freezes)
        last = batch[-1].position
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
        while active and not self._is_closed:
            found = self._sources.frames.read(min(freeze.place for freeze in active), SLICE)
            if not found:
                return active
            last = found[-1].place
            by_connection: dict[str, list[Logged]] = {}
            for one in found:
                by_connection.setdefault(one.frame.connection, []).append(one)
            done = []
            for freeze in active:
                ours = sorted(
                    one
                    for connection in freeze.connections & by_connection.keys()
                    for one in by_connection[connection]
                    if one.place > freeze.place and freeze.covers(one.frame.at)
                )
                if self._does(freeze, partial(freeze.add_frames, [one.frame for one in ours], last, now)):
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

    def _held(self, waiting: Iterable[Raised]) -> Place | None:
        """What stands behind it in the frame log is needed."""
        places = [one.place for one in self.freezes]
        places += [self._sources.frames.place_before(one.alarm.at - BEFORE_NS) for one in waiting]
        return min(places, default=None)

    def close(self) -> None:
        """Let go of the files; a call that runs ends with its slice."""
        self._is_closed = True
        with self._lock:
            for freeze in self.freezes:
                freeze.close()


def _next(journal: SqliteJournal, freezes: Sequence[Freeze], known: Callable[[Freeze], int]) -> list[Stored]:
    """What stands in the freezes' partitions behind the one that is furthest behind."""
    partitions = sorted(set().union(*(one.partitions for one in freezes)))
    after: Mapping[int, int] = dict.fromkeys(partitions, min(known(one) for one in freezes))
    return journal.read(partitions, after, SLICE)
