"""The gateway's end of the serial line: greeting, words, commands, silent and strange boards; and a bad line."""

from link_rig import AT, BOOT, NAME, carry_data, exchange, greeted, kinds, meet, raises, said
from lossy_wire import Board, Rates, World

from protocols.wire import link
from protocols.wire.link_master import ATTEMPTS, Full, Master
from protocols.wire.link_node import Node


def test_master_tells_a_message_once_and_acknowledges_only_what_was_accepted():
    node = Node(AT, NAME, BOOT, resend_ms=50)
    master, now = meet(node)
    assert kinds(master.events()) == [link.HELLO]
    node.load(b"[1]")
    told = []
    for _ in range(60):
        now += 20
        assert exchange(master, node, now) == []
        told += master.events()
    assert [(event.kind, event.data) for event in told] == [(link.DATA, b"[1]")]
    assert node.attempts > 2
    assert not master.accept(now, AT, BOOT, 2)
    assert master.accept(now, AT, BOOT, 1)
    assert not master.accept(now, AT, BOOT, 1)
    heard = []
    while not heard:
        now += 20
        heard = exchange(master, node, now)
    assert kinds(heard) == [link.ACK]


def test_lost_acknowledgement_is_given_again_without_telling_the_message_again():
    node = Node(AT, NAME, BOOT, resend_ms=50)
    master, now = meet(node)
    node.load(b"[1]")
    now = carry_data(master, node, now)
    master.accept(now, AT, BOOT, 1)
    master.events()
    now += 10
    master.poll(now)
    heard = []
    while not heard:
        now += 10
        heard = exchange(master, node, now)
    assert kinds(heard) == [link.ACK]
    assert master.events() == []


def test_word_that_comes_while_a_question_is_open_is_still_said():
    node = Node(AT, NAME, BOOT)
    master, now = meet(node)
    node.load(b"[1]")
    now = carry_data(master, node, now)
    frame = None
    while frame is None:
        now += 10
        frame = master.poll(now)
    master.accept(now, AT, BOOT, 1)
    node.feed(now, frame)
    master.feed(now, node.poll(now))
    now += 10
    assert kinds(exchange(master, node, now)) == [link.ACK]


def test_refused_message_leaves_and_busy_one_comes_back_after_its_pause():
    node = Node(AT, NAME, BOOT)
    master, now = meet(node)
    node.load(b"[1]")
    now = carry_data(master, node, now)
    master.busy(now, AT, BOOT, 1, 300)
    start = now
    now = carry_data(master, node, now + 10)
    assert now - start >= 300
    assert kinds(master.events()) == [link.HELLO, link.DATA, link.DATA]
    master.refuse(now, AT, BOOT, 1, 4)
    heard = []
    while not heard:
        now += 10
        heard = exchange(master, node, now)
    assert [(event.kind, event.value) for event in heard] == [(link.NAK, 4)]


def asked(master, now):
    """The master's next question, its kind and fields, and when it comes."""
    frame = None
    while frame is None:
        now += 10
        frame = master.poll(now)
    return said(frame)[:2], now


def answer(master, now, kind, fields, tail=b"", back=0):
    """An answer made by hand to the question that is open, ``back`` turns too old."""
    turn = (master.unit(AT).turn - back) & 0xFF
    master.feed(now, link.encode(kind, AT, turn, fields, tail))


def met():
    """A master that has asked a board it knows, when that was, and no events."""
    master, now = meet(Node(AT, NAME, BOOT))
    master.events()
    return master, asked(master, now)[1]


def test_answer_to_an_earlier_question_is_a_stray():
    master, now = met()
    answer(master, now, link.DATA, (BOOT, 1, 0), b"[1]", back=1)
    assert (master.events(), master.strays) == ([], 1)
    answer(master, now, link.DATA, (BOOT, 1, 0), b"[1]")
    assert kinds(master.events()) == [link.DATA]


def test_message_of_a_boot_that_was_not_greeted_is_not_taken_and_the_board_is_asked_who_it_is():
    master, now = met()
    answer(master, now, link.DATA, (BOOT + 1, 1, 0), b"[1]")
    assert master.events() == []
    assert asked(master, now)[0] == (link.POLL, (link.SAY_HELLO,))


def test_message_that_was_judged_gets_the_same_word_again_and_is_not_told_again():
    for judge, word in ((Master.accept, (link.ACK, (BOOT, 1))), (Master.refuse, (link.NAK, (BOOT, 1, 4)))):
        master, now = met()
        answer(master, now, link.DATA, (BOOT, 1, 0), b"[1]")
        judge(master, now, AT, BOOT, 1, *word[1][2:])
        for following in (link.DATA, link.IDLE):
            question, now = asked(master, now)
            assert question == word
            answer(master, now, following, (BOOT, 1, 0) if following == link.DATA else (0,))
        assert asked(master, now)[0] == (link.POLL, (0,))
        assert kinds(master.events()) == [link.DATA]


