"""The parts of a shipped board, its own drivers, over pins, buses and lines on which little happens: the heap that they
take is that of a board. Frozen as ``wiring.linux``, so that ``parts board`` finds it on the unix port.

Every analogue input carries 2.52 V from the fourth second on, 16.8 mA in a loop, and 1.2 V before; contacts are open,
lines are silent, outputs go nowhere.
"""

import time

import hal
from wiring.rp2 import PINS

BEGAN = time.ticks_ms()
CALM_MS = 4000
CALM, HIGH = 23831, 50044


def counts() -> int:
    """What an ADC of 16 bits and 3.3 V reads now."""
    return HIGH if time.ticks_diff(time.ticks_ms(), BEGAN) > CALM_MS else CALM


class Adc:
    """``hal.Adc``."""

    def __init__(self, _pin):
        pass

    def read_u16(self):
        """See `counts`."""
        return counts()


class I2c:
    """``hal.I2c`` with ADS1115 and LIS3DH, of which each register reads alike."""

    def __init__(self, *_pins):
        pass

    def read(self, _address, register, count):
        """A conversion that is done, and its value."""
        return bytes((counts() * 33 // 41 >> 9, 0)) if register == 0 else b"\xb3" * count

    def write(self, _address, _register, _data):
        """Taken."""


class Pin:
    """``hal.PinIn`` and ``hal.PinOut``."""

    def __init__(self, _pin, _pull=None):
        pass

    def get(self):
        """Pulled up."""
        return True

    def set(self, _level):
        """Taken."""


class Line:
    """``hal.Uart`` of a sensor that says nothing."""

    def __init__(self, _port, _baud):
        pass

    def read(self):
        """Nothing."""
        return b""

    def write(self, _data):
        """Taken."""


def parts(settings):
    """The parts of a Pico, by its own tables."""
    product = settings["product"]
    board = __import__("wiring.board_" + product.replace("-", "_"), None, None, ("parts",))
    real = hal.Uart
    hal.Adc, hal.I2c, hal.PinIn, hal.PinOut, hal.Uart = Adc, I2c, Pin, Pin, Line
    made = board.parts(dict(PINS[product]))
    # The line of Modbus is a real one.
    hal.Uart = real
    return made
