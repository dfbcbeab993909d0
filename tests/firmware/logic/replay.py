"""Plays the traces of ``tests/firmware/traces`` to drivers, and the ends of a wire that they need.

A line of a trace is what arrives from a sensor in one step, and what the driver shows then:

    ms  input  value  fault  over

``input``: bytes in hex (UART), counts (ADC), registers (I2C) or the 24-bit word (HX711); ``-`` is nothing, ``!`` no
answer at all. ``value``: as written, to half a unit of its last digit; ``-`` is None. ``fault``: code of
`drivers.faults`. Lines with ``#`` say where a frame comes from; «made» ones are computed from the layout in the
driver's docstring.
"""

TRACES = __file__.rpartition("/")[0] + "/../traces/"


def rows(name):
    """The lines of a trace, split; comments left out."""
    with open(TRACES + name + ".txt") as file:
        return [line.split() for line in file if line.strip() and line[0] != "#"]


def matches(value, text):
    """Whether ``value`` is what the trace says, to half a unit of the last digit written."""
    if value is None or text == "-":
        return value is None and text == "-"
    digits = len(text) - 1 - text.find(".") if "." in text else 0
    return abs(value - float(text)) <= 0.5001 / 10**digits


def play(name, wire, sensor):
    """Feed ``wire.put(text)`` and read the sensor, row by row."""
    played = 0
    for ms, given, value, fault, over in rows(name):
        wire.put(given)
        seen = sensor.read(int(ms))
        assert matches(seen, value), (name, ms, seen, value)
        assert sensor.fault == int(fault), (name, ms, sensor.fault, fault)
        assert sensor.over == bool(int(over)), (name, ms, sensor.over)
        played += 1
    assert played > 3


class Adc:
    """The same count until the next."""

    def __init__(self, count=0):
        self.count = count

    def put(self, text):
        self.count = int(text)

    def read_u16(self):
        return self.count


class Uart:
    """What was put arrives with the next read."""

    def __init__(self):
        self.sent = []
        self._waiting = b""

    def put(self, text):
        self._waiting += b"" if text == "-" else bytes.fromhex(text)

    def arrive(self, data):
        self._waiting += data

    def read(self):
        data, self._waiting = self._waiting, b""
        return data

    def write(self, data):
        self.sent.append(bytes(data))


class I2c:
    """One device: fixed answers by register, and a block that the trace gives."""

    def __init__(self, block, fixed):
        self.written = []
        self.data = None
        self._block = block
        self.fixed = fixed

    def put(self, text):
        self.data = None if text == "!" else bytes.fromhex(text)

    def read(self, _address, register, count):
        if self.data is None:
            raise OSError(5)
        return (self.data if register == self._block else self.fixed[register])[:count]

    def write(self, _address, register, data):
        if self.data is None:
            raise OSError(5)
        self.written.append((register, bytes(data)))
