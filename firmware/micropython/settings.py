"""Settings: one schema for the command line of the unix port and for the text on a microcontroller's flash.

Names, types and ranges are the same in both forms: ``--name value`` pairs, or lines ``name=value``. A value is refused
with its name, what is wrong and what is allowed; a name that is not known, or not for this product, is refused too.
Figures without a source are ours [P].
"""

NO_GATEWAY = "none"
SECRET = ("wifi-key",)
"""Never shown: not by `shown`, not in an error."""

LONGEST_VALUE = 128

# Constants alone, so that the table stays in flash. name, kind, default, allowed, product ("": all)
# kind: text; choice: one of ``allowed``; whole, real: a number from ``allowed[0]`` to ``allowed[1]``; rate: a whole
# number of ``allowed``.
# default: None where it must be given; a pair where the ``parts`` decide: of the rig, of a board.
_ROWS = (
    ("product", "choice", None, ("gas-alarm", "smart-bin", "hydrogen-node"), ""),
    ("device", "text", None, None, ""),
    ("gateway", "text", None, None, ""),
    ("period", "real", None, (0.1, 86400), ""),
    ("state", "text", "", None, ""),
    ("seed", "whole", 0, (0, 0x7FFFFFFF), ""),
    ("ack-timeout", "real", 2.0, (0.01, 60), ""),
    # 180 s: warm_up_max of S3. 60 s [P]: real sensors have no data sheet here; the desk's have nothing to warm.
    ("warm-up", "real", (2.0, 60.0), (0, 180), ""),
    # 60 s: the longest delay of level 1 that S8 allows.
    ("trip-after", "real", 15.0, (0, 60), ""),
    ("ring", "whole", 128, (1, 10000), ""),
    ("queue", "whole", 65536, (0, 4194304), ""),
    ("modbus", "text", "", None, ""),
    ("unit", "whole", 1, (1, 247), ""),
    ("baud", "rate", 9600, (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600), ""),
    ("modbus-tcp", "whole", 0, (0, 65535), ""),
    ("serial-link", "text", "", None, ""),
    ("parts", "choice", "board", ("rig", "board"), ""),
    ("oscore", "text", "", None, ""),
    ("wifi", "text", "", None, ""),
    ("wifi-key", "text", "", None, ""),
    ("gas", "choice", "methane", ("methane", "lpg"), "gas-alarm"),
    ("lfl-basis", "choice", "iec", ("iec", "nfpa"), "gas-alarm"),
    # GB/T 50493: level 1 at most 25 %LEL (CK-02, CK-06). A higher one is refused (S11).
    ("level-1", "real", 25.0, (5, 25), "gas-alarm"),
    ("valve", "choice", "pulse", ("pulse", "hold"), "gas-alarm"),
    ("power-loss", "choice", "last", ("closed", "last"), "gas-alarm"),
    # S1, S20: a fan ignites, or spreads CO, unless somebody has found that this one may run.
    ("fan", "choice", ("permitted", "none"), ("none", "permitted"), "gas-alarm"),
    ("mute-for", "real", 300.0, (10, 600), "gas-alarm"),
    # CJJ/T 146: 3 years commercial, 5 years at home.
    ("life-years", "real", 3.0, (1, 5), "gas-alarm"),
    ("height", "whole", 1200, (100, 5000), "smart-bin"),
    ("offset", "whole", 0, (-500, 500), "smart-bin"),
    # SB-02 and SB-03 of the alarm rules are the highest that are taken (S11).
    ("overflow", "real", 90.0, (50, 90), "smart-bin"),
    ("fire", "real", 70.0, (45, 70), "smart-bin"),
    # 600 s [P]: S24 asks for the rise of the heat, which a bin that sleeps longer does not see.
    ("wake", "real", 600.0, (1, 600), "smart-bin"),
    ("cell", "choice", "li-ion", ("li-ion", "li-socl2"), "smart-bin"),
    # Never run on silicon: `hal.light_sleep`.
    ("sleep", "choice", "none", ("none", "light"), "smart-bin"),
    # Highest pressure in MPa, that of the station's permit; 0: not judged here.
    ("max-trailer", "real", 0.0, (0, 100), "hydrogen-node"),
    ("max-low-bank", "real", 0.0, (0, 100), "hydrogen-node"),
    ("max-high-bank", "real", 0.0, (0, 150), "hydrogen-node"),
    ("max-dispenser", "real", 0.0, (0, 150), "hydrogen-node"),
)
_SMALLEST_QUEUE = 8192
WHAT_IT_IS = ("product", "gas", "parts", "lfl-basis", "valve", "power-loss")
"""What a board is and what is wired to it, not how it works: only the factory's settings say it."""
_FOUND_AGAIN = ("device", "gas", "lfl-basis", "parts", "power-loss", "product", "valve")
"""What is taken from factory settings that are damaged: what is wired to the board, and its name. No limit, no link."""
_ID = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-"
_DIGITS = "0123456789+-.eE"


