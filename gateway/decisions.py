"""Decisions: what interlocks, alarms and people decided is stored even after the journal refused it for a while.

A device sends a reading again that was not acknowledged, but nothing decides the same thing twice. What a failed
commit held of decisions is therefore kept in memory and stored with the next commit that succeeds.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from journal.entry import Done, Entry, Journal
from journal.errors import JournalError, JournalFull, JournalUnusable

MOST_KEPT = 10_000
"""Entries kept at most; beyond it the newest are dropped, the states are not."""


class Decisions:
    """Stores through the journal. ``not_kept``: kinds of entries that somebody else sends again."""

    def __init__(self, journal: Journal, not_kept: Collection[str]) -> None:
        self._journal = journal
        self._not_kept = not_kept
        self._entries: list[Entry] = []
        self._state: dict[str, bytes | None] = {}
        self._latest: dict[str, int] = {}
        self._serial = 0

    def __len__(self) -> int:
        """How many entries and states wait for the journal."""
        return len(self._entries) + len(self._state)

    def submit(self, entries: Sequence[Entry], state: Mapping[str, bytes | None], done: Done) -> None:
        """`journal.entry.Journal.submit`; raises nothing, every error goes to ``done``."""
        self._serial += 1
        for key in state:
            self._latest[key] = self._serial
            self._state.pop(key, None)
        settled = partial(self._settled, entries, state, self._serial, done)
        try:
            self._journal.submit(entries, settled, state)
        except JournalError as error:
            settled(error)

    def pass_on(self, entries: Sequence[Entry], done: Done, *, patient: bool = False) -> None:
        """`submit` of what somebody else sends again. Whoever hears that it was stored calls `again`."""
        try:
            self._journal.submit(entries, done, patient=patient)
        except JournalError as error:
            done(error)

    def _settled(
        self,
        entries: Sequence[Entry],
        state: Mapping[str, bytes | None],
        serial: int,
        done: Done,
        error: Exception | None,
    ) -> None:
        if error is None:
            self.again()
        elif isinstance(error, JournalFull | JournalUnusable):
            self._keep(entries, {key: body for key, body in state.items() if self._latest[key] == serial})
        done(error)

    def _keep(self, entries: Sequence[Entry], state: Mapping[str, bytes | None]) -> None:
        room = MOST_KEPT - len(self._entries)
        self._entries += [entry for entry in entries if entry.kind not in self._not_kept][:room]
        self._state |= state

    def again(self) -> None:
        """The journal stored something: what it refused before is tried again."""
        if self._entries or self._state:
            entries, self._entries = self._entries, []
            state, self._state = self._state, {}
            self.submit(entries, state, nobody_waits)


def nobody_waits(_error: Exception | None) -> None:
    """It is kept again when it fails."""
