"""Frames on disk: every byte comes back, a torn end loses one write, and the files stay within their bounds."""

import os
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.diagnostics import Diagnosis
from gateway.frame_files import MAGIC, Frame, FrameFiles, Place, block_head, frames_in, names_of, record_of
from gateway.frame_log import KEPT_NS, MOST_WAITING, Bounds, FrameLog
from gateway.wire_log import LONGEST_PIECE
from protocols.moment import SECOND

START = 1_795_000_000 * SECOND
BEGINNING = Place(0, 0)
FRAMES = st.builds(
    Frame,
    st.integers(-(2**63), 2**63 - 1),
    st.text(max_size=70),
    st.booleans(),
    st.text(max_size=200),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=LONGEST_PIECE),
)


def frame(number: int, data: bytes = b"abc") -> Frame:
    return Frame(START + number, "line-1", bool(number % 2), "", len(data), data)


def write(log: FrameLog, frames: list[Frame], now: int) -> None:
    for one in frames:
        log.recorder(one.connection)([(one.at, one.outgoing, one.data, one.peer, one.size)])
    log.write(log.take(), now)


def read(log: FrameLog, after: Place = BEGINNING) -> list[Frame]:
    return [one.frame for one in log.files.read(after, 1000)]


def encode(one: Frame) -> bytes:
    return record_of(one.at, one.outgoing, names_of(one.connection, one.peer), one.size, one.data)


def block(frames: list[Frame]) -> bytes:
    records = b"".join(map(encode, frames))
    return block_head(records) + records


def read_from(folder: Path, content: bytes) -> list[Frame]:
    (folder / "frames-00000000000000000001.log").write_bytes(content)
    return [one.frame for one in FrameFiles(folder).read(BEGINNING, 1000)]


