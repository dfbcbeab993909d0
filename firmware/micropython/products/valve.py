"""A one-way shut-off valve: the firmware closes it; only a person at the valve opens it (S2).

There is no output that opens. What is shown comes from the two limit switches and from what was ordered: `SHOWN`.
What is ordered follows `TRANSITIONS`. No row of either turns an order or the passing of time into OPEN: that takes the
limit switch «open» of a valve that is not being closed.

Kinds (S21). ``hold``: whether the closing is held or pulsed; ``fails_closed``: the valve closes when power is lost.

    pulse, last    the coil gets pulses; the valve stays where it is without power
    pulse, closed  the same, and the board spends its last energy on a pulse (its owner asks for it)
    hold, last     the output drives to closed and stays on (motor with its own end switch)
    hold, closed   the output feeds a holding magnet and goes off to close. The magnet holds, it cannot pull (manual
                   reset); it is fed only while the valve is read open or was, and not again at one that was read
                   closed, or is found so, before a hand has opened it
"""

# States, the codes of the profile.
UNKNOWN = 0
OPEN = 1
CLOSED = 2
MOVING = 3
FAULT = 4

# Causes, the codes of the profile.
NOBODY = 0
BY_TRIP = 1
BY_COMMAND = 2
BY_PERSON = 3
BY_POWER_LOSS = 4
BY_CO = 5

# Phases: what was ordered and what came of it.
REST = "rest"
DRIVING = "driving"
SHUT = "shut"
STUCK = "stuck"
RETRYING = "retrying"

# Both tables hold constants alone, so that they stay in flash. Phase, event, phase after.
TRANSITIONS = (
    ("rest", "close", "driving"),
    ("rest", "arrived", "shut"),
    ("rest", "left", "rest"),
    ("rest", "exhausted", "rest"),
    ("driving", "close", "driving"),
    ("driving", "arrived", "shut"),
    ("driving", "left", "driving"),
    ("driving", "exhausted", "stuck"),
    ("shut", "close", "shut"),
    ("shut", "arrived", "shut"),
    ("shut", "left", "rest"),
    ("shut", "exhausted", "shut"),
    ("stuck", "close", "retrying"),
    ("stuck", "arrived", "shut"),
    ("stuck", "left", "stuck"),
    ("stuck", "exhausted", "stuck"),
    ("retrying", "close", "retrying"),
    ("retrying", "arrived", "shut"),
    ("retrying", "left", "retrying"),
    ("retrying", "exhausted", "stuck"),
)

# Phase, and the state that is shown when the switches read: neither, open alone, closed alone, both.
SHOWN = (
    ("rest", (0, 1, 2, 4)),  # UNKNOWN, OPEN, CLOSED, FAULT
    ("driving", (3, 3, 2, 4)),  # MOVING, MOVING, CLOSED, FAULT
    ("shut", (0, 1, 2, 4)),  # UNKNOWN, OPEN, CLOSED, FAULT
    ("stuck", (4, 4, 2, 4)),  # FAULT, FAULT, CLOSED, FAULT
    ("retrying", (4, 4, 2, 4)),  # FAULT, FAULT, CLOSED, FAULT
)

# S21; 0.5 s every 10 s is the ESN14's. A valve that did not close is tried anew after a minute of rest for its coil,
# as long as the cause stands; that minute is chosen by us.
PULSE_MS = 500
PULSE_EVERY_MS = 10000
PULSES = 5
RETRY_MS = 60000


def after(phase: str, event: str) -> str:
    """The phase that follows; `TRANSITIONS` has a row for each pair."""
    for before, what, then in TRANSITIONS:
        if before == phase and what == event:
            return then
    raise ValueError(phase + ", " + event)


def shown(phase: str, switches: int) -> int:
    """The state that is shown in a phase; ``switches``: 1 open, 2 closed, their sum if both act."""
    for one, states in SHOWN:
        if one == phase:
            return states[switches]
    raise ValueError(phase)


