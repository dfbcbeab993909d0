"""Readings in flash: order, power cuts at any byte, broken bits, overwriting, full flash."""

import os

import flash_queue
import kv
import rig
from flash_queue import Entry, FlashQueue

ROOM = 1 << 20
_made = [0]


class Flash:
    """A file system that outlives the starts of its board."""

    def __init__(self, limit=16384):
        _made[0] += 1
        self.folder = f"{rig.FOLDER}/queue{_made[0]}"
        self.limit = limit
        self.room = ROOM
        self.store = kv.Store(self.folder + "/state")

    def start(self, owner="t:1", scan=True):
        queue = FlashQueue(self.folder, owner, self.limit, self.store, lambda: self.room)
        while scan and not queue.ready:
            queue.scan()
        return queue

    def files(self):
        return sorted(name for name in os.listdir(self.folder) if name.endswith(".q"))

    def read(self, name):
        with open(self.folder + "/" + name, "rb") as file:
            return file.read()

    def write(self, name, data):
        with open(self.folder + "/" + name, "wb") as file:
            file.write(data)

    def clear(self):
        for name in self.files():
            os.remove(self.folder + "/" + name)
        self.store.put("queue", b"")


def entries(first, last, boot=1, size=50):
    return [Entry(boot, seq, seq * 2000, bytes((seq & 255,)) * size) for seq in range(first, last + 1)]


def drain(queue):
    """Take everything; (boot, seq) in the order it came."""
    found = []
    while not queue.empty:
        entry = queue.head()
        if entry is None:
            continue
        assert entry.at == entry.seq * 2000
        assert entry.body == bytes((entry.seq & 255,)) * len(entry.body)
        found.append((entry.boot, entry.seq))
        queue.pop(entry)
    return found


def refusal(queue, readings):
    """The number of the error with which the queue refuses them, ``None`` if it takes them."""
    try:
        queue.append(readings)
    except OSError as error:
        return error.errno
    return None


def pairs(first, last, boot=1):
    return [(boot, seq) for seq in range(first, last + 1)]


def test_readings_come_out_in_order_with_their_times_and_leave_nothing():
    flash = Flash()
    queue = flash.start()
    queue.append(entries(1, 100))
    queue.append(entries(101, 130))
    assert queue.count == 130
    assert drain(queue) == pairs(1, 130)
    assert (queue.count, queue.lost, flash.files()) == (0, 0, [])


def test_head_stays_until_it_is_taken():
    queue = Flash().start()
    queue.append(entries(1, 2))
    first = queue.head()
    assert queue.head() is first
    queue.pop(Entry(1, 1, 2000, b""))
    assert queue.head() is first
    queue.pop(first)
    assert queue.head().seq == 2


def test_readings_are_there_after_a_start_and_later_ones_follow():
    flash = Flash()
    flash.start().append(entries(1, 70))
    queue = flash.start()
    assert queue.count == 70
    queue.append(entries(1, 70, boot=2))
    assert drain(flash.start()) == pairs(1, 70) + pairs(1, 70, 2)


def test_start_counts_a_segment_at_a_time_and_shows_nothing_before():
    flash = Flash()
    flash.start().append(entries(1, 100))
    queue = flash.start(scan=False)
    assert (queue.head(), queue.count, queue.ready) == (None, 0, False)
    queue.scan()
    assert 50 < queue.count < 60
    queue.scan()
    assert (queue.count, queue.ready) == (100, True)


def test_time_beyond_32_bits_of_milliseconds_is_kept():
    queue = Flash().start()
    queue.append([Entry(0x7FFFFFFF, 0xFFFFFFFF, 5000000000123, b"x")])
    found = queue.head()
    assert (found.boot, found.seq, found.at, found.body) == (0x7FFFFFFF, 0xFFFFFFFF, 5000000000123, b"x")


def test_cut_at_any_byte_keeps_what_was_written_before_and_takes_more():
    flash = Flash()
    flash.start().append(entries(1, 8, size=20))
    name = flash.files()[0]
    whole = flash.read(name)
    record = len(whole) // 8
    for size in range(len(whole) + 1):
        flash.clear()
        flash.write(name, whole[:size])
        queue = flash.start()
        complete = size // record
        assert queue.count == complete
        queue.append(entries(20, 22, size=20))
        torn = size % record > 0
        assert drain(flash.start()) == pairs(1, complete) + pairs(20, 22), size
        assert flash.start().lost == torn, size
        assert flash.files() == []


def test_broken_bit_at_any_byte_loses_that_reading_only():
    flash = Flash()
    flash.start().append(entries(1, 6, size=20))
    name = flash.files()[0]
    whole = flash.read(name)
    record = len(whole) // 6
    for at in range(len(whole)):
        flash.clear()
        broken = bytearray(whole)
        broken[at] ^= 1 << at % 8
        flash.write(name, broken)
        hit = at // record + 1
        queue = flash.start()
        assert drain(queue) == [pair for pair in pairs(1, 6) if pair[1] != hit], at
        assert queue.lost == 1
        assert flash.start().lost == 1


def test_queue_of_broken_segments_is_gone_through_one_a_call():
    flash = Flash()
    flash.start().append(entries(1, 200))
    names = flash.files()
    assert len(names) == 4
    for name in names[:3]:
        flash.write(name, bytes(len(flash.read(name))))
    queue = flash.start()
    left = queue.count
    for number in range(1, 4):
        assert queue.head() is None
        assert (queue.empty, len(flash.files())) == (False, 4 - number)
    assert queue.head().seq == 201 - left
    assert drain(queue) == pairs(201 - left, 200)
    assert (queue.lost, queue.empty) == (3, True)


