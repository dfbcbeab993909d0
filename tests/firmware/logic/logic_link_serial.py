"""The board's serial link: packs and commands between a product and a master, without a wire."""

import rig
import version
from links.serial_link import SerialLink, serve

from protocols.wire import link
from protocols.wire.link_master import Master

AT = 7
NAME = b"t:7"
UTC_MS = 1800000000000


class Product:
    """Knows two commands; ``obeys`` says whether it does them."""

    commands = ("close-valve", "start-fan")

    def __init__(self, obeys=True):
        self.done = []
        self.obeys = obeys

    def command(self, name, now):
        if self.obeys:
            self.done.append(name)
        return self.obeys


class Line:
    """A board and its gateway, met; time passes in steps of 10 ms. ``judge`` decides what each message is told."""

    def __init__(self, product=None, judge=None, **options):
        self.events = rig.Events()
        self.product = product or Product()
        self.link = SerialLink(self.product, self.events, address=AT, device="t:7", boot=3, resend_ms=200, **options)
        self.master = Master(1, baud=115200)
        self.master.add(0, AT, NAME)
        self.judge = judge or self.master.accept
        self.judging = True
        self.now = 0
        self.got = []
        self.results = []
        self.run(200)

    def run(self, milliseconds):
        for _ in range(milliseconds // 10):
            self.now += 10
            frame = self.master.poll(self.now)
            for answer in self.link.receive(self.now, frame) if frame else []:
                self.master.feed(self.now, answer)
            for event in self.master.events():
                if event.kind == link.RESULT:
                    self.results.append((event.number, event.value))
                elif event.kind == link.DATA:
                    self.got.append(event.data)
                    if self.judging:
                        self.judge(self.now, AT, event.boot, event.number)

    def command(self, name):
        command = self.master.command(self.now, AT, name, self.now + 5000)
        self.run(300)
        return [value for number, value in self.results if number == command]


def test_packs_arrive_in_order_and_each_is_told_as_acknowledged():
    line = Line()
    for seq in (1, 2, 3):
        line.link.offer(line.now, seq, b"[%d]" % seq, False)
    assert line.link.waiting == 3
    line.run(1000)
    assert line.got == [b"[1]", b"[2]", b"[3]"]
    assert [event["seq"] for event in line.events.of("acknowledged")] == [1, 2, 3]
    assert line.link.waiting == 0


def test_board_has_nothing_to_say_unasked():
    line = Line()
    line.link.offer(line.now, 1, b"[1]", True)
    assert line.link.poll(line.now) is None


def test_pack_without_a_word_stays_and_is_sent_again():
    line = Line()
    line.judging = False
    line.link.offer(line.now, 1, b"[1]", False)
    line.run(2000)
    assert line.got == [b"[1]"]
    assert line.link.waiting == 1
    assert [event["attempt"] for event in line.events.of("retransmit")] == [1, 2, 3]
    assert line.events.of("acknowledged") == []


def test_full_ring_drops_the_oldest_but_the_one_on_its_way_and_counts():
    line = Line(ring=3)
    line.judging = False
    line.link.offer(line.now, 1, b"[1]", False)
    line.run(200)
    for seq in (2, 3, 4, 5):
        line.link.offer(line.now, seq, b"[%d]" % seq, False)
    assert [event["seq"] for event in line.events.of("dropped")] == [2, 3]
    assert line.link.dropped == 2
    line.judging = True
    line.master.accept(line.now, AT, 3, 1)
    line.run(2000)
    assert line.got == [b"[1]", b"[4]", b"[5]"]


def test_refused_pack_leaves_and_the_next_follows():
    line = Line()
    line.judge = lambda now, at, boot, number: line.master.refuse(now, at, boot, number, 4)
    line.link.offer(line.now, 1, b"[1]", False)
    line.link.offer(line.now, 2, b"[2]", False)
    line.run(1000)
    assert line.got == [b"[1]", b"[2]"]
    assert [(event["seq"], event["code"]) for event in line.events.of("refused")] == [(1, "4"), (2, "4")]
    assert line.link.waiting == 0


def test_urgent_pack_goes_ahead_in_a_pause_and_the_older_follow():
    line = Line()
    line.judge = lambda now, at, boot, number: line.master.busy(now, at, boot, number, 60000)
    line.link.offer(line.now, 1, b"[1]", False)
    line.run(500)
    line.judge = line.master.accept
    line.link.offer(line.now, 2, b"[2]", False)
    line.run(500)
    assert line.got == [b"[1]"]
    line.link.offer(line.now, 3, b"[3]", True)
    line.run(1000)
    assert line.got == [b"[1]", b"[3]", b"[1]", b"[2]"]
    assert [event["seq"] for event in line.events.of("acknowledged")] == [3, 1, 2]


def test_urgent_pack_ends_a_long_wait_for_the_acknowledgement_before_it():
    line = Line()
    line.judging = False
    line.link.offer(line.now, 1, b"[1]", False)
    line.run(9000)
    before = len(line.events.of("retransmit"))
    line.link.offer(line.now, 2, b"[2]", True)
    line.run(300)
    assert len(line.events.of("retransmit")) == before + 1


def test_pack_longer_than_a_frame_carries_is_refused_and_told():
    line = Line()
    line.link.offer(line.now, 1, b"x" * 1025, False)
    line.link.offer(line.now, 2, b"x" * 1024, False)
    assert [(event["seq"], event["code"]) for event in line.events.of("refused")] == [(1, "too long")]
    line.run(500)
    assert line.got == [b"x" * 1024]


def test_command_of_the_product_is_done_once_and_told():
    line = Line()
    assert line.command(b"close-valve") == [link.DONE]
    assert line.product.done == ["close-valve"]
    assert line.events.of("command") == [{"name": "close-valve"}]


def test_whatever_is_no_command_of_the_product_is_refused_and_moves_nothing():
    line = Line()
    for name in (b"open-valve", b"close-valve\0", b"valve", b"start-fan ", b"\xff", b"CLOSE-VALVE"):
        assert line.command(name) == [link.REFUSED], name
    assert line.product.done == []
    assert line.events.of("refused")[0] == {"command": "open-valve", "code": "serial"}


def test_command_that_the_board_does_not_obey_is_refused():
    line = Line(product=Product(obeys=False))
    assert line.command(b"close-valve") == [link.REFUSED]


def test_clock_is_the_gateways_last_word_and_none_before_it():
    line = Line()
    assert line.link.utc(line.now) is None
    line.master.tell_time(line.now, UTC_MS)
    line.run(100)
    assert abs(line.link.utc(line.now) - UTC_MS / 1000 - 0.1) < 0.05


def test_clock_that_was_never_set_or_is_before_this_firmware_sets_no_other():
    line = Line()
    for wrong in (0, 1000, version.BUILT_MS - 1, 4102444800000):
        line.link.receive(line.now, link.encode(link.TIME, link.TO_ALL, 0, (wrong,)))
        assert line.link.utc(line.now) is None
    line.link.receive(line.now, link.encode(link.TIME, link.TO_ALL, 0, (version.BUILT_MS,)))
    assert line.link.utc(line.now) == version.BUILT_MS / 1000


def test_noise_is_counted_and_answered_by_nothing():
    line = Line()
    assert line.link.receive(line.now, b"\0\1\2\0" + b"x" * 3000 + b"\0\x03\x11\x07\1\0") == []
    assert line.link.noise == 2


def test_pack_that_waited_is_composed_anew_each_time_it_leaves():
    line = Line()
    line.judging = False
    made_at = line.now
    line.link.offer(line.now, 1, lambda now: b"%d" % (now - made_at), False)
    line.now += 7200000
    line.run(100)
    assert [7200000 <= int(data) <= 7200100 for data in line.got] == [True]
    line.master = Master(2, baud=115200)
    line.master.add(line.now, AT, NAME)
    line.now += 60000
    line.run(200)
    assert [int(data) >= 7260000 for data in line.got] == [False, True]


def test_whoever_offered_a_pack_is_told_when_it_is_taken_or_refused_for_good():
    line = Line()
    settled = []
    line.link.settled = settled.append
    line.judge = lambda now, at, boot, number: line.master.busy(now, at, boot, number, 500)
    line.link.offer(line.now, 1, b"[1]", False)
    line.link.offer(line.now, 2, b"x" * 1025, False)
    line.run(300)
    assert settled == []
    line.judge = line.master.accept
    line.run(1500)
    assert settled == [b"[1]", b"x" * 1025]
    line.judge = lambda now, at, boot, number: line.master.refuse(now, at, boot, number, 4)
    line.link.offer(line.now, 3, b"[3]", False)
    line.run(500)
    assert settled[2:] == [b"[3]"]


class Uart:
    """Gives what it was made with, then ends the task."""

    def __init__(self, arriving):
        self.arriving = list(arriving)
        self.sent = []

    async def wait(self):
        if not self.arriving:
            raise OSError("end")

    def read(self):
        return self.arriving.pop(0)

    def write(self, data):
        self.sent.append(data)


def test_bytes_are_carried_between_the_uart_and_the_link():
    line = Line()
    line.link.offer(line.now, 1, b"[1]", False)
    frame = link.encode(link.POLL, AT, 200, (0,))
    uart = Uart([frame[:4], b"", frame[4:]])
    ended = False
    try:
        serve(line.link, uart, lambda: line.now).send(None)
    except OSError:
        ended = True
    assert ended
    assert len(uart.sent) == 1
    assert link.decode(uart.sent[0][1:-1])[0] == link.DATA
