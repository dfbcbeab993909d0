"""The alarm state machine as one table (ISA-18.2 / IEC 62682 states, OPC UA Part 9 actions).

The process condition and the alarm are two things: `Event.RAISE` and `Event.RETURN` tell that the condition came
or went, the other events are what people (or the design) do. A latching rule gets `RETURN_LATCHED` instead of
`RETURN`: such an alarm becomes normal only by an explicit reset after it was acknowledged and its condition
went. A refused action is `None` in the table: the caller answers with `refusal`.

While shelved, suppressed or out of service a condition is still followed; when the state is left the engine
raises again if the condition stands, so nothing is ever lost by shelving.
"""

from enum import IntEnum


class AlarmState(IntEnum):
    """States of ISA-18.2. The codes are stored: never renumber."""

    NORMAL = 0
    UNACKNOWLEDGED = 1
    ACKNOWLEDGED = 2
    RETURNED_UNACKNOWLEDGED = 3
    LATCHED_UNACKNOWLEDGED = 4
    LATCHED_ACKNOWLEDGED = 5
    SHELVED = 6
    SUPPRESSED_BY_DESIGN = 7
    OUT_OF_SERVICE = 8

    @property
    def word(self) -> str:
        """The state as the API writes it, for example ``returned-unacknowledged``."""
        return self.name.lower().replace("_", "-")

    @property
    def stands(self) -> bool:
        """Whether somebody has to know of it: every state but normal and the three that silence."""
        return AlarmState.UNACKNOWLEDGED <= self <= AlarmState.LATCHED_ACKNOWLEDGED


class Event(IntEnum):
    """What can happen to an alarm. The codes are stored: never renumber."""

    RAISE = 0
    RETURN = 1
    RETURN_LATCHED = 2
    ACKNOWLEDGE = 3
    RESET = 4
    SHELVE = 5
    UNSHELVE = 6
    SUPPRESS = 7
    UNSUPPRESS = 8
    OUT_OF_SERVICE = 9
    IN_SERVICE = 10

    @property
    def word(self) -> str:
        """The event as the API writes it."""
        return self.name.lower().replace("_", "-")


_N, _U, _A, _R, _LU, _LA, _SH, _SU, _OS = AlarmState

# Columns in the order of Event: raise, return, return-latched, acknowledge, reset, shelve, unshelve, suppress,
# unsuppress, out-of-service, in-service. None: refused.
_ROWS: dict[AlarmState, tuple[AlarmState | None, ...]] = {
    _N: (_U, _N, _N, None, None, None, None, _SU, None, _OS, None),
    _U: (_U, _R, _LU, _A, None, _SH, None, _SU, None, _OS, None),
    _A: (_A, _N, _LA, None, None, _SH, None, _SU, None, _OS, None),
    _R: (_U, _R, _R, _N, None, _SH, None, _SU, None, _OS, None),
    _LU: (_U, _LU, _LU, _LA, None, _SH, None, _SU, None, _OS, None),
    _LA: (_U, _LA, _LA, None, _N, _SH, None, _SU, None, _OS, None),
    _SH: (_SH, _SH, _SH, None, None, None, _N, _SU, None, _OS, None),
    _SU: (_SU, _SU, _SU, None, None, None, None, None, _N, _OS, None),
    _OS: (_OS, _OS, _OS, None, None, None, None, None, None, None, _N),
}

TABLE: dict[tuple[AlarmState, Event], AlarmState | None] = {
    (state, event): row[event] for state, row in _ROWS.items() for event in Event
}

_REFUSALS = {
    Event.ACKNOWLEDGE: "there is nothing to acknowledge",
    Event.RESET: "a reset needs an acknowledged, latched alarm whose condition has gone",
    Event.SHELVE: "only a standing alarm can be shelved",
    Event.UNSHELVE: "it is not shelved",
    Event.SUPPRESS: "it is suppressed already",
    Event.UNSUPPRESS: "it is not suppressed",
    Event.OUT_OF_SERVICE: "it is out of service already",
    Event.IN_SERVICE: "it is not out of service",
}


def refusal(state: AlarmState, event: Event) -> str:
    """Why the table refuses ``event`` in ``state``, as a sentence for the person who asked."""
    return f"cannot {event.word} an alarm that is {state.word}: {_REFUSALS[event]}"
