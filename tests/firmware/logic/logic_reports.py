"""What leaves a board, and when: the product's points and the board's own, through the backlog to the link."""

import json

import rig
from delivery import VITALS_EVERY_MS, VITALS_SOONEST_MS
from links.no_link import NoLink
from reporting import AT_ONCE, NOT_YET, PERIODIC, ReportGate
from vitals import POINTS
from whole import GATEWAY, Quiet, Whole, bare

from protocols.wire import coap

CALM = {"alarm": False, "level": 1.0}
ALARM = {"alarm": True, "level": 1.0}


def records(pack):
    return {record["n"]: record.get("v", record.get("vb")) for record in json.loads(pack)}


def points(payloads):
    """The names of each pack but boot and seq."""
    return [sorted(name for name in records(pack) if name not in ("boot", "seq")) for pack in payloads]


OWN = sorted(POINTS)
PRODUCT = sorted(CALM)


def test_report_leaves_every_period_and_at_once_on_a_change():
    gate = ReportGate(2000, ("alarm",), {"methane": 5.0})
    rows = [
        (0, {"alarm": False, "methane": 1.0, "co": 1}, AT_ONCE),
        (100, {"alarm": False, "methane": 1.2, "co": 1}, NOT_YET),
        (1900, {"alarm": False, "methane": 1.2, "co": 90}, NOT_YET),
        (2000, {"alarm": False, "methane": 1.2, "co": 90}, PERIODIC),
        (2100, {"alarm": True, "methane": 1.2, "co": 90}, AT_ONCE),
        (2200, {"alarm": True, "methane": 6.1, "co": 90}, NOT_YET),
        (2300, {"alarm": True, "methane": 6.2, "co": 90}, AT_ONCE),
        (2400, {"alarm": True, "methane": 1.2, "co": 90}, AT_ONCE),
        (4300, {"alarm": True, "methane": 1.2, "co": 90}, NOT_YET),
        (4400, {"alarm": True, "methane": 1.2, "co": 90}, PERIODIC),
    ]
    for now, values, expected in rows:
        assert gate.due(now, values) == expected, now


def test_value_that_is_lost_or_back_is_a_change():
    gate = ReportGate(2000, (), {"methane": 5.0})
    rows = [(0, 1.0, AT_ONCE), (1, None, AT_ONCE), (2, None, NOT_YET), (3, 1.0, AT_ONCE), (4, 1.1, NOT_YET)]
    for now, value, expected in rows:
        assert gate.due(now, {"methane": value}) == expected, now


def test_report_asked_for_leaves_with_the_next_sample_and_only_with_that():
    gate = ReportGate(60000, (), {})
    assert [gate.due(now, {}) for now in (0, 1)] == [AT_ONCE, NOT_YET]
    gate.soon()
    assert [gate.due(now, {}) for now in (2, 3, 60001, 60002)] == [PERIODIC, NOT_YET, NOT_YET, PERIODIC]


def test_first_reading_is_the_products_and_what_the_board_tells_of_itself_follows_with_the_next_sample():
    _, board = bare()
    assert points(board.report(0, CALM)) == [PRODUCT]
    packs = board.report(100, CALM, boots=5)
    assert points(packs) == [OWN]
    assert (records(packs[0])["seq"], records(packs[0])["boots"]) == (2, 5)
    assert board.report(200, CALM) == []


def test_boards_own_reading_leaves_each_minute_and_not_between():
    _, board = bare(period_ms=3600000)
    board.report(0, CALM)
    board.report(100, CALM)
    told = [now for now in range(200, 3 * VITALS_EVERY_MS, 100) if points(board.report(now, CALM)) == [OWN]]
    assert told == [VITALS_EVERY_MS + 100, 2 * VITALS_EVERY_MS + 100]


def test_two_readings_of_one_sample_are_a_millisecond_apart_and_the_boards_own_is_the_older():
    _, board = bare(period_ms=1000)
    board.report(0, CALM)
    board.utc = 1800000000000
    packs = board.report(1000, CALM)
    assert points(packs) == [OWN, PRODUCT]
    assert [text_of(pack, "bt") for pack in packs] == ["1799999999.999", "1800000000"]


def text_of(pack, name):
    """The number of a record as it is written: a float of MicroPython may not hold it."""
    return pack.split(b'"%s":' % name.encode())[1].split(b",")[0].split(b"}")[0].decode()


