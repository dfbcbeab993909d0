"""The hydrogen node's parts on a microcontroller: ten loops on three ADS1115, five contacts.

``pins`` is the port's table. No chip here has ten analogue inputs of its own. One sample of all ten lasts about 15 ms.
"""

import hal
from drivers.ads1115 import REFERENCE_V, Ads1115
from drivers.contact import Contact
from drivers.current_loop import CurrentLoop
from drivers.parts import Parts

# name, address, input, span of the transmitter in vol%, MPa, Cel. A dead chip blinds two of the hydrogen channels,
# never all four.
LOOPS = (
    ("h2_1", 0x48, 0, 0.0, 4.0),
    ("h2_2", 0x48, 1, 0.0, 4.0),
    ("h2_3", 0x49, 0, 0.0, 4.0),
    ("h2_4", 0x49, 1, 0.0, 4.0),
    ("pressure_trailer", 0x48, 2, 0.0, 30.0),
    ("pressure_low_bank", 0x48, 3, 0.0, 60.0),
    ("pressure_high_bank", 0x49, 2, 0.0, 110.0),
    ("pressure_dispenser", 0x49, 3, 0.0, 110.0),
    ("temperature_gas", 0x4A, 0, -50.0, 150.0),
    ("temperature_room", 0x4A, 1, -50.0, 150.0),
)
# Normally closed: cut, torn off and acting read the same.
FAIL_SAFE = ("flame", "esd", "break_away")
PROOFS = ("fan_running", "compressor_running")
SHUNT_OHM = 150.0
I2C_HZ = 400000


def parts(pins: dict) -> Parts:
    """Inputs only: this node has no output."""
    bus = hal.I2c(pins["i2c"], pins["scl"], pins["sda"], I2C_HZ)
    made: dict = {}
    for name, address, channel, low, high in LOOPS:
        adc = Ads1115(bus, address, channel)
        made[name] = CurrentLoop(adc, low, high, shunt_ohm=SHUNT_OHM, reference_v=REFERENCE_V, samples=1)
    for name in FAIL_SAFE:
        made[name] = Contact(hal.PinIn(pins[name], 1), active=True)
    for name in PROOFS:
        made[name] = Contact(hal.PinIn(pins[name], 1), on=2, off=2)
    return Parts(**made)
