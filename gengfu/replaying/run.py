"""A replay from a data folder to its outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from console.present import iso
from device_registry.devices import Site
from gengfu.errors import MissingError
from gengfu.replaying.outcome import Outcome
from gengfu.replaying.player import Player, TapeClock
from gengfu.replaying.replay import Replay, Shown
from gengfu.replaying.rulesets import Overlay, Rules, overlay, slower_than, unstored_for_s, watched_of
from gengfu.replaying.tape import Tape
from journal.errors import JournalError
from protocols.reading import Origin

MOST = 10_000
"""New and vanished alarms that are told one by one, each; the others are counted."""


class Job(NamedTuple):
    """What is asked for. ``start`` to ``end``, ``warm_up``: UTC ns and ns. ``running``: the rules that run."""

    data: Path
    site: Site
    running: Rules
    files: tuple[Path, ...]
    devices: Sequence[str]
    start: int
    end: int
    warm_up: int
    origins: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What came of it. ``until``: how far the journal goes within the time that was asked for; ``begins``: the oldest
    entry that was seen; UTC ns. ``thinned``: devices of which not every reading is stored. ``slow``: rules that wait
    longer than the warm-up."""

    rules: Overlay
    outcome: Outcome
    replay: Replay
    tape: Tape
    devices: int
    thinned: int
    slow: list[str]
    begins: int
    until: int


def run(job: Job, shown: Shown) -> Found:
    """Replay. Raises `InputError` for rules or devices that are wrong, `MissingError` where there is no journal, or it
    holds nothing of that time."""
    watched = watched_of(job.site, job.devices)
    rules = overlay(job.running, job.files, watched)
    tape = Tape(_journal_of(job.data))
    try:
        items = tape.play(job.start - job.warm_up, job.end)
        first = next(items, None)
        if first is None:
            raise MissingError(f"{job.data}: its journal holds nothing of that time; {_extent(tape)}")
        clock = TapeClock(first.at)
        player = Player(rules.before, rules.after, watched, clock.now)
        outcome = Outcome(job.start, job.end, job.origins, MOST)
        profiles = {one.device: one.profile for one in watched}
        replay = Replay(player, clock, profiles, job.site.devices)
        replay.play(chain([first], items), outcome, job.start, shown)
        replay.finish(tape.next, job.end, outcome)
    except JournalError as error:
        raise MissingError(str(error)) from None
    thinned = sum(unstored_for_s(job.site, job.site.devices[one]) > 0 for one in profiles)
    slow = slower_than(job.warm_up, rules.after, watched)
    return Found(rules, outcome, replay, tape, len(watched), thinned, slow, tape.first or first.at, clock.now.wall)


def _journal_of(data: Path) -> Path:
    folder = data / "journal"
    if not any(folder.glob("journal*.sqlite")):
        raise MissingError(
            f"{data}: holds no journal; name the data folder of a site with --data, or its settings with -c"
        )
    return folder


def _extent(tape: Tape) -> str:
    if tape.first is None:
        return "it is empty"
    return f"it begins at {iso(tape.first)}"
