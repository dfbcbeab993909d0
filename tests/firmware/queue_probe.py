"""Puts numbered readings into a queue until it is killed: ``queue_probe.py FOLDER [end]``.

First prints which it finds; then goes on behind them, and prints after each append how many are kept.
"""

import json
import sys

import kv
from flash_queue import Entry, FlashQueue

FOLDER = sys.argv[1]
# Enough for the one who kills to be in time, and far from the limit of the queue.
MOST = 400


class NoCursor:
    """A store that forgets: for one who reads everything and takes nothing."""

    def get(self, _name):
        return None

    def put(self, _name, _value):
        pass


def opened(store):
    queue = FlashQueue(FOLDER, "t:1", 1 << 20, store, lambda: 1 << 20)
    while not queue.ready:
        queue.scan()
    return queue


def kept():
    """The numbers that are there, left where they are."""
    queue = opened(NoCursor())
    queue._remove = lambda serial: None
    found = []
    while queue.head():
        found.append(queue.head().seq)
        queue.pop(queue.head())
    return found


found = kept()
print(json.dumps(found))
if len(sys.argv) == 2:
    queue = opened(kv.Store(FOLDER + "/state"))
    for number in range(len(found), len(found) + MOST):
        queue.append([Entry(1, number, number, b"z" * 40)])
        sys.stdout.write(f"{number + 1}\n")
    sys.stdin.read()
