"""Replay window of a recipient (RFC 8613, section 7.4): a number is accepted once, and none that is too old."""

SIZE = 32


class ReplayWindow:
    """Not started until it knows a fresh number: after a restart the numbers used before are unknown (7.5.2)."""

    def __init__(self) -> None:
        self.started = False
        self._highest = -1
        self._seen = 0

    def start(self, sequence: int) -> None:
        """Take ``sequence`` as the first fresh number; every lower one counts as used."""
        self.started = True
        self._highest = sequence
        self._seen = (1 << SIZE) - 1

    def replayed(self, sequence: int) -> bool:
        """Whether ``sequence`` was used, or is too old to tell. Before the start nothing is known: ``False``."""
        age = self._highest - sequence
        return self.started and age >= 0 and (age >= SIZE or bool(self._seen >> age & 1))

    def accept(self, sequence: int) -> None:
        """Note a number whose message was authentic, and not `replayed`."""
        age = self._highest - sequence
        if age < 0:
            # A jump of millions must not build a number of millions of bits.
            self._seen = (self._seen << min(-age, SIZE) & ((1 << SIZE) - 1)) | 1
            self._highest = sequence
        else:
            self._seen |= 1 << age