def test_cursor_broken_or_cut_at_any_byte_loses_nothing():
    flash = Flash()
    queue = flash.start()
    queue.append(entries(1, 100))
    for _ in range(40):
        queue.pop(queue.head())
    cursor = flash.folder + "/state/queue"
    with open(cursor, "rb") as file:
        whole = file.read()
    damages = [whole[:size] for size in range(len(whole))]
    for at in range(len(whole)):
        broken = bytearray(whole)
        broken[at] ^= 1 << at % 8
        damages.append(bytes(broken))
    for data in damages:
        with open(cursor, "wb") as file:
            file.write(data)
        queue = flash.start()
        assert queue.count == 100
        assert queue.head().seq == 1


def test_after_a_cut_at_most_a_cursors_worth_is_delivered_again():
    for taken in range(0, 120, 7):
        flash = Flash()
        queue = flash.start()
        queue.append(entries(1, 120))
        for _ in range(taken):
            queue.pop(queue.head())
        queue = flash.start()
        count = queue.count
        again = drain(queue)
        assert count == len(again)
        first = again[0][1]
        assert again == pairs(first, 120)
        assert taken - flash_queue.CURSOR_EVERY < first <= taken + 1, (taken, first)


def test_full_queue_overwrites_its_oldest_segment_and_counts_it_over_starts():
    flash = Flash(limit=8192)
    queue = flash.start()
    queue.append(entries(1, 300))
    assert len(flash.files()) == 2
    left = queue.count
    assert queue.lost == 300 - left
    queue = flash.start()
    assert (queue.count, queue.lost) == (left, 300 - left)
    assert drain(queue) == pairs(301 - left, 300)
    assert flash.start().lost == 300 - left


def test_overwritten_readings_are_counted_once_wherever_the_power_goes():
    flash = Flash(limit=8192)
    queue = flash.start()
    queue.append(entries(1, 110))
    names = flash.files()
    oldest = flash.read(names[0])
    queue.append(entries(111, 120))
    lost = queue.lost
    assert lost > 50
    # The count was written, and the power went before the file did.
    flash.write(names[0], oldest)
    queue = flash.start()
    assert queue.lost == lost
    assert drain(queue) == pairs(lost + 1, 120)


def test_reading_that_is_overwritten_while_on_its_way_is_no_longer_taken():
    flash = Flash(limit=8192)
    queue = flash.start()
    queue.append(entries(1, 110))
    on_its_way = queue.head()
    queue.append(entries(111, 120))
    queue.pop(on_its_way)
    assert queue.count == 120 - queue.lost
    assert drain(queue) == pairs(queue.lost + 1, 120)


def test_serial_numbers_go_on_after_the_queue_was_empty():
    flash = Flash(limit=8192)
    queue = flash.start()
    queue.append(entries(1, 300))
    drain(queue)
    for boot in range(2, 5):
        queue = flash.start()
        queue.append(entries(1, 3, boot=boot))
        assert drain(flash.start()) == pairs(1, 3, boot)


def test_readings_of_another_device_are_not_sent_under_this_ones_name():
    flash = Flash()
    flash.start("t:1").append(entries(1, 5))
    queue = flash.start("t:2")
    assert (queue.count, queue.head()) == (0, None)
    queue.append(entries(1, 2))
    assert drain(queue) == pairs(1, 2)


def test_flash_without_room_overwrites_and_never_takes_the_reserve():
    flash = Flash(limit=65536)
    queue = flash.start()
    queue.append(entries(1, 120))
    assert len(flash.files()) == 3
    flash.room = flash_queue.RESERVE - 1
    queue.append(entries(121, 240))
    assert len(flash.files()) == 3
    assert queue.count + queue.lost == 240
    assert queue.count > 120
    drain(queue)
    assert refusal(queue, entries(1, 1)) == 28
    assert (queue.count, flash.files()) == (0, [])


def test_flash_that_refuses_to_write_loses_nothing_that_is_there():
    flash = Flash()
    queue = flash.start()
    queue.append(entries(1, 10))
    name = flash.files()[0]
    whole = flash.read(name)
    os.remove(flash.folder + "/" + name)
    os.mkdir(flash.folder + "/" + name)
    assert refusal(queue, entries(11, 20)) is not None
    os.rmdir(flash.folder + "/" + name)
    flash.write(name, whole)
    assert drain(flash.start()) == pairs(1, 10)


def test_segment_that_could_not_be_begun_is_begun_later():
    flash = Flash()
    queue = flash.start()
    os.mkdir(flash.folder + "/00000001.q")
    assert refusal(queue, entries(1, 3)) is not None
    assert (queue.count, queue.head(), queue.lost) == (0, None, 0)
    os.rmdir(flash.folder + "/00000001.q")
    queue.append(entries(1, 3))
    assert drain(queue) == pairs(1, 3)
    assert flash.start().lost == 0


def test_age_of_earlier_starts_keeps_their_order_and_distances():
    flash = Flash()
    flash.start().append(entries(1, 5, boot=1))
    flash.start().append(entries(1, 3, boot=2))
    queue = flash.start()
    ages = [queue.age_of(entry, 700) for entry in entries(1, 5) + entries(1, 3, boot=2)]
    # The second start lasted 6 s at the least, the first 10 s.
    assert ages == [14700, 12700, 10700, 8700, 6700, 4700, 2700, 700]
    assert queue.age_of(Entry(77, 1, 5, b""), 700) == 16700


def test_other_files_of_the_folder_are_left_alone():
    flash = Flash()
    flash.start().append(entries(1, 5))
    for name in ("notes", "0000000g.q", "1.q", "00000001.q.new"):
        flash.write(name, b"x")
    assert drain(flash.start()) == pairs(1, 5)
    assert sorted(os.listdir(flash.folder)) == ["00000001.q.new", "0000000g.q", "1.q", "notes", "state"]
