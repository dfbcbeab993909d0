"""The rig: simulated peripherals around a board, and the lines by which a person or the air acts on them.

    gas 55 [SECONDS]        any sensor: to a value at once, or in a straight line over some seconds; NAME VALUE
    set NAME VALUE [SECONDS]                              the same
    esd on | off, lid open | closed                       a contact
    fault on | off          the board's first sensor fails and is mended
    over on | off [NAME]    a gas loop carries 21.5 mA; a person has mended it and confirmed zero and calibration
    valve open | close | jammed | free                    a person at the valve, its mechanics
    fan stop | start | jammed | free                      a person at the fan, its mechanics
    button press [SECONDS]
    open | short | silent | garble NAME, mend NAME        a sensor or a contact fails in its own way
    raw NAME VALUE UNIT, raw NAME off                     hold a voltage (V), a current (mA), counts

The rig is iron and air: it knows no alarm, no latch and no profile. It sees one thing of the product: the act of a
person at the device that has no wire (`confirm_over_range`).
"""

import sys

from desk_rig.channels import StimulusError, World


class Rig:
    """``step(now)`` before each sample; ``stimulate(words, now)`` for each line. `wiring.rig` makes the parts of it.

    ``store`` keeps what iron does not forget; ``power_lost``: whether this start follows a loss of power. ``product``
    is set once it exists. ``refused``: what `stimulate` raises. ``outputs``: name -> `desk_rig.pins.Output`, what the
    board drives.
    """

    refused = StimulusError

    def __init__(self, settings: dict, store, noise, now: int, *, power_lost: bool = True):
        self.world = World(noise, now)
        self.store = store
        self.power_lost = power_lost
        self.product = None
        self.valve = self.fan = self.button = self.bus = None
        self.channels = {}
        self.contacts = {}
        self.outputs = {}
        self.aliases = {}
        self.scales = {}
        self.weakest = ("", "")
        self.over_loop = ""
        _bench(settings["product"]).build(self, settings)

    def step(self, now: int) -> None:
        """Let the world go on until ``now``."""
        self.world.now = now
        if self.valve is not None:
            self.valve.step(now)
            self.fan.step(now)

    def stimulate(self, words: list, now: int) -> None:
        """One line. Raises `StimulusError`, and then nothing has changed."""
        self.step(now)
        # Loaded for a line and let go after it: the words are a kilobyte of a heap that is the firmware's.
        acts = __import__("desk_rig.acts", None, None, ("act",))
        try:
            acts.act(self, words, now)
        finally:
            del sys.modules["desk_rig.acts"], sys.modules["desk_rig"].acts
        self.step(now)


def _bench(product: str):
    """The module of a product's bench. Only that one is loaded: the others' sensors would fill the heap."""
    return __import__("desk_rig." + product.replace("-", "_"), None, None, ("build",))
