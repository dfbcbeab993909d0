"""The crash log: what ended the firmware, kept in flash until a person or the console has read it.

    offset  size  field
    0       1     crashes since the log was last taken, at most 255
    1       ...   text of the first of them, at most 1 KB

Of several the first is kept: the others are mostly its consequence. A board crashes above all when its heap is full or
in pieces, so all is done in one kilobyte, and `CrashLog.write` raises nothing.
"""

import io
import sys

import kv

LONGEST = 1024
_RECORD = "crash"
_CUT = b"...\n"


class CrashLog:
    """One record of ``store``."""

    def __init__(self, store):
        self._store = store
        self._record = self._load()

    @property
    def waiting(self) -> bool:
        """Whether a log is there that nobody has taken."""
        return len(self._record) > 0

    def write(self, text: str | bytes | bytearray, boot: int, uptime_s: int) -> bool:
        """Keep the text of an uncaught exception; whether the flash took it. Never raises: the board is going down, and
        a flash or a memory that refuses must not keep it from its restart."""
        try:
            if self._record:
                self._record[0] = min(self._record[0] + 1, 255)
            else:
                self._record = _record_of(text, boot, uptime_s)
            self._store.put(_RECORD, self._record)
        except Exception:  # the board is going down: no log is worth a second fault
            return False
        return True

    def text(self) -> str:
        """What is kept, with how often it crashed; empty if it did not."""
        if not self._record:
            return ""
        times = "" if self._record[0] == 1 else f"{self._record[0]} crashes; the first:\n"
        return times + str(memoryview(self._record)[1:], "ascii")

    def take(self) -> str:
        """`text`, and forget it. It stays if the flash refuses (`OSError`)."""
        text = self.text()
        if self._record:
            self._store.put(_RECORD, b"")
            self._record = bytearray()
        return text

    def console(self, words: list) -> list:
        """Answer the maintenance line ``crash`` (show) or ``crash take`` (show and forget)."""
        if words not in (["crash"], ["crash", "take"]):
            return ["crash: say crash, or crash take"]
        try:
            text = self.take() if len(words) == 2 else self.text()
        except OSError as error:
            lines = self.text().split("\n")
            lines.append(f"crash: it stays, the flash refuses: {error}")
            return lines
        return text.split("\n") if text else ["crash: none"]

    def _load(self) -> bytearray:
        try:
            record = bytearray(self._store.get(_RECORD) or b"")
        except kv.Corrupt as error:
            record = bytearray(b"\x01the log cannot be read: " + str(error).encode())
        if record and not record[0]:
            return bytearray()
        for at in range(1, len(record)):
            record[at] = _printable(record[at])
        return record


class _Tail(io.IOBase):
    """A file that keeps the last `LONGEST` bytes of what is written into it, in the room of a record."""

    def __init__(self):
        self._bytes = bytearray(1 + LONGEST)
        self._count = 0

    def write(self, data) -> int:
        """As files do."""
        for byte in data:
            self._bytes[self._count % LONGEST] = byte
            self._count += 1
        return len(data)

    def text(self) -> bytearray:
        """What is kept, from the oldest byte on, without white space at its end. Nothing can be written after it."""
        found = self._bytes
        kept = min(self._count, LONGEST)
        if self._count > LONGEST:
            # The oldest byte to the front, without a second kilobyte: both parts turned round, then the whole.
            first = self._count % LONGEST
            _reverse(found, 0, first)
            _reverse(found, first, LONGEST)
            _reverse(found, 0, LONGEST)
        while kept and found[kept - 1] <= 32:
            kept -= 1
        found[kept:] = b""
        return found


def _reverse(data: bytearray, start: int, end: int) -> None:
    for step in range((end - start) // 2):
        data[start + step], data[end - 1 - step] = data[end - 1 - step], data[start + step]


def describe(error: BaseException) -> bytes | bytearray:
    """The traceback's last `LONGEST` bytes; its last line alone on an interpreter that cannot print one to a file.
    Never raises: with a memory that refuses even this, it is the name of the exception."""
    try:
        if hasattr(sys, "print_exception"):
            out = _Tail()
            sys.print_exception(error, out)  # pyright: ignore[reportArgumentType]  # the stubs know no text stream
            return out.text()
        return f"{type(error).__name__}: {error}".encode()
    except Exception:  # a heap that is full, or an error that cannot print itself: its name is left
        return type(error).__name__.encode()


def _record_of(text: str | bytes | bytearray, boot: int, uptime_s: int) -> bytearray:
    """The log of a first crash, made of ``text`` itself where that is a bytearray: its room is all there may be. Of a
    text that is too long its end is kept: there stands what was raised."""
    if isinstance(text, str):
        text = text.encode()
    data = text if isinstance(text, bytearray) else bytearray(text)
    head = f"boot {boot}, up {uptime_s} s\n".encode()
    room = LONGEST - len(head)
    if len(data) > room:
        head += _CUT
        room -= len(_CUT)
    kept = min(len(data), room)
    cut = len(data) - kept
    start = 1 + len(head)
    data.extend(bytes(max(start + kept - len(data), 0)))
    for step in range(kept):
        # From the end on, where it moves back: no byte is overwritten before it was moved.
        at = kept - 1 - step if start > cut else step
        data[start + at] = _printable(data[cut + at])
    data[0] = 1
    data[1:start] = head
    data[start + kept :] = b""
    return data


def _printable(byte: int) -> int:
    """ASCII and line ends as they are; every other byte as a question mark."""
    return byte if 32 <= byte < 127 or byte == 10 else 63