def test_what_is_urgent_never_waits_behind_what_the_board_tells_of_itself():
    _, board = bare()
    board.report(0, CALM)
    board.report(100, CALM)
    due = 100 + VITALS_EVERY_MS
    assert points(board.report(due, ALARM)) == [PRODUCT]
    assert points(board.report(due + 100, ALARM)) == [OWN]


def test_crash_log_that_was_taken_is_told_soon():
    _, board = bare(period_ms=3600000)
    board.report(0, CALM, crashed=True)
    assert records(board.report(100, CALM, crashed=True)[0])["crashed"] is True
    assert board.report(100 + VITALS_SOONEST_MS - 1, CALM, crashed=False) == []
    packs = board.report(100 + VITALS_SOONEST_MS, CALM, crashed=False)
    assert records(packs[0])["crashed"] is False


def test_readings_that_are_overwritten_all_the_time_do_not_make_a_reading_each():
    _, board = bare(period_ms=3600000)
    board.report(0, CALM)
    told = [now for now in range(100, VITALS_EVERY_MS, 100) if board.report(now, CALM, overwritten=now)]
    assert told == list(range(100, VITALS_EVERY_MS, VITALS_SOONEST_MS))


def test_readings_that_wait_for_the_gateway_leave_in_their_order():
    _, board = bare(period_ms=1000)
    board.report(0, CALM)
    for now in (1000, 2000):
        values = dict(CALM)
        values.update(dict.fromkeys(POINTS, 0))
        board.delivery.report(now, values)
    assert board.delivery.busy
    seqs = []
    while board.delivery.busy:
        seqs.extend(records(pack)["seq"] for pack in board.packs(2000))
    assert seqs == [2, 3, 4]


def test_gateway_counts_as_heard_when_it_takes_a_reading_and_not_when_it_refuses_or_babbles():
    for code, heard in ((coap.CHANGED, 7), (coap.NOT_FOUND, None), (coap.SERVICE_UNAVAILABLE, None)):
        product, board = bare()
        board.node.turn(0)
        board.door.datagram(3, GATEWAY, coap.encode(coap.ACK, coap.CHANGED, 1, b"odd"))
        assert board.delivery.heard_at is None
        board.packs(7, code)
        assert board.delivery.heard_at == heard, coap.code_text(code)
        assert product.sampled == [0]


def test_link_that_is_down_for_good_keeps_the_readings_in_flash_and_sends_nothing():
    product = Quiet()
    board = Whole(product, rig.store(), flash=True, link=NoLink(), period_ms=1000)
    for now in range(0, 60001, 100):
        board.node.turn(now)
    assert board.sent == []
    assert board.backlog.waiting == 62
    assert board.delivery.heard_at is None
    kept = board.backlog._flash
    assert kept.count >= 40
    assert len(board.backlog._ring) <= 22
    assert board.backlog._sent == []
    board.delivery.keep(60100)
    assert (kept.count, kept.head().seq) == (62, 1)


def test_alarm_on_a_link_that_is_down_is_kept_like_the_rest():
    product = Quiet()
    board = Whole(product, rig.store(), flash=True, link=NoLink())
    board.node.turn(0)
    product.shown = dict(ALARM)
    board.node.turn(100)
    assert (board.backlog.waiting, board.backlog._sent, board.sent) == (2, [], [])


def test_device_shows_one_dict_for_each_sample_and_a_new_one_after_a_command():
    product, board = bare()
    device = board.device
    device.sample(0)
    first = device.snapshot()
    assert device.snapshot() is first
    assert sorted(first) == sorted(PRODUCT + OWN)
    product.shown["level"] = 2.0
    assert device.snapshot()["level"] == 1.0
    device.command("any", 50)
    assert device.snapshot()["level"] == 2.0
    product.shown["level"] = 3.0
    device.sample(100)
    assert device.snapshot()["level"] == 3.0


def test_free_memory_is_counted_once_a_second_and_with_each_sample_of_a_slow_product():
    _, board = bare()
    for now in range(0, 3000, 100):
        board.device.sample(now)
        board.device.snapshot()
    assert board.heap_asked == 3
    for now in (10000, 610000):
        board.device.sample(now)
        assert board.device.snapshot()["uptime"] == now // 1000
    assert board.heap_asked == 5


def test_device_lists_the_points_of_the_product_and_of_the_board():
    _, board = bare()
    assert sorted(board.device.points) == sorted(PRODUCT + OWN)
