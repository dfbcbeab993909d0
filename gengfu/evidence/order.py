"""What the keeper asks of whoever copies, and what it is told."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from gateway.frame_files import Place
from gengfu.evidence.freeze import Freeze, Raised
from journal.extract import About, DeviceRow

Members = Mapping[str, Sequence[DeviceRow]]
"""By area: its devices, and those whose valves cut its gas off too."""


class Order(NamedTuple):
    """``raised``: alarms, with what a file of their area would say of itself. ``shared``: connections over which many
    devices speak and name themselves in their frames; ``names``: these devices. ``dropped``: frames that the frame log
    lost since the last order that was carried out. ``now``: UTC ns."""

    raised: Sequence[tuple[Raised, About]]
    members: Members
    shared: Sequence[str]
    names: Sequence[str]
    dropped: int
    now: int


class Standing(NamedTuple):
    """One area's evidence that is not whole yet: how far the journal and the frames are copied."""

    area: str
    position: int
    partitions: frozenset[int]
    place: Place


class Report(NamedTuple):
    """``written``: alarms that are written down; the others are to be given again. ``failing``: areas whose evidence
    could not be written."""

    written: Sequence[Raised] = ()
    standing: Sequence[Standing] = ()
    failing: int = 0


class Copies(Protocol):
    """Both block on the disk; one call of `run` at a time does anything."""

    def run(self, order: Order) -> Report:
        """Copy what has come since the last call. Raises `JournalError` when a journal cannot be read."""

    def close(self) -> None:
        """Let go of the files; a call of `run` that goes on in another thread ends soon."""


def standing_of(freeze: Freeze) -> Standing:
    """How far one is."""
    return Standing(freeze.about.area, freeze.progress.position, frozenset(freeze.partitions), freeze.place)
