"""When a board samples, and the whole board without its hardware: reports, commands, garbage."""

import rig
from gas_parts import Bench
from node import AWAKE_MS, DATE_EVERY_MS, DELIVER_AGAIN_MS, LINK_MS, LONGEST_MS, Node
from whole import GATEWAY, OTHER, Quiet, Whole, alarm, bare

from protocols.wire import coap


def test_samples_are_a_period_apart_and_do_not_drift():
    product, board = bare()
    now = 0
    while now < 2000:
        # A loop that comes 3 ms late each time is not 3 ms later each time.
        now += board.node.turn(now) + 3
        board.packs(now)
    late = [at - index * 100 for index, at in enumerate(product.sampled)]
    assert min(late) >= 0
    assert max(late) < 50
    assert len(product.sampled) == 20


def test_turn_that_came_late_is_not_made_up_for():
    product, board = bare()
    for now in (0, 100, 730, 735, 829, 830):
        board.node.turn(now)
    assert product.sampled == [0, 100, 730, 830]


def test_turn_that_came_less_than_a_period_late_keeps_the_beat():
    product, board = bare()
    for now in (0, 199, 200):
        board.node.turn(now)
    assert product.sampled == [0, 199, 200]


def test_product_that_sleeps_is_not_sampled_before_it_wants_to_be():
    product, board = bare(sample_ms=600000)
    board.run(0, 0)
    board.packs(0)
    turns = board.run(1, 600000)
    assert product.sampled == [0, 600000]
    steps = [turns[at + 1] - turns[at] for at in range(len(turns) - 1)]
    assert max(steps) <= LONGEST_MS


def test_product_that_woke_up_is_sampled_as_often_as_it_says_from_then_on():
    product, board = bare(sample_ms=600000)
    board.node.turn(0)
    product.sample_ms = 60
    board.node.hasten(1000)
    board.packs(1000)
    board.run(1060, 1200)
    assert product.sampled == [0, 1000, 1060, 1120, 1180]


def test_link_that_has_something_to_send_is_asked_often_and_one_that_has_not_is_let_sleep():
    _, board = bare(sample_ms=600000)
    assert board.node.turn(0) == LINK_MS
    board.packs(0)
    assert board.node.turn(1) == LONGEST_MS


def test_reading_is_retransmitted_between_two_samples():
    product, board = bare(sample_ms=600000)
    board.run(0, 6000)
    assert product.sampled == [0]
    assert [event["attempt"] for event in board.emit.of("retransmit")] == [1]
    assert len({datagram for _, datagram in board.sent}) == 1


def test_board_that_is_only_asked_samples_and_sleeps():
    product = Quiet()
    node = Node(Whole(product, rig.store()).device, lambda: None, None)
    assert [node.turn(now) for now in (0, 30, 100)] == [100, 70, 100]
    assert product.sampled == [0, 100]


def test_delivery_that_dies_is_told_and_left_alone_for_a_minute_and_the_product_goes_on():
    product, board = bare()
    deaths = []

    def dies(now, *_values):
        deaths.append(now)
        raise ValueError("no room")

    board.delivery.report = board.delivery.flush = dies
    board.run(0, DELIVER_AGAIN_MS)
    assert product.sampled == list(range(0, DELIVER_AGAIN_MS + 1, 100))
    assert (deaths, board.errors) == ([0, DELIVER_AGAIN_MS], ["no room"] * 2)


def test_rig_goes_on_before_each_sample():
    product = Quiet()
    told = []

    class Air:
        def step(self, now):
            told.append((now, len(product.sampled)))

    node = Node(Whole(product, rig.store()).device, lambda: None, None, rig=Air())
    node.turn(0)
    node.turn(100)
    assert told == [(0, 0), (100, 1)]


def test_product_learns_the_date_when_it_is_known_and_each_minute_again():
    bench = Bench()
    told = []
    bench.alarm.tell_date = told.append
    dates = [None, 1800000000, 1800000060]
    node = Node(Whole(bench.alarm, bench.store).device, lambda: dates.pop(0), None)
    for now in (0, 100, DATE_EVERY_MS - 1, DATE_EVERY_MS, 2 * DATE_EVERY_MS):
        node.step(now)
    assert told == [1800000000, 1800000060]


def test_command_is_reported_with_the_next_sample_and_again_when_it_has_had_its_effect():
    bench, board = alarm()
    board.node.step(0)
    board.packs(0)
    close = coap.encode(coap.CON, coap.PUT, 9, b"", ((coap.URI_PATH, b"valve"),), payload=b"close")
    board.door.datagram(500, GATEWAY, close)
    assert board.packs(500) == []
    board.node.step(600)
    assert b'{"n":"valve","v":3}' in board.packs(600)[0]
    bench.parts.iron.move("closed")
    board.node.step(700)
    assert b'{"n":"valve","v":2}' in b"".join(board.packs(700))


