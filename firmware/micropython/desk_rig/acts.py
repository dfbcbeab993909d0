"""What a person or the air does to a rig: the words of a stimulus line (see `desk_rig.stimulus`)."""

from desk_rig.channels import StimulusError

OVER_RANGE_MA = 21.5
LONGEST_S = 86400.0
PRESS_S = 0.5
_FAILURES = ("open", "short", "silent", "garble")
# Each is a function of this file.
_VERBS = ("set", "fault", "over", "valve", "fan", "button", "raw", "mend")


def act(rig, words: list, now: int) -> None:
    """Do one line to the `desk_rig.stimulus.Rig`. Raises `StimulusError`, and then nothing has changed."""
    word = words[0] if words else ""
    if word in _FAILURES:
        _fail(rig, word, words[1:])
    elif word in _VERBS:
        globals()["_" + word](rig, words[1:], now)
    elif len(words) in (2, 3):
        _put(rig, word, words[1:], now)
    else:
        raise StimulusError("no such stimulus for this board")


def _put(rig, name: str, words: list, now: int) -> None:
    name = rig.aliases.get(name, name)
    if name == "fault" and len(words) == 1:
        _break(rig, _position(words[0]))
    elif name in rig.scales or name in rig.channels:
        value = _amount(words[0])
        seconds = _amount(words[1], 0.0, LONGEST_S) if len(words) == 2 else 0.0
        if name in rig.scales:
            name, scale = rig.scales[name]
            value = scale(value)
        rig.channels[name].quantity.move(now, value, seconds)
    elif len(words) == 1 and name in rig.contacts and rig.contacts[name].settable:
        rig.contacts[name].on = _position(words[0])
    else:
        raise StimulusError(f"{name!r} cannot be set on this board")


def _set(rig, rest: list, now: int) -> None:
    if len(rest) not in (2, 3):
        raise StimulusError("set NAME VALUE [SECONDS]")
    _put(rig, rest[0], rest[1:], now)


def _fault(rig, rest: list, _now: int) -> None:
    _break(rig, _switch(_only(rest)))


def _break(rig, broken: bool) -> None:
    name, condition = rig.weakest
    if broken:
        rig.channels[name].fail(condition)
    else:
        rig.channels[name].mend()


def _over(rig, rest: list, now: int) -> None:
    if len(rest) not in (1, 2):
        raise StimulusError("over on | off [NAME]")
    loop = _existing(rig.channels.get(rest[1] if len(rest) == 2 else rig.over_loop))
    if _switch(rest[0]):
        loop.hold(OVER_RANGE_MA, "mA")
        return
    loop.mend()
    if rig.product is not None:
        # The person has mended the loop first: the board must have seen that before it takes the confirmation.
        rig.product.sample(now)
        rig.product.confirm_over_range()


def _valve(rig, rest: list, _now: int) -> None:
    valve = _existing(rig.valve)
    word = _only(rest)
    if word in ("jammed", "free"):
        valve.jam(word == "jammed")
    elif _switch(word, "open", "close"):
        valve.open_by_hand()
    else:
        valve.close_by_hand()


def _fan(rig, rest: list, _now: int) -> None:
    fan = _existing(rig.fan)
    word = _only(rest)
    if word in ("jammed", "free"):
        fan.jammed = word == "jammed"
    elif _switch(word, "stop", "start"):
        fan.stop()
    else:
        fan.stopped = False


def _button(rig, rest: list, now: int) -> None:
    button = _existing(rig.button)
    if len(rest) not in (1, 2) or rest[0] != "press":
        raise StimulusError("button press [SECONDS]")
    button.press(now, _amount(rest[1], 0.1, 60.0) if len(rest) == 2 else PRESS_S)


def _fail(rig, word: str, rest: list) -> None:
    name = rig.aliases.get(_only(rest), rest[0])
    if name in rig.channels:
        rig.channels[name].fail(word)
    elif name in rig.contacts and word in rig.contacts[name].faults:
        rig.contacts[name].condition = word
    else:
        raise StimulusError(f"{name!r} cannot be {word!r} on this board")


def _mend(rig, rest: list, _now: int) -> None:
    name = rig.aliases.get(_only(rest), rest[0])
    if name in rig.channels:
        rig.channels[name].mend()
    else:
        _existing(rig.contacts.get(name)).condition = ""


def _raw(rig, rest: list, _now: int) -> None:
    if len(rest) not in (2, 3):
        raise StimulusError("raw NAME VALUE UNIT, or raw NAME off")
    channel = _existing(rig.channels.get(rig.aliases.get(rest[0], rest[0])))
    if len(rest) == 3:
        channel.hold(_amount(rest[1], -1e7, 1e7), rest[2])
    elif rest[1] == "off":
        channel.mend()
    else:
        raise StimulusError("raw NAME VALUE needs its UNIT")


def _existing(part):
    if part is None:
        raise StimulusError("no such part on this board")
    return part


def _only(rest: list) -> str:
    if len(rest) != 1:
        raise StimulusError("one word is missing, or too many")
    return rest[0]


def _amount(word: str, low: float = -1e6, high: float = 1e6) -> float:
    """A number of a stimulus line; raises `StimulusError` for anything that is not one in [low, high]."""
    try:
        value = float(word)
    except ValueError:
        raise StimulusError(f"{word!r} is not a number") from None
    if not low <= value <= high:
        raise StimulusError(f"{word!r} is outside {low:g} to {high:g}")
    return value


def _switch(word: str, on: str = "on", off: str = "off") -> bool:
    """Whether ``word`` is ``on``; raises `StimulusError` if it is neither."""
    if word not in (on, off):
        raise StimulusError(f"{word!r} is neither {on!r} nor {off!r}")
    return word == on


def _position(word: str) -> bool:
    """Whether a contact acts: on, off, open, closed (a lid), 1, 0."""
    if word in ("on", "open"):
        return True
    if word in ("off", "closed"):
        return False
    return _amount(word, 0, 1) != 0
