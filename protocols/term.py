"""Term: how long a mode lasts that lets a gateway see or say less. It ends early, never late (safety rule S10)."""

import msgspec

from protocols.moment import SECOND, Moment


class Term(msgspec.Struct, array_like=True, frozen=True):
    """From ``began_at`` to ``until`` (UTC ns), and the same two instants on the clock that never steps (mono ns), which
    counts from the start of the machine: ``boot`` says of which start, and is empty where nobody knows."""

    began_at: int
    until: int
    began_mono: int
    until_mono: int
    boot: str

    def is_over(self, now: Moment) -> bool:
        """Whether it has ended, by the first of the two clocks that says so."""
        return now.mono >= self.until_mono or now.wall >= self.until

    def survives(self, boot: str, now: Moment) -> bool:
        """After a restart of the gateway, on a machine whose start is ``boot``: whether it goes on.

        After another start of the machine nobody can tell how long it has lasted: it is over.
        """
        return bool(boot) and boot == self.boot and now.mono >= self.began_mono and not self.is_over(now)


def term_of(for_s: float, boot: str, now: Moment) -> Term:
    """One that begins ``now`` and lasts ``for_s`` seconds."""
    length = int(for_s * SECOND)
    return Term(now.wall, now.wall + length, now.mono, now.mono + length, boot)
