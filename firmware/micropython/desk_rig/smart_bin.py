"""What stands on the bench of a smart bin: ranger, load cell, thermistor, tilt sensor, lid, smoke, battery.

Values at rest, noise and travel are chosen by us; ranges are what such sensors can put out.
"""

from drivers.accelerometer import ADDRESS
from products.battery import volts_at

from desk_rig.bus_sensors import Bus, LoadCell, TiltSensor
from desk_rig.channels import Input, divider, thermistor
from desk_rig.pins import Contact
from desk_rig.serial_sensors import Ranger

BATTERY_RATIO = 2.0
COUNTS_PER_KG = 16000.0


def build(rig, settings: dict) -> None:
    """Put it all on ``rig``."""
    world = rig.world
    height = settings.get("height", 1200)
    offset = settings.get("offset", 0)
    cell = settings.get("cell", "li-ion")

    def distance(fill: float) -> float:
        return height + offset - fill * height / 100.0

    def volts(percent: float) -> float:
        return volts_at(cell, percent)

    rig.channels = {
        "distance": Ranger(world, Input(distance(35.0), height / 250.0, 0.0, 5000.0)),
        "weight": LoadCell(world, Input(12.0, 0.1, -20.0, 600.0), COUNTS_PER_KG),
        "temperature": thermistor(world, Input(26.0, 0.2, -45.0, 130.0)),
        "tilt": TiltSensor(world, Input(2.0, 0.4, 0.0, 180.0)),
        "battery": divider(world, Input(volts(88.0), 0.0, 0.0, 6.0), BATTERY_RATIO),
    }
    rig.bus = Bus({ADDRESS: rig.channels["tilt"]})
    rig.contacts = {"lid_open": Contact(), "smoke": Contact(active=True)}
    rig.aliases = {"lid": "lid_open", "fire": "smoke"}
    rig.scales = {"fill": ("distance", distance), "battery": ("battery", volts)}
    rig.weakest = ("distance", "silent")
