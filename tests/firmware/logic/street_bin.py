"""A bin in the street for the suites: its parts, half full and quiet at first, and a board that lives by its clock."""

import rig
from plain_parts import Contact, Sensor
from products.smart_bin import SmartBin

SETTINGS = {"height": 1000.0, "offset": 100.0, "overflow": 90.0, "fire": 70.0, "wake": 300.0, "period": 600.0}
WAKE_MS = 300000


class Parts:
    """A quiet bin, half full."""

    def __init__(self):
        self.distance = Sensor(600.0)
        self.weight = Sensor(21.0)
        self.temperature = Sensor(26.0)
        self.tilt = Sensor(2.0)
        self.battery = Sensor(4.0)
        self.lid_open = Contact()
        self.smoke = Contact()

    def fill(self, level):
        self.distance.gives(1100.0 - 10.0 * level)


def board(store=None, parts=None, **settings):
    """A board that has looked twice, and the time."""
    parts = parts or Parts()
    made = SmartBin(parts, store or rig.store(), 0, dict(SETTINGS, **settings))
    return parts, made, sleep(made, 0, 15000)


def sleep(made, now, ms):
    """Live ``ms`` as a node does: sample when the product wants to be sampled."""
    end = now + ms
    while now + made.sample_ms <= end:
        now += made.sample_ms
        made.sample(now)
    return end


def shows(made, **expected):
    seen = made.snapshot()
    for name, value in expected.items():
        assert seen[name] == value, (name, seen[name], value)