class Valve:
    """``state``: code of the profile, ``cause``: who closed it (code of the profile).

    ``coil``: output to the closing side; ``is_closed``, ``is_open``: limit switches. ``ordered``: a closing was
    ordered before the reset and stands. Nothing moves at the start: whoever finds a reason calls `close`.
    """

    def __init__(self, coil, is_closed, is_open, *, hold: bool, fails_closed: bool, cause: int, ordered: bool):
        self._coil = coil
        self._is_closed = is_closed
        self._is_open = is_open
        self._hold = hold
        self._rest_level = hold and fails_closed
        self.cause = cause
        self.phase = REST
        self._ordered = False
        self._is_pulsed = False
        self._was_closed = False
        self._pulses = 0
        self._pulsed_at = 0
        self._by_itself = BY_POWER_LOSS if fails_closed else BY_PERSON
        self._look()
        self._by_itself = BY_PERSON
        self._ordered = self._rest_level and (ordered or self.state != OPEN)
        if self.state == OPEN and not ordered:
            self.cause = NOBODY

    @property
    def is_wanted_closed(self) -> bool:
        """Whether a closing was ordered and is not proven yet."""
        return self.phase in (DRIVING, STUCK, RETRYING)

    @property
    def is_busy(self) -> bool:
        """Whether a restart would cut a pulse, or a closing that is not proven yet."""
        return self._is_pulsed or self.is_wanted_closed

    def look(self) -> bool:
        """Read the limit switches; whether the valve is read open, at rest, for the first time after closed.

        That is a person's hand: the cause is no more.
        """
        self._look()
        if self.state != OPEN or not self._was_closed:
            return False
        self._was_closed = False
        self.cause = NOBODY
        return True

    def close(self, now: int, cause: int) -> None:
        """Order it closed. A valve that is closed or being closed keeps its first cause; one that is stuck, too."""
        if self.phase in (SHUT, DRIVING, RETRYING):
            return
        if self.phase == REST:
            self.cause = cause
        self.phase = after(self.phase, "close")
        self._ordered = True
        self._pulses = 1
        self._pulsed_at = now
        self.state = shown(self.phase, self._switches)
        self.drive(now)

    def insist(self, now: int, cause: int) -> None:
        """`close` for a cause that stands: a valve that is stuck gets its rest first."""
        if self.phase != STUCK or now - self._pulsed_at >= PULSE_EVERY_MS + RETRY_MS:
            self.close(now, cause)

    def drive(self, now: int) -> None:
        """Set the output to what is ordered; pulse again where the limit switch was not reached."""
        if self.phase in (DRIVING, RETRYING) and now - self._pulsed_at >= PULSE_EVERY_MS:
            self._pulse_again(now)
        self._is_pulsed = self._ordered and not self._hold and now - self._pulsed_at < PULSE_MS
        closing = self._is_pulsed or (self._ordered and self._hold)
        # Written every time: a pin that something has disturbed is put right.
        self._coil.set(closing != self._rest_level)

    def _look(self) -> None:
        closed = self._is_closed.get()
        opened = self._is_open.get()
        self.phase = after(self.phase, "arrived" if closed and not opened else "left")
        self._switches = 2 * closed + opened
        if self.phase == SHUT:
            self._was_closed = True
            self._ordered = self._ordered or self._rest_level
            # Closed without an order: by a hand, or by the spring while the board was without power.
            self.cause = self.cause or self._by_itself
        elif self.phase == REST and opened and not closed:
            # A hand has opened it: what was ordered is over, and whoever has a cause orders it again. Not so while no
            # switch is read: a bounce must not end a closing, and a magnet would hold what nobody has opened.
            self._ordered = False
        self.state = shown(self.phase, self._switches)

    def _pulse_again(self, now: int) -> None:
        if self._pulses >= PULSES:
            self.phase = after(self.phase, "exhausted")
            self.state = shown(self.phase, self._switches)
            return
        self._pulses += 1
        self._pulsed_at = now
