"""The offline queue and the configuration on a real littlefs whose flash counts its wear, or loses its power.

``littlefs_probe.py wear``: an hour without a gateway at a reading each 2 s. ``cuts`` (the queue) and ``config``: the
supply goes at each write and each erase of the same work in turn, which is done by half; then a start. Prints what went
wrong.
"""

import json
import os
import sys

import config
import flash_queue
import kv
from backlog import Backlog
from clock import Clock
from flash_queue import Entry, FlashQueue
from littlefs_flash import BLOCK, Flash, Mounted, PowerCut

FACTORY = {"product": "gas-alarm", "device": "t:1", "gateway": "gw:5683", "period": "2"}


class Deaf:
    """A link to a gateway that never answers."""

    def __init__(self):
        self.waiting = 0

    def offer(self, _now, _seq, _payload, _urgent):
        self.waiting += 1

    def poll(self, _now):
        return None


def queue_on(folder, limit):
    store = kv.Store(folder + "/state")
    queue = FlashQueue(folder + "/queue", "t:1", limit, store)
    while not queue.ready:
        queue.scan()
    return queue, store


def wear():
    flash = Flash(64)
    os.VfsLfs2.mkfs(flash)
    os.mount(flash, "/flash")
    queue, store = queue_on("/flash", 65536)
    clock = Clock(store, 1, print, lambda: None)
    backlog = Backlog(Deaf(), clock, None, print, boot=1, flash=queue)
    before, written = sum(flash.erases), flash.written
    for now in range(0, 3600000, 2000):
        backlog.offer(now, now // 2000, b"x" * 50, False)
        backlog.poll(now)
    os.umount("/flash")
    counts = {"readings": 1800, "erases": sum(flash.erases) - before, "bytes": flash.written - written}
    counts["waiting"] = backlog.waiting
    counts["lost"] = backlog.overwritten
    print(json.dumps(counts))


def work(flash, done):
    """Batches, of some of which a part is taken; ``done`` collects what was kept, and what was being taken."""
    queue, _ = queue_on("/flash", 8192)
    for batch in range(8):
        readings = [Entry(1, batch * 20 + number, number, b"y" * 40) for number in range(20)]
        queue.append(readings)
        flash.check_supply()
        done["kept"] = batch * 20 + 20
        if batch % 2:
            for _ in range(15):
                done["taking"] = queue.head().seq
                queue.pop(queue.head())
                flash.check_supply()
        done["lost"] = queue.lost


def check(done):
    """What is wrong after the cut, or nothing."""
    queue, _ = queue_on("/flash", 8192)
    found = []
    while queue.head():
        found.append(queue.head().seq)
        queue.pop(queue.head())
    if found != sorted(set(found)):
        return "order"
    if queue.lost < done["lost"]:
        return "count of the lost"
    if found and found[0] > done["taking"] + 1 + queue.lost:
        return "first"
    if found and found != list(range(found[0], found[-1] + 1)):
        return "hole"
    if done["kept"] - 1 > done["taking"] and (not found or found[-1] < done["kept"] - 1):
        return "last"
    return ""


def config_work(flash, done):
    """A change is set, tried and confirmed, then another."""
    store = kv.Store("/flash/state")
    for period in ("5", "7"):
        one = config.Config(store, FACTORY, nobody)
        flash.check_supply()
        one.console(["config", "set", "period", period])
        one.console(["config", "apply"])
        flash.check_supply()
        done["applied"] = period
        one = config.Config(store, FACTORY, nobody)
        flash.check_supply()
        for now in (0, config.CONFIRM_MS):
            one.step(now, now)
        flash.check_supply()
        done["confirmed"] = period


def config_check(done):
    """What is wrong after the cut, or nothing: neither a fault, nor older than what was confirmed."""
    seen = []
    for _ in range(3):
        one = config.Config(kv.Store("/flash/state"), FACTORY, nobody)
        if one.fault:
            return one.fault
        seen.append(one.settings["period"])
    for period in seen:
        if not float(done["confirmed"]) <= period <= 7.0:
            return f"{seen} after {done}"
    # A trial lasts one start: after it nothing changes any more.
    return "" if seen[1] == seen[2] else f"{seen} after {done}"


def nobody(_event, **_fields):
    pass


def cuts(work, check, blank_done):
    blank = Flash(16)
    os.VfsLfs2.mkfs(blank)
    operations = 0
    faults = []
    while True:
        flash = Flash(16, blank.data)
        flash.operations = operations
        done = dict(blank_done)
        with Mounted(flash):
            try:
                work(flash, done)
            except (PowerCut, OSError):
                if not flash.is_off:
                    raise
        with Mounted(Flash(16, flash.data)):
            fault = check(done)
        if fault:
            faults.append((operations, fault))
        if not flash.is_off:
            break
        operations += 1
    print(json.dumps({"cuts": operations, "faults": faults}))


# The flash here is small: leave no reserve but what littlefs itself needs.
flash_queue.RESERVE = 2 * BLOCK
if sys.argv[1] == "wear":
    wear()
elif sys.argv[1] == "config":
    cuts(config_work, config_check, {"applied": "2", "confirmed": "2"})
else:
    cuts(work, check, {"kept": 0, "taking": -1, "lost": 0})
