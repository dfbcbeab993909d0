"""The unix port's serial line: a tty in raw mode, read and written without holding the board."""

import asyncio
import select
import termios

from hal.waiting import readable

_MOST = 64
REOPEN_MS = 500
# Linux, asm-generic/termbits.h. The port names only a few of them.
SPEEDS = (
    (9600, 0o15),
    (19200, 0o16),
    (38400, 0o17),
    (57600, 0o10001),
    (115200, 0o10002),
    (230400, 0o10003),
    (460800, 0o10004),
    (921600, 0o10007),
)
_SPEED_BITS = 0o10017


def _speed(baud: int) -> int:
    for rate, bits in SPEEDS:
        if rate == baud:
            return bits
    raise ValueError(f"baud: {baud} is not one of " + ", ".join(str(rate) for rate, _ in SPEEDS))


class Uart:
    """One line by path. It may be missing or hang up: it is opened again when it is back, and loses what is written
    until then. ``baud``: one of `SPEEDS`, else `ValueError`. ``de`` is not needed: a host's RS-485 adapter turns round
    by itself.
    """

    def __init__(self, port: str, baud: int = 9600, de=None):  # noqa: ARG002 - a caller may name it, as on the other ports
        self._path = port
        self._speed = _speed(baud)
        self._buffer = bytearray(_MOST)
        self._byte = bytearray(1)
        self._stream = None
        self._arrived = None
        self._room = None
        self._try_open()

    async def wait(self) -> None:
        """Until bytes may be there."""
        while self._stream is None:
            await asyncio.sleep_ms(REOPEN_MS)
            self._try_open()
        await readable(self._stream)

    def read(self) -> bytes:
        """What has arrived, at most 64 bytes; maybe nothing."""
        # Byte by byte: a longer read would wait until it is full.
        got = 0
        try:
            while self._stream is not None and got < _MOST and self._arrived.poll(0):
                if not self._stream.readinto(self._byte, 1):
                    raise OSError("hung up")
                self._buffer[got] = self._byte[0]
                got += 1
        except OSError:
            self._close()
        return bytes(memoryview(self._buffer)[:got])

    def write(self, data: bytes) -> None:
        """Send it, as far as the line takes it: a reader that has stopped loses bytes, it does not hold the board."""
        try:
            # Byte by byte: a tty says that there is room, not how much, and a write of more than that would wait.
            for byte in data:
                if self._stream is None or not self._room.poll(0):
                    break
                self._byte[0] = byte
                self._stream.write(self._byte)
        except OSError:
            self._close()

    def _try_open(self) -> None:
        try:
            self._stream = open(self._path, "r+b")
            descriptor = self._stream.fileno()
            # This also throws away what waited in the line before the board was there: above all an old command.
            termios.setraw(descriptor)
            modes = termios.tcgetattr(descriptor)
            modes[2] = modes[2] & ~_SPEED_BITS | self._speed
            modes[4] = modes[5] = self._speed
            termios.tcsetattr(descriptor, termios.TCSANOW, modes)
        except OSError:
            self._close()
            return
        self._arrived = select.poll()
        self._arrived.register(self._stream, select.POLLIN)
        self._room = select.poll()
        self._room.register(self._stream, select.POLLOUT)

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
