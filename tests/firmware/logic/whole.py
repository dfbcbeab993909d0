"""A whole board without its hardware for the suites: product, device, delivery, link and door, joined by lists."""

import crash
import rig
from backlog import AHEAD, Backlog
from clock import Clock
from composer import Composer
from delivery import Delivery
from device import Device
from flash_queue import FlashQueue
from gas_parts import Bench
from links.coap_client import CoapClient
from links.coap_door import CoapDoor
from links.coap_server import CoapServer
from links.no_link import NoLink
from node import Node
from reporting import ReportGate
from vitals import POINTS, Vitals

from protocols.wire import coap

GATEWAY = b"gateway"
OTHER = b"somebody"
BOOT = 3


class Whole:
    """``product`` as `device.Device` wants it. ``sent``: (peer, datagram) of all that left the board."""

    def __init__(self, product, store, *, period_ms=2000, ring=128, flash=False, link=None):
        self.emit = rig.Events()
        self.sent = []
        self.utc = None
        self.heap_asked = 0
        self.errors = []
        self.store = store
        self.crash_log = crash.CrashLog(store)
        self.device = Device(product)
        self.link = link or CoapClient(rig.noise(), self.emit, ring=AHEAD + 1)
        clock = Clock(store, BOOT, self.emit, lambda: self.utc)
        composer = Composer("t:1", product.profile, self.device.points)
        queue = FlashQueue(store._folder + "/queue", composer.owner, 16384, store) if flash else None
        self.backlog = Backlog(self.link, clock, composer.message, self.emit, boot=BOOT, ring=ring, flash=queue)
        gate = ReportGate(period_ms, product.watched, product.jumps)
        self.delivery = Delivery(gate, clock, composer, self.backlog, self.link, self.to_gateway)
        self.device.vitals = Vitals(5, 1, self.free_heap, self.backlog, self.crash_log)
        self.node = Node(self.device, lambda: None, self.failed, delivery=self.delivery)
        if not isinstance(self.link, NoLink):
            server = CoapServer(self.device, self.emit, self.link.next_mid, GATEWAY, self.crash_log)
            self.door = CoapDoor(self.delivery, server, GATEWAY, self.to)

    def failed(self, error):
        self.errors.append(str(error))

    def free_heap(self):
        self.heap_asked += 1
        return 70000

    def to_gateway(self, datagram):
        self.sent.append((GATEWAY, datagram))

    def to(self, peer, datagram):
        self.sent.append((peer, datagram))

    def run(self, start, end):
        """Turn whenever the node wants it; returns the times of all turns."""
        times = []
        now = start
        while now <= end:
            times.append(now)
            now += self.node.turn(now)
        return times

    def packs(self, now, code=coap.CHANGED):
        """Answer all that was sent to the gateway; the payloads of what it was."""
        payloads = []
        while self.sent:
            _, datagram = self.sent.pop(0)
            message = coap.decode(datagram)
            if message[0] == coap.CON:
                payloads.append(message[5])
                self.door.datagram(now, GATEWAY, coap.encode(coap.ACK, code, message[2], message[3]))
        return payloads

    def report(self, now, values, **own):
        """Report values of the product as a sample shows them, with what the board tells of itself."""
        found = dict(values)
        found.update({name: own.get(name, 0) for name in POINTS})
        self.delivery.report(now, found)
        return self.packs(now)


class Quiet:
    """A product that only counts its samples."""

    profile = "gengfu/quiet"
    commands = ()
    watched = ("alarm",)
    jumps = {"level": 5.0}  # noqa: RUF012 - as the products have it

    def __init__(self, sample_ms=100):
        self.sample_ms = sample_ms
        self.sampled = []
        self.shown = {"alarm": False, "level": 1.0}
        self.slow_ms = 0

    def sample(self, now):
        self.sampled.append(now)

    def snapshot(self):
        return dict(self.shown)

    def command(self, _name, _now):
        return False


def alarm(**settings):
    """A gas alarm on its bench, and the whole board over it."""
    bench = Bench(**settings)
    return bench, Whole(bench.alarm, bench.store)


def bare(sample_ms=100, **how):
    """A board whose product only counts its samples."""
    product = Quiet(sample_ms)
    return product, Whole(product, rig.store(), **how)
