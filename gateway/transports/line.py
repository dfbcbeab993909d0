"""Serial lines: the one owner of pyserial and of pseudo terminals.

Bytes in and out on the event loop, without threads. Framing, time-outs and back-off belong to the bus above.
A pty whose peer hung up reads as b"" or EIO, for ever and without an error of its own: both are a hang-up here.
"""

import asyncio
import errno
import os
import pty
import random
import termios
import tty
from collections.abc import Callable

import serial

from gateway.errors import BusDown, LineMissing

READ_SIZE = 4096
SHORTEST_SILENCE_S = 0.00175
"""Above 19200 baud the silence is fixed (Modbus over Serial Line 1.02, 2.5.1.1)."""

OnBytes = Callable[[bytes], None]
OnLost = Callable[[str], None]


class SerialLine:
    """One serial port, opened exclusively. ``parity``: N, E or O; ``stop_bits``: 1 or 2."""

    def __init__(self, port: str, *, baud: int = 9600, parity: str = "N", stop_bits: int = 1) -> None:
        self.port = port
        self.char_s = (9 + stop_bits + (parity != "N")) / baud
        self.silence_s = max(3.5 * self.char_s, SHORTEST_SILENCE_S)
        self._baud = baud
        self._parity = parity
        self._stop_bits = stop_bits
        self._serial: serial.Serial | None = None
        self._fd = -1
        self._on_bytes: OnBytes
        self._on_lost: OnLost

    @property
    def is_open(self) -> bool:
        """Whether bytes can be written."""
        return self._serial is not None

    def open(self, on_bytes: OnBytes, on_lost: OnLost) -> None:
        """Open the port on the running loop; raises `LineMissing`. ``on_lost`` is called once, after closing."""
        try:
            port = serial.Serial(
                self.port,
                self._baud,
                parity=self._parity,
                stopbits=self._stop_bits,
                timeout=0,
                write_timeout=0,
                exclusive=True,
            )
        except (OSError, ValueError, termios.error) as error:
            raise LineMissing(
                f"serial line {self.port} at {self._baud} baud cannot be opened: {error}; check the port name, "
                "the cable, and that no other program holds it (the user must be in the group of the port)"
            ) from error
        try:
            _wait_for_bytes(port.fileno())
        except termios.error as error:
            port.close()
            raise LineMissing(f"serial line {self.port} went away while it was opened: {error}; plug it in") from error
        self._fd = port.fileno()
        self._serial, self._on_bytes, self._on_lost = port, on_bytes, on_lost
        asyncio.get_running_loop().add_reader(self._fd, self._readable)

    def write(self, data: bytes) -> None:
        """Send a frame; raises `BusDown` when the line does not take all of it (the line is closed then)."""
        if self._serial is None:
            raise BusDown(f"serial line {self.port} is not open")
        try:
            sent = os.write(self._fd, data)
        except OSError as error:
            self._hang_up(f"serial line {self.port}: {error}")
            raise BusDown(f"serial line {self.port} takes no bytes: {error}") from error
        if sent != len(data):
            self._hang_up(f"serial line {self.port} is stuck")
            raise BusDown(f"serial line {self.port} took {sent} of {len(data)} bytes; nobody reads at its other end")

    def discard(self) -> int:
        """Throw away what was received and not read yet; how many bytes that were."""
        if self._serial is None:
            return 0
        try:
            return len(os.read(self._fd, READ_SIZE))
        except OSError:
            return 0

    def close(self) -> None:
        """Let go of the port; does nothing when it is closed."""
        if self._serial is None:
            return
        port, self._serial = self._serial, None
        asyncio.get_running_loop().remove_reader(self._fd)
        port.close()

    def _readable(self) -> None:
        if self._serial is None:
            return
        try:
            data = os.read(self._fd, READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            self._hang_up(f"serial line {self.port}: {error.strerror}")
            return
        if data:
            self._on_bytes(data)
        else:
            self._hang_up(f"serial line {self.port}: the other end hung up")

    def _hang_up(self, reason: str) -> None:
        self.close()
        self._on_lost(reason)


class PtyEnd:
    """One pseudo terminal: ``path`` is what a program opens as its serial port; we hold the other side.

    The port side is held open too, so that a program may come and go without a hang-up.
    """

    def __init__(self) -> None:
        self.fd, self._port_fd = pty.openpty()
        tty.setraw(self._port_fd)
        os.set_blocking(self.fd, False)
        self.path = os.ttyname(self._port_fd)

    def close(self) -> None:
        """Hang up: whoever has ``path`` open reads b"" or EIO."""
        os.close(self._port_fd)
        os.close(self.fd)


class LineRelay:
    """A null-modem cable of two pseudo terminals, and the place where noise is put on it.

    Give ``left`` to one program and ``right`` to the other. ``flip`` and ``drop``: probability per byte that
    one of its bits is wrong or that it gets lost; they may be changed while running. ``cut``: nothing passes.
    """

    def __init__(self, *, flip: float = 0.0, drop: float = 0.0, seed: int = 0) -> None:
        self.flip = flip
        self.drop = drop
        self.cut = False
        self.carried = 0
        self._ends = (PtyEnd(), PtyEnd())
        self._dice = random.Random(seed)  # noqa: S311 - noise, not a secret

    @property
    def left(self) -> str:
        """Path of one end."""
        return self._ends[0].path

    @property
    def right(self) -> str:
        """Path of the other end."""
        return self._ends[1].path

    def open(self) -> None:
        """Start carrying bytes on the running loop."""
        loop = asyncio.get_running_loop()
        one, other = (end.fd for end in self._ends)
        loop.add_reader(one, self._carry, one, other)
        loop.add_reader(other, self._carry, other, one)

    def close(self) -> None:
        """Stop and hang up both ends."""
        loop = asyncio.get_running_loop()
        for end in self._ends:
            loop.remove_reader(end.fd)
            end.close()

    def inject(self, data: bytes) -> None:
        """Put ``data`` on the line towards ``left``, as a disturbance would."""
        self._deliver(self._ends[0].fd, data)

    def _carry(self, source: int, sink: int) -> None:
        try:
            data = os.read(source, READ_SIZE)
        except BlockingIOError:
            return
        self.carried += len(data)
        if not self.cut:
            self._deliver(sink, self._disturbed(data))

    def _deliver(self, sink: int, data: bytes) -> None:
        try:
            os.write(sink, data)
        except OSError as error:
            # Nobody reads at that end: on a real line the bytes are gone too.
            if error.errno not in (errno.EAGAIN, errno.EIO):
                raise

    def _disturbed(self, data: bytes) -> bytes:
        if not self.flip and not self.drop:
            return data
        roll = self._dice.random
        kept = (byte for byte in data if roll() >= self.drop)
        return bytes(byte ^ (1 << self._dice.randrange(8)) if roll() < self.flip else byte for byte in kept)


def _wait_for_bytes(fd: int) -> None:
    """With pyserial's VMIN 0 an idle line reads as b"", which could not be told from a hang-up."""
    attributes = termios.tcgetattr(fd)
    attributes[6][termios.VMIN] = 1
    attributes[6][termios.VTIME] = 0
    termios.tcsetattr(fd, termios.TCSANOW, attributes)
