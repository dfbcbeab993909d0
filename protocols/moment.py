"""Moment: one instant on both clocks, passed as ``now`` to everything that must not read a clock itself."""

from typing import NamedTuple

SECOND = 1_000_000_000


class Moment(NamedTuple):
    """``wall``: UTC ns, for stamps that people read; it may step. ``mono``: ns of a clock that never steps, for
    delays and stale timers (S10). The two are unrelated numbers."""

    wall: int
    mono: int
