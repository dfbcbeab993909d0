"""The state machine of one interlock (a matrix in a zone) as one table.

Nothing in it moves a final element: effects are commands, sent on the way into `TRIPPED`. There is no way out of
`TRIPPED` but `RESET`, and a reset leaves the valve closed (S2).
"""

from enum import IntEnum


class InterlockState(IntEnum):
    """The codes are stored: never renumber."""

    UNKNOWN = 0
    """After a start, until the final elements were read back and each input was heard or given up (S10)."""
    ARMED = 1
    TRIPPED = 2
    """Latched. Causes may come and go."""

    @property
    def word(self) -> str:
        """The state as the API writes it."""
        return self.name.lower()


class Event(IntEnum):
    """What can happen to an interlock."""

    READ_BACK = 0
    """Everything was read back and no latch was found."""
    TRIP = 1
    RESET = 2


_U, _A, _T = InterlockState

TABLE: dict[tuple[InterlockState, Event], InterlockState | None] = {
    (_U, Event.READ_BACK): _A,
    (_U, Event.TRIP): _T,
    (_U, Event.RESET): None,
    (_A, Event.READ_BACK): _A,
    (_A, Event.TRIP): _T,
    (_A, Event.RESET): None,
    (_T, Event.READ_BACK): _T,
    (_T, Event.TRIP): _T,
    (_T, Event.RESET): _A,
}
