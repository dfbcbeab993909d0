"""Entry: what the journal keeps. It knows nothing of readings or alarms; bodies are bytes to it."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol, TypeAlias

PARTITIONS = 64
"""Fixed from the first day: entries of one device stay in one partition, in order."""


@lru_cache(1 << 16)
def partition_of(device: str) -> int:
    """The partition (0 to 63) of a device: crc32 of its id in UTF-8, modulo 64."""
    return zlib.crc32(device.encode()) % PARTITIONS


class Entry(NamedTuple):
    """One thing to keep. ``kind``: ``reading``, ``alarm``, ``trip``, ``command``, ``plan`` ...; ``id``: unique
    within its kind; ``at``: UTC ns, for retention; ``body``: a msgpack array, its schema number first."""

    kind: str
    id: str
    partition: int
    at: int
    body: bytes


class Stored(NamedTuple):
    """An entry as read back. ``position`` grows within a partition (gaps are possible)."""

    position: int
    entry: Entry


Row: TypeAlias = tuple[int, int, str, bytes]
"""(position, partition, kind, body): what a store needs of an entry."""

Done = Callable[[Exception | None], None]
"""Called on the event loop when a batch is durable (``None``) or was refused (the error)."""


class Journal(Protocol):
    """The contract of every implementation. One process owns it; all calls but `read` on the event loop."""

    def submit(
        self,
        entries: Sequence[Entry],
        done: Done | None = None,
        state: Mapping[str, bytes | None] | None = None,
        *,
        patient: bool = False,
    ) -> None:
        """Queue entries for the next group commit; ``done`` is called after it, in the order of submission.

        All entries and ``state`` changes (``None`` removes a key) of one call are committed together or not at
        all. An empty call is a barrier: it is done when everything submitted before it is durable. ``patient``: nobody
        waits for it, so that it need not cost a commit of its own: readings and barriers may then wait longer.
        """

    async def append(self, entries: Sequence[Entry], state: Mapping[str, bytes | None] | None = None) -> int:
        """Return the last position when the entries are durable. Raises `journal.errors.JournalError`."""

    def read(self, partitions: Sequence[int], after: Mapping[int, int], limit: int) -> list[Stored]:
        """Up to ``limit`` entries of the partitions beyond the positions in ``after`` (absent: from the
        beginning), in order within each partition. Thread-safe; blocks on the disk."""

    def rows(self, partitions: Sequence[int], after: Mapping[int, int], limit: int) -> list[Row]:
        """As `read`, with rows in place of entries."""

    def load_state(self, prefix: str) -> dict[str, bytes]:
        """Every ``state`` key that begins with ``prefix``."""

    def subscribe(self, listener: Callable[[Sequence[Stored]], None]) -> Callable[[], None]:
        """Call ``listener`` on the event loop after each commit with what it stored; returns the way out."""
