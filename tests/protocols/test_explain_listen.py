"""Listening on a serial line finds the frames of master and slave among noise, and loses no byte."""

from hypothesis import given
from hypothesis import strategies as st

from protocols.explain.listen import RtuListener
from protocols.wire.modbus_pdu import exception_response, read_request, read_response, write_coil_request
from protocols.wire.modbus_rtu import MAX_FRAME, frame

ASK = frame(5, read_request(4, 0, 2))
TELL = frame(5, read_response(4, b"\0\x0a\0\x0b"))
REFUSE = frame(5, exception_response(4, 2))
CLOSE = frame(5, write_coil_request(0, True))
TALK = [(True, ASK), (False, TELL), (True, ASK), (False, REFUSE), (True, CLOSE), (False, CLOSE)]


def heard(data, sizes):
    listener, found = RtuListener(), []
    for size in sizes:
        found += listener.feed(data[:size])
        data = data[size:]
    return found + listener.feed(data) + listener.silence()


@given(sizes=st.lists(st.integers(1, 9)))
def test_frames_are_found_however_the_bytes_come(sizes):
    assert heard(b"".join(data for _, data in TALK), sizes) == TALK


def test_noise_between_frames_is_told_apart():
    assert heard(b"\xff\x99\x7f" + ASK + b"\x11" + TELL, []) == [
        (False, b"\xff\x99\x7f"),
        (True, ASK),
        (False, b"\x11"),
        (False, TELL),
    ]


def test_a_question_without_an_answer_is_a_question_again():
    other = frame(6, read_request(4, 0, 2))
    assert heard(ASK + other + ASK, []) == [(True, ASK), (True, other), (True, ASK)]


def test_half_a_frame_waits_for_the_rest_and_comes_out_at_the_silence():
    listener = RtuListener()
    assert listener.feed(ASK[:5]) == []
    assert listener.silence() == [(False, ASK[:5])]
    assert listener.feed(ASK) == [(True, ASK)]


@given(data=st.binary(max_size=700), sizes=st.lists(st.integers(1, 99), max_size=20))
def test_any_bytes_come_out_again_in_order_and_none_is_kept(data, sizes):
    assert b"".join(piece for _, piece in heard(data, sizes)) == data


@given(data=st.binary(min_size=600, max_size=900))
def test_a_line_that_is_never_quiet_does_not_make_memory_grow(data):
    listener = RtuListener()
    listener.feed(data)
    assert len(listener._buffer) <= MAX_FRAME
    assert len(listener._noise) <= MAX_FRAME