class SettingsError(Exception):
    """A setting is wrong; the message names it."""


def parse(arguments: list) -> dict:
    """``--name value`` pairs as a dict of typed settings; raises `SettingsError`."""
    return check(pairs_of_arguments(arguments), "--")


def pairs_of_arguments(arguments: list) -> dict:
    """``--name value`` pairs as texts by name; raises `SettingsError`.

    On the unix port ``state`` must be given, and the parts are the rig's unless said otherwise.
    """
    if len(arguments) % 2:
        raise SettingsError("every --name needs a value")
    given = {}
    for at in range(0, len(arguments), 2):
        name = arguments[at][2:]
        if arguments[at][:2] != "--":
            name = ""
        _row(name, arguments[at], "--")
        given[name] = arguments[at + 1]
    if not given.get("state"):
        raise SettingsError("--state is missing")
    given.setdefault("parts", "rig")
    return given


def flashed(text: str) -> tuple:
    """The settings that came with the firmware, as texts by name, and what is wrong with them, empty if nothing is.

    Of a wrong text only what says what the board is (see `safe`) comes back, and that only where it is sound.
    """
    try:
        given = pairs_of(text)
        if not given:
            raise SettingsError("it is missing or empty")
        check(given)
        return given, ""
    except SettingsError as error:
        return _found_again(text), f"settings.txt: {error}"


def _found_again(text: str) -> dict:
    found = {}
    for line in text.split("\n"):
        name, _, one = line.strip().partition("=")
        if name not in _FOUND_AGAIN:
            continue
        try:
            value(name, one)
        except SettingsError:
            continue
        # One that is there twice with two values is as good as lost.
        found[name] = one if found.get(name, one) == one else ""
    return {name: found[name] for name in found if found[name]}


def safe(found: dict) -> dict:
    """Texts by name for a board whose settings are lost: it samples, judges and acts, and speaks to nobody.

    ``found``: what is known of it (`flashed`); without a product it is a gas alarm. `check` takes them with
    ``linked=False``.
    """
    product = found.get("product", "gas-alarm")
    given = {"product": product, "device": "unset", "gateway": NO_GATEWAY, "period": "60"}
    if product == "gas-alarm":
        # On the basis of NFPA a sensor's value counts for more: the safe one where nobody knows.
        given.update({"level-1": "25", "trip-after": "15", "lfl-basis": "nfpa"})
    for name, one in found.items():
        if _row(name)[4] in ("", product):
            given[name] = one
    return given


def check(given: dict, prefix: str = "", linked: bool = True) -> dict:
    """Texts by name as typed settings of their product, defaults filled in; raises `SettingsError`.

    ``linked``: whether the board must have a gateway or a line on which it is asked.
    """
    product = given.get("product")
    settings = {}
    for name in sorted(given):
        settings[name] = value(name, given[name], prefix)
        only = _row(name)[4]
        if only not in ("", product):
            raise SettingsError(f"{prefix}{name}: only for {only}")
    for name, _, default, _, only in sorted(_ROWS):
        if name not in settings and only in ("", product):
            if default is None:
                raise SettingsError(f"{prefix}{name} is missing")
            if isinstance(default, tuple):
                default = default[0] if given.get("parts", "board") == "rig" else default[1]
            settings[name] = default
    _check_together(settings, prefix, linked)
    return settings


def pairs_of(text: str) -> dict:
    """Lines ``name=value`` as texts by name; empty lines and those with ``#`` in front are left out."""
    given = {}
    for number, line in enumerate(text.split("\n")):
        line = line.strip()
        if not line or line[0] == "#":
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise SettingsError(f"line {number + 1}: it must be name=value")
        if name in given:
            raise SettingsError(f"line {number + 1}: {name} a second time")
        given[name] = value
    return given


def text_of(given: dict) -> str:
    """The reverse of `pairs_of`, in the order of the names."""
    return "".join(f"{name}={given[name]}\n" for name in sorted(given))


