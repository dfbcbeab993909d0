"""Readings between report gate and link: memory, flash, order, times, what is lost."""

import json
import os

import kv
import rig
from backlog import RETRY_AFTER_MS, SPILL_AFTER_MS, UNDATED_MS, URGENT_AFTER_MS, Backlog
from clock import EARLIEST_MS, Clock
from composer import Composer
from flash_queue import FlashQueue

NAMES = ("alarm", "methane", "valve")
_made = [0]


class Link:
    """A link that holds what it was offered until the test says that the gateway took it."""

    def __init__(self):
        self.held = []
        self.settled = None

    @property
    def waiting(self):
        return len(self.held)

    def offer(self, _now, seq, payload, urgent):
        self.held.append((seq, payload, urgent))

    def poll(self, now):
        return self.held[0][1](now) if self.held else None

    def take(self, at=0):
        """The gateway takes what was sent; its payload function is told."""
        self.settled(self.held.pop(at)[1])


class Board:
    """A flash that outlives the starts of its board."""

    def __init__(self, limit=16384):
        _made[0] += 1
        self.folder = f"{rig.FOLDER}/backlog{_made[0]}"
        self.store = kv.Store(self.folder + "/state")
        self.limit = limit
        self.room = 1 << 20
        self.boot = 0

    def start(self, ring=128, flash=True, ready=True):
        self.boot += 1
        self.link = Link()
        self.events = rig.Events()
        self.utc = None
        self.clock = Clock(self.store, self.boot, self.events, lambda: self.utc)
        composer = Composer("t:1", "gengfu/gas-alarm", NAMES)
        queue = FlashQueue(self.folder, composer.owner, self.limit, self.store, lambda: self.room) if flash else None
        self.backlog = Backlog(
            self.link, self.clock, composer.message, self.events, boot=self.boot, ring=ring, flash=queue
        )
        self.composer = composer
        while queue and ready and not queue.ready:
            queue.scan()
        return self

    def say(self, seq, now, urgent=False):
        values = {"alarm": urgent, "methane": seq / 10, "valve": 1}
        self.backlog.offer(now, seq, self.composer.body(values), urgent)

    def sent(self, now, count=1000):
        """What the gateway gets if it takes all: (boot, seq) in order."""
        found = []
        while len(found) < count:
            message = self.backlog.poll(now)
            if message is None:
                return found
            pack = read(message)
            assert pack["methane"] == pack["seq"] / 10
            found.append((pack["boot"], pack["seq"]))
            self.link.take()
        return found

    def run(self, first, last, period, silent=True):
        """Make a reading each ``period`` ms from ``first`` to ``last``; their numbers are their turns."""
        for now in range(first, last + 1, period):
            self.say(now // period, now)
            self.backlog.poll(now)


def read(message):
    records = json.loads(message.decode())
    values = {record["n"]: record.get("v", record.get("vb")) for record in records}
    values["bt"] = records[0].get("bt")
    return values


def test_reading_goes_out_at_once_and_nothing_is_written():
    board = Board().start()
    for seq in range(1, 50):
        board.say(seq, seq * 2000)
        assert board.sent(seq * 2000) == [(1, seq)]
    assert (board.backlog.waiting, board.backlog.overwritten) == (0, 0)
    assert board.backlog._flash._segments == []


def test_order_is_that_of_the_samples():
    board = Board().start()
    for seq in range(1, 9):
        board.say(seq, seq)
    assert board.backlog.waiting == 8
    assert board.sent(10) == [(1, seq) for seq in range(1, 9)]


def test_link_gets_one_reading_at_a_time():
    board = Board().start()
    for seq in range(1, 9):
        board.say(seq, seq)
        board.backlog.poll(seq)
    assert [held[0] for held in board.link.held] == [1]


def test_readings_of_an_outage_go_to_flash_and_outlive_a_power_cut():
    board = Board().start()
    board.run(2000, 600000, 2000)
    assert board.backlog.waiting == 300
    board.start()
    # What was made in the last 20 s was in memory only.
    kept = board.backlog.waiting
    assert 300 - SPILL_AFTER_MS // 2000 - 1 <= kept <= 300
    assert board.sent(0) == [(1, seq) for seq in range(1, kept + 1)]


def test_after_an_outage_all_arrive_once_and_the_newest_goes_ahead():
    board = Board().start()
    board.run(2000, 600000, 2000)
    board.say(301, 602000)
    first = board.sent(602001, 1)
    assert first == [(1, 1)]
    rest = board.sent(602001)
    assert rest[0] == (1, 301)
    assert rest[1:] == [(1, seq) for seq in range(2, 301)]
    assert (board.backlog.waiting, board.backlog.overwritten) == (0, 0)


def test_new_readings_go_ahead_while_the_flash_is_emptied():
    board = Board().start()
    board.run(2000, 600000, 2000)
    found = board.sent(600001, 2)
    for seq in range(301, 320):
        board.say(seq, seq * 2000)
        pair = board.sent(seq * 2000, 2)
        assert pair[0] == (1, seq)
        found += pair
    found += board.sent(640000)
    assert sorted(found) == [(1, seq) for seq in range(1, 320)]
    drained = [pair for pair in found if pair[1] < 300]
    assert drained == sorted(drained)


def test_alarm_is_in_flash_sooner():
    board = Board().start()
    board.say(1, 0)
    board.backlog.poll(0)
    board.say(2, 1000, urgent=True)
    board.backlog.poll(1000 + URGENT_AFTER_MS - 1)
    assert board.backlog._flash.count == 0
    board.backlog.poll(1000 + URGENT_AFTER_MS)
    assert board.backlog._flash.count == 2
    assert board.backlog.waiting == 2
    assert board.start().sent(0) == [(1, 1), (1, 2)]


def test_alarm_goes_ahead_of_what_waits():
    board = Board().start()
    for seq in range(1, 4):
        board.say(seq, seq)
        board.backlog.poll(seq)
    board.say(4, 10, urgent=True)
    assert [(held[0], held[2]) for held in board.link.held] == [(1, False), (4, True)]
    assert board.sent(20) == [(1, 1), (1, 4), (1, 2), (1, 3)]


def test_many_alarms_do_not_pile_up_in_the_link():
    board = Board().start()
    for seq in range(1, 60):
        board.say(seq, seq, urgent=True)
        board.backlog.poll(seq)
    assert board.link.waiting == 8
    assert sorted(board.sent(100)) == [(1, seq) for seq in range(1, 60)]


def test_link_may_settle_an_alarm_before_what_was_first():
    board = Board().start()
    board.say(1, 0)
    board.backlog.poll(0)
    board.say(2, 10, urgent=True)
    board.link.take(1)
    assert board.backlog.waiting == 1
    assert board.sent(20) == [(1, 1)]


def test_reading_settled_after_it_went_to_flash_is_not_sent_again():
    board = Board().start()
    board.say(1, 0)
    board.backlog.poll(0)
    board.say(2, 1000, urgent=True)
    board.say(3, 1100)
    board.backlog.poll(SPILL_AFTER_MS)
    assert board.backlog._flash.count == 3
    board.link.take(1)
    board.link.take(0)
    assert board.backlog.waiting == 1
    assert board.sent(SPILL_AFTER_MS + 1) == [(1, 3)]
    assert board.backlog.waiting == 0


def test_full_memory_goes_to_flash_before_its_time():
    board = Board().start(ring=16)
    for seq in range(1, 1001):
        board.say(seq, seq)
    assert board.backlog.waiting + board.backlog.overwritten == 1000
    assert len(board.backlog._ring) <= 16
    assert board.backlog.overwritten == board.backlog._flash.lost > 0


def test_memory_goes_to_flash_when_three_quarters_are_full_and_keeps_only_the_newest():
    board = Board().start(ring=16)
    for seq in range(1, 13):
        board.say(seq, seq)
    assert board.backlog._flash.count == 0
    board.say(13, 13)
    assert board.backlog._flash.count == 13
    assert [entry.seq for entry in board.backlog._ring] == [13]
    board.say(14, 14)
    assert [entry.seq for entry in board.backlog._ring] == [14]
    assert board.backlog.waiting == 14


def test_memory_alone_drops_its_oldest_that_is_not_on_its_way():
    board = Board().start(ring=5, flash=False)
    board.say(1, 0)
    board.backlog.poll(0)
    for seq in range(2, 9):
        board.say(seq, seq)
    assert board.events.of("dropped") == [
        {"seq": 2, "count": 1},
        {"seq": 3, "count": 2},
        {"seq": 4, "count": 3},
    ]
    assert (board.backlog.waiting, board.backlog.overwritten) == (5, 3)
    assert board.sent(10) == [(1, seq) for seq in (1, 5, 6, 7, 8)]


def test_flash_that_refuses_is_told_and_asked_again_later():
    board = Board().start(ring=64)
    board.room = 0
    board.say(1, 0)
    board.backlog.poll(0)
    for now in range(0, RETRY_AFTER_MS, 1000):
        board.backlog.poll(SPILL_AFTER_MS + now)
    assert len(board.events.of("error")) == 1
    assert board.backlog.waiting == 1
    board.room = 1 << 20
    board.backlog.poll(SPILL_AFTER_MS + RETRY_AFTER_MS)
    assert (board.backlog.waiting, board.backlog._flash.count) == (1, 1)


def test_flush_keeps_all_that_waits():
    board = Board().start()
    board.say(1, 0)
    board.say(2, 5)
    assert board.backlog.flush(6)
    assert board.start().sent(0) == [(1, 1), (1, 2)]


def test_nothing_of_the_flash_is_sent_before_it_was_counted():
    board = Board().start()
    board.run(2000, 600000, 2000)
    board.start(ready=False)
    board.say(1, 5)
    message = read(board.backlog.poll(5))
    assert (message["boot"], message["seq"]) == (2, 1)


# -- times -----------------------------------------------------------------------------------------------------------


def test_reading_without_utc_carries_its_age_when_its_message_begins():
    board = Board().start()
    board.say(1, 1000)
    assert read(board.backlog.poll(1000))["bt"] == 0
    assert read(board.backlog.poll(7201000))["bt"] == -7200
    assert "undated" not in read(board.backlog.poll(7201000))


def test_reading_made_before_utc_was_known_gets_its_true_time():
    board = Board().start()
    board.say(1, 1000)
    board.clock.set(61000, EARLIEST_MS + 60000)
    assert board.backlog.poll(61000)[:60].decode().find(f'"bt":{EARLIEST_MS // 1000},') > 0


def test_reading_of_an_earlier_start_with_utc_keeps_its_time():
    board = Board().start()
    board.clock.set(0, EARLIEST_MS)
    board.say(1, 5000)
    board.backlog.flush(5000)
    board.start()
    message = board.backlog.poll(0)
    assert message.find(f'"bt":{EARLIEST_MS // 1000 + 5},'.encode()) > 0
    assert message.find(b"undated") < 0


def test_reading_of_an_earlier_start_without_utc_is_undated_and_late_in_its_order():
    board = Board().start()
    board.say(1, 1000)
    board.say(2, 3000)
    board.backlog.flush(3000)
    board.start()
    board.say(1, 500)
    board.backlog.flush(500)
    board.start()
    found = []
    for _ in range(3):
        pack = read(board.backlog.poll(10))
        assert pack["undated"] is True
        found.append((pack["boot"], pack["seq"], pack["bt"]))
        board.link.take()
    late = -(UNDATED_MS + 10) / 1000
    assert [pair[:2] for pair in found] == [(1, 1), (1, 2), (2, 1)]
    assert [round(pair[2] - late, 3) for pair in found] == [-2.5, -0.5, 0]


def test_step_of_the_clock_does_not_change_the_order_of_the_times():
    for step in (3600000, -3600000):
        board = Board().start()
        board.clock.set(0, EARLIEST_MS)
        last = 0
        for now in range(0, 200000, 2000):
            utc = EARLIEST_MS + now + (step if now >= 100000 else 0)
            board.clock.set(now, utc)
            board.say(now // 2000 + 1, now)
            bt = read(board.backlog.poll(now))["bt"]
            # The gateway counts an age from its own clock, which did not step.
            made = bt if bt > 1000000 else EARLIEST_MS / 1000 + now / 1000 + bt
            assert made > last
            assert abs(made - EARLIEST_MS / 1000 - now / 1000) < 0.01
            last = made
            board.link.take()


def test_value_that_cannot_be_kept_in_order_of_the_names_is_not_mixed_up():
    board = Board().start()
    board.backlog.offer(0, 1, board.composer.body({"valve": 2, "alarm": True, "methane": None}), False)
    pack = read(board.backlog.poll(0))
    assert (pack["valve"], pack["alarm"], "methane" in pack) == (2, True, False)


def test_reading_behind_broken_segments_is_not_overtaken_by_older_memory():
    board = Board()
    board.start().run(2000, 800000, 2000)
    board.backlog.flush(802000)
    names = sorted(name for name in os.listdir(board.folder) if name.endswith(".q"))
    assert len(names) > 2
    for name in names[:2]:
        with open(board.folder + "/" + name, "wb") as file:
            file.write(bytes(4000))
    board.start()
    for seq in range(1, 4):
        board.say(seq, seq * 10)
    found = []
    for _ in range(600):
        found += board.sent(100, count=1)
    # The newest goes ahead (S9); then what was before, in order; then the rest of this start.
    earlier = [pair for pair in found if pair[0] == 1]
    assert earlier == [(1, seq) for seq in range(earlier[0][1], 401)]
    assert [pair for pair in found if pair[0] == 2] == [(2, 3), (2, 1), (2, 2)]
    assert (found[0], found[-2:]) == ((2, 3), [(2, 1), (2, 2)])


def test_newest_that_went_ahead_of_broken_segments_is_not_sent_again():
    board = Board(limit=32768).start()
    board.run(2000, 1600000, 2000)
    board.backlog.flush(1602000)
    names = sorted(name for name in os.listdir(board.folder) if name.endswith(".q"))
    assert len(names) > 4
    for name in names[:4]:
        with open(board.folder + "/" + name, "wb") as file:
            file.write(bytes(4000))
    found = []
    for _ in range(800):
        found += board.sent(1602000, count=1)
    assert found[1] == (1, 800)
    assert len(set(found)) == len(found)
    assert found[-1] == (1, 799)
