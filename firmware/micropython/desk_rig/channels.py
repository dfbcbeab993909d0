"""Sensors as the board's pins see them: what is measured becomes volts, and volts become counts of an ADC.

The ADC is that of the RP2040: 12 bits of 3.3 V, stretched to 16. Every channel can be broken (`Channel.fail`), and an
analog one can be held at a raw voltage or current.
"""

import math

from noise import Noise

REFERENCE_V = 3.3
SHUNT_OHM = 150.0
KELVIN = 273.15
T25 = 298.15


class StimulusError(Exception):
    """A stimulus line that this rig does not understand."""


class World:
    """The time of the last step and the noise, shared by everything on one rig."""

    def __init__(self, noise, now: int):
        self.noise = noise
        self.now = now


class Input:
    """One physical quantity that moves to where the stimulus puts it.

    ``noise``: half width in the quantity's unit; ``low``, ``high``: what the sensor can put out.
    """

    def __init__(self, value: float, noise: float, low: float, high: float):
        self._from = self._to = value
        self._noise = noise
        self._low = low
        self._high = high
        self._since = 0
        self._ms = 0

    def move(self, now: int, value: float, seconds: float = 0.0) -> None:
        """Go to ``value`` in a straight line over ``seconds``."""
        self._from = self._clean(now)
        self._to = value
        self._since = now
        self._ms = int(seconds * 1000)

    def read(self, now: int, noise: Noise) -> float:
        """The quantity at ``now`` with noise, within what the sensor can put out."""
        value = self._clean(now) + noise.around(self._noise)
        return min(max(value, self._low), self._high)

    def _clean(self, now: int) -> float:
        passed = now - self._since
        if passed >= self._ms:
            return self._to
        return self._from + (self._to - self._from) * passed / self._ms


class Channel:
    """One measured quantity. ``faults`` names the ways it can fail, ``units`` what a raw value may be given in."""

    faults = ()
    units = ()

    def __init__(self, world: World, quantity):
        self.world = world
        self.quantity = quantity
        self.condition = ""
        self.raw = None

    def value(self) -> float:
        """The quantity now, with noise."""
        return self.quantity.read(self.world.now, self.world.noise)

    def fail(self, condition: str) -> None:
        """Break it in one of the ways of ``faults``; raises `StimulusError` for another."""
        if condition not in self.faults:
            raise StimulusError(f"{condition!r}: this channel can only be " + ", ".join(self.faults))
        self.condition = condition

    def hold(self, value: float, unit: str) -> None:
        """Put a raw value on the wire, whatever the quantity is; raises `StimulusError` for a unit it has not."""
        if unit not in self.units:
            raise StimulusError(f"{unit!r}: a raw value here is in " + (" or ".join(self.units) or "nothing"))
        self.raw = value

    def mend(self) -> None:
        """As before `fail` and `hold`."""
        self.condition = ""
        self.raw = None


class AnalogChannel(Channel):
    """An input of the ADC. ``volts(value)``: what stands for a value; ``open_v``, ``short_v``: an open and a shorted
    line; ``shunt_ohm``: of a current loop, whose raw value may then be given in mA.
    """

    faults = ("open", "short")
    units = ("V", "mA")

    def __init__(self, world: World, quantity, volts, open_v: float, short_v: float, shunt_ohm: float | None = None):
        super().__init__(world, quantity)
        self._counted_at = -1
        self._counts = 0
        self._volts = volts
        self._open_v = open_v
        self._short_v = short_v
        self._shunt_ohm = shunt_ohm

    def read_u16(self) -> int:
        """What ``hal.Adc`` gives."""
        if self.raw is not None:
            return _counts(self.raw)
        if self.condition:
            return _counts(self._open_v if self.condition == "open" else self._short_v)
        # Worked out once for each step of the world: a driver that averages eight would keep a small chip busy.
        if self._counted_at != self.world.now:
            self._counted_at = self.world.now
            self._counts = _counts(self._volts(self.value()))
        return self._counts

    def hold(self, value: float, unit: str) -> None:
        """Volts at the ADC, or the current of a loop."""
        if unit == "mA":
            if self._shunt_ohm is None:
                raise StimulusError("'mA': this channel is no current loop")
            value = value * self._shunt_ohm / 1000.0
        super().hold(value, unit)


def _counts(volts: float) -> int:
    counts = min(max(int(volts / REFERENCE_V * 4095 + 0.5), 0), 4095)
    return counts << 4 | counts >> 8


def loop(world: World, at_rest: float, noise: float, low: float, high: float) -> AnalogChannel:
    """4-20 mA over a shunt of 150 ohm; ``low``, ``high``: the span of the transmitter, which goes from 0 to 22 mA."""
    quantity = Input(at_rest, noise, low - 0.25 * (high - low), high + 0.125 * (high - low))

    def volts(value: float) -> float:
        return (4.0 + (value - low) / (high - low) * 16.0) * SHUNT_OHM / 1000.0

    return AnalogChannel(world, quantity, volts, open_v=0.0, short_v=REFERENCE_V, shunt_ohm=SHUNT_OHM)


def thermistor(world: World, quantity) -> AnalogChannel:
    """10 kohm NTC (beta 3950) to ground, 10 kohm to the reference."""

    def volts(value: float) -> float:
        ratio = math.exp(3950.0 * (1.0 / (value + KELVIN) - 1.0 / T25))
        return REFERENCE_V * ratio / (1.0 + ratio)

    return AnalogChannel(world, quantity, volts, open_v=REFERENCE_V, short_v=0.0)


def divider(world: World, quantity, ratio: float) -> AnalogChannel:
    """A voltage behind a divider; ``ratio``: input volts for one at the ADC."""
    return AnalogChannel(world, quantity, lambda value: value / ratio, open_v=0.0, short_v=REFERENCE_V)
