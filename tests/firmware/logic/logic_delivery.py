"""Delivery of readings over a wire of plain calls: retransmission, order, refusals, pauses."""

import rig
from links.coap_client import CoapClient

from protocols.wire import coap

PACK = b'[{"bn":"t:1/","n":"boot","v":1}]'


def client(ring=4, told_time=None):
    events = rig.Events()
    return CoapClient(rig.noise(), events, ring=ring, told_time=told_time), events


def mid_of(datagram):
    return coap.decode(datagram)[2]


def test_reading_is_a_confirmable_post_of_senml():
    link, _ = client()
    link.offer(0, 1, PACK, True)
    kind, code, _, token, options, payload = coap.decode(link.poll(0))
    assert (kind, code, payload, len(token)) == (coap.CON, coap.POST, PACK, 4)
    assert options == [(coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, b"n")]


def test_silence_is_answered_by_four_retransmissions_with_doubling_spacing():
    link, events = client()
    link.offer(0, 1, PACK, False)
    sent = []
    for now in range(0, 100000, 10):
        datagram = link.poll(now)
        if datagram and not events.of("unanswered"):
            sent.append((now, datagram))
    assert len(sent) == 5
    assert len({datagram for _, datagram in sent}) == 1
    gaps = [sent[turn + 1][0] - sent[turn][0] for turn in range(4)]
    assert 2000 <= gaps[0] <= 3010
    for turn in range(4):
        assert abs(gaps[turn] - gaps[0] * 2**turn) <= 10 * 2**turn, gaps
    assert [event["attempt"] for event in events.of("retransmit")][:4] == [1, 2, 3, 4]


def test_first_timeouts_are_spread_over_the_random_factor():
    waits = []
    for seq in range(200):
        link, _ = client()
        link._noise = rig.Noise(seq * 7919 + 1)
        link.offer(0, seq, PACK, False)
        first = link.poll(0)
        now = 1
        while link.poll(now) != first:
            now += 1
        waits.append(now)
    assert min(waits) >= 2000
    assert max(waits) <= 3000
    assert min(waits) < 2100
    assert max(waits) > 2900


def test_unanswered_reading_is_tried_again_as_a_new_message_after_the_last_timeout():
    link, events = client()
    link.offer(0, 1, PACK, False)
    first = link.poll(0)
    now = 0
    while not events.of("unanswered"):
        now += 100
        again = link.poll(now)
    assert 62000 <= now <= 93100
    assert mid_of(again) != mid_of(first)
    assert coap.decode(again)[5] == PACK
    link.receive(now, rig.response(coap.CHANGED, again))
    assert link.waiting == 0


def test_only_one_exchange_is_outstanding_and_the_rest_follows_in_order():
    link, events = client()
    for seq in (1, 2, 3):
        link.offer(0, seq, b"%d" % seq, False)
    order = []
    for now in range(3):
        datagram = link.poll(now)
        assert link.poll(now) is None
        order.append(coap.decode(datagram)[5])
        link.receive(now, rig.response(coap.CHANGED, datagram))
    assert order == [b"1", b"2", b"3"]
    assert [event["seq"] for event in events.of("acknowledged")] == [1, 2, 3]


def test_full_ring_drops_and_counts_the_oldest_that_is_not_on_its_way():
    link, events = client(ring=4)
    link.offer(0, 1, b"1", False)
    datagram = link.poll(0)
    for seq in range(2, 8):
        link.offer(0, seq, b"%d" % seq, False)
    assert (link.waiting, link.dropped) == (4, 3)
    assert [event["seq"] for event in events.of("dropped")] == [2, 3, 4]
    order = []
    for now in range(4):
        order.append(coap.decode(datagram)[5])
        link.receive(now, rig.response(coap.CHANGED, datagram))
        datagram = link.poll(now)
    assert order == [b"1", b"5", b"6", b"7"]


def test_separate_response_is_waited_for_and_acknowledged_once_and_again():
    link, events = client()
    link.offer(0, 1, PACK, False)
    sent = link.poll(0)
    empty = coap.decode(coap.encode(coap.ACK, 0, mid_of(sent)))
    assert link.receive(10, empty) is None
    assert link.poll(9000) is None
    assert not events.of("retransmit")
    late = rig.response(coap.CHANGED, sent, kind=coap.CON, mid=900)
    assert link.receive(9000, late) == coap.encode(coap.ACK, 0, 900)
    assert link.receive(9100, late) == coap.encode(coap.ACK, 0, 900)
    assert link.waiting == 0
    assert len(events.of("acknowledged")) == 1


def test_separate_response_without_its_empty_ack_counts():
    for kind, answer in ((coap.CON, coap.encode(coap.ACK, 0, 900)), (coap.NON, None)):
        link, _ = client()
        link.offer(0, 1, PACK, False)
        sent = link.poll(0)
        assert link.receive(5, rig.response(coap.CHANGED, sent, kind=kind, mid=900)) == answer
        assert link.waiting == 0


def test_promised_response_that_never_comes_starts_a_new_message():
    link, _ = client()
    link.offer(0, 1, PACK, False)
    sent = link.poll(0)
    link.receive(10, coap.decode(coap.encode(coap.ACK, 0, mid_of(sent))))
    assert link.poll(10009) is None
    again = link.poll(10010)
    assert mid_of(again) != mid_of(sent)
    assert link.waiting == 1


