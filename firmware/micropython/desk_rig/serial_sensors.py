"""Sensors that speak over a UART, with the interface of ``hal.Uart``: ``read() -> bytes``, ``write(data)``.

``silent``: nothing arrives. ``garble``: every frame arrives damaged, some without their end.
"""

from desk_rig.channels import Channel, World


class SerialSensor(Channel):
    """What both have: how a frame reaches the line."""

    faults = ("silent", "garble")

    def _on_the_line(self, frame: bytes) -> bytes:
        if self.condition == "silent":
            return b""
        if self.condition == "garble":
            last = len(frame) - 1
            damaged = frame[:last] + bytes((frame[last] ^ 0x55,))
            return damaged[: last + 1 - self.world.noise.bits() % 3]
        return frame

    def write(self, data: bytes) -> None:
        """Bytes from the board; a sensor that only sends takes no notice."""


class GasModule(SerialSensor):
    """Answers the 9-byte command 0x86; ``at``: offset of the value in the answer, in steps of ``scale``."""

    def __init__(self, world: World, quantity, at: int, scale: float):
        super().__init__(world, quantity)
        self._at = at
        self._scale = scale
        self._asked = False

    def write(self, data: bytes) -> None:
        self._asked = data == b"\xff\x01\x86\x00\x00\x00\x00\x00\x79"

    def read(self) -> bytes:
        """The answer to the last command, once."""
        if not self._asked:
            return b""
        self._asked = False
        steps = min(max(int(self.value() / self._scale + 0.5), 0), 65535)
        frame = bytearray(9)
        frame[0] = 0xFF
        frame[1] = 0x86
        frame[self._at] = steps >> 8
        frame[self._at + 1] = steps & 0xFF
        frame[8] = -sum(frame[1:8]) & 0xFF
        return self._on_the_line(bytes(frame))


class Ranger(SerialSensor):
    """Sends a distance (mm) every 100 ms; a UART's buffer keeps a few."""

    EVERY_MS = 100
    KEPT = 3

    def __init__(self, world: World, quantity):
        super().__init__(world, quantity)
        self._sent_at = world.now

    def read(self) -> bytes:
        """The frames since the last call."""
        count = (self.world.now - self._sent_at) // self.EVERY_MS
        self._sent_at += count * self.EVERY_MS
        sent = b""
        for _ in range(min(count, self.KEPT)):
            mm = int(self.value() + 0.5)
            high, low = mm >> 8, mm & 0xFF
            sent += self._on_the_line(bytes((0xFF, high, low, 0xFF + high + low & 0xFF)))
        return sent
