"""The clocks. Everything below is given its time from here."""

import time

from protocols.moment import Moment


def now() -> Moment:
    """The present instant on both clocks."""
    return Moment(time.time_ns(), time.monotonic_ns())


def wall() -> int:
    """UTC in ns."""
    return time.time_ns()
