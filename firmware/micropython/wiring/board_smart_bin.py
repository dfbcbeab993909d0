"""The smart bin's parts on a microcontroller; ``pins`` is the port's table."""

import hal
from drivers.accelerometer import Accelerometer
from drivers.contact import Contact
from drivers.divider import Divider
from drivers.hx711 import Hx711
from drivers.parts import Parts
from drivers.thermistor import Thermistor
from drivers.ultrasonic import Ultrasonic

# 100 kohm over 100 kohm.
BATTERY_RATIO = 2.0
I2C_HZ = 400000


def parts(pins: dict) -> Parts:
    """Sensors, lid and smoke. The smoke contact is normally closed: a cut wire is smoke."""
    return Parts(
        distance=Ultrasonic(hal.Uart(pins["distance"], 9600)),
        weight=Hx711(hal.PinIn(pins["weight_data"]), hal.PinOut(pins["weight_clock"])),
        temperature=Thermistor(hal.Adc(pins["temperature"])),
        tilt=Accelerometer(hal.I2c(pins["i2c"], pins["scl"], pins["sda"], I2C_HZ)),
        battery=Divider(hal.Adc(pins["battery"]), BATTERY_RATIO),
        lid_open=Contact(hal.PinIn(pins["lid_open"], 1)),
        smoke=Contact(hal.PinIn(pins["smoke"], 1), active=True),
    )