def test_message_older_than_the_newest_is_not_told():
    master, now = met()
    answer(master, now, link.DATA, (BOOT, 2, 0), b"[2]")
    master.accept(now, AT, BOOT, 2)
    _, now = asked(master, now)
    answer(master, now, link.DATA, (BOOT, 1, 0), b"[1]")
    assert [event.number for event in master.events()] == [2]


def test_restarted_board_is_greeted_again_before_its_messages_are_taken():
    node = Node(AT, NAME, BOOT)
    master, now = meet(node)
    again = Node(AT, NAME, BOOT + 1)
    again.load(b"[2]")
    master.events()
    while not again.attempts:
        now += 10
        exchange(master, again, now)
    assert [(event.kind, event.boot) for event in master.events()] == [(link.HELLO, BOOT + 1), (link.DATA, BOOT + 1)]
    assert not master.accept(now, AT, BOOT, 1)


def test_master_that_restarted_asks_who_is_there_and_takes_nothing_before():
    node = greeted()
    node.load(b"[1]")
    master = Master(2, baud=115200)
    master.add(0, AT, NAME)
    now = 0
    while not node.attempts:
        now += 10
        exchange(master, node, now)
    assert kinds(master.events()) == [link.HELLO, link.DATA]


def test_stranger_at_an_address_is_told_once_and_gets_neither_word_nor_command():
    node = Node(AT, b"t:6", BOOT)
    node.load(b"[1]")
    master = Master(1, baud=115200)
    master.add(0, AT, NAME)
    master.command(0, AT, b"start-fan", 60000)
    told = []
    for now in range(0, 50000, 10):
        assert exchange(master, node, now) == []
        told += master.events()
    assert [(event.kind, event.data) for event in told] == [(link.STRANGER, b"t:6")]
    assert node.attempts == 0


def test_board_that_was_exchanged_for_another_with_as_many_starts_is_a_stranger():
    node = Node(AT, NAME, BOOT)
    master, now = meet(node)
    while master.unit(AT).failures < ATTEMPTS:
        now += 10
        master.poll(now)
    other = Node(AT, b"t:6", BOOT)
    # Another gateway has met it: it says no HELLO unasked.
    other.feed(0, link.encode(link.ACK, AT, 0, (BOOT, 0)))
    other.poll(0)
    other.load(b"[1]")
    master.command(now, AT, b"start-fan", now + 50000)
    for _ in range(3000):
        now += 10
        assert exchange(master, other, now) == []
    assert kinds(master.events()) == [link.HELLO, link.LOST, link.FOUND, link.STRANGER]
    assert (master.unit(AT).failures, other.attempts) == (0, 0)


def test_board_that_was_silent_for_a_while_is_known_again_and_its_message_is_not_told_twice():
    node = Node(AT, NAME, BOOT, resend_ms=50)
    master, now = meet(node)
    node.load(b"[1]")
    now = carry_data(master, node, now)
    while master.unit(AT).failures < ATTEMPTS:
        now += 10
        master.poll(now)
    assert master.accept(now, AT, BOOT, 1)
    heard = []
    while not heard:
        now += 10
        heard = exchange(master, node, now)
    assert kinds(heard) == [link.ACK]
    assert kinds(master.events()) == [link.HELLO, link.DATA, link.LOST, link.FOUND]


def test_command_goes_first_and_its_result_comes_back_with_its_id():
    node = Node(AT, NAME, BOOT)
    master, now = meet(node)
    master.events()
    command = master.command(now, AT, b"close-valve", now + 5000)
    now += 10
    heard = []
    while not heard:
        frame = master.poll(now)
        heard = node.feed(now, frame) if frame else []
        now += 10
    node.result(heard[0].number, link.REFUSED)
    master.feed(now, node.poll(now))
    assert [(one.kind, one.number, one.value) for one in master.events()] == [(link.RESULT, command, link.REFUSED)]


def test_command_that_nobody_took_expires_and_is_never_sent_again():
    master = Master(1, baud=115200)
    master.add(0, AT, NAME)
    master.unit(AT).boot = BOOT
    command = master.command(0, AT, b"close-valve", 1000)
    sent = []
    told = []
    for now in range(0, 30000, 10):
        frame = master.poll(now)
        if frame and said(frame)[0] == link.COMMAND:
            sent.append(now)
        told += master.events()
    assert sent
    assert max(sent) < 1000
    assert [(one.kind, one.number) for one in told if one.kind == link.EXPIRED] == [(link.EXPIRED, command)]


