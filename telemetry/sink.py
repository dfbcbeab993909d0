"""What a consumer of the journal does with each entry: store it, skip it, or set it aside with the reason."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

import msgspec

from protocols.reading import Reading, decode_reading
from telemetry.store import Series

StoredItem: TypeAlias = tuple[int, int, str, bytes]
"""(position, partition, kind, body): an entry of the journal as this package sees it."""

SeriesOf: TypeAlias = Callable[[str], Series | None]
"""From a device id to what its readings are; ``None`` for a device that is not registered."""

TIME_MAX = 2**63 - 2
"""Largest and, negated, smallest storable time (ns): the edges of int64 mean «not a time» to both stores."""

QUALITY_MAX = 255


class DeadLetter(NamedTuple):
    """Data that no store took. ``data`` is the body of the entry or the refused line; ``partition`` and
    ``position`` say where it stands in the journal (``None``: it did not come from one)."""

    partition: int | None
    position: int | None
    reason: str
    data: bytes


class Consumed(NamedTuple):
    """What became of a batch. ``stored`` counts new readings (or lines taken), ``skipped`` foreign kinds."""

    stored: int
    skipped: int
    dead: int


class Sink(Protocol):
    """A consumer of the journal whose cursor moves with its effect."""

    def cursor(self) -> dict[int, int]:
        """The position (by partition) up to which everything is stored or set aside."""

    def consume(self, items: Iterable[StoredItem]) -> Consumed:
        """Take a batch, in order within each partition. On `telemetry.errors.StoreUnavailable` nothing has
        moved: call again with the same batch."""

    def waits_s(self) -> float:
        """Seconds that a `consume` has waited for the answer that it waits for now; 0 while it waits for none. From any
        thread."""

    def interrupt(self) -> None:
        """From any thread: a `consume` that waits for a server raises `StoreUnavailable` now."""


def set_aside(item: StoredItem, reason: str, data: bytes | None = None) -> DeadLetter:
    """The letter of an entry. ``data``: where that is not its body."""
    position, partition, _, body = item
    return DeadLetter(partition, position, reason, body if data is None else data)


UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError)
"""What `decode_reading` raises for bytes that are none."""


def no_reading(item: StoredItem, error: Exception) -> DeadLetter:
    """The letter of an entry whose body is `UNDECODABLE`."""
    return set_aside(item, f"not a reading: {error}")


def cursor_behind(items: Iterable[StoredItem]) -> dict[int, int]:
    """The cursor that has passed all these entries, which are in order within each partition."""
    return {partition: position for position, partition, _, _ in items}


class Unpacked(NamedTuple):
    """A batch of entries, decoded."""

    readings: list[Reading]
    cursor: dict[int, int]
    dead: list[DeadLetter]
    skipped: int


def unpack(items: Iterable[StoredItem]) -> Unpacked:
    """Decode the readings among the entries. Never raises for a body: what cannot be decoded is a dead letter."""
    batch = list(items)
    found = [item for item in batch if item[2] == "reading"]
    readings: list[Reading] = []
    dead: list[DeadLetter] = []
    for item in found:
        try:
            readings.append(decode_reading(item[3]))
        except UNDECODABLE as error:
            dead.append(no_reading(item, error))
    return Unpacked(readings, cursor_behind(batch), dead, len(batch) - len(found))


NOT_REGISTERED = "the device is not registered"


def is_ordinary(reading: Reading, series: Series) -> bool:
    """One look that says so of nearly every reading: each of its values is good, its time is its own, and `refusal`
    has nothing against it."""
    count = len(reading.values)
    return (
        reading.quality.count(0) == count == len(reading.quality)
        and count <= len(series.points)
        and reading.claimed_at is None
        and 0 <= reading.at <= TIME_MAX
        and 0 <= reading.received_at <= TIME_MAX
        and reading.profile == series.profile
    )


def refusal(reading: Reading, series: Series) -> str:
    """Why this reading cannot be stored under this series; empty if it can.

    A reading of another profile than the device has now is set aside: its values would get wrong names.
    """
    if reading.profile != series.profile:
        return f"device {reading.device!r} has profile {series.profile!r} now, the reading {reading.profile!r}"
    if len(reading.values) > len(series.points):
        return f"{len(reading.values)} values, but profile {series.profile!r} has {len(series.points)} points"
    if len(reading.values) != len(reading.quality):
        return f"{len(reading.values)} values, but {len(reading.quality)} qualities"
    if any(reading.quality) and not (min(reading.quality) >= 0 and max(reading.quality) <= QUALITY_MAX):
        return f"a quality is outside 0 to {QUALITY_MAX}: {reading.quality}"
    claimed_at = reading.claimed_at or 0
    if not (
        -TIME_MAX <= reading.at <= TIME_MAX
        and -TIME_MAX <= reading.received_at <= TIME_MAX
        and -TIME_MAX <= claimed_at <= TIME_MAX
    ):
        return f"a time is outside the years 1677 to 2262: {reading.at}, {reading.received_at}, {claimed_at} ns"
    return ""


class LetterStore(Protocol):
    """A store that keeps dead letters and the cursor in the transaction of its rows."""

    def write(self, readings: Sequence[Reading], cursor: Mapping[int, int], dead: Sequence[DeadLetter] = ()) -> int:
        """As `telemetry.store.Store.write`; ``dead`` is kept beside the rows."""

    def cursor(self) -> dict[int, int]:
        """As `telemetry.store.Store.cursor`."""

    def refused_count(self) -> int:
        """How many letters `write` has set aside, or counted where there was no room, since some moment."""


class _DuckSink:
    def __init__(self, store: LetterStore) -> None:
        self._store = store

    def cursor(self) -> dict[int, int]:
        return self._store.cursor()

    def consume(self, items: Iterable[StoredItem]) -> Consumed:
        batch = unpack(items)
        if not batch.cursor:
            return Consumed(0, 0, 0)
        before = self._store.refused_count()
        stored = self._store.write(batch.readings, batch.cursor, batch.dead)
        return Consumed(stored, batch.skipped, self._store.refused_count() - before)

    def waits_s(self) -> float:
        """It waits for nobody."""
        return 0.0

    def interrupt(self) -> None:
        """It waits for nobody."""


def duck_sink(store: LetterStore) -> Sink:
    """The consumer that fills the embedded store: rows, dead letters and cursor in one transaction."""
    return _DuckSink(store)
