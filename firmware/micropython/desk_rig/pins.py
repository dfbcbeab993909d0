"""Pins of the board as the rig sees them: what it drives, and contacts to ground with a pull-up."""


class Output:
    """A ``hal.PinOut`` that remembers its level; ``moves(on)`` hears of every change."""

    def __init__(self, moves=None):
        self.on = False
        self._moves = moves

    def set(self, level: bool) -> None:
        """Drive the pin."""
        if level != self.on:
            self.on = level
            if self._moves is not None:
                self._moves(level)


class Contact:
    """A ``hal.PinIn`` with a pull-up. ``active``: its level while the contact acts; ``sense`` says whether it does.

    Without ``sense`` it acts as ``on`` says. ``open``: the wire is cut; ``short``: it touches ground.
    """

    faults = ("open", "short")

    def __init__(self, active: bool = False, sense=None):
        self.on = False
        self.condition = ""
        self.settable = sense is None
        self._active = active
        self._sense = sense

    def get(self) -> bool:
        """The level of the pin."""
        if self.condition:
            return self.condition == "open"
        acts = self.on if self._sense is None else self._sense()
        return acts == self._active
