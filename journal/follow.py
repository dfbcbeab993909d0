"""Follow: a listener that begins late misses nothing and is told nothing twice."""

from collections.abc import Callable, Sequence

from journal.entry import PARTITIONS, Stored
from journal.sqlite import Listener, SqliteJournal

MOST = 1 << 20


def follow(journal: SqliteJournal, beyond: int, listener: Listener) -> Callable[[], None]:
    """Call ``listener`` with what was stored beyond a position until now, then with each commit; returns the way out.

    On the event loop, which waits for the disk: ``beyond`` should not be long ago. Raises `JournalError`.
    """
    told = beyond

    def listen(batch: Sequence[Stored]) -> None:
        # what is on the disk already may be told yet
        new = batch if batch[0].position > told else [one for one in batch if one.position > told]
        if new:
            listener(new)

    leave = journal.subscribe(listen)
    missed = journal.read(range(PARTITIONS), dict.fromkeys(range(PARTITIONS), beyond), MOST)
    if missed:
        told = missed[-1].position
        listener(missed)
    return leave
