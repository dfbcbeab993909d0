"""Lamps and buzzer: green monitoring, yellow fault, red alarm (GB 15322.1), each with its patterns.

    lamp    steady             blinking                         short flashes
    green   monitoring         warm-up
    yellow  fault              valve or fan has failed          detector past its life
    red     level 2            level 1, or lost while high      two: carbon monoxide; one: trip latched

The buzzer tells level 2 from carbon monoxide (four beeps), level 1 and a fault (one chirp a minute). The button
silences it for a while; it sounds again after that, and at once when something joins what was silenced. Lamps and what
the gateway is told are never silenced.
"""

# What there is to show, as bits.
LEVEL_1 = 1
LEVEL_2 = 2
CO = 4
BLIND = 8
FAULT = 16
ACTUATOR = 32
EXPIRED = 64
WARM_UP = 128
LATCHED = 256
MONITORING = 512
AUDIBLE = LEVEL_1 | LEVEL_2 | CO | BLIND | FAULT | ACTUATOR | EXPIRED

# Patterns: period and the parts of it that are on, ms; no part shorter than two samples. Chosen by us; four beeps for
# carbon monoxide are customary (from memory).
STEADY = (100, ((0, 100),))
OFF = (100, ())
BLINK = (1000, ((0, 500),))
FAST = (400, ((0, 200),))
ONE_FLASH = (3000, ((0, 200),))
TWO_FLASHES = (2000, ((0, 200), (400, 600)))
FOUR_BEEPS = (5000, ((0, 200), (400, 600), (800, 1000), (1200, 1400)))
CHIRP = (60000, ((0, 200),))

# The first row of which a bit is set gives the pattern.
RED = ((LEVEL_2, STEADY), (LEVEL_1 | BLIND, BLINK), (CO, TWO_FLASHES), (LATCHED, ONE_FLASH))
YELLOW = ((FAULT, STEADY), (ACTUATOR, BLINK), (EXPIRED, ONE_FLASH))
GREEN = ((WARM_UP, BLINK), (MONITORING, STEADY))
BUZZER = ((LEVEL_2, FAST), (CO, FOUR_BEEPS), (LEVEL_1 | BLIND, BLINK), (FAULT | ACTUATOR | EXPIRED, CHIRP))


def pattern(rows: tuple, what: int) -> tuple:
    """The pattern of the first row that applies, or `OFF`."""
    for bits, found in rows:
        if what & bits:
            return found
    return OFF


def is_on(found: tuple, now: int) -> bool:
    """Whether a pattern is on at ``now`` (ms)."""
    period, parts = found
    at = now % period
    return any(start <= at < end for start, end in parts)


class Annunciator:
    """``green``, ``yellow``, ``red``, ``buzzer``: outputs. ``muted``: something sounds that was silenced."""

    def __init__(self, green, yellow, red, buzzer, mute_ms: int):
        self._outputs = ((green, GREEN), (yellow, YELLOW), (red, RED), (buzzer, BUZZER))
        self._mute_ms = mute_ms
        self._silenced = 0
        self._until = 0
        self._audible = 0

    @property
    def muted(self) -> bool:
        """Whether the button has silenced what stands now."""
        return self._silenced != 0

    def mute(self, now: int) -> bool:
        """The button: silence what sounds; ``False`` where nothing does."""
        if not self._audible or self.muted:
            return False
        self._silenced = self._audible
        self._until = now + self._mute_ms
        return True

    def show(self, now: int, what: int, is_testing: bool) -> None:
        """``what``: bits of this module; ``is_testing``: everything on."""
        self._audible = what & AUDIBLE
        if self._audible & ~self._silenced or now >= self._until:
            self._silenced = 0
        self._silenced &= self._audible
        for output, rows in self._outputs:
            is_silent = rows is BUZZER and self.muted
            output.set(is_testing or (not is_silent and is_on(pattern(rows, what), now)))