def test_commands_for_one_board_are_bounded_and_named():
    master = Master(1)
    master.add(0, AT, NAME)
    for _ in range(8):
        master.command(0, AT, b"close-valve", 1000)
    assert raises(Full, master.command, 0, AT, b"close-valve", 1000)
    assert raises(ValueError, master.command, 0, AT, b"", 1000)
    assert raises(KeyError, master.command, 0, 6, b"close-valve", 1000)
    assert raises(ValueError, master.add, 0, 248, NAME)


def test_silent_board_is_told_lost_and_asked_ever_more_rarely_up_to_the_limit():
    master = Master(1, baud=115200, poll_ms=100, turnaround_ms=50, slowest_ms=10000)
    master.add(0, AT, NAME)
    asked = [now for now in range(0, 120000, 10) if master.poll(now)]
    assert kinds(master.events()) == [link.LOST]
    gaps = [asked[at + 1] - asked[at] for at in range(len(asked) - 1)]
    assert gaps == sorted(gaps)
    assert max(gaps[: ATTEMPTS - 1]) <= 60
    assert 10000 <= gaps[-1] <= 10100
    node = Node(AT, NAME, BOOT)
    now = asked[-1]
    while not node.feed(now, b"") and master.unit(AT).failures:
        now += 10
        exchange(master, node, now)
    assert kinds(master.events()) == [link.FOUND, link.HELLO]


def test_dead_boards_do_not_hold_up_the_living():
    boards = [Board(address, [b"%d" % turn for turn in range(40)]) for address in (1, 2)]
    world = World(boards, Rates())
    for address in range(10, 13):
        world.master.add(0, address, b"dead")
    world.run(60000)
    assert world.delivered()
    # 40 messages of two boards; three dead boards cost 3 x 3 time-outs and then one now and again.
    assert world.now < 20000, world.now


def test_babbling_line_is_given_up_in_time():
    master = Master(1, baud=9600, turnaround_ms=100)
    master.add(0, AT, NAME)
    master.poll(0)
    now = 0
    while master.unanswered == 0 and now < 60000:
        now += 50
        master.feed(now, b"babble" * 8)
        master.poll(now)
    assert now < 1500
    assert master.next_due(now) >= now


def test_time_is_told_to_all_as_it_is_when_the_frame_has_arrived():
    master = Master(1, baud=9600)
    master.add(0, AT, NAME)
    master.tell_time(1000, 1800000000000)
    frame = master.poll(1500)
    events = greeted().feed(0, frame)
    assert kinds(events) == [link.TIME]
    assert 1800000000500 + len(frame) <= events[0].value <= 1800000000500 + 2 * len(frame)
    assert master.poll(1500) is None
    assert master.next_due(1500) > 1500 + len(frame)


def world_of(rates, seed, count=12):
    boards = [Board(address, [b"%d.%d" % (address, at) for at in range(count)]) for address in (1, 2, 30)]
    return World(boards, rates, seed)


def test_bad_line_delivers_every_message_in_order_and_never_acknowledges_what_was_not_accepted():
    for seed in range(6):
        world = world_of(Rates(lost=20, doubled=20, late=20, damaged=20, busy=20), seed)
        world.run(600000)
        assert world.delivered(), seed
        assert world.untrue == 0, seed
        for board in world.boards:
            assert world.accepted[board.address] == board.payloads, seed
        assert world.master.noise > 0


def test_restarts_of_both_ends_on_a_bad_line_lose_nothing_and_keep_the_order():
    for seed in range(4):
        world = world_of(Rates(lost=15, doubled=15, damaged=15, busy=10), seed)
        for turn in range(1, 7):
            world.run(turn * 1500)
            if turn % 2:
                world.restart_master()
            else:
                world.boards[turn // 2 - 1].restart()
        world.run(600000)
        assert world.delivered(), seed
        assert world.untrue == 0, seed
        for board in world.boards:
            once = []
            for payload in world.accepted[board.address]:
                if payload not in once:
                    once.append(payload)
            assert once == board.payloads, seed


def test_commands_over_a_bad_line_are_done_once_each_and_in_order():
    for seed in range(5):
        world = world_of(Rates(lost=20, doubled=20, late=20, damaged=20), seed)
        ids = [world.master.command(0, 30, b"c%d" % at, 500000) for at in range(6)]
        world.run(600000)
        while len([one for one in world.told if one.kind == link.RESULT]) < 6 and world.now < 600000:
            world.now += 5
            world.step()
        assert world.boards[2].commands == [b"c%d" % at for at in range(6)], seed
        assert [one.number for one in world.told if one.kind == link.RESULT] == ids, seed
