"""Frames of Gengfu's serial link: one master (the gateway) and up to 247 boards on one line.

The master speaks; a board answers one frame with one frame, and only a frame to its own address. So the same bytes
run on a half-duplex RS-485 pair with 30 boards and on a full-duplex line with one. `link_node` is the board's end,
`link_master` the gateway's. Shared with the firmware (MicroPython subset). Numbers are sent high byte first.

    on the line: 00, COBS of the frame, 00. The first 00 ends whatever noise came before.

    offset  size  field
    0       1     version (1) in the high four bits, kind in the low four
    1       1     address of the board, 1-247, in both directions; 0: to all (TIME only, nobody answers)
    2       1     turn: counts the master's questions; the answer repeats it
    3       n     body
    3 + n   4     CRC-32 over all before

    kind          from    body
    1  POLL       master  flags u8 (1: say HELLO)
    2  ACK        master  boot u32, number u32: this message is durable (number 0: the HELLO was heard)
    3  NAK        master  boot u32, number u32, reason u8: it will never be taken
    4  BUSY       master  boot u32, number u32, retry after u32 (ms): not now
    5  COMMAND    master  id u32, name 1-32 bytes
    6  TIME       master  ms since 1970 (UTC) when the frame's last byte arrives, u64
    8  IDLE       board   flags u8 (1: more is waiting)
    9  DATA       board   boot u32, number u32, flags u8 (1: more is waiting), payload 0-1024 bytes (SenML JSON)
    10 HELLO      board   boot u32, firmware u32 (major * 10000 + minor * 100 + patch), device id 1-64 bytes
    11 RESULT     board   id u32, status u8 (0 done, 1 refused)

Boot and number identify a message on this link: numbers count up from 1 in each boot and are never used again for
another reading. What identifies the reading everywhere else (boot, seq) is inside the payload.

CRC-32, not the CRC-16 of Modbus: of damaged frames 1 in 65,536 passes a CRC-16. A line where 30 boards are polled ten
times a second and one frame in ten is hurt would take a wrong reading or command every 18 hours; with CRC-32 every 136
years. It is also the faster one: `binascii.crc32` is machine code in both interpreters.
"""

import binascii
import struct

from protocols.wire import cobs

VERSION = 1

POLL = 1
ACK = 2
NAK = 3
BUSY = 4
COMMAND = 5
TIME = 6
IDLE = 8
DATA = 9
HELLO = 10
RESULT = 11
# Not on the line: what a `link_master.Master` tells of a board or a command.
LOST = 16
FOUND = 17
EXPIRED = 18
STRANGER = 19

TO_ALL = 0
LAST_ADDRESS = 247
SAY_HELLO = 1
MORE = 1
DONE = 0
REFUSED = 1

MAX_PAYLOAD = 1024
HEADER = 3
CRC_SIZE = 4
# The fixed fields of each body, and the least and the most bytes behind them.
BODIES = {
    POLL: (">B", 0, 0),
    ACK: (">II", 0, 0),
    NAK: (">IIB", 0, 0),
    BUSY: (">III", 0, 0),
    COMMAND: (">I", 1, 32),
    TIME: (">Q", 0, 0),
    IDLE: (">B", 0, 0),
    DATA: (">IIB", 0, MAX_PAYLOAD),
    HELLO: (">II", 1, 64),
    RESULT: (">IB", 0, 0),
}
MAX_FRAME = HEADER + 9 + MAX_PAYLOAD + CRC_SIZE
MAX_ENCODED = MAX_FRAME + 1 + MAX_FRAME // cobs.LONGEST_BLOCK


class LinkError(Exception):
    """Bytes between two 00 that are no frame of this link: noise, a half frame, another version."""