def test_answer_that_is_not_ours_acknowledges_nothing():
    link, events = client()
    link.offer(0, 1, PACK, False)
    sent = link.poll(0)
    _, _, mid, token, _, _ = coap.decode(sent)
    for kind, other_mid, other_token, answer in (
        (coap.ACK, mid ^ 1, token, None),
        (coap.ACK, mid, b"", None),
        (coap.ACK, mid, token + b"x", None),
        (coap.NON, mid, b"", None),
        (coap.CON, 77, b"", coap.encode(coap.RST, 0, 77)),
    ):
        message = coap.decode(coap.encode(kind, coap.CHANGED, other_mid, other_token))
        assert link.receive(1, message) == answer
    odd = rig.response(coap.CHANGED, sent, options=((9, b""),))
    assert link.receive(1, odd) is None
    assert link.waiting == 1
    assert not events.of("acknowledged")


def test_refusal_for_good_drops_the_reading_and_is_told():
    for code in (coap.BAD_REQUEST, coap.NOT_FOUND, coap.TOO_LARGE):
        link, events = client()
        link.offer(0, 1, PACK, False)
        link.receive(1, rig.response(code, link.poll(0), payload=b"no \xff"))
        assert link.waiting == 0
        assert events.of("refused") == [{"seq": 1, "code": coap.code_text(code), "diagnostic": "no ."}]


def test_unavailable_gateway_is_left_alone_for_its_max_age():
    rows = [
        (coap.SERVICE_UNAVAILABLE, ((coap.MAX_AGE, b"\x05"),), 5000),
        (coap.SERVICE_UNAVAILABLE, (), 60000),
        (coap.TOO_MANY_REQUESTS, ((coap.MAX_AGE, b"\x07"),), 7000),
        (coap.INTERNAL_ERROR, ((coap.MAX_AGE, b""),), 2000),
        (coap.SERVICE_UNAVAILABLE, ((coap.MAX_AGE, b"\xff\xff\xff\xff"),), 60000),
    ]
    for code, options, pause in rows:
        link, events = client()
        link.offer(0, 1, PACK, False)
        sent = link.poll(0)
        link.receive(0, rig.response(code, sent, options=options))
        assert link.poll(pause - 1) is None
        assert link.waiting == 1
        again = link.poll(pause)
        assert coap.decode(again)[5] == PACK
        assert mid_of(again) != mid_of(sent)
        assert len(events.of("refused")) == 1


def test_reset_keeps_the_reading_for_a_new_message():
    link, _ = client()
    link.offer(0, 1, PACK, False)
    sent = link.poll(0)
    link.receive(0, coap.decode(coap.encode(coap.RST, 0, mid_of(sent))))
    assert link.poll(1999) is None
    assert mid_of(link.poll(2000)) != mid_of(sent)


def test_urgent_reading_ends_a_long_silence():
    link, _ = client()
    link.offer(0, 1, b"1", False)
    first = link.poll(0)
    for now in range(0, 11000, 100):
        link.poll(now)
    assert link.poll(11000) is None
    link.offer(11000, 2, b"2", True)
    datagram = link.poll(11000)
    assert coap.decode(datagram)[5] == b"1"
    assert mid_of(datagram) != mid_of(first)
    link.receive(11001, rig.response(coap.CHANGED, datagram))
    assert coap.decode(link.poll(11001))[5] == b"2"


def test_urgent_reading_is_judged_during_a_pause_and_older_ones_follow():
    link, _ = client()
    link.offer(0, 1, b"1", False)
    link.receive(0, rig.response(coap.SERVICE_UNAVAILABLE, link.poll(0)))
    link.offer(3000, 2, b"2", True)
    urgent = link.poll(3000)
    assert coap.decode(urgent)[5] == b"2"
    link.receive(3001, rig.response(coap.CHANGED, urgent))
    assert coap.decode(link.poll(3001))[5] == b"1"
    assert link.waiting == 1


UTC_MS = 1800000000123


class Asking:
    """A client that asks for the time; ``told``: (now, UTC ms)."""

    def __init__(self):
        self.told = []
        self.link, self.events = client(told_time=lambda now, utc_ms: self.told.append((now, utc_ms)))

    def exchange(self, now, text, after=10, transmissions=1):
        """Offer a pack and answer it; whether it asked for the time."""
        self.link.offer(now, 1, PACK, False)
        sent = self.link.poll(now)
        while transmissions > 1:
            now += 10
            transmissions -= self.link.poll(now) is not None
        asked = coap.decode(sent)
        reply = coap.encode(coap.ACK, coap.CHANGED, asked[2], asked[3], ((coap.CONTENT_FORMAT, b""),), payload=text)
        self.link.receive(now + after, coap.decode(reply))
        assert self.link.waiting == 0
        return (coap.URI_QUERY, b"time") in asked[4]


def test_time_is_asked_for_with_the_first_reading_and_each_hour():
    board = Asking()
    text = str(UTC_MS).encode()
    assert [board.exchange(now, text) for now in (0, 1000, 3600009, 3600010)] == [True, False, False, True]
    assert board.told == [(10, UTC_MS), (3600020, UTC_MS)]


def test_gateway_that_tells_no_time_is_asked_with_each_reading_and_nothing_else_changes():
    board = Asking()
    assert [board.exchange(now, b"") for now in (0, 1000)] == [True, True]
    assert (board.told, board.link.taken, board.events.of("refused")) == ([], 2, [])


def test_time_that_came_late_or_cannot_be_is_not_believed():
    board = Asking()
    # 2000, before this firmware was built, 2100; too long, no digits, a sign, another unit.
    wrong = ("0946684800000", "1793491199999", "4102444800000", "18000000001234", "now", "+180000000012", "1800000000")
    for text in wrong:
        assert board.exchange(0, text.encode())
    good = str(UTC_MS).encode()
    assert board.exchange(0, good, after=2001)
    assert board.exchange(0, good, transmissions=2)
    assert board.told == []
    assert board.exchange(10000, good, after=2000)
    assert board.told == [(12000, UTC_MS)]
