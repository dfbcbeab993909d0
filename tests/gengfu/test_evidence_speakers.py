"""Frames of a wire that many devices share: whose they are, and that nothing is left out that may be the area's."""

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.frame_files import Frame, Logged, Place
from gengfu.evidence.speakers import MOST_PEERS, Speakers
from protocols.wire import coap

OURS, OTHER = "baiyun:gas:1", "baiyun:gas:2"
WIRE, LINE = "coap-1", "line-1"


def post(device: str, form: bytes = b"\x6e") -> bytes:
    payload = f'[{{"bn":"{device}/","n":"methane","v":1}}]'.encode()
    if form == b"\x70":
        payload = cbor2.dumps([{-2: f"{device}/", 0: "methane", 2: 1}])
    options = [(coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, form)]
    return coap.encode(coap.CON, coap.POST, 7, b"tk", options, payload=payload)


ANSWER = coap.encode(coap.ACK, coap.CHANGED, 7, b"tk", [])


def sorted_of(*frames: tuple[str, str, bytes], device: str = OURS, wire: str = WIRE) -> list[int]:
    """Which of the frames (connection, peer, data) are the device's."""
    speakers = Speakers()
    speakers.become([WIRE], [OURS, OTHER, "gas"])
    logged = [
        Logged(Place(1, number), Frame(number, connection, False, peer, len(data), data))
        for number, (connection, peer, data) in enumerate(frames)
    ]
    return [one.place.offset for one in speakers.sort(logged).of({(device, wire)})]


@pytest.mark.parametrize("form", [b"\x6e", b"\x70"])
def test_a_device_has_its_own_frames_and_the_answers_to_them(form: bytes) -> None:
    frames = [(WIRE, "a", post(OURS, form)), (WIRE, "b", post(OTHER, form)), (WIRE, "a", ANSWER), (WIRE, "b", ANSWER)]
    assert sorted_of(*frames) == [0, 2]
    assert sorted_of(*frames, device=OTHER) == [1, 3]


def test_a_longer_name_is_another_device() -> None:
    assert sorted_of((WIRE, "a", post(OURS)), (WIRE, "a", post(OURS + "0"))) == [0, 1], "which the site does not know"
    assert sorted_of((WIRE, "a", b"x" * 4 + OURS.encode()), (WIRE, "b", post(OTHER))) == [0]


def test_what_may_be_anyones_is_kept() -> None:
    assert sorted_of((WIRE, "?", b"\x98encrypted"), (WIRE, "b", post(OTHER)), (WIRE, "b", b"\x98encrypted")) == [0]


def test_a_peer_that_speaks_for_several_gives_each_what_names_nobody() -> None:
    frames = [(WIRE, "broker", b"gengfu/%s/up" % name.encode()) for name in (OURS, OTHER)]
    assert sorted_of(*frames, (WIRE, "broker", b"\x40\x02\x00\x01")) == [0, 2]


def test_a_line_that_is_not_shared_is_kept_whole() -> None:
    assert sorted_of((LINE, "", post(OTHER)), (WIRE, "", post(OURS)), (LINE, "", b"\x01"), wire=LINE) == [0, 2]


def test_a_device_whose_name_is_short_has_everything_that_is_not_surely_of_others() -> None:
    frames = [(WIRE, "a", post("gas")), (WIRE, "b", post(OTHER))]
    assert sorted_of(*frames, device="gas") == [0]


def test_peers_are_bounded_and_what_is_forgotten_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gengfu.evidence.speakers.MOST_PEERS", 2)
    assert MOST_PEERS == 1 << 16
    named = [(WIRE, peer, post(OTHER)) for peer in ("a", "b", "c")]
    assert sorted_of(*named, (WIRE, "a", ANSWER), (WIRE, "c", ANSWER)) == [3]


@given(st.lists(st.tuples(st.sampled_from([WIRE, LINE]), st.sampled_from("ab"), st.binary(max_size=40)), max_size=9))
def test_bytes_that_name_no_other_device_are_never_left_out(frames: list[tuple[str, str, bytes]]) -> None:
    wanted = [number for number, (wire, _, _) in enumerate(frames) if wire == WIRE]
    assert sorted_of(*frames) == wanted