@given(writes=st.lists(st.lists(FRAMES, max_size=3), max_size=4), cut=st.integers(0, 10_000))
def test_every_frame_comes_back_and_a_torn_end_loses_only_the_writes_that_are_torn(
    tmp_path_factory: pytest.TempPathFactory, writes: list[list[Frame]], cut: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    blocks = [block(frames) for frames in writes]
    data = MAGIC + b"".join(blocks)
    assert read_from(folder, data) == [one for frames in writes for one in frames]
    left = max(len(MAGIC), len(data) - cut)
    whole = sum(len(MAGIC + b"".join(blocks[: number + 1])) <= left for number in range(len(blocks)))
    assert read_from(folder, data[:left]) == [one for frames in writes[:whole] for one in frames]


@given(data=st.binary(max_size=200), good=st.lists(FRAMES, min_size=1, max_size=2), bit=st.integers(0, 10_000))
def test_any_bytes_are_taken_and_a_flipped_bit_is_seen(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, good: list[Frame], bit: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    list(frames_in(data))
    read_from(folder, MAGIC + data)
    content = bytearray(block(good))
    place = bit % (8 * len(content))
    content[place // 8] ^= 1 << place % 8
    assert read_from(folder, MAGIC + bytes(content)) == []


def test_frames_are_read_from_where_one_was_in_slices_over_files_and_over_a_restart(tmp_path: Path) -> None:
    log = FrameLog(tmp_path, Bounds(100, 300 * SECOND, 1 << 20))
    for number in range(0, 20, 2):
        write(log, [frame(number), frame(number + 1)], START + number)
    assert len(list(tmp_path.iterdir())) > 3
    log.close()
    again = FrameLog(tmp_path)
    write(again, [frame(20)], START)  # the clock was set back
    everything = [frame(number) for number in range(21)]
    assert read(again) == everything
    seen, place = [], BEGINNING
    while found := again.files.read(place, 3):
        seen += [one.frame for one in found]
        place = found[-1].place
    assert seen == everything
    assert read(again, again.files.place_before(START - 1)) == everything
    late = read(again, again.files.place_before(START + 15))
    assert late == everything[-len(late) :]
    assert 6 <= len(late) < 21
    again.close()


def test_what_a_kill_tore_is_left_out_and_the_rest_is_read(tmp_path: Path) -> None:
    log = FrameLog(tmp_path)
    for number in (1, 2):
        write(log, [frame(number)], START)
    log.close()
    (path,) = tmp_path.iterdir()
    os.truncate(path, path.stat().st_size - 1)
    (tmp_path / "frames-00000000000000000007.log").write_bytes(MAGIC[:3])
    (tmp_path / "frames-00000000000000000008.log").write_bytes(b"another program's file")
    again = FrameLog(tmp_path)
    write(again, [frame(3)], START + 1)
    assert read(again) == [frame(1), frame(3)]
    again.close()


def test_reading_goes_on_in_the_middle_of_a_write(tmp_path: Path) -> None:
    log = FrameLog(tmp_path)
    frames = [frame(number, bytes(number % 40)) for number in range(100)]
    for begin in (0, 10, 90):
        write(log, frames[begin : {0: 10, 10: 90, 90: 100}[begin]], START)
    assert read(log) == frames
    for number in range(100):
        place = log.files.read(BEGINNING, number + 1)[-1].place
        assert read(log, place) == frames[number + 1 :]
    log.close()


def test_what_is_old_goes_and_what_is_held_or_young_stays(tmp_path: Path) -> None:
    log = FrameLog(tmp_path, Bounds(1, SECOND, 1 << 20))
    for number in range(3):
        write(log, [frame(number)], START + number)
    (first, second, _) = log.files.read(BEGINNING, 3)
    log.prune(START + KEPT_NS, None)
    assert read(log) == [frame(number) for number in range(3)]
    log.prune(START + KEPT_NS + 10, BEGINNING)
    assert read(log) == [frame(number) for number in range(3)], "held"
    log.prune(START + KEPT_NS + 10, first.place)
    assert read(log) == [frame(number) for number in range(3)], "the file of the place that is held"
    log.prune(START + KEPT_NS + 10, second.place)
    assert read(log) == [frame(1), frame(2)]
    log.prune(START + KEPT_NS + 10, None)
    assert read(log) == [frame(2)], "the file that is written to stays"
    assert log.dropped == 0
    assert log.used_bytes == sum(path.stat().st_size for path in tmp_path.iterdir())
    log.close()


@pytest.mark.parametrize("restarted", [False, True])
def test_the_oldest_go_when_there_is_no_room_and_are_counted(tmp_path: Path, restarted: bool) -> None:
    bounds = Bounds(1000, 300 * SECOND, 5000)
    log = FrameLog(tmp_path, bounds)
    for number in range(60):
        if restarted and number == 30:
            log.close()
            before = log.dropped
            log = FrameLog(tmp_path, bounds)
        write(log, [frame(number, bytes(200))], START + number)
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) == log.used_bytes <= 5000 + 250
    left = read(log)
    assert left == [frame(number, bytes(200)) for number in range(60 - len(left), 60)]
    assert log.dropped + (before if restarted else 0) == 60 - len(left) > 30
    log.close()


def test_a_disk_that_refuses_costs_frames_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "frames"
    folder.write_text("a file where the folder should be")
    log = FrameLog(folder)
    write(log, [frame(1)], START)
    write(log, [frame(2)], START)
    assert (log.dropped, [one.levelname for one in caplog.records]) == (2, ["ERROR"])
    assert "frames are not recorded" in caplog.text
    folder.unlink()
    write(log, [frame(3)], START)
    assert read(log) == [frame(3)]
    assert "2 were dropped" in caplog.records[-1].getMessage()
    log.close()


def test_what_was_half_written_spoils_nothing_that_comes_after(tmp_path: Path) -> None:
    log = FrameLog(tmp_path)
    write(log, [frame(1)], START)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.used_bytes + 10, before[1]))
    try:
        for _ in range(3):
            write(log, [frame(2, bytes(200))], START)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert log.dropped == 3
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [log.used_bytes], "no litter"
    write(log, [frame(3)], START)
    assert read(log) == [frame(1), frame(3)]
    log.close()


def test_what_waits_for_a_disk_that_hangs_is_bounded(tmp_path: Path) -> None:
    log = FrameLog(tmp_path)
    record = log.recorder("line-1")
    size = MOST_WAITING // 10  # ten, with what stands before each, are beyond the bound
    for _ in range(20):
        record([(START, True, bytes(size), "", size)])
    assert (log.take().frames, log.dropped) == (10, 10)
    record([(START, True, b"x", "", 1)])
    assert log.take().frames == 1


def test_each_of_many_peers_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.frame_log.MOST_PEERS", 3)
    log = FrameLog(tmp_path)
    record = log.recorder("door")
    peers = [f"10.0.0.{number % 5}:5683" for number in range(20)]
    for peer in peers:
        record([(START, False, b"x", peer, 1)])
    log.write(log.take(), START)
    assert [one.peer for one in read(log)] == peers
    log.close()


def test_a_connection_that_is_recorded_tells_its_frames_without_secrets(tmp_path: Path) -> None:
    log = FrameLog(tmp_path)
    told = Diagnosis("line-1", "modbus-tcp", (), lambda: START)
    told.hide(b"secret")
    told.sent(b"before")
    told.wire.recorder = log.recorder("line-1")
    told.sent(b"a secret", "10.0.0.1:502")
    told.received(b"x" * 3000)
    log.write(log.take(), START)
    assert read(log) == [
        Frame(START, "line-1", True, "10.0.0.1:502", 8, b"a ******"),
        Frame(START, "line-1", False, "", 3000, b"x" * LONGEST_PIECE),
    ]
    log.close()
