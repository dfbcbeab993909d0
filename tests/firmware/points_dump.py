"""Prints as JSON what each product shows and obeys, for comparison with its profile. The argument is a folder."""

import json
import sys

import kv
import settings
from assembly import PRODUCTS, load
from desk_rig.stimulus import Rig
from links.coap_server import COMMANDS
from noise import Noise
from vitals import Vitals
from wiring.rig import parts

ROWS = [(name, {}) for name in PRODUCTS]
ROWS.append(("gas-alarm", {"gas": "lpg"}))


class Log:
    waiting = False


found = {}
for name, more in ROWS:
    given = dict({"product": name, "device": "t:1", "gateway": "none", "modbus": "1", "period": "1"}, **more)
    typed = settings.check(given)
    store = kv.Store(f"{sys.argv[1]}/{len(found)}")
    rig = Rig(typed, store, Noise(1), 0)
    product = load(*PRODUCTS[name])(parts(name, typed, rig), store, 0, typed)
    shown = product.snapshot()
    # A bin measures its level in a burst.
    for now in range(1000, 20000, 100):
        rig.step(now)
        product.sample(now)
        shown = {point: shown[point] if value is None else value for point, value in product.snapshot().items()}
    shown.update(Vitals(1, 1, lambda: 70000, None, Log()).snapshot(0))
    commands = [
        [command, path.decode(), payload.decode()]
        for path, (payload, command) in COMMANDS.items()
        if command in product.commands
    ]
    types = {point: type(value).__name__ for point, value in shown.items()}
    found[product.profile] = {"types": types, "commands": sorted(commands)}
print(json.dumps(found))
