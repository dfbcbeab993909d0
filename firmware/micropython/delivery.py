"""Readings on their way to the gateway: when one is due, through the backlog, to the link."""

from reporting import AT_ONCE
from vitals import NAMES as VITALS

# What the board tells of itself changes slowly, and would make each pack a quarter longer.
VITALS_EVERY_MS = 60000
# A change of these goes out soon. Not at once: in an outage each reading overwrites one, and telling it is a reading.
VITALS_WATCHED = ("crashed", "overwritten")
VITALS_SOONEST_MS = 10000


class Delivery:
    """``gate``: `reporting.ReportGate`; ``clock``: `clock.Clock`; ``composer``: `composer.Composer`; ``backlog``:
    `backlog.Backlog` in front of ``link``; ``send(datagram)``: where what the link says unasked goes.

    ``heard_at``: when the gateway last took a reading (ms), or ``None``. A refusal or a stranger's word is not enough:
    a configuration on trial is called good by it.
    """

    def __init__(self, gate, clock, composer, backlog, link, send):
        self._gate = gate
        self._clock = clock
        self._composer = composer
        self._backlog = backlog
        self._link = link
        self._send = send
        self._seq = 0
        self._vitals_at = None
        self._told = None
        self.heard_at = None

    @property
    def busy(self) -> bool:
        """Whether a reading waits."""
        return self._backlog.waiting > 0

    def report(self, now: int, values: dict) -> None:
        """Queue the sample if it is time for it, and send what is due."""
        self._clock.look(now)
        due = self._gate.due(now, values)
        # What the board tells of itself never stands before what is urgent; it goes with one of the next samples.
        if due != AT_ONCE and self._is_vitals_due(now, values):
            # No two readings of a device share a time.
            self._offer(now - 1 if due else now, values, False, of_board=True)
        if due:
            self._offer(now, values, due == AT_ONCE, of_board=False)
        self.flush(now)

    def soon(self) -> None:
        """Report with the next sample, whatever the period."""
        self._gate.soon()

    def receive(self, now: int, message) -> list:
        """What the gateway said; messages to send for it."""
        taken = self._link.taken
        answer = self._backlog.receive(now, message)
        if self._link.taken != taken:
            self.heard_at = now
        self.flush(now)
        if answer is None:
            return []
        return answer if isinstance(answer, list) else [answer]

    def flush(self, now: int) -> None:
        """Send what is due."""
        datagram = self._backlog.poll(now)
        if datagram is not None:
            self._send(datagram)

    def keep(self, now: int) -> None:
        """Put what waits into flash: before a restart on purpose."""
        self._backlog.flush(now)

    def _is_vitals_due(self, now: int, values: dict) -> bool:
        watched = [values[name] for name in VITALS_WATCHED]
        if self._vitals_at is not None:
            age = now - self._vitals_at
            if age < VITALS_SOONEST_MS or (age < VITALS_EVERY_MS and watched == self._told):
                return False
        self._vitals_at, self._told = now, watched
        return True

    def _offer(self, now: int, values: dict, is_urgent: bool, *, of_board: bool) -> None:
        """A reading of the product's points, or of the board's own. What is not sent is absent, not bad."""
        self._seq += 1
        found = {name: values[name] if (name in VITALS) == of_board else None for name in values}
        self._backlog.offer(now, self._seq, self._composer.body(found), is_urgent)
