"""A process has no pins: what would be wired is simulated there (``parts = rig``)."""


class _Absent:
    """Raises `OSError` when it is made: a board that takes its parts from pins must not start without them."""

    def __init__(self, *_place, **_options):
        raise OSError("a process has no pins or buses: --parts rig simulates what would be wired to them")


Adc = I2c = PinIn = PinOut = _Absent
