"""Frames of a fixed size with a start byte and a checksum, cut out of a stream of any bytes.

A start byte may also stand inside a frame. So a frame that does not check is not thrown away whole: the search goes
on behind its first byte, and a good frame that began inside the broken one is found.
"""

from drivers import faults
from drivers.silence import Silence


class Frames:
    """``sound(buffer) -> bool`` checks a candidate. ``frame`` holds the last good one, ``broken`` that one failed."""

    def __init__(self, start: int, size: int, sound):
        self.frame = bytearray(size)
        self.broken = False
        self._start = start
        self._sound = sound
        self._buffer = bytearray(size)
        self._held = 0

    def feed(self, data: bytes) -> int:
        """Take what arrived, any bytes; the number of good frames that it completed."""
        good = 0
        for byte in data:
            if self._held or byte == self._start:
                self._buffer[self._held] = byte
                self._held += 1
                if self._held == len(self._buffer):
                    good += self._close()
        return good

    def _close(self) -> int:
        if self._sound(self._buffer):
            self.frame[:] = self._buffer
            self._held = 0
            return 1
        self.broken = True
        size = len(self._buffer)
        at = 1
        while at < size and self._buffer[at] != self._start:
            at += 1
        self._held = size - at
        for index in range(self._held):
            self._buffer[index] = self._buffer[at + index]
        return 0


class Listener:
    """A UART on which frames should arrive; the newest one counts. ``silent_ms`` without any is a fault.

    Bytes that waited in the UART's buffer while the board slept count as of the ``hear`` that finds them.
    """

    def __init__(self, uart, frames: Frames, silent_ms: int):
        self.frame = frames.frame
        self.fault = faults.NONE
        self._uart = uart
        self._frames = frames
        self._silent_ms = silent_ms
        self._silence = Silence(silent_ms)
        self._broken_at = -1 - silent_ms

    def hear(self, now: int) -> bool:
        """Take what arrived; whether a new frame is there, in ``frame``. ``fault`` is valid after it."""
        try:
            data = self._uart.read()
        except OSError:
            data = b""
        good = self._frames.feed(data or b"")
        if good:
            self._silence.heard(now)
        if self._frames.broken:
            self._frames.broken = False
            self._broken_at = now
        self.fault = self._judge(now)
        return good > 0

    def _judge(self, now: int) -> int:
        if not self._silence.too_long(now):
            return faults.NONE
        return faults.CHECKSUM if now - self._broken_at <= self._silent_ms else faults.SILENT
