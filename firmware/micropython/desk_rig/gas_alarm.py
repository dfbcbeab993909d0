"""What stands on the bench of a gas alarm: methane loop, CO module, valve, fan, lamps, button.

Values at rest, noise and travel are chosen by us; ranges are what such sensors can put out.
"""

from drivers.ndir import ZE07_CO

from desk_rig.channels import Input, divider, loop, thermistor
from desk_rig.iron import Button, Fan, Valve
from desk_rig.pins import Contact, Output
from desk_rig.serial_sensors import GasModule

LAMPS = ("lamp_green", "lamp_yellow", "lamp_red", "buzzer")
SUPPLY_RATIO = 11.0


def build(rig, settings: dict) -> None:
    """Put it all on ``rig``."""
    world = rig.world
    spring = settings.get("power-loss", "last") == "closed"
    rig.valve = Valve(rig.store, world, spring=spring, power_lost=rig.power_lost)
    rig.fan = Fan(world)
    rig.button = Button(world)
    rig.channels = {
        "methane": loop(world, 1.2, 0.15, 0.0, 100.0),
        "co": GasModule(world, Input(3.0, 0.6, 0.0, 1200.0), **ZE07_CO),
        "temperature": thermistor(world, Input(24.5, 0.1, -45.0, 130.0)),
        "supply": divider(world, Input(12.0, 0.02, 0.0, 40.0), SUPPLY_RATIO),
    }
    rig.contacts = {
        "valve_closed": Contact(sense=rig.valve.is_closed),
        "valve_open": Contact(sense=rig.valve.is_open),
        "fan_proof": Contact(sense=rig.fan.is_running),
        "button": Contact(sense=rig.button.is_pressed),
    }
    rig.outputs = {name: Output() for name in LAMPS}
    rig.outputs["valve_coil"] = Output(rig.valve.drive)
    rig.outputs["fan_relay"] = Output(rig.fan.drive)
    rig.aliases = {"gas": "methane"}
    rig.weakest = ("methane", "open")
    rig.over_loop = "methane"
