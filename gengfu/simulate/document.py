"""A site document for a fleet of any size, as text: what a gateway on this machine needs to hear it."""

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

from gengfu.errors import InputError

FIRST_PORT = 15020
"""CoAP listens there, and Modbus TCP from there on."""
UNITS_ON_A_LINE = 16
TRANSPORTS = ("coap", "modbus-tcp", "modbus-rtu", "serial-link")
WITH_A_BROKER = "mqtt"
"""Only where it is asked for: a broker must be there, at port 1883 of this machine."""
PUSHED = frozenset({"coap", WITH_A_BROKER})
"""Their devices need no unit number, and there is room for all on one connection."""

_HEAD = """# Written by `gengfu simulate --write-site`: {count} virtual devices of this machine.

[site]
id = "simulation"
title = {{ zh = "仿真站点", en = "Simulated site" }}
simulated = true

[[area]]
id = "street/one"
title = {{ zh = "仿真美食街", en = "Simulated food street" }}
kind = "commercial-kitchen"

[[area]]
id = "street/corner"
title = {{ zh = "仿真投放点", en = "Simulated bin point" }}
kind = "street"
"""
_DEVICE = """
[[device]]
id = "sim:{short}:{number:04d}"
profile = "gengfu/{model}"
title = {{ zh = "仿真{zh} {number}", en = "Simulated {en} {number}" }}
area = "{area}"
connection = "{connection}"
"""


class _Model(NamedTuple):
    model: str
    short: str
    zh: str
    en: str
    area: str


GAS = _Model("gas-alarm", "gas", "燃气报警器", "gas alarm", "street/one")
BIN = _Model("smart-bin", "bin", "垃圾桶", "smart bin", "street/corner")
_MODELS = (GAS, BIN, GAS)
"""Two gas alarms for each bin."""


def write_site(path: Path, count: int, transports: Sequence[str], *, first_port: int = FIRST_PORT) -> None:
    """Write the document of ``count`` devices, spread over ``transports``.

    Raises `InputError` for a count below 1, or a file that is there and was not written by us.
    """
    if count < 1:
        raise InputError(f"--devices {count}: a fleet has at least one")
    head = _HEAD.format(count=count)
    first = head.split(":", maxsplit=1)[0]
    if path.exists() and not path.read_text(encoding="utf-8", errors="replace").startswith(first):
        raise InputError(f"{path} is there and not of a simulation: give another file")
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.resolve().parent / "lines"
    path.write_text(head + "".join(_connections_and_devices(count, transports, lines, first_port)), encoding="utf-8")


def _connections_and_devices(count: int, transports: Sequence[str], lines: Path, first_port: int) -> Iterator[str]:
    models = list(islice(cycle(_MODELS), count))
    for number, transport in enumerate(transports):
        mine = range(number, count, len(transports))
        on_a_line = count if transport in PUSHED else UNITS_ON_A_LINE
        for bus, first in enumerate(range(0, len(mine), on_a_line)):
            name = f"{transport}-{bus + 1}"
            yield _connection(transport, name, bus, lines, first_port)
            for unit, place in enumerate(mine[first : first + on_a_line], 1):
                one = models[place]._asdict()
                yield _DEVICE.format(number=place + 1, connection=name, **one)
                if transport not in PUSHED:
                    yield f"unit = {unit}\n"


def _connection(transport: str, name: str, bus: int, lines: Path, first_port: int) -> str:
    where = {
        "coap": f'listen = "127.0.0.1:{first_port}"',
        "modbus-tcp": f'host = "127.0.0.1"\nport = {first_port + bus}',
        "modbus-rtu": f'port = "{lines / name}"',
        "serial-link": f'port = "{lines / name}"',
        WITH_A_BROKER: 'host = "127.0.0.1"\nport = 1883',
    }
    return f'\n[[connection]]\nid = "{name}"\ntransport = "{transport}"\n{where[transport]}\n'
