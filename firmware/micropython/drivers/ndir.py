"""Gas module over UART, 9600 8N1, with the 9-byte command and answer of the Winsen family, polled.

    offset  command             answer
    0       0xFF                0xFF
    1       0x01                0x86
    2       0x86                concentration, high byte
    3       0                   concentration, low byte
    4..7    0                   differs by module
    8       checksum            checksum

The checksum is the two's complement of the sum of bytes 1 to 7 (MH-Z19B manual, command 0x86). Electrochemical modules
of the same maker answer alike with the ppm elsewhere: ``at`` and ``scale`` (ZE07-CO: bytes 6 and 7, 0.1 ppm, from
memory, unverified: compare with the manual of the module in hand).
"""

from drivers import faults
from drivers.frames import Frames, Listener

# Where the ZE07-CO has its ppm; from memory, unverified.
ZE07_CO = {"at": 6, "scale": 0.1}

READ = b"\xff\x01\x86\x00\x00\x00\x00\x00\x79"


def sound(frame: bytearray) -> bool:
    """Whether a candidate is an answer to `READ`; the echo of a command is none."""
    return frame[1] == 0x86 and sum(frame[1:]) & 0xFF == 0


class Ndir:
    """``high``: full scale in the value's unit, above it ``over`` is set and the value goes on.

    The value is asked for every ``poll_ms``. Until the first answer, or ``silent_ms``, there is no value and no fault.
    """

    def __init__(self, uart, high: float, at: int = 2, scale: float = 1.0, poll_ms: int = 500, silent_ms: int = 3000):
        self.fault = faults.NONE
        self.over = False
        self._uart = uart
        self._line = Listener(uart, Frames(0xFF, 9, sound), silent_ms)
        self._high = high
        self._at = at
        self._scale = scale
        self._poll_ms = poll_ms
        self._asked_at = -poll_ms
        self._value = None

    def read(self, now: int) -> float | None:
        """The last answer's value in its unit; ``None`` before the first and after too long a silence."""
        if self._line.hear(now):
            frame = self._line.frame
            self._value = (frame[self._at] * 256 + frame[self._at + 1]) * self._scale
            self.over = self._value > self._high
        self.fault = self._line.fault
        if self.fault:
            self._value = None
            self.over = False
        if now - self._asked_at >= self._poll_ms:
            self._asked_at = now
            self._ask()
        return self._value

    def _ask(self) -> None:
        try:
            self._uart.write(READ)
        except OSError:
            # A line that cannot be written brings no answer: the silence tells.
            pass