class Event:
    """What a frame told its receiver. Fields that its kind does not have are 0 or empty.

    kind      address  boot  number      value             data
    ACK       -        -     of message  -                 -
    NAK       -        -     of message  reason            -
    BUSY      -        -     of message  retry after, ms   -
    COMMAND   -        -     id          -                 name
    TIME      -        -     -           ms since 1970     -
    HELLO     board    yes   -           firmware          device id
    DATA      board    yes   of message  flags             payload
    RESULT    board    -     id          status            -
    EXPIRED   board    -     id          -                 name
    LOST      board    -     -           -                 -
    FOUND     board    -     -           -                 -
    STRANGER  board    yes   -           -                 device id
    """

    __slots__ = ("address", "boot", "data", "kind", "number", "value")

    def __init__(
        self, kind: int, *, address: int = 0, boot: int = 0, number: int = 0, value: int = 0, data: bytes = b""
    ) -> None:
        self.kind = kind
        self.address = address
        self.boot = boot
        self.number = number
        self.value = value
        self.data = data


def encode(kind: int, address: int, turn: int, fields: "tuple[int, ...]", tail: bytes = b"") -> bytes:
    """The bytes on the line. ``fields`` and ``tail`` as `BODIES` says; raises `ValueError` for a tail that does not
    fit its kind."""
    layout, least, most = BODIES[kind]
    if not least <= len(tail) <= most:
        raise ValueError("kind {} carries {} to {} bytes, not {}".format(kind, least, most, len(tail)))
    raw = bytes((VERSION << 4 | kind, address, turn)) + struct.pack(layout, *fields) + tail
    return b"\0" + cobs.encode(raw + struct.pack(">I", binascii.crc32(raw))) + b"\0"


def decode(data: bytes) -> "tuple[int, int, int, tuple[int, ...], bytes]":
    """(kind, address, turn, fields, tail) of what stood between two 00; raises `LinkError` for any other bytes."""
    try:
        raw = cobs.decode(data)
    except cobs.CobsError as error:
        raise LinkError(str(error)) from None
    end = len(raw) - CRC_SIZE
    if end < HEADER or struct.unpack(">I", raw[end:])[0] != binascii.crc32(memoryview(raw)[:end]):
        raise LinkError("{} bytes without a good CRC".format(len(raw)))
    kind = raw[0] & 15
    if raw[0] >> 4 != VERSION or kind not in BODIES or raw[1] > LAST_ADDRESS or (raw[1] == TO_ALL) != (kind == TIME):
        raise LinkError("version {}, kind {}, address {}".format(raw[0] >> 4, kind, raw[1]))
    layout, least, most = BODIES[kind]
    start = HEADER + struct.calcsize(layout)
    if not least <= end - start <= most:
        raise LinkError("kind {} of {} bytes".format(kind, len(raw)))
    return kind, raw[1], raw[2], struct.unpack(layout, raw[HEADER:start]), raw[start:end]


def head(data: bytes) -> "tuple[int, int] | None":
    """(kind, address) of an encoded frame without decoding or checking it; ``None`` where it does not show.

    On a shared line most frames are other boards': this spares their CRC. Kind and address are at the front and not
    0, so COBS leaves them in their places; only TIME has an address of 0.
    """
    if len(data) < HEADER or data[0] < HEADER:
        return None
    return data[1] & 15, data[2]


class Receiver:
    """Bytes in, what stands between 00s out. Keeps at most `MAX_ENCODED` bytes, whatever arrives.

    ``overlong`` counts runs of bytes that no frame can have; they are thrown away up to the next 00.
    """

    def __init__(self) -> None:
        self.overlong = 0
        self._buffer = bytearray(MAX_ENCODED)
        self._size = 0
        self._lost = False

    def feed(self, data: "bytes | bytearray | memoryview") -> "list[bytes]":
        """The pieces now complete, never empty. Raises nothing."""
        found: "list[bytes]" = []
        chunk = bytes(data)
        start = 0
        while start < len(chunk):
            end = chunk.find(b"\0", start)
            self._keep(chunk, start, len(chunk) if end < 0 else end)
            if end < 0:
                break
            if self._size and not self._lost:
                found.append(bytes(memoryview(self._buffer)[: self._size]))
            self._size = 0
            self._lost = False
            start = end + 1
        return found

    def _keep(self, chunk: bytes, start: int, end: int) -> None:
        size = self._size + end - start
        if self._lost or size > MAX_ENCODED:
            self.overlong += not self._lost
            self._lost = True
            return
        self._buffer[self._size : size] = memoryview(chunk)[start:end]
        self._size = size
