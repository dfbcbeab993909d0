"""The self-test: lamps and buzzer for three seconds, then a verdict on the electronics.

It moves no final element and ends at once when a cause appears.
"""

# Codes of the profile.
NONE = 0
PASSED = 1
FAILED = 2
RUNNING = 3

SHOW_MS = 3000


class SelfTest:
    """``state``: code of the profile; of a test that a cause has ended, there is no result."""

    def __init__(self):
        self.state = NONE
        self._since = 0

    @property
    def is_running(self) -> bool:
        """Whether lamps and buzzer are to be on."""
        return self.state == RUNNING

    def begin(self, now: int) -> None:
        """Start it; one that runs goes on."""
        if self.state != RUNNING:
            self.state = RUNNING
            self._since = now

    def step(self, now: int, has_cause: bool, is_sound: bool) -> None:
        """``has_cause``: something to alarm about; ``is_sound``: the electronics look right at this moment."""
        if self.state != RUNNING:
            return
        if has_cause:
            self.state = NONE
        elif now - self._since >= SHOW_MS:
            self.state = PASSED if is_sound else FAILED
