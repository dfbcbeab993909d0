"""The parts of a smart bin on the rig."""

from desk_rig.smart_bin import BATTERY_RATIO, COUNTS_PER_KG
from drivers.accelerometer import Accelerometer
from drivers.contact import Contact
from drivers.divider import Divider
from drivers.hx711 import Hx711
from drivers.parts import Parts
from drivers.thermistor import Thermistor
from drivers.ultrasonic import Ultrasonic

# Four samples halve the noise and keep many channels cheap.
SAMPLES = 4


def parts(rig) -> Parts:
    """Sensors, lid and smoke."""
    channels = rig.channels
    cell = channels["weight"]
    return Parts(
        distance=Ultrasonic(channels["distance"]),
        weight=Hx711(cell.data_pin, cell.clock_pin, counts_per_kg=COUNTS_PER_KG),
        temperature=Thermistor(channels["temperature"], samples=SAMPLES),
        tilt=Accelerometer(rig.bus),
        battery=Divider(channels["battery"], BATTERY_RATIO, samples=SAMPLES),
        lid_open=Contact(rig.contacts["lid_open"]),
        smoke=Contact(rig.contacts["smoke"], active=True),
    )
