"""A pulse-driven, one-way shut-off valve. The firmware closes it; only a person at the board opens it (S2).

The state codes are those of the profile. `TRANSITIONS` is the whole truth: the one event that leads to OPEN is
BY_HAND, and nothing but the person's hand (the stimulus line ``valve open``) makes that event.
"""

UNKNOWN = 0
OPEN = 1
CLOSED = 2
MOVING = 3
FAULT = 4
STATES = (UNKNOWN, OPEN, CLOSED, MOVING, FAULT)

CLOSE = "close"
ARRIVED = "arrived"
STUCK = "stuck"
BY_HAND = "opened-by-hand"
EVENTS = (CLOSE, ARRIVED, STUCK, BY_HAND)

TRANSITIONS = {
    (UNKNOWN, CLOSE): MOVING,
    (UNKNOWN, ARRIVED): UNKNOWN,
    (UNKNOWN, STUCK): UNKNOWN,
    (UNKNOWN, BY_HAND): OPEN,
    (OPEN, CLOSE): MOVING,
    (OPEN, ARRIVED): OPEN,
    (OPEN, STUCK): OPEN,
    (OPEN, BY_HAND): OPEN,
    (CLOSED, CLOSE): CLOSED,
    (CLOSED, ARRIVED): CLOSED,
    (CLOSED, STUCK): CLOSED,
    (CLOSED, BY_HAND): OPEN,
    (MOVING, CLOSE): MOVING,
    (MOVING, ARRIVED): CLOSED,
    (MOVING, STUCK): FAULT,
    (MOVING, BY_HAND): OPEN,
    (FAULT, CLOSE): MOVING,
    (FAULT, ARRIVED): FAULT,
    (FAULT, STUCK): FAULT,
    (FAULT, BY_HAND): OPEN,
}

# A pulse valve is pulsed every 10 s, up to 5 times (S21, ESN14); the travel time is that of a small solenoid.
TRAVEL_MS = 300
PULSE_EVERY_MS = 10000
PULSES = 5


class Valve:
    """``state`` is what the limit switches say, ``cause`` why it was closed (codes of the profile).

    ``jammed`` is the rig's: the limit switch «closed» is never reached.
    """

    def __init__(self, state: int, cause: int, now: int):
        self.state = state
        self.cause = cause
        self.jammed = False
        self._pulses = 1
        self._pulsed_at = now

    def close(self, now: int, cause: int) -> None:
        """Drive it to closed. A valve that is closed or closing keeps its first cause."""
        if self.state in (CLOSED, MOVING):
            return
        self.cause = cause
        self._pulses = 1
        self._pulsed_at = now
        self.state = TRANSITIONS[self.state, CLOSE]

    def open_by_hand(self) -> None:
        """A person at the board has opened it."""
        self.cause = 0
        self.state = TRANSITIONS[self.state, BY_HAND]

    def step(self, now: int) -> None:
        """Look at the limit switch; pulse again where it was not reached."""
        if self.state != MOVING:
            return
        passed = now - self._pulsed_at
        if passed >= TRAVEL_MS and not self.jammed:
            self.state = TRANSITIONS[self.state, ARRIVED]
        elif passed >= PULSE_EVERY_MS:
            self._pulse_again(now)

    def _pulse_again(self, now: int) -> None:
        if self._pulses >= PULSES:
            self.state = TRANSITIONS[self.state, STUCK]
            return
        self._pulses += 1
        self._pulsed_at = now
