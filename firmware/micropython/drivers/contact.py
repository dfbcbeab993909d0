"""A contact at an input pin, debounced by agreement: bounces last a few ms, samples are 50 ms or more apart.

Fail-safe sense: a normally closed contact to ground with a pull-up is ``active=True``: pressed, torn off and cut all
read high, all are an alarm. A normally open one is ``active=False``: it is closed only when it acts.
"""


class Contact:
    """``active``: the level at which ``get`` says True. ``on``, ``off``: how many calls in a row must agree before
    it changes to True, to False. The first call is believed at once. Call it once a sample.
    """

    def __init__(self, pin, active: bool = False, on: int = 1, off: int = 2):
        self._pin = pin
        self._active = active
        self._needed = (off, on)
        self._state = False
        self._fresh = True
        self._agreed = 0

    def get(self) -> bool:
        """Whether the contact acts."""
        seen = bool(self._pin.get()) == self._active
        if self._fresh:
            self._fresh = False
            self._state = seen
        elif seen == self._state:
            self._agreed = 0
        else:
            self._agreed += 1
            if self._agreed >= self._needed[seen]:
                self._agreed = 0
                self._state = seen
        return self._state