def test_alarm_is_reported_with_the_sample_that_saw_it():
    bench, board = alarm()
    board.run(0, 300)
    board.packs(300)
    bench.parts.methane.value = 55.0
    board.node.step(400)
    assert b'{"n":"alarm","vb":true}' in board.packs(400)[0]


def test_ping_is_answered_by_reset_and_garbage_as_the_standard_says():
    _, board = alarm()
    board.door.datagram(0, OTHER, coap.encode(coap.CON, 0, 77))
    board.door.datagram(0, OTHER, bytes((0x4F, 1, 0, 78)))
    board.door.datagram(0, OTHER, b"\x80\0\0\0")
    assert board.sent == [(OTHER, coap.encode(coap.RST, 0, 77)), (OTHER, coap.encode(coap.RST, 0, 78))]


def test_acknowledgement_of_a_stranger_counts_for_nothing():
    _, board = alarm()
    board.node.step(0)
    message = coap.decode(board.sent[0][1])
    acknowledgement = coap.encode(coap.ACK, coap.CHANGED, message[2], message[3])
    board.door.datagram(1, OTHER, acknowledgement)
    assert not board.emit.of("acknowledged")
    board.door.datagram(2, GATEWAY, acknowledgement)
    assert len(board.emit.of("acknowledged")) == 1


def test_separate_response_is_acknowledged_to_the_gateway():
    _, board = alarm()
    board.node.step(0)
    _, _, _, token, _, _ = coap.decode(board.sent.pop()[1])
    board.door.datagram(1, GATEWAY, coap.encode(coap.CON, coap.CHANGED, 900, token))
    assert board.sent[0] == (GATEWAY, coap.encode(coap.ACK, 0, 900))


def test_no_garbage_from_any_peer_opens_the_valve_or_breaks_the_board():
    bench, board = alarm()
    board.device.command("close-valve", 0)
    bench.parts.iron.move("closed")
    board.node.step(1000)
    board.packs(1000)
    noise = rig.Noise(2463534242)
    seeds = [
        coap.encode(coap.CON, coap.PUT, 9, b"", ((coap.URI_PATH, b"valve"),), payload=b"open"),
        coap.encode(coap.CON, coap.PUT, 9, b"", ((coap.URI_PATH, b"valve"),), payload=b"1"),
        coap.encode(coap.NON, coap.POST, 9, b"tok", ((coap.URI_PATH, b"valve"), (coap.URI_QUERY, b"open"))),
        coap.encode(coap.CON, coap.DELETE, 9, b"tok", ((coap.URI_PATH, b"crash"),)),
        coap.encode(coap.ACK, coap.CHANGED, 9, b"tok"),
    ]
    for turn in range(3000):
        if turn % 3:
            data = bytearray(seeds[turn % len(seeds)])
            for _ in range(noise.bits() % 4):
                data[noise.bits() % len(data)] = noise.bits() & 255
        else:
            data = bytearray(noise.bits() & 255 for _ in range(noise.bits() % 40))
        board.door.datagram(1000 + turn, GATEWAY if turn & 1 else OTHER, bytes(data))
        board.sent.clear()
        board.emit.seen.clear()
        board.device.sample(1000 + turn)
        assert board.device.snapshot()["valve"] == 2, bytes(data)


def test_chip_stops_only_where_the_product_asks_for_it_and_nothing_waits():
    product, board = bare(sample_ms=600000)
    board.run(0, 0)
    assert board.delivery.busy
    product.may_sleep = True
    assert not board.node.may_sleep(AWAKE_MS)
    board.packs(0)
    assert not board.delivery.busy
    assert [board.node.may_sleep(now) for now in (0, AWAKE_MS - 1, AWAKE_MS)] == [False, False, True]
    product.may_sleep = False
    assert not board.node.may_sleep(AWAKE_MS)
    other, board = bare()
    del other
    board.run(0, 0)
    board.packs(0)
    assert not board.node.may_sleep(AWAKE_MS)


def test_line_of_the_console_keeps_the_chip_awake_for_a_person():
    product, board = bare(sample_ms=600000)
    product.may_sleep = True
    board.node.turn(0)
    board.packs(0)
    board.node.hasten(500000)
    board.packs(500000)
    assert [board.node.may_sleep(now) for now in (500000, 500000 + AWAKE_MS - 1)] == [False, False]
    assert board.node.may_sleep(500000 + AWAKE_MS)


def test_what_stirs_a_product_is_sampled_within_a_second_and_not_more_often():
    product, board = bare(sample_ms=10000)
    product.stirred = False
    product.is_stirred = lambda: product.stirred
    # The node looks for it once.
    board.node = Node(board.device, lambda: None, board.failed, delivery=board.delivery)
    board.run(0, 4000)
    assert product.sampled == [0]
    product.stirred = True
    board.run(4001, 6500)
    assert product.sampled == [0, 4001, 5001, 6001]
    product.stirred = False
    board.run(6501, 16000)
    assert len(product.sampled) == 4