def shown(settings: dict) -> list:
    """Lines ``name = value``; a secret is only said to be there or not."""
    lines = []
    for name in sorted(settings):
        lines.append(f"{name} = {shown_value(name, settings[name])}")
    return lines


def shown_value(name: str, one) -> str:
    """A value as people may see it."""
    if name in SECRET:
        return "(set)" if one else "(not set)"
    return str(one)


def value(name: str, text: str, prefix: str = ""):
    """One setting from its text; raises `SettingsError`."""
    _, kind, _, allowed, _ = _row(name, prefix + name, prefix)
    if len(text) > LONGEST_VALUE or not all(" " <= letter <= "~" for letter in text) or text != text.strip():
        raise SettingsError(f"{prefix}{name}: at most {LONGEST_VALUE} ASCII characters, no space at the ends")
    if kind not in ("text", "choice"):
        return _number(prefix + name, kind, text, allowed)
    if kind == "choice" and text not in allowed:
        raise SettingsError(f"{prefix}{name}: {text!r} is not one of " + ", ".join(allowed))
    wrong = _wrong(name, text)
    if wrong:
        raise SettingsError(f"{prefix}{name}: {wrong}")
    return text


def _row(name: str, given: str = "", prefix: str = "") -> tuple:
    """The row of a name; raises `SettingsError`, which tells it as it was ``given``."""
    for row in _ROWS:
        if row[0] == name:
            return row
    raise SettingsError(f"{given}: unknown; known are {prefix}" + f", {prefix}".join(sorted(row[0] for row in _ROWS)))


def _number(name: str, kind: str, text: str, allowed: tuple):
    try:
        if not all(letter in _DIGITS for letter in text):
            raise ValueError
        number = float(text) if kind == "real" else int(text)
    except ValueError:
        raise SettingsError(f"{name}: {text!r} is not a {'' if kind == 'real' else 'whole '}number") from None
    if kind == "rate":
        if number not in allowed:
            raise SettingsError(f"{name}: {text} is not one of " + ", ".join(str(one) for one in allowed))
    elif not allowed[0] <= number <= allowed[1]:
        raise SettingsError(f"{name}: {allowed[0]} to {allowed[1]}, not {text}")
    return number


def _wrong(name: str, text: str) -> str:
    """What is wrong with a text that may be empty or any word; empty if nothing is."""
    if name == "gateway":
        return "" if text == NO_GATEWAY or _is_peer(text) else "HOST:PORT, or none for a board that is polled"
    if not text and name != "device":
        return ""
    good, must = True, ""
    if name == "device":
        good, must = _is_name(text), "1 to 64 of letters, digits and . _ : -"
    elif name in ("modbus", "serial-link"):
        good = text[0] == "/" or (text.isdigit() and len(text) <= 2)
        must = f"{text!r} is neither the path of a serial line nor the number of a UART"
    elif name == "oscore":
        good = _is_name(text) and text[0] != "."
        must = "the name of a credential file: up to 64 of letters, digits and . _ : -"
    elif name == "wifi":
        good, must = len(text) <= 32, "a network's name has at most 32 characters (IEEE 802.11)"
    elif name == "wifi-key":
        good, must = 8 <= len(text) <= 63, "a passphrase has 8 to 63 characters (WPA2)"
    return "" if good else must


def _is_name(text: str) -> bool:
    return 1 <= len(text) <= 64 and all(letter in _ID for letter in text)


def _is_peer(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return host != "" and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536


def _check_together(settings: dict, prefix: str, linked: bool) -> None:
    lines = settings["modbus"], settings["serial-link"]
    if linked and settings["gateway"] == NO_GATEWAY and not (lines[0] or lines[1] or settings["modbus-tcp"]):
        raise SettingsError(
            f"{prefix}gateway none: such a board needs {prefix}modbus LINE, {prefix}modbus-tcp PORT or "
            f"{prefix}serial-link LINE"
        )
    if settings["gateway"] != NO_GATEWAY and lines[1]:
        raise SettingsError(f"{prefix}serial-link: its readings go to one gateway; say {prefix}gateway none beside it")
    if lines[0] and lines[0] == lines[1]:
        raise SettingsError(f"{prefix}serial-link: {lines[0]} is the line of {prefix}modbus; give another")
    if 0 < settings["queue"] < _SMALLEST_QUEUE:
        raise SettingsError(f"{prefix}queue: 0 (none), or {_SMALLEST_QUEUE} to 4194304, not {settings['queue']}")
