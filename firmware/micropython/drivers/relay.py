"""Outputs: relay, lamp, buzzer, closing coil.

The pin must have been made with its idle level (``PinOut(number, value)``): nothing here touches it before the first
``set`` (S21: no pulse at boot).
"""


class Output:
    """``active``: the level that switches it on (False for relay boards that pull to ground)."""

    def __init__(self, pin, active: bool = True):
        self._pin = pin
        self._active = active

    def set(self, on: bool) -> None:
        """Switch it. The level is written every time, so that a disturbed pin is put right by the next call."""
        self._pin.set(bool(on) == self._active)
