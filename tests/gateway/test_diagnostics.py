"""What a connection knows of itself: states, round trips, rates of the last minute, errors by kind, its last bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.diagnostics import ROUND_TRIPS, Diagnosis, percentile
from gateway.wire_log import FOLLOWED_NS, LONGEST_PIECE, USUAL_BYTES, USUAL_PIECES, WireLog
from protocols.moment import SECOND

START = 1_795_000_000 * SECOND


class Told:
    """A diagnosis of two devices on a clock of the test."""

    def __init__(self):
        self.at = START
        self.of = Diagnosis("east", "modbus-rtu", ("a", "b"), lambda: self.at)

    def go(self, seconds):
        self.at += int(seconds * SECOND)

    def poll(self, device, seconds=0.1):
        self.of.asked(device)
        self.go(seconds)
        self.of.answered(device, seconds)


@pytest.fixture
def told():
    return Told()


def test_a_connection_starts_stands_and_falls(told):
    assert (told.of.state, told.of.since) == ("starting", START)
    told.go(1)
    told.of.up()
    assert (told.of.state, told.of.since) == ("up", START + SECOND)
    told.go(1)
    told.of.up()
    assert told.of.since == START + SECOND
    told.of.down("cable pulled", 4.0)
    assert (told.of.state, told.of.reason) == ("down", "cable pulled")
    assert (told.of.since, told.of.next_try_at) == (START + 2 * SECOND, START + 6 * SECOND)


def test_it_is_down_since_it_fell_however_often_it_is_tried(told):
    told.of.down("refused", 1.0)
    told.go(1)
    told.of.down("no route", 2.0)
    assert (told.of.since, told.of.reason, told.of.next_try_at) == (START, "no route", START + 3 * SECOND)
    told.of.up()
    assert (told.of.reason, told.of.next_try_at) == ("", 0)


def test_a_device_is_lost_until_it_is_heard(told):
    one = told.of.devices["a"]
    told.of.lost("a", "no answer")
    told.of.waits("a", 10)
    told.go(5)
    told.of.lost("a", "no answer still")
    assert (one.lost_since, one.reason, one.next_try_at) == (START, "no answer still", START + 10 * SECOND)
    told.poll("a", 0.5)
    assert (one.lost_since, one.reason, one.next_try_at) == (0, "", 0)
    assert one.heard_at == told.at


def test_round_trips_are_kept_bounded_for_device_and_connection(told):
    for number in range(3 * ROUND_TRIPS):
        told.of.answered("a", float(number))
        told.of.exchanged("nobody of ours", 0.5)
    last = [float(3 * ROUND_TRIPS - n) for n in range(ROUND_TRIPS, 0, -1)]
    assert list(told.of.devices["a"].rtt_s) == last
    assert not told.of.devices["b"].rtt_s
    told.of.exchanged("b", 0.25)
    assert list(told.of.rtt_s) == [*last, 0.25, *[0.5] * ROUND_TRIPS]


def test_exchanges_of_a_line_count_like_requests_and_answers(told):
    for _ in range(10):
        told.go(1)
        told.of.exchanged("a", 0.5)
        told.of.exchanged("b", 0.25, answered=False)
    a, b = told.of.devices["a"], told.of.devices["b"]
    assert (a.requests, a.answers, a.heard_at) == (10, 10, told.at)
    assert (b.requests, b.answers, b.heard_at) == (10, 0, 0)
    rates = told.of.rates()
    assert (rates.requests_per_s, rates.utilisation, rates.over_s) == (2.0, 0.75, 10.0)


def test_an_answer_over_a_line_ends_a_loss(told):
    told.of.lost("a", "no answer")
    told.of.waits("a", 5.0)
    told.of.exchanged("a", 0.5, answered=False)
    assert told.of.devices["a"].reason == "no answer"
    told.of.exchanged("a", 0.5)
    assert (told.of.devices["a"].lost_since, told.of.devices["a"].next_try_at) == (0, 0)


@pytest.mark.parametrize(
    ("samples", "share", "expected"),
    [([], 0.5, None), ([3.0], 0.95, 3.0), ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0), (list(range(1, 101)), 0.95, 95)],
)
def test_a_percentile_is_a_sample_by_nearest_rank(samples, share, expected):
    assert percentile(samples, share) == expected


@given(samples=st.lists(st.floats(0, 100), min_size=1), share=st.sampled_from([0.5, 0.95]))
def test_enough_samples_do_not_exceed_a_percentile(samples, share):
    found = percentile(samples, share)
    assert sum(one <= found for one in samples) >= share * len(samples) - 1e-9


def test_a_busy_bus_is_told_with_its_rate_and_utilisation(told):
    for _ in range(150):
        told.poll("a", 0.3)
        told.go(0.7)
    rates = told.of.rates()
    assert rates.requests_per_s == pytest.approx(1.0, rel=0.02)
    assert rates.utilisation == pytest.approx(0.3, abs=0.01)
    assert 60 <= rates.over_s <= 71


def test_rates_forget_what_was_more_than_a_minute_ago(told):
    for _ in range(600):
        told.poll("a", 0.1)
    told.go(200)
    assert told.of.rates()[:2] == (0.0, 0.0)
    told.poll("a", 0.1)
    rates = told.of.rates()
    assert rates.requests_per_s == pytest.approx(1 / 60, rel=0.02)
    assert rates.over_s == pytest.approx(60, abs=1)


def test_requests_to_several_devices_at_once_are_one_busy_time(told):
    told.of.asked("a")
    told.go(1)
    told.of.asked("b")
    told.go(1)
    told.of.failed("timeout", "a")
    told.go(1)
    told.of.answered("b", 2.0)
    told.go(1)
    assert told.of.rates().utilisation == pytest.approx(3 / 4)


def test_a_request_that_goes_on_counts_as_busy(told):
    told.of.asked("a")
    told.go(9)
    assert told.of.rates().utilisation == pytest.approx(1.0)
    told.go(400)
    assert told.of.rates().utilisation == pytest.approx(1.0)


def test_a_clock_that_steps_back_makes_nothing_negative(told):
    told.of.asked("a")
    told.go(-3600)
    told.of.answered("a", 0.1)
    rates = told.of.rates()
    assert rates.utilisation >= 0
    assert rates.requests_per_s >= 0


def test_errors_are_counted_by_kind_for_who_made_them(told):
    told.of.failed("crc", times=3)
    told.of.failed("timeout", "a")
    told.of.failed("timeout", "b")
    told.of.failed("timeout", "stranger")
    assert told.of.errors == {"crc": 3, "timeout": 1}
    assert told.of.devices["a"].errors == {"timeout": 1}
    assert told.of.all_errors() == {"crc": 3, "timeout": 3}


def test_devices_that_are_not_of_the_connection_raise_nothing_and_are_not_kept(told):
    for call in (told.of.asked, told.of.heard):
        call("stranger")
    told.of.answered("stranger", 0.1)
    told.of.lost("stranger", "gone")
    told.of.waits("stranger", 1)
    told.of.skipped("stranger", 1)
    told.of.stamped("stranger", 1, 2)
    assert set(told.of.devices) == {"a", "b"}
    assert told.of.requests == 1


def test_the_clock_of_a_device_is_told_by_its_freshest_sample(told):
    assert told.of.devices["a"].clock_offset_s is None
    for age_s in (300, 200, 0.25, 100):
        told.of.stamped("a", START - int((age_s + 2) * SECOND), START)
    assert told.of.devices["a"].clock_offset_s == pytest.approx(-2.25)


def test_the_wire_log_keeps_the_last_pieces(told):
    for number in range(USUAL_PIECES + 10):
        told.of.sent(bytes([number]), "x")
        told.go(0.001)
    pieces = list(told.of.wire)
    assert len(pieces) == len(told.of.wire) == USUAL_PIECES
    assert pieces[-1] == (told.at - 1_000_000, True, bytes([USUAL_PIECES + 9]), "x", 1)
    told.of.received(b"in")
    assert list(told.of.wire)[-1].outgoing is False


@given(sizes=st.lists(st.integers(0, 3 * LONGEST_PIECE), max_size=60))
def test_the_wire_log_is_bounded_in_bytes(sizes):
    log = WireLog()
    for size in sizes:
        log.add(START, False, bytes(size), "")
    kept = list(log)
    assert sum(len(piece.data) for piece in kept) <= USUAL_BYTES
    assert [piece.size for piece in kept] == sizes[len(sizes) - len(kept) :]
    assert log.last == len(sizes)


def test_a_secret_is_never_kept(told):
    told.of.hide(b"open sesame")
    told.of.hide(b"")
    told.of.sent(b"\0user\0open sesame\1open sesame", "x")
    told.of.received(bytearray(b"open sesame"))
    pieces = list(told.of.wire)
    assert [piece.data for piece in pieces] == [b"\0user\0***********\1***********", b"***********"]
    assert pieces[0].size == 29


@given(
    st.lists(st.lists(st.tuples(st.binary(max_size=LONGEST_PIECE + 40), st.sampled_from("ab")), min_size=1)),
    st.binary(max_size=2),
)
def test_pieces_that_go_together_are_kept_as_one_by_one(turns, secret):
    together, alone = WireLog(), WireLog()
    recorded: list[list[tuple[object, ...]]] = [[], []]
    for log, kept in zip((together, alone), recorded, strict=True):
        log.hide(secret)
        log.recorder = kept.extend
    for at, turn in enumerate(turns):
        together.add_all(at, True, turn)
        for data, peer in turn:
            alone.add(at, True, data, peer)
    assert list(together) == list(alone)
    assert (together.last, together._bytes) == (alone.last, alone._bytes)
    assert recorded[0] == recorded[1]


def test_a_log_that_is_followed_keeps_more_and_then_less_again():
    log = WireLog()
    log.after(0, 10, START)
    for _ in range(1000):
        log.add(START, False, b"x", "")
    assert len(log) == 1000
    log.add(START + FOLLOWED_NS + 1, False, b"x", "")
    assert len(log) == USUAL_PIECES


def test_whoever_follows_gets_each_piece_once_and_is_told_what_was_missed():
    log = WireLog()
    for number in range(5):
        log.add(START, False, bytes([number]), "")
    found = log.after(0, 3, START)
    assert (found.first, [one.data for one in found.pieces], found.missed) == (1, [b"\0", b"\1", b"\2"], 0)
    found = log.after(3, 3, START)
    assert (found.first, [one.data for one in found.pieces], found.missed) == (4, [b"\3", b"\4"], 0)
    assert log.after(5, 3, START).pieces == ()
    for _ in range(200):
        log.add(START + 2 * FOLLOWED_NS, False, b"x", "")
    found = log.after(5, 500, START + 2 * FOLLOWED_NS)
    assert (found.first, len(found.pieces), found.missed) == (205 - USUAL_PIECES + 1, USUAL_PIECES, 200 - USUAL_PIECES)


@pytest.mark.parametrize("number", [-1, 99])
def test_a_number_that_was_never_given_begins_at_the_oldest_piece(number):
    log = WireLog()
    log.add(START, True, b"x", "")
    assert (log.after(number, 9, START).first, log.after(number, 9, START).missed) == (1, 0)
