"""Prints as JSON what each product shows and obeys, for comparison with its profile. The argument is a folder."""

import json
import sys

import kv
from links.coap_server import COMMANDS
from products.board import PRODUCTS, Board
from products.gas_alarm import GasAlarm
from products.inputs import Noise

found = {}
for name in ["gas-alarm"] + list(PRODUCTS):  # noqa: RUF005 - MicroPython has no star here
    store = kv.Store(sys.argv[1] + "/" + name)
    product = GasAlarm(store, Noise(1), 0) if name == "gas-alarm" else Board(name, store, Noise(1), 0)
    commands = [
        [command, path.decode(), payload.decode()]
        for path, (payload, command) in COMMANDS.items()
        if command in product.commands
    ]
    types = {point: type(value).__name__ for point, value in product.snapshot().items()}
    found[product.profile] = {"types": types, "commands": sorted(commands)}
print(json.dumps(found))
