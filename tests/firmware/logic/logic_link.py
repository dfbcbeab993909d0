"""Frames of the serial link: published COBS vectors, layout, damage, noise and half frames."""

import json

from link_rig import AT, raises

from protocols.wire import cobs, link

VECTORS = __file__.rpartition("/")[0] + "/../../vectors/serial_framing.json"


def vectors():
    with open(VECTORS) as file:
        return json.load(file)


def test_every_published_cobs_vector_is_encoded_and_decoded():
    rows = [row for row in vectors()["cobs"] if row["status"] == "published"]
    assert len(rows) == 13
    for row in rows:
        data, encoded = bytes.fromhex(row["data"]), bytes.fromhex(row["encoded"])
        assert cobs.encode(data) == encoded, row
        assert cobs.decode(encoded) == data, row


def test_every_published_bad_encoding_is_refused():
    rows = vectors()["cobs_decode_errors"]
    assert len(rows) == 4
    for row in rows:
        assert raises(cobs.CobsError, cobs.decode, bytes.fromhex(row)), row


def test_blocks_around_254_bytes_come_back_and_cost_one_byte_each():
    for size in (0, 1, 253, 254, 255, 508, 509, 1035):
        for fill in (b"\0", b"\1", b"\xff"):
            encoded = cobs.encode(fill * size)
            assert cobs.decode(encoded) == fill * size
            assert encoded.find(b"\0") < 0
            assert len(encoded) <= cobs.encoded_size(size)


def test_frame_has_the_bytes_of_its_layout_table():
    raw = link.encode(link.DATA, 5, 9, (1, 2, link.MORE), b"[]")
    assert raw[:1] == raw[-1:] == b"\0"
    body = cobs.decode(raw[1:-1])
    assert body[:14] == b"\x19\x05\x09\x00\x00\x00\x01\x00\x00\x00\x02\x01[]"
    assert body[14:] == b"\xb2\x2d\x38\x9d"
    assert link.decode(raw[1:-1]) == (link.DATA, 5, 9, (1, 2, link.MORE), b"[]")


def test_every_kind_comes_back_with_the_longest_and_the_shortest_tail():
    for kind, (layout, least, most) in link.BODIES.items():
        fields = tuple([at + 1 for at in range(len(layout) - 1)])
        address = link.TO_ALL if kind == link.TIME else 247
        for size in (least, most):
            frame = link.encode(kind, address, 255, fields, b"x" * size)
            assert link.decode(frame[1:-1]) == (kind, address, 255, fields, b"x" * size)
            assert len(frame) <= link.MAX_ENCODED + 2
        assert raises(ValueError, link.encode, kind, address, 0, fields, b"x" * (most + 1))


def test_any_damaged_byte_is_noticed():
    frame = link.encode(link.COMMAND, AT, 3, (7,), b"close-valve")[1:-1]
    for at in range(len(frame)):
        for bit in range(8):
            hurt = frame[:at] + bytes((frame[at] ^ (1 << bit),)) + frame[at + 1 :]
            assert raises(link.LinkError, link.decode, hurt), (at, bit)
        assert raises(link.LinkError, link.decode, frame[:at]), at


def test_only_time_is_to_all_and_other_versions_are_refused():
    poll_to_all = link.encode(link.POLL, link.TO_ALL, 0, (0,))
    time_to_one = link.encode(link.TIME, AT, 0, (0,))
    assert raises(link.LinkError, link.decode, poll_to_all[1:-1])
    assert raises(link.LinkError, link.decode, time_to_one[1:-1])
    version, link.VERSION = link.VERSION, 2
    newer = link.encode(link.POLL, AT, 0, (0,))
    link.VERSION = version
    assert raises(link.LinkError, link.decode, newer[1:-1])


def test_receiver_finds_frames_in_any_pieces_and_after_noise_and_half_frames():
    frame = link.encode(link.POLL, AT, 1, (0,))
    half = link.encode(link.DATA, AT, 1, (1, 1, 0), b"x" * 100)[:60]
    stream = b"\xff\x55noise" + frame + half + frame
    for size in (1, 2, 7, 500):
        receiver = link.Receiver()
        found = []
        for at in range(0, len(stream), size):
            found += receiver.feed(stream[at : at + size])
        assert found.count(frame[1:-1]) == 2
        assert len(found) == 4


def test_babbling_peer_cannot_fill_the_receiver():
    receiver = link.Receiver()
    for _ in range(50):
        assert receiver.feed(b"x" * 999) == []
    assert receiver.overlong == 1
    assert len(receiver._buffer) == link.MAX_ENCODED
    assert receiver.feed(b"\0" + b"y" * link.MAX_ENCODED + b"\0") == [b"y" * link.MAX_ENCODED]
    assert receiver.feed(b"y" * (link.MAX_ENCODED + 1) + b"\0y\0") == [b"y"]
