"""Freeze: one area's evidence while it is being gathered, and the file it goes to."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from device_registry.devices import Site
from gateway.frame_files import Frame, Place
from gengfu.evidence.ownership import Mark
from journal.entry import Stored, partition_of
from journal.extract import About, AlarmRow, DeviceRow, Extract, NoteRow, Progress, Step
from protocols.moment import SECOND

BEFORE_NS = 30 * 60 * SECOND
AFTER_NS = 60 * 60 * SECOND
GRACE_NS = 30 * SECOND
"""So long after the end what came before it may still be on its way to the disk."""
MOST_FRAME_BYTES = 1 << 30
"""Of one file. A door that thousands of boards share must not fill the disk."""


class Raised(NamedTuple):
    """A life-safety alarm of an area."""

    area: str
    alarm: AlarmRow


def about_of(site: Site, raised: Raised) -> About:
    """What a new file says of itself; the area may be gone from the site by now."""
    area = site.areas.get(raised.area)
    title = f"{area.title.zh} {area.title.en}" if area is not None else raised.area
    begin, end = raised.alarm.at - BEFORE_NS, raised.alarm.at + AFTER_NS
    return About(site.id, raised.area, title, site.time_zone, begin, end)


class Start(NamedTuple):
    """Where a new one begins to look, and what is to be said of that."""

    progress: Progress
    notes: Sequence[NoteRow]


class Freeze:
    """Every method but the look-ups blocks on the disk and raises `JournalError`; then nothing of that call is kept.

    ``problem``: why the last one failed. ``progress``: how far the journal and the frames have been looked through.
    """

    def __init__(self, extract: Extract) -> None:
        self._extract = extract
        self.about = extract.about
        self.progress = extract.progress
        self.problem = ""
        self.devices: set[str] = set()
        self.speakers: set[tuple[str, str]] = set()
        self._rows: set[DeviceRow] = set()
        self._remember(extract.devices())
        self.requests = {one.entry.id for one in extract.requests()}
        self._frame_bytes = extract.frame_bytes

    @property
    def path(self) -> Path:
        """The file."""
        return self._extract.path

    @property
    def place(self) -> Place:
        """How far the frames have been looked through."""
        return Place(self.progress.file, self.progress.offset)

    def _remember(self, rows: Iterable[DeviceRow]) -> None:
        self._rows |= set(rows)
        self.devices |= {one.device for one in self._rows}
        self.speakers |= {(one.device, one.connection) for one in self._rows}
        self.partitions = {partition_of(name) for name in (self.about.area, *self.devices)}

    def is_over(self, at: int) -> bool:
        """Whether nothing that belongs to it can come any more at UTC ns ``at``."""
        return at > self.about.end + GRACE_NS

    def covers(self, at: int) -> bool:
        """Whether UTC ns ``at`` lies in the time that is kept."""
        return self.about.begin <= at <= self.about.end

    def wants(self, mark: Mark) -> bool:
        """Whether an entry belongs to it."""
        is_ours = mark.device in self.devices or mark.area == self.about.area or mark.request in self.requests
        return is_ours and any(self.covers(at) for at in mark.times)

    def join(self, rows: Iterable[DeviceRow]) -> None:
        """The site has these devices in the area now."""
        fresh = [one for one in rows if one not in self._rows]
        if fresh:
            self._extract.store(Step(self.progress, devices=fresh))
            self._remember(fresh)

    def extend(self, alarm: AlarmRow) -> None:
        """A further alarm in the area."""
        end = max(self.about.end, alarm.at + AFTER_NS)
        self._extract.store(Step(self.progress, alarms=[alarm], end=end))
        self.about = self.about._replace(end=end)

    def add_entries(self, entries: Sequence[Stored], position: int) -> None:
        """The journal was looked through up to ``position``."""
        self._store(Step(self.progress._replace(position=max(position, self.progress.position)), entries=entries))

    def add_requests(self, requests: Sequence[Stored], position: int) -> None:
        """What people ask was looked through up to ``position``."""
        self._store(Step(self.progress._replace(request=max(position, self.progress.request)), requests=requests))
        self.requests |= {one.entry.id for one in requests}

    def add_frames(self, frames: Sequence[Frame], place: Place, now: int) -> None:
        """The frame log was looked through up to ``place``. Beyond the bound no more are taken, and that is noted."""
        progress = self.progress._replace(file=place.file, offset=place.offset) if place > self.place else self.progress
        if self._frame_bytes > MOST_FRAME_BYTES:
            frames = ()
        added = sum(len(one.data) for one in frames)
        is_full = bool(frames) and self._frame_bytes + added > MOST_FRAME_BYTES
        note = NoteRow(now, f"{MOST_FRAME_BYTES >> 20} MB of frames are in this file; no more are taken")
        self._store(Step(progress, frames=frames, notes=[note] if is_full else ()))
        self._frame_bytes += added

    def note(self, now: int, text: str) -> None:
        """Something that whoever reads it must know."""
        self._extract.store(Step(self.progress, notes=[NoteRow(now, text)]))

    def _store(self, step: Step) -> None:
        # to say in the file that nothing was found is not worth a sync
        if step.entries or step.requests or step.frames:
            self._extract.store(step)
        self.progress = step.progress

    def end(self) -> None:
        """It is whole."""
        self._extract.store(Step(self.progress, is_closed=True))
        self._extract.close()

    def close(self) -> None:
        """Let go of the file; it is gone on with after the next start."""
        self._extract.close()


def begin(folder: Path, about: About, raised: Raised, rows: Sequence[DeviceRow], start: Start) -> Freeze | None:
    """A new file for an area; ``None`` where there is a whole one of the same area and second, which has this alarm."""
    area = about.area.replace("/", ".")  # which no id of an area has
    path = folder / f"{area}-{compact(about.begin)}.sqlite"
    if path.exists() and (known := Extract.open(path)) is not None:
        known.close()
        return None
    step = Step(start.progress, alarms=[raised.alarm], devices=rows, notes=start.notes)
    return Freeze(Extract.begin(path, about, step))


def compact(at: int) -> str:
    """UTC ns as it stands in a file's name."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at // SECOND))
