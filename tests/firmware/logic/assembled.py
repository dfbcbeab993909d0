"""A board put together from its settings, over a flash that outlives its starts."""

import asyncio

import config
import crash
import hal
import rig
from assembly import Board

from protocols.wire import coap

FACTORY = {"product": "gas-alarm", "device": "t:1", "gateway": "127.0.0.1:9", "period": "2"}
FACTORY.update({"parts": "rig", "seed": "1"})
GATEWAY = b"gateway"


def heap():
    return 70000


class Socket:
    """A socket whose datagrams a test takes out and answers."""

    gateway = GATEWAY

    def __init__(self):
        self.sent = []

    def send(self, _peer, data):
        self.sent.append(data)


class Bench:
    """A board over a flash that outlives its starts; ``now`` is its clock."""

    def __init__(self, **factory):
        self.factory = dict(FACTORY, **factory)
        self.store = rig.store()
        self.now = 0
        self.events = rig.Events()
        self.boots = 0

    def start(self):
        self.now = 0
        self.boots += 1
        # A suite is a process of its own: nothing else needs these. CPython cannot tell how much of its heap is free.
        hal.emit = self.events
        hal.free_heap = heap
        self.config = config.Config(self.store, dict(self.factory), self.events)
        log = crash.CrashLog(self.store)
        start = (self.boots, self.boots)
        self.board = Board(self.config, self.store, self.store._folder, log, self.ticks, start)
        self.socket = Socket()
        self.board._delivery._send = lambda data: self.socket.send(GATEWAY, data)

    def ticks(self):
        return self.now

    def live(self, seconds, code=None):
        """Until a restart is wanted, for so long at most; the gateway answers with ``code``. Whether one is."""
        end = self.now + seconds * 1000
        while self.now < end:
            pause = self.board.node.turn(self.now)
            while self.socket.sent:
                self.answer(coap.decode(self.socket.sent.pop(0)), code)
            if self.board.should_restart(self.now):
                return True
            self.now += pause
        return False

    def answer(self, message, code):
        if code is not None:
            reply = coap.encode(coap.ACK, code, message[2], message[3])
            self.board._delivery.receive(self.now, coap.decode(reply))

    def changed(self, name, value):
        """A start with one setting changed, on trial."""
        self.start()
        self.board.line("config set " + name + " " + value)
        self.board.line("config apply confirmed-by li")
        assert self.live(1)
        self.start()
        assert self.config.on_trial


def run_with(events, sleep, coroutine):
    """Run with another ``emit`` and another way to sleep."""
    told, hal.emit = hal.emit, events
    slept = getattr(asyncio, "sleep_ms", None)
    asyncio.sleep_ms = sleep
    try:
        return asyncio.run(coroutine)
    finally:
        hal.emit = told
        asyncio.sleep_ms = slept
