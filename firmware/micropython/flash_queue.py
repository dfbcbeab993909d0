"""Readings in flash while no gateway takes them: a ring of segment files, oldest first.

A segment is a file ``xxxxxxxx.q`` (serial number, hexadecimal) of at most 4096 bytes, a flash block. It holds records
and nothing else:

    offset  size  field
    0       1     0xA5
    1       2     n, length of the body, at most 512
    3       4     boot
    7       4     sequence
    11      6     milliseconds since that start
    17      n     body (`compact`)
    17+n    4     CRC-32 of all before, begun with the queue's key

All little-endian. Each record stands for itself: after a cut or a broken bit the reader goes on at the next 0xA5 whose
checksum is right, so that nothing but the broken record is lost. The key (of device and profile) keeps readings of
another device, left on the same flash, from being sent under this one's name.

Segments are only appended to and removed whole. A cursor (segment, offset) is written every `CURSOR_EVERY` readings
taken; after a cut at most so many are sent a second time, and (boot, sequence) identifies them. When all segments are
in use the oldest is overwritten; its readings are counted in `lost`, before it goes, and once.

Wear, measured on littlefs with 50 bytes of body (a gas alarm), a reading each 2 s, an append each 20 s, no gateway: a
reading takes 71 bytes of the file, and 57 a segment; with littlefs' own, 263 bytes a reading are programmed and 193
blocks an hour erased, since it copies the open block for each append. That is 1.7 million erases in a year without any
gateway, 4,800 for each of the 350 blocks of a 1.4 MB file system; flash is good for 100,000. A board that reaches its
gateway writes nothing here.
"""

import binascii
import os
import struct

import kv

SEGMENT = 4096
MARK = 0xA5
LONGEST_BODY = 512
CURSOR_EVERY = 32
# What the queue leaves free for the records that keep people safe (trip latch, boot number, settings).
RESERVE = 32768
REMEMBERED_STARTS = 32

_HEAD = "<BHIIIH"
_HEAD_SIZE = 17
_OVERHEAD = _HEAD_SIZE + 4
_RECORD = "queue"
_NO_SPACE = 28


class Entry:
    """A reading that waits: start and sequence that identify it, ms since that start, values as `compact` bytes."""

    __slots__ = ("at", "body", "boot", "kept", "offered", "seq", "urgent")

    def __init__(self, boot: int, seq: int, at: int, body: bytes, urgent: bool = False):
        self.boot = boot
        self.seq = seq
        self.at = at
        self.body = body
        self.urgent = urgent
        self.kept = False
        self.offered = False


def record_of(entry: Entry, key: int) -> bytes:
    """The bytes of an entry in a segment."""
    head = struct.pack(
        _HEAD, MARK, len(entry.body), entry.boot, entry.seq, entry.at & 0xFFFFFFFF, (entry.at >> 32) & 0xFFFF
    )
    data = head + entry.body
    return data + struct.pack("<I", binascii.crc32(data, key))


class _Segment:
    """One file: how long it is, and how many records of it wait (known once it was scanned)."""

    def __init__(self, serial: int, size: int):
        self.serial = serial
        self.size = size
        self.count = 0
        self.damaged = 0


