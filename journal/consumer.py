"""Consumer: runs a sink that blocks (DuckDB, InfluxDB) in a thread of its own, fed from the journal.

The sink commits its effect and its cursor together (or its effect is idempotent); the consumer only keeps the
cursor of this run in memory. After a crash the sink says where it stands and gets the rest again.
"""

import asyncio
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from journal.entry import PARTITIONS, Row, Stored

Sink = Callable[[list[Row]], object]
"""Stores a batch and the cursor behind it. Blocks. Unknown kinds are to be skipped, not refused."""


class Source(Protocol):
    """What a consumer needs of a journal."""

    def rows(self, partitions: Sequence[int], after: Mapping[int, int], limit: int) -> list[Row]:
        """As `journal.entry.Journal.read`, with rows in place of entries."""

    def count(self, partitions: Sequence[int], after: Mapping[int, int]) -> int: ...

    def subscribe(self, listener: Callable[[Sequence[Stored]], None]) -> Callable[[], None]: ...


class Backoff:
    """How long to wait after a refusal: by chance anything up to a bound that doubles from ``first_s`` to ``last_s``
    («full jitter»), so that many consumers do not come back at once."""

    def __init__(self, first_s: float = 1.0, last_s: float = 30.0, chance: random.Random | None = None) -> None:
        self._first_s = first_s
        self._last_s = last_s
        self._chance = chance or random.Random()  # noqa: S311 - spreads load, guards nothing
        self._failures = 0

    def next_s(self) -> float:
        """Seconds to wait after one more failure."""
        whole_s = min(self._last_s, self._first_s * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return whole_s * self._chance.random()

    def reset(self) -> None:
        """It worked."""
        self._failures = 0


LEAST = 500
"""Entries, fewer of which are not given because of a refusal: so many are no more work than their commit."""


AT_END = 20_000
"""Entries that are given at most once it is to end: a person who stops the program does not wait for a backlog."""


class Consumer:
    """Feed ``sink`` with what stands beyond ``after``, in batches of at most ``batch`` entries.

    A flush begins when ``batch`` entries came, or ``flush_s`` after the first that came. When the sink raises
    one of ``retry_on``, the same entries are given again after the back-off, or after ``retry_after_s`` of the error
    if it has that and it is longer; any other error ends the consumer and is raised by `wait`.

    Given again is the first half of them, down to `LEAST`, and each batch that is taken doubles the next one: a sink
    that takes something in each attempt, but never everything, gets on. Start and stop on the event loop.
    """

    def __init__(
        self,
        name: str,
        journal: Source,
        sink: Sink,
        after: Mapping[int, int],
        *,
        partitions: Sequence[int] = range(PARTITIONS),
        batch: int = 5_000,
        flush_s: float = 1.0,
        retry_on: tuple[type[Exception], ...] = (),
        backoff: Backoff | None = None,
    ) -> None:
        self.name = name
        self.last_refusal: Exception | None = None
        self._journal = journal
        self._sink = sink
        self._after = dict(after)
        self._partitions = partitions if isinstance(partitions, range) else tuple(partitions)
        self._batch = batch
        self._share = batch
        self._flush_s = flush_s
        self._retry_on = retry_on
        self._backoff = backoff or Backoff()
        self._came = 0
        self._some = threading.Event()
        self._many = threading.Event()
        self._stop = threading.Event()
        self._work: asyncio.Future[None] | None = None
        self._leave: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin; what is already in the journal is read at once."""
        self._leave = self._journal.subscribe(self._on_commit)
        self._some.set()
        self._many.set()
        thread = ThreadPoolExecutor(1, self.name)
        self._work = asyncio.get_running_loop().run_in_executor(thread, self._run)
        thread.shutdown(wait=False)

    def cursor(self) -> dict[int, int]:
        """How far the sink has taken the journal, by partition."""
        return dict(self._after)

    def lag(self) -> int:
        """Entries that the sink has not taken yet. From any thread; may read the disk when the lag is long."""
        return self._journal.count(self._partitions, self._after)

    async def wait(self) -> None:
        """Return when the consumer was stopped; raise the error that ended it."""
        if self._work is not None:
            await asyncio.shield(self._work)

    async def stop(self) -> None:
        """Give the sink what is durable by now, once, and at most `AT_END` entries of it (a refusal ends the attempt:
        the rest stays in the journal), and end the thread. Raises what `wait` raises."""
        self._leave()
        self._stop.set()
        self._some.set()
        self._many.set()
        await self.wait()

    def _on_commit(self, stored: Sequence[Stored]) -> None:
        takes_all = len(self._partitions) == PARTITIONS
        came = len(stored) if takes_all else sum(one.entry.partition in self._partitions for one in stored)
        if not came:
            return
        self._came += came
        self._some.set()
        if self._came >= self._batch:
            self._many.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._some.wait()
            self._many.wait(self._flush_s)
            self._came = 0
            self._some.clear()
            self._many.clear()
            if not self._drain():
                return
        self._share = min(self._share, AT_END)
        self._drain()

    def _drain(self) -> bool:
        """Until less than a full batch is left over: what comes meanwhile waits for the next flush. Once the consumer
        is being stopped, one batch. Whether the sink took it; if not, the consumer is being stopped."""
        while rows := self._journal.rows(self._partitions, self._after, self._share):
            is_rest = len(rows) < self._share
            taken = self._deliver(rows)
            if not taken:
                return False
            self._after = self._after | {partition: position for position, partition, _, _ in taken}
            if (is_rest and len(taken) == len(rows)) or self._stop.is_set():
                return True
        return True

    def _deliver(self, rows: list[Row]) -> list[Row]:
        """The rows that the sink took, from the first on; none when the consumer is being stopped."""
        while True:
            try:
                self._sink(rows)
            except self._retry_on as refusal:
                self.last_refusal = refusal
                if self._stop.wait(max(self._backoff.next_s(), getattr(refusal, "retry_after_s", 0.0))):
                    return []
                rows = rows[: max(len(rows) // 2, LEAST)]
                self._share = max(self._share // 2, min(LEAST, self._batch))
            else:
                self.last_refusal = None
                self._backoff.reset()
                self._share = min(self._share * 2, self._batch)
                return rows
