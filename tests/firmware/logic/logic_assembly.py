"""Boards put together from settings: a configuration on trial, a restart on purpose, a network that is not there."""

import hal
import kv
import rig
from assembled import Bench, run_with
from hal import net
from links import network

from protocols.wire import coap


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


def test_hold_is_written_with_the_restart_and_not_while_gas_is_there():
    bench = Bench()
    held, takes = [], [False, True]
    bench.start()
    hal.hold = lambda: held.append(bench.now) or takes.pop(0)
    board = bench.board
    assert board.console.line(0, "hold")
    assert bench.events.of("answer")[-1] == {"text": "hold: not on this board"}
    board.console._can_hold = True
    board.line("set methane 20")
    bench.live(1)
    board.line("hold")
    assert bench.events.of("answer")[-1]["text"][:5] == "held "
    board.line("set methane 1")
    assert not bench.live(59)
    assert bench.events.of("error")[-1]["message"][:17] == "restart: it waits"
    assert held == []
    # The flash refuses: a board that cannot be held goes on.
    assert not bench.live(5)
    assert (len(held), bench.events.of("answer")[-1]["text"][:5]) == (1, "hold:")
    board.line("hold")
    assert bench.live(1)
    assert held[1:] == [bench.now]
    board.line("restart")
    bench.start()
    bench.board.line("restart")
    assert bench.live(1)
    assert len(held) == 2


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

    joined, net.join = net.join, refuses
    try:
        run_with(events, None, network.join({}))
    finally:
        net.join = joined
    assert events.of("error")[0]["message"][:24] == "network: wifi is missing"
