"""Boards put together from settings: a configuration on trial, a restart on purpose, a network that is not there."""

import asyncio

import config
import crash
import hal
import kv
import main
import rig
from assembly import AGAIN_MS, LONGEST_PAUSE_MS, Board, kept_up
from links import network

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
        self.board.line("config apply")
        assert self.live(1)
        self.start()
        assert self.config.on_trial


def test_configuration_with_a_long_period_is_proven_within_minutes_by_readings_that_are_taken():
    # A bin that looks each ten minutes.
    bench = Bench(product="smart-bin", wake="600")
    bench.changed("period", "86400")
    assert not bench.live(180, coap.CHANGED)
    assert not bench.config.on_trial
    bench.start()
    assert (bench.config.on_trial, bench.config.settings["period"]) == (False, 86400.0)


def test_readings_leave_as_rarely_as_they_should_once_the_configuration_is_proven():
    bench = Bench()
    bench.changed("period", "86400")
    bench.live(180, coap.CHANGED)
    before = bench.board._delivery._seq
    bench.live(600, coap.CHANGED)
    # Ten readings of the board itself, one a minute, and none of the product.
    assert bench.board._delivery._seq - before in (9, 10)


def test_configuration_whose_readings_are_refused_or_lost_falls_back():
    for code in (None, coap.NOT_FOUND, coap.UNAUTHORIZED):
        bench = Bench()
        bench.changed("device", "t:2")
        assert bench.live(660, code), code
        assert 600000 <= bench.now < 601000
        bench.start()
        assert (bench.config.on_trial, bench.config.settings["device"]) == (False, "t:1")


def test_restart_that_a_person_asks_for_keeps_what_waits():
    bench = Bench()
    bench.start()
    bench.live(3)
    waiting = bench.board._backlog.waiting
    assert (waiting >= 2, bench.board._backlog._flash.count) == (True, 0)
    bench.board.line("restart")
    assert bench.live(1)
    assert bench.board._backlog._flash.count >= waiting
    bench.start()
    bench.live(2)
    assert bench.board._backlog.waiting > waiting


def test_restart_waits_while_the_product_must_not_be_cut_short():
    bench = Bench()
    bench.start()
    product = bench.board._device.product
    kind = type(product)
    had = getattr(kind, "must_not_restart", None)
    kind.must_not_restart = True
    try:
        bench.board.line("restart")
        assert not bench.live(5)
        kind.must_not_restart = False
        assert bench.live(1)
    finally:
        if had is None:
            del kind.must_not_restart
        else:
            kind.must_not_restart = had


def test_line_that_breaks_the_console_is_logged_and_the_board_goes_on():
    bench = Bench()
    bench.start()

    def breaks(_now, _text):
        raise ValueError("no such line")

    bench.board.console.line = breaks
    bench.board.line("anything")
    assert "no such line" in crash.CrashLog(bench.store).text()
    assert not bench.live(1)


class Clock:
    """Each look at it takes 10 ms."""

    def __init__(self):
        self.now = 0

    def __call__(self):
        self.now += 10
        return self.now


class Alarmed:
    must_not_restart = True


class Calm:
    must_not_restart = False


def test_reset_after_a_crash_waits_for_a_closing_pulse_and_no_longer():
    for living, least, most in (([Alarmed()], main.FINISH_MS, main.FINISH_MS + 30), ([Calm()], 0, 30), ([], 0, 30)):
        clock = Clock()
        main._finish(living, clock)
        assert least <= clock.now <= most


def test_link_that_dies_is_made_anew_after_pauses_that_double():
    waits, errors, made = [], [], []

    async def sleep(ms):
        waits.append(ms)

    async def dies():
        made.append(1)
        if len(made) < 13:
            raise ValueError(f"link {len(made)}")

    run_with(rig.Events(), sleep, kept_up(dies, lambda error: errors.append(str(error))))
    assert errors == [f"link {number}" for number in range(1, 13)]
    assert waits[:4] == [AGAIN_MS, 2 * AGAIN_MS, 4 * AGAIN_MS, 8 * AGAIN_MS]
    assert waits[-2:] == [LONGEST_PAUSE_MS] * 2


def test_master_on_the_line_confirms_no_configuration_of_a_board_with_a_gateway():
    bench = Bench(modbus="/nowhere/tty")
    bench.changed("period", "3")
    bench.board._slave.heard_at = 0
    end = 700000
    while bench.now < end and not bench.live(1):
        bench.board._slave.heard_at = bench.now
    assert 600000 <= bench.now < 601500
    assert bench.config.on_trial


def test_flash_that_refuses_the_queue_leaves_the_readings_in_memory():
    bench = Bench()
    make = kv.make_folder

    def refuses(_folder):
        raise OSError(28)

    __import__("flash_queue").kv.make_folder = refuses
    try:
        bench.start()
    finally:
        kv.make_folder = make
    assert bench.events.of("error")[0]["message"][:6] == "queue:"
    bench.live(5)
    assert bench.board._backlog.waiting >= 3


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


def test_what_cannot_be_opened_is_tried_again_and_each_reason_is_told_once():
    events = rig.Events()
    reasons = [OSError("no route"), OSError("no route"), OSError("taken")]
    waits = []

    def make():
        if reasons:
            raise reasons.pop(0)
        return "socket"

    async def sleep(ms):
        waits.append(ms)

    assert run_with(events, sleep, network.opened("gateway g:1", make)) == "socket"
    assert waits == [network.AGAIN_MS] * 3
    told = [event["message"].split(";")[0] for event in events.of("error")]
    assert told == ["gateway g:1: no route", "gateway g:1: taken"]


def test_network_that_cannot_be_joined_is_told_and_does_not_end_the_board():
    events = rig.Events()

    async def refuses(_settings):
        raise OSError("wifi is missing")

    joined, hal.join = hal.join, refuses
    try:
        run_with(events, None, network.join({}))
    finally:
        hal.join = joined
    assert events.of("error")[0]["message"][:24] == "network: wifi is missing"