class FlashQueue:
    """``folder``: made if it is not there. ``owner``: whose readings these are. ``limit``: bytes of flash, at least
    two segments. ``store`` keeps the cursor. Call `scan` until it is done before anything else. Raises `OSError`.
    """

    def __init__(self, folder: str, owner: str, limit: int, store, free=None):
        kv.make_folder(folder)
        self._folder = folder
        self._key = binascii.crc32(owner.encode())
        self._most = max(limit // SEGMENT, 2)
        self._store = store
        self._free = free or (lambda: _free_bytes(folder))
        self.lost, serial, self._offset = self._load()
        self._segments = []
        for found in sorted(_serials(folder)):
            if found < serial:
                self._remove(found)
            else:
                self._segments.append(_Segment(found, os.stat(self._path(found))[6]))
        if not self._segments or self._segments[0].serial != serial:
            self._offset = 0
        self._next_serial = max(serial, self._segments[-1].serial if self._segments else 0) + 1
        self._unscanned = list(self._segments)
        self._head = None
        self._head_end = 0
        self._taken = 0
        self._starts = []

    @property
    def count(self) -> int:
        """Readings that wait, as far as scanned."""
        return sum(segment.count for segment in self._segments)

    @property
    def ready(self) -> bool:
        """Whether everything is scanned."""
        return not self._unscanned

    @property
    def empty(self) -> bool:
        """Whether nothing is left to look at: `head` gives ``None`` also for a segment in which all is broken."""
        return not self._segments

    def scan(self) -> None:
        """Count one segment more: some ten milliseconds, for the time after a start."""
        if not self._unscanned:
            return
        segment = self._unscanned.pop(0)
        segment.count = self._count(segment, self._note_start)

    def head(self) -> Entry | None:
        """The oldest reading that waits; the same object until it is taken. Broken ones are passed over and counted.

        One call looks into one segment at the most, some ten milliseconds: a queue of broken ones must not hold the
        board. ``None`` while it is not `empty`: call it again in a later turn.
        """
        if self._head is None and self._segments and self.ready:
            segment = self._segments[0]
            try:
                with open(self._path(segment.serial), "rb") as file:
                    self._head, self._head_end, skipped = _read(file, self._offset, segment.size, self._key)
            except OSError:
                skipped = segment.count
            segment.damaged += skipped
            if self._head is None:
                self._finish(segment)
        return self._head

    def pop(self, entry: Entry) -> None:
        """The reading was taken. One that is not the head (overwritten meanwhile) is none of ours any more."""
        if entry is not self._head:
            return
        segment = self._segments[0]
        self._head = None
        self._offset = self._head_end
        segment.count -= 1
        self._taken += 1
        if self._offset >= segment.size:
            self._finish(segment)
        elif self._taken % CURSOR_EVERY == 0:
            self._save(segment.serial, self._offset)

    def append(self, entries: list) -> None:
        """Write these behind all others, in this order. After an `OSError` some of them may be there."""
        at = 0
        while at < len(entries):
            at = self._fill(self._tail(len(entries[at].body) + _OVERHEAD), entries, at)

    def age_of(self, entry: Entry, now: int) -> int:
        """Ms that a reading of an earlier start is old at the least: that start and all after it, without the time
        between them, which nobody measured. Keeps the order of starts and the distances within each."""
        age = now
        for start in reversed(self._starts):
            age += start[1]
            if start[0] == entry.boot:
                return age - entry.at
        return age

    def _fill(self, segment: _Segment, entries: list, at: int) -> int:
        """Append what fits, in one go; returns the index of the first that did not."""
        path = self._path(segment.serial)
        try:
            with open(path, "ab") as file:
                while at < len(entries):
                    record = record_of(entries[at], self._key)
                    if segment.size + len(record) > SEGMENT:
                        break
                    file.write(record)
                    segment.size += len(record)
                    segment.count += 1
                    at += 1
        except OSError:
            segment.size = _size(path)
            segment.count = self._count(segment)
            raise
        return at

    def _count(self, segment: _Segment, note=None) -> int:
        """How many readings of the segment wait; each is given to ``note``."""
        offset = self._offset if segment is self._segments[0] else 0
        count = 0
        try:
            with open(self._path(segment.serial), "rb") as file:
                entry, offset, _ = _read(file, offset, segment.size, self._key)
                while entry is not None:
                    count += 1
                    if note:
                        note(entry)
                    entry, offset, _ = _read(file, offset, segment.size, self._key)
        except OSError:
            pass
        return count

    def _tail(self, size: int) -> _Segment:
        """The segment that takes the next record of ``size`` bytes."""
        if self._segments and self._segments[-1].size + size <= SEGMENT:
            return self._segments[-1]
        if self._free() < RESERVE:
            if len(self._segments) < 2:
                raise OSError(_NO_SPACE, "no room beside the reserve")
            # One for one: others have filled the flash, and more of ours would not bring the room back.
            self._overwrite()
        while len(self._segments) >= self._most:
            self._overwrite()
        segment = _Segment(self._next_serial, 0)
        self._next_serial += 1
        self._segments.append(segment)
        if len(self._segments) == 1:
            self._offset = 0
        return segment

    def _overwrite(self) -> None:
        """Give up the oldest segment: counted first, so that a cut in between neither loses nor doubles the count."""
        segment = self._segments[0]
        self.lost += segment.count + segment.damaged
        self._save(segment.serial + 1, 0)
        self._drop()

    def _finish(self, segment: _Segment) -> None:
        """The oldest segment has been read to its end."""
        if segment.damaged:
            self.lost += segment.damaged
            self._save(segment.serial + 1, 0)
        self._drop()

    def _drop(self) -> None:
        segment = self._segments.pop(0)
        self._head = None
        self._offset = 0
        self._remove(segment.serial)

    def _note_start(self, entry: Entry) -> None:
        if not self._starts or self._starts[-1][0] != entry.boot:
            if len(self._starts) >= REMEMBERED_STARTS:
                self._starts.pop(0)
            self._starts.append([entry.boot, 0])
        self._starts[-1][1] = max(self._starts[-1][1], entry.at)

    def _load(self) -> tuple:
        """Lost so far, and the cursor: everything before it is gone."""
        try:
            record = self._store.get(_RECORD)
        except kv.Corrupt:
            record = None
        return struct.unpack("<III", record) if record and len(record) == 12 else (0, 0, 0)

    def _save(self, serial: int, offset: int) -> None:
        """Without it the worst is a second delivery, and a count that is too low: no reason to stop."""
        try:
            self._store.put(_RECORD, struct.pack("<III", self.lost & 0xFFFFFFFF, serial, offset))
        except OSError:
            pass

    def _remove(self, serial: int) -> None:
        try:
            os.remove(self._path(serial))
        except OSError:
            pass

    def _path(self, serial: int) -> str:
        return f"{self._folder}/{serial:08x}.q"


def _read(file, offset: int, size: int, key: int) -> tuple:
    """The first good record from ``offset`` on, where it ends, and whether something broken stood before it.

    Without one: ``None``, ``size``, and whether anything was left.
    """
    start = offset
    while offset + _OVERHEAD <= size:
        file.seek(offset)
        head = file.read(_HEAD_SIZE)
        if len(head) < _HEAD_SIZE:
            break
        mark, length, boot, seq, low, high = struct.unpack(_HEAD, head)
        if mark == MARK and length <= LONGEST_BODY and offset + _OVERHEAD + length <= size:
            body = file.read(length)
            checksum = struct.pack("<I", binascii.crc32(head + body, key))
            if file.read(4) == checksum:
                return Entry(boot, seq, low | high << 32, body), offset + _OVERHEAD + length, offset > start
        skip = head.find(bytes((MARK,)), 1)
        offset += skip if skip > 0 else _HEAD_SIZE
    return None, size, start < size


def _serials(folder: str) -> list:
    found = []
    for name in os.listdir(folder):
        if len(name) == 10 and name[8:] == ".q" and all(letter in "0123456789abcdef" for letter in name[:8]):
            found.append(int(name[:8], 16))
    return found


def _size(path: str) -> int:
    try:
        return os.stat(path)[6]
    except OSError:
        return 0


def _free_bytes(folder: str) -> int:
    status = os.statvfs(folder)
    return status[0] * status[3]
