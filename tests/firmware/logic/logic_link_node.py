"""The board's end of the serial link: its state table, and what it says to each question."""

from link_rig import AT, BOOT, NAME, ask, greeted, kinds, raises, said

from protocols.wire import link
from protocols.wire.link_node import (
    DELIVERY,
    DUE,
    EMPTY,
    LOAD,
    PAUSED,
    READY,
    REFUSED,
    SEND,
    SENT,
    TAKEN,
    UNLOAD,
    WAIT,
    Node,
)


def test_delivery_table_is_walked_over_all_states_and_events():
    table = (
        # LOAD    SEND    TAKEN   REFUSED  WAIT     DUE     UNLOAD
        (READY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY),
        (READY, SENT, EMPTY, EMPTY, PAUSED, READY, EMPTY),
        (SENT, SENT, EMPTY, EMPTY, PAUSED, READY, SENT),
        (PAUSED, PAUSED, EMPTY, EMPTY, PAUSED, READY, EMPTY),
    )
    for state in (EMPTY, READY, SENT, PAUSED):
        for event in (LOAD, SEND, TAKEN, REFUSED, WAIT, DUE, UNLOAD):
            node = Node(AT, NAME, BOOT)
            node.state = state
            assert node._move(event) == ((state, event) in DELIVERY)
            assert node.state == table[state][event], (state, event)


def test_board_speaks_only_when_asked_and_first_says_who_it_is():
    node = Node(AT, NAME, BOOT, firmware=10203)
    node.load(b"[1]")
    assert node.poll(0) is None
    assert ask(node, 0) == (link.HELLO, (BOOT, 10203), NAME)
    assert node.poll(0) is None
    assert ask(node, 1) == (link.HELLO, (BOOT, 10203), NAME)
    assert ask(node, 2, link.ACK, (BOOT, 0)) == (link.DATA, (BOOT, 1, 0), b"[1]")
    assert ask(node, 3, link.POLL, (link.SAY_HELLO,)) == (link.HELLO, (BOOT, 10203), NAME)


def test_other_boards_frames_and_the_own_echo_are_not_heard():
    node = greeted()
    for address, kind, fields in ((6, link.POLL, (0,)), (AT, link.IDLE, (0,)), (6, link.DATA, (1, 1, 0))):
        assert node.feed(0, link.encode(kind, address, 9, fields)) == []
        assert node.poll(0) is None
    hurt = link.encode(link.POLL, 6, 9, (0,))[:-3] + b"\x7f\x7f\0"
    assert node.feed(0, hurt) == []
    # What another board was told is not ours to check.
    assert node.noise == 0
    node.feed(0, link.encode(link.POLL, AT, 9, (0,))[:-3] + b"\x7f\x7f\0")
    assert (node.noise, node.poll(0)) == (1, None)


def test_acknowledgement_of_another_boot_or_number_is_none():
    node = greeted()
    number = node.load(b"[1]")
    ask(node, 2)
    for fields in ((BOOT + 1, number), (BOOT, number + 1), (BOOT, number - 1)):
        assert node.feed(0, link.encode(link.ACK, AT, 3, fields)) == []
        assert node.state == SENT
    assert kinds(node.feed(0, link.encode(link.ACK, AT, 4, (BOOT, number)))) == [link.ACK]
    assert node.state == EMPTY


def test_message_is_sent_again_with_growing_spacing_while_no_word_comes():
    node = greeted(resend_ms=100)
    node.load(b"[1]")
    sent = []
    for turn in range(4000):
        kind, _, _ = ask(node, turn & 0xFF, now=turn * 10)
        if kind == link.DATA:
            sent.append(turn * 10)
    gaps = [sent[at + 1] - sent[at] for at in range(len(sent) - 1)]
    assert gaps == [100, 200, 400, 800, 1600, 3200, 6400, 12800], gaps


def test_question_repeated_with_its_turn_gets_its_answer_again_at_once():
    node = greeted()
    node.load(b"[1]")
    assert ask(node, 7)[0] == link.DATA
    assert ask(node, 7)[0] == link.DATA
    assert ask(node, 8)[0] == link.IDLE


def test_pause_is_kept_and_bounded_and_another_message_may_go_first():
    node = greeted()
    first = node.load(b"[1]")
    ask(node, 2)
    events = node.feed(0, link.encode(link.BUSY, AT, 3, (BOOT, first, 999999999)))
    assert events[0].value == 60000
    assert said(node.poll(0))[0] == link.IDLE
    assert ask(node, 4, now=59999)[0] == link.IDLE
    assert node.unload()
    assert node.load(b"[2]") == first + 1
    assert ask(node, 5, now=59999) == (link.DATA, (BOOT, first + 1, 0), b"[2]")
    assert not node.unload()


def test_payload_too_long_or_out_of_turn_is_refused():
    node = Node(AT, NAME, BOOT)
    assert raises(ValueError, node.load, b"x" * 1025)
    node.load(b"x" * 1024)
    assert raises(ValueError, node.load, b"y")


def test_command_is_told_once_and_its_result_until_it_was_heard():
    node = greeted()
    frame = link.encode(link.COMMAND, AT, 2, (9,), b"close-valve")
    events = node.feed(0, frame)
    assert [(event.kind, event.number, event.data) for event in events] == [(link.COMMAND, 9, b"close-valve")]
    assert node.feed(0, frame) == []
    node.result(9, link.DONE)
    assert said(node.poll(0)) == (link.RESULT, (9, link.DONE), b"")
    assert node.feed(0, frame) == []
    assert said(node.poll(0)) == (link.RESULT, (9, link.DONE), b"")
    assert ask(node, 2) == (link.RESULT, (9, link.DONE), b"")
    assert ask(node, 3)[0] == link.IDLE
    assert ask(node, 4, link.COMMAND, (9,), b"close-valve") == (link.RESULT, (9, link.DONE), b"")


def test_command_is_not_heard_before_the_greeting():
    node = Node(AT, NAME, BOOT)
    assert node.feed(0, link.encode(link.COMMAND, AT, 2, (9,), b"start-fan")) == []
    assert said(node.poll(0))[0] == link.HELLO
