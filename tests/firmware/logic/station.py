"""A hydrogen station for the suites: its parts, quiet at first, and the node that watches them."""

import rig
from plain_parts import Contact, Sensor
from products import first_out
from products.hydrogen_node import HydrogenNode

QUIET = {
    "h2_1": 0.02,
    "h2_2": 0.01,
    "h2_3": 0.03,
    "h2_4": 0.0,
    "pressure_trailer": 18.5,
    "pressure_low_bank": 41.2,
    "pressure_high_bank": 82.75,
    "pressure_dispenser": 0.3,
    "temperature_gas": -12.5,
    "temperature_room": 24.0,
}
CONTACTS = ("flame", "esd", "break_away", "fan_running", "compressor_running")


class Parts:
    """A quiet station."""

    def __init__(self):
        for name, value in QUIET.items():
            setattr(self, name, Sensor(value))
        for name in CONTACTS:
            setattr(self, name, Contact())


def station(store=None, parts=None, **settings):
    parts = parts or Parts()
    return parts, HydrogenNode(parts, store or rig.store(), 0, dict({"warm-up": 0.0}, **settings))


def shows(node, **expected):
    seen = node.snapshot()
    for name, value in expected.items():
        assert seen[name] == value, (name, seen[name], value)


def first(node):
    seen = node.snapshot()
    return first_out.NAMES[seen["first_out"]], seen["first_out_channel"]
