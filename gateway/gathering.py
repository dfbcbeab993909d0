"""Gathering: readings that nobody waits for go to the journal together, once for each turn of the loop.

They were judged when they came. What carries a decision does not wait here, and is preceded by what does.
"""

import asyncio
from collections.abc import Callable

from gateway.uplink import Done
from journal.entry import Entry

Submit = Callable[[list[Entry], Done], None]
"""Store, patiently, and tell."""


class Gathering:
    """Of one transport. ``waiting``: who is told of what is gathered now."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._entries: list[Entry] = []
        self.waiting: list[Done] = []

    def add(self, entries: list[Entry], done: Done) -> None:
        """Store the entries before the loop waits again; ``done`` as in `gateway.intake.Offer`."""
        if not self.waiting:
            asyncio.get_running_loop().call_soon(self.flush)
        self._entries += entries
        self.waiting.append(done)

    def flush(self, also: Done | None = None) -> None:
        """Submit what has been gathered; ``also``: told of it as well."""
        if self.waiting:
            if also is not None:
                self.waiting.append(also)
            entries, self._entries = self._entries, []
            waiting, self.waiting = self.waiting, []
            waiting.reverse()
            self._submit(entries, lambda error: _tell(waiting, error))


def _tell(waiting: list[Done], error: Exception | None) -> None:
    """The last of ``waiting`` first. One that raises (the loop reports it) does not silence the rest."""
    try:
        while waiting:
            waiting.pop()(error)
    finally:
        if waiting:
            asyncio.get_running_loop().call_soon(_tell, waiting, error)
