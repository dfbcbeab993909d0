"""The firmware, telling of its heap as it runs: a frozen module of the interpreter of `frozen.small`.

    -m heap_watch --product gas-alarm ...       as main.py

A line of its console each 20 turns of its loop: ``{"event": "heap", "live": bytes after a collection, "largest": bytes
of the largest allocation so far}``.
"""

import gc
import json

import hal
import heapgate
import main

EVERY = 20
rest = hal.doze
seen = [0, 0]


async def told(*rested):
    """Tell, and rest as the firmware would."""
    seen[0] += 1
    if seen[0] % EVERY == 0:
        seen[1] = max(seen[1], heapgate.largest())
        gc.collect()
        print(json.dumps({"event": "heap", "live": gc.mem_alloc(), "largest": seen[1]}))
        heapgate.largest()
    await rest(*rested)


hal.doze = told
main.main()
