"""A link that is down for good: nothing leaves and nothing arrives, and the readings wait in flash.

A board whose credential cannot be used gets it: it must not fall back to plain CoAP.
"""


class NoLink:
    """The interface of `links.serial_link`. It is always full: the backlog gives it nothing and keeps all."""

    waiting = 1 << 16
    dropped = 0
    taken = 0
    settled = None

    def offer(self, now: int, seq: int, payload, urgent: bool) -> None:
        """Not taken; it stays where it is."""

    def poll(self, _now: int) -> bytes | None:
        """Nothing."""
        return None

    def receive(self, _now: int, _message) -> bytes | None:
        """Nothing is believed."""
        return None
