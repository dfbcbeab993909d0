"""The accident fan's relay, with the contact that proves that it runs.

It is started by a command alone, never by the board itself: exhaust against a stopped gas flow is for somebody who
knows the ducts (S1), and after carbon monoxide it is forbidden (S20). It is not started again after a reset.

A fan that does not prove itself within 5 s has `failed`. Where nothing is latched its relay is dropped then: one that
ran was stopped by a person, and must not start by itself when he lets go. While the zone is latched the relay stays
(S2) and the fan is shown as unknown: the contact may be what is broken, and switching a motor off in gas is a spark.
"""

# Codes of the profile.
UNKNOWN = 0
STOPPED = 1
RUNNING = 2

# Contactor read-back of the safety rules, chosen by us.
PROOF_MS = 5000


class Fan:
    """``state``: code of the profile; ``failed``: it was told to run, and its contact does not say so."""

    def __init__(self, relay, proof):
        self._relay = relay
        self._proof = proof
        self._on = False
        self._unproven_since = None
        self._has_run = False
        self.failed = False
        self.state = RUNNING if proof.get() else STOPPED

    @property
    def is_on(self) -> bool:
        """Whether the relay is picked up."""
        return self._on

    def start(self, now: int) -> None:
        """Pick up the relay; again where the proof was missing."""
        self._on = True
        self._relay.set(True)
        if self._unproven_since is None or self.failed:
            self._unproven_since = now
        self._has_run = False
        self.failed = False

    def step(self, now: int, is_latched: bool) -> None:
        """Read the contact. ``is_latched``: a cause or a trip stands in the zone."""
        if self._proof.get():
            self.state = RUNNING
            self.failed = False
            self._has_run = True
            self._unproven_since = None
        elif not self._on:
            self.state = STOPPED
        else:
            self._miss(now, is_latched)
        # Written every time: a pin that something has disturbed is put right.
        self._relay.set(self._on)

    def _miss(self, now: int, is_latched: bool) -> None:
        if self._unproven_since is None:
            self._unproven_since = now
        if now - self._unproven_since < PROOF_MS:
            self.state = STOPPED
            return
        if is_latched:
            self.failed = True
            self.state = UNKNOWN
            return
        self.failed = not self._has_run
        self.state = STOPPED
        self._on = False
        self._unproven_since = None
