"""Slowing down the guessing of passwords: after five failures of a name from a peer, that pair must wait."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

FREE_FAILURES = 5
FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 900.0
FORGET_AFTER_S = 3600.0
PAIRS_MAX = 10_000


class LoginBackoff:
    """Failures per (user, peer): from the fifth on the wait is 30 s and doubles up to 15 min.

    Thread-safe. ``clock``: seconds. At most 10,000 pairs are remembered; the longest untouched goes first.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()
        self._lock = Lock()

    def begin(self, user: str, peer: str) -> float:
        """Start an attempt: 0 if it may go on, else the seconds to wait.

        The attempt counts as failed until `succeed`, so that attempts at the same moment all count.
        """
        pair, now = (user, peer), self._clock()
        with self._lock:
            count, last = self._failures.get(pair, (0, now))
            if now - last > FORGET_AFTER_S:
                count = 0
            wait_s = last + _wait_s(count) - now
            if wait_s > 0:
                return wait_s
            self._failures[pair] = (count + 1, now)
            self._failures.move_to_end(pair)
            if len(self._failures) > PAIRS_MAX:
                self._failures.popitem(last=False)
            return 0.0

    def succeed(self, user: str, peer: str) -> None:
        """The attempt was right: forget the failures of this pair."""
        with self._lock:
            self._failures.pop((user, peer), None)

    def __len__(self) -> int:
        """How many pairs are remembered."""
        return len(self._failures)


def _wait_s(failures: int) -> float:
    if failures < FREE_FAILURES:
        return 0.0
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(failures - FREE_FAILURES, 10))
