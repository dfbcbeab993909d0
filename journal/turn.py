"""Turn: the event loop stands aside at the two moments when the commit thread needs the interpreter lock.

Whoever waits for the lock is woken whenever a busy loop gives it away for a system call, and nearly always comes too
late. Measured with 200 posts outstanding: 100 wake-ups for a commit of 100, and a fifth of all CPU. So the loop sleeps
until the thread has what it needs: when a commit is given to it, until SQLite has taken over; when SQLite is done,
until the result is handed over. The thread would hold the lock for as long anyway. Nothing but time hangs on it: a
wait that ends too early, or is in vain, changes no result.
"""

import sqlite3
import threading

LONGEST_S = 0.001
"""The loop waits no longer: the thread may be pruning, or the machine too busy to run it."""


def _shut() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


class Turn:
    """Of one commit: made on the loop before the commit is given to the thread."""

    def __init__(self, longest_s: float = LONGEST_S) -> None:
        self._connection: sqlite3.Connection | None = None
        self._longest_s = longest_s
        self._begun = _shut()
        self._ended = _shut()
        self._has_begun = False
        self._changes = 0

    def let_begin(self) -> None:
        """On the loop, after the commit was given to the thread: wait until SQLite works."""
        self._begun.acquire(timeout=self._longest_s)

    def let_end(self) -> None:
        """On the loop, now and then while the commit is under way: if SQLite is done, wait for the thread.

        SQLite counts the rows that a statement changed when its transaction is committed; reading that takes no lock.
        """
        connection = self._connection
        try:
            if connection is not None and connection.total_changes != self._changes:
                self._connection = None
                self._ended.acquire(timeout=self._longest_s)
        except sqlite3.ProgrammingError:  # the commit is over, and its segment was sealed and closed meanwhile
            self._connection = None

    def begun(self, connection: sqlite3.Connection | None) -> None:
        """On the thread: what follows is SQLite's; ``connection``: where it is one statement, its own transaction."""
        if connection is not None:
            self._changes = connection.total_changes
            self._connection = connection
        self._has_begun = True
        self._begun.release()

    def ended(self) -> None:
        """On the thread: it needs the lock no more."""
        self._connection = None
        self._ended.release()
        if not self._has_begun:
            self._begun.release()
