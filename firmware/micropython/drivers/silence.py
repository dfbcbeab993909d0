"""How long a sensor has said nothing, for boards that are always awake and for boards that sleep."""


class Silence:
    """Longer than ``limit_ms`` is a fault. Silence is counted from the first call on.

    While nobody listened (a sleep longer than the limit) nothing was missed: the count begins anew, once. A sensor
    that has not spoken by the next waking is silent.
    """

    def __init__(self, limit_ms: int):
        self._limit_ms = limit_ms
        self._since = -1
        self._asked_at = -1
        self._spared = False

    def heard(self, now: int) -> None:
        """It has spoken."""
        self._since = self._asked_at = now
        self._spared = False

    def too_long(self, now: int) -> bool:
        """Whether the silence is a fault. Call it with every read."""
        if self._since < 0:
            self._since = self._asked_at = now
        slept = now - self._asked_at > self._limit_ms
        if slept and not self._spared and self._asked_at - self._since <= self._limit_ms:
            self._since = now
            self._spared = True
        self._asked_at = now
        return now - self._since > self._limit_ms
