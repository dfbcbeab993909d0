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

from desk_rig.channels import World
from desk_rig.words import StimulusError, amount, switch

OVER_RANGE_MA = 21.5
LONGEST_S = 86400.0
PRESS_S = 0.5


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
        act = _ACTS.get(words[0]) if words else None
        if act is not None:
            act(self, words[0], words[1:], now)
        elif len(words) in (2, 3):
            self._put(words[0], words[1:], now)
        else:
            raise StimulusError("no such stimulus for this board")
        self.step(now)

    def _put(self, name: str, words: list, now: int) -> None:
        name = self.aliases.get(name, name)
        if name == "fault" and len(words) == 1:
            self._break(_position(words[0]))
        elif name in self.scales or name in self.channels:
            value = amount(words[0])
            seconds = amount(words[1], 0.0, LONGEST_S) if len(words) == 2 else 0.0
            if name in self.scales:
                name, scale = self.scales[name]
                value = scale(value)
            self.channels[name].quantity.move(now, value, seconds)
        elif len(words) == 1 and name in self.contacts and self.contacts[name].settable:
            self.contacts[name].on = _position(words[0])
        else:
            raise StimulusError(f"{name!r} cannot be set on this board")

    def _set(self, _word: str, rest: list, now: int) -> None:
        if len(rest) not in (2, 3):
            raise StimulusError("set NAME VALUE [SECONDS]")
        self._put(rest[0], rest[1:], now)

    def _fault(self, _word: str, rest: list, _now: int) -> None:
        self._break(switch(_only(rest)))

    def _break(self, broken: bool) -> None:
        name, condition = self.weakest
        if broken:
            self.channels[name].fail(condition)
        else:
            self.channels[name].mend()

    def _over(self, _word: str, rest: list, now: int) -> None:
        if len(rest) not in (1, 2):
            raise StimulusError("over on | off [NAME]")
        loop = self._existing(self.channels.get(rest[1] if len(rest) == 2 else self.over_loop))
        if switch(rest[0]):
            loop.hold(OVER_RANGE_MA, "mA")
            return
        loop.mend()
        if self.product is not None:
            # The person has mended the loop first: the board must have seen that before it takes the confirmation.
            self.product.sample(now)
            self.product.confirm_over_range()

    def _valve(self, _word: str, rest: list, _now: int) -> None:
        valve = self._existing(self.valve)
        word = _only(rest)
        if word in ("jammed", "free"):
            valve.jam(word == "jammed")
        elif switch(word, "open", "close"):
            valve.open_by_hand()
        else:
            valve.close_by_hand()

    def _fan(self, _word: str, rest: list, _now: int) -> None:
        fan = self._existing(self.fan)
        word = _only(rest)
        if word in ("jammed", "free"):
            fan.jammed = word == "jammed"
        elif switch(word, "stop", "start"):
            fan.stop()
        else:
            fan.stopped = False

    def _button(self, _word: str, rest: list, now: int) -> None:
        button = self._existing(self.button)
        if len(rest) not in (1, 2) or rest[0] != "press":
            raise StimulusError("button press [SECONDS]")
        button.press(now, amount(rest[1], 0.1, 60.0) if len(rest) == 2 else PRESS_S)

    def _fail(self, word: str, rest: list, _now: int) -> None:
        name = self.aliases.get(_only(rest), rest[0])
        if name in self.channels:
            self.channels[name].fail(word)
        elif name in self.contacts and word in self.contacts[name].faults:
            self.contacts[name].condition = word
        else:
            raise StimulusError(f"{name!r} cannot be {word!r} on this board")

    def _mend(self, _word: str, rest: list, _now: int) -> None:
        name = self.aliases.get(_only(rest), rest[0])
        if name in self.channels:
            self.channels[name].mend()
        else:
            self._existing(self.contacts.get(name)).condition = ""

    def _raw(self, _word: str, rest: list, _now: int) -> None:
        if len(rest) not in (2, 3):
            raise StimulusError("raw NAME VALUE UNIT, or raw NAME off")
        channel = self._existing(self.channels.get(self.aliases.get(rest[0], rest[0])))
        if len(rest) == 3:
            channel.hold(amount(rest[1], -1e7, 1e7), rest[2])
        elif rest[1] == "off":
            channel.mend()
        else:
            raise StimulusError("raw NAME VALUE needs its UNIT")

    def _existing(self, part):
        if part is None:
            raise StimulusError("no such part on this board")
        return part


def _bench(product: str):
    """The module of a product's bench. Only that one is loaded: the others' sensors would fill the heap."""
    return __import__("desk_rig." + product.replace("-", "_"), None, None, ("build",))


def _only(rest: list) -> str:
    if len(rest) != 1:
        raise StimulusError("one word is missing, or too many")
    return rest[0]


def _position(word: str) -> bool:
    """Whether a contact acts: on, off, open, closed (a lid), 1, 0."""
    if word in ("on", "open"):
        return True
    if word in ("off", "closed"):
        return False
    return amount(word, 0, 1) != 0


_ACTS = {
    "set": Rig._set,
    "fault": Rig._fault,
    "over": Rig._over,
    "valve": Rig._valve,
    "fan": Rig._fan,
    "button": Rig._button,
    "raw": Rig._raw,
    "mend": Rig._mend,
    "open": Rig._fail,
    "short": Rig._fail,
    "silent": Rig._fail,
    "garble": Rig._fail,
}
