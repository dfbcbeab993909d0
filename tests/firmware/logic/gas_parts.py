"""The smallest parts of a gas alarm: sensors, contacts and outputs that a test sets, and the iron of a valve."""

import rig
from products.calibration import Refused
from products.gas_alarm import GasAlarm

SETTINGS = {
    "gas": "methane",
    "lfl-basis": "iec",
    "level-1": 25.0,
    "warm-up": 0.0,
    "trip-after": 15.0,
    "valve": "pulse",
    "power-loss": "last",
    "fan": "permitted",
    "mute-for": 300.0,
    "life-years": 3.0,
}


class Sensor:
    def __init__(self, value):
        self.value = value
        self.fault = 0
        self.over = False

    def read(self, _now):
        return None if self.fault else self.value


class Contact:
    def __init__(self, level=False):
        self.level = level

    def get(self):
        return self.level


class Output:
    """Off at the start; remembers every change."""

    def __init__(self):
        self.level = False
        self.seen = []

    def set(self, level):
        if level != self.level:
            self.seen.append(level)
        self.level = level


class Iron:
    """A valve that is closed 300 ms after its output went to ``closing``. ``jammed``: it does not move."""

    def __init__(self, parts):
        self._parts = parts
        self._since = None
        self.jammed = False
        self.closing = True

    def step(self, now):
        if self._parts.valve_coil.level != self.closing:
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since >= 300 and not self.jammed:
            self.move("closed")

    def move(self, where):
        """To ``open``, ``closed`` or ``between``; also what a hand does."""
        self._parts.valve_closed.level = where == "closed"
        self._parts.valve_open.level = where == "open"


class Parts:
    def __init__(self):
        self.methane = Sensor(1.2)
        self.co = Sensor(3.0)
        self.temperature = Sensor(24.46)
        self.supply = Sensor(12.013)
        self.valve_coil = Output()
        self.valve_closed = Contact()
        self.valve_open = Contact(True)
        self.fan_relay = Output()
        self.fan_proof = Contact()
        self.lamp_green = Output()
        self.lamp_yellow = Output()
        self.lamp_red = Output()
        self.buzzer = Output()
        self.button = Contact()
        self.iron = Iron(self)


class Bench:
    """A gas alarm on its parts, its clock, and what a reset leaves: the parts and the store."""

    def __init__(self, store=None, parts=None, now=0, **settings):
        self.store = store or rig.store()
        self.parts = parts or Parts()
        self.settings = dict(SETTINGS)
        for name, value in settings.items():
            self.settings[name.replace("_", "-")] = value
        self.now = now
        self.parts.iron.closing = (self.settings["valve"], self.settings["power-loss"]) != ("hold", "closed")
        self.alarm = GasAlarm(self.parts, self.store, self.now, self.settings)

    def run(self, seconds, step=GasAlarm.sample_ms):
        """Let the time pass, sampling; returns what is shown at the end."""
        end = self.now + int(seconds * 1000)
        while self.now < end:
            self.now = min(self.now + step, end)
            self.parts.iron.step(self.now)
            self.alarm.sample(self.now)
        return self.alarm.snapshot()

    def gas(self, value, seconds=0.1):
        self.parts.methane.value = value
        return self.run(seconds)

    def until(self, condition, limit=100000):
        """Sample until ``condition()``; returns the ms it took."""
        start = self.now
        while not condition():
            assert self.now - start < limit, "never"
            self.run(0.1)
        return self.now - start

    def reset(self, **settings):
        """Power off and on again: outputs fall, iron stays."""
        for name in ("valve_coil", "fan_relay", "lamp_green", "lamp_yellow", "lamp_red", "buzzer"):
            output = getattr(self.parts, name)
            output.level = False
            output.seen = []
        merged = dict(self.settings)
        for name, value in settings.items():
            merged[name.replace("_", "-")] = value
        self.settings = merged
        self.now += 1000
        self.alarm = GasAlarm(self.parts, self.store, self.now, self.settings)
        return self.alarm.snapshot()

    def press(self):
        self.parts.button.level = True
        self.run(0.1)
        self.parts.button.level = False
        return self.run(0.1)

    def shows(self, **expected):
        seen = self.alarm.snapshot()
        for name, value in expected.items():
            assert seen[name] == value, (self.now, name, seen[name], value)


def damage(store, name):
    """Overwrite a record of the store with what no CRC fits."""
    with open(f"{store._folder}/{name}", "wb") as file:
        file.write(b"\0\0\0\0damaged")


def refuses(act, *arguments):
    """The message with which a calibration is refused."""
    try:
        act(*arguments)
    except Refused as error:
        return str(error)
    raise AssertionError("was not refused")
