"""The unix port's serial line: a tty in raw mode, read without blocking the board."""

import asyncio
import select
import termios

_MOST = 256
# 3.5 characters at 9600 baud are 3.6 ms.
SILENCE_MS = 4
REOPEN_MS = 500


def _readable(stream):
    yield asyncio.core._io_queue.queue_read(stream)


class Serial:
    """One line by path. It may be missing or hang up: the board samples on, and the line is opened when it is back."""

    def __init__(self, path: str):
        self._path = path
        self._byte = bytearray(1)
        self._stream = None
        self._poll = None

    async def serve(self, slave, ticks) -> None:
        """Carry requests to ``slave`` and its answers back, for ever."""
        while True:
            try:
                self._open()
                while True:
                    await _readable(self._stream)
                    await self._exchange(slave, ticks)
            except OSError:
                self._close()
                await asyncio.sleep_ms(REOPEN_MS)

    async def _exchange(self, slave, ticks) -> None:
        data = self._read()
        while data:
            self._send(slave.receive(ticks(), data))
            await asyncio.sleep_ms(SILENCE_MS)
            data = self._read()
        self._send(slave.silence(ticks()))

    def _send(self, frames: list) -> None:
        for frame in frames:
            self._stream.write(frame)

    def _read(self) -> bytes:
        """What has arrived; byte by byte, because a longer read would wait until it is full."""
        data = b""
        while len(data) < _MOST and self._poll.poll(0):
            if not self._stream.readinto(self._byte, 1):
                raise OSError("hung up")
            data += self._byte
        return data

    def _open(self) -> None:
        self._stream = open(self._path, "r+b")
        # This also throws away what waited in the line before the board was there: above all an old command.
        termios.setraw(self._stream.fileno())
        self._poll = select.poll()
        self._poll.register(self._stream, select.POLLIN)

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
