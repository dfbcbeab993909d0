"""Sensors and contacts for the suites: what a driver shows to a product, set by the test."""


class Sensor:
    """``read`` gives ``value``, or the next of ``row`` while there is one."""

    def __init__(self, value=None, *, fault=0, over=False):
        self.value = value
        self.fault = fault
        self.over = over
        self.row = []

    def read(self, _now):
        return self.row.pop(0) if self.row else self.value

    def breaks(self, fault=1):
        """No valid value from here on."""
        self.value = None
        self.fault = fault

    def gives(self, value, over=False):
        """A valid value from here on."""
        self.value = value
        self.fault = 0
        self.over = over


class Contact:
    """``get`` gives ``closed``."""

    def __init__(self):
        self.closed = False

    def get(self):
        return self.closed


class Full:
    """A store whose flash takes nothing while ``full``; ``kept`` is what it holds."""

    def __init__(self):
        self.full = True
        self.kept = {}

    def get(self, name):
        return self.kept.get(name)

    def put(self, name, value):
        if self.full:
            raise OSError(28)
        self.kept[name] = value


def damage(folder, number, name, data=b"\0\0\0\0\0"):
    """Write what no checksum fits over a record of the store that `rig.store` made as number ``number``."""
    with open(f"{folder}/{number}/{name}", "wb") as file:
        file.write(data)
