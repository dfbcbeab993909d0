"""Lamps and buzzer: green monitoring, yellow fault, red alarm (GB 15322.1), each with its patterns.

    lamp    steady             blinking                         short flashes
    green   monitoring         warm-up
    yellow  fault              valve or fan has failed          detector past its life
    red     level 2            level 1, or lost while high      two: carbon monoxide; one: trip latched

The buzzer tells level 2 from carbon monoxide (four beeps), level 1 and a fault (one chirp a minute). The button
silences it for a while; it sounds again after that, and at once when something joins what was silenced. When it begins
to sound it does so for 10 s at least: a button that chatters must not keep it silent. Lamps and what the gateway is
told are never silenced.
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
# Sounds and looks as `LEVEL_2`, with which it stands; what was silenced sounds anew when it joins.
OVER_RANGE = 1024
AUDIBLE = LEVEL_1 | LEVEL_2 | CO | BLIND | FAULT | ACTUATOR | EXPIRED | OVER_RANGE
# Chosen by us.
HEARD_MS = 10000

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


def red(what: int) -> tuple:
    """The pattern of the red lamp: of what stands the first in this order. ``what``: bits of this module."""
    if what & LEVEL_2:
        return STEADY
    if what & (LEVEL_1 | BLIND):
        return BLINK
    if what & CO:
        return TWO_FLASHES
    return ONE_FLASH if what & LATCHED else OFF


def yellow(what: int) -> tuple:
    """The same of the yellow lamp."""
    if what & FAULT:
        return STEADY
    if what & ACTUATOR:
        return BLINK
    return ONE_FLASH if what & EXPIRED else OFF


def green(what: int) -> tuple:
    """The same of the green lamp."""
    if what & WARM_UP:
        return BLINK
    return STEADY if what & MONITORING else OFF


def sound(what: int) -> tuple:
    """The same of the buzzer."""
    if what & LEVEL_2:
        return FAST
    if what & CO:
        return FOUR_BEEPS
    if what & (LEVEL_1 | BLIND):
        return BLINK
    return CHIRP if what & (FAULT | ACTUATOR | EXPIRED) else OFF


def is_on(found: tuple, now: int) -> bool:
    """Whether a pattern is on at ``now`` (ms)."""
    period, parts = found
    at = now % period
    return any(start <= at < end for start, end in parts)


class Annunciator:
    """Three lamps and a buzzer, all outputs. ``muted``: something sounds that was silenced."""

    def __init__(self, green_lamp, yellow_lamp, red_lamp, buzzer, mute_ms: int):
        self._outputs = (green_lamp, yellow_lamp, red_lamp, buzzer)
        self._mute_ms = mute_ms
        self._silenced = 0
        self._until = 0
        self._audible = 0
        self._sounds_since = None

    @property
    def muted(self) -> bool:
        """Whether the button has silenced what stands now."""
        return self._silenced != 0

    def mute(self, now: int) -> bool:
        """The button: silence what has sounded for `HEARD_MS`; ``False`` where nothing sounds."""
        if self._sounds_since is None:
            return False
        if now - self._sounds_since >= HEARD_MS:
            self._silenced = self._audible
            self._until = now + self._mute_ms
        return True

    def show(self, now: int, what: int, is_testing: bool) -> None:
        """``what``: bits of this module; ``is_testing``: everything on."""
        self._audible = what & AUDIBLE
        if self._audible & ~self._silenced or now >= self._until:
            self._silenced = 0
        self._silenced &= self._audible
        if self.muted or not self._audible:
            self._sounds_since = None
        elif self._sounds_since is None:
            self._sounds_since = now
        patterns = green(what), yellow(what), red(what), OFF if self.muted else sound(what)
        for at, found in enumerate(patterns):
            self._outputs[at].set(is_testing or is_on(found, now))
