"""Command line of the unix port; on a microcontroller the same names come from a file on its flash."""

_NAMES = {
    "product": (str, None),
    "device": (str, None),
    "gateway": (str, None),
    "period": (float, None),
    "state": (str, None),
    "seed": (int, 0),
    "ack-timeout": (float, 2.0),
    "warm-up": (float, 2.0),
    "trip-after": (float, 15.0),
    "ring": (int, 128),
    "modbus": (str, ""),
    "unit": (int, 1),
}
NO_GATEWAY = "none"
_ID = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-"


class SettingsError(Exception):
    """A setting is wrong; the message names it."""


def parse(arguments: list) -> dict:
    """``--name value`` pairs as a dict of typed settings; raises `SettingsError`."""
    settings = {name: default for name, (_, default) in _NAMES.items()}
    if len(arguments) % 2:
        raise SettingsError("every --name needs a value")
    for at in range(0, len(arguments), 2):
        name = arguments[at][2:]
        if arguments[at][:2] != "--" or name not in _NAMES:
            raise SettingsError(f"{arguments[at]}: unknown; known are --" + ", --".join(sorted(_NAMES)))
        try:
            settings[name] = _NAMES[name][0](arguments[at + 1])
        except ValueError:
            raise SettingsError(f"--{name}: {arguments[at + 1]!r} is not a number") from None
    _check(settings)
    return settings


def _check(settings: dict) -> None:
    for name in sorted(settings):
        if settings[name] is None:
            raise SettingsError(f"--{name} is missing")
    device = settings["device"]
    if not 1 <= len(device) <= 64 or not all(letter in _ID for letter in device):
        raise SettingsError("--device: 1 to 64 of letters, digits and . _ : -")
    host, _, port = settings["gateway"].rpartition(":")
    if settings["gateway"] == NO_GATEWAY:
        if not settings["modbus"]:
            raise SettingsError("--gateway none: such a board needs --modbus LINE")
    elif not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError("--gateway: HOST:PORT, or none for a board that is polled")
    for name, low, high in (
        ("period", 0.1, 86400),
        ("ack-timeout", 0.01, 60),
        ("warm-up", 0, 180),
        ("trip-after", 0, 60),
        ("ring", 1, 10000),
        ("unit", 1, 247),
    ):
        if not low <= settings[name] <= high:
            raise SettingsError(f"--{name}: {low} to {high}")
