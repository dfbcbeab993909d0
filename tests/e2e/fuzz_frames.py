"""Malformed frames: valid ones broken in the ways that a hostile peer or a bad line breaks them, and plain noise."""

import random
from collections.abc import Callable, Sequence

from protocols.wire import coap, link, modbus_rtu, modbus_tcp

Frames = Callable[[], bytes]


class Mutator:
    """Another broken frame at each call. The same ``seed`` gives the same frames."""

    def __init__(self, seed: int, valid: Sequence[bytes], longest: int) -> None:
        self.dice = random.Random(seed)
        self._valid = valid
        self._longest = longest
        self._ways: tuple[Frames, ...] = (
            self._noise,
            self._cut,
            self._flipped,
            self._grown,
            self._overstated,
            self._spliced,
        )

    def __call__(self) -> bytes:
        return self.dice.choice(self._ways)()[: self._longest]

    def _one(self) -> bytes:
        return self.dice.choice(self._valid)

    def _place(self, frame: bytes | bytearray) -> int:
        return self.dice.randrange(len(frame))

    def _noise(self) -> bytes:
        return self.dice.randbytes(self.dice.choice((1, 3, 4, 7, 8, 30, 255, self._longest)))

    def _cut(self) -> bytes:
        frame = self._one()
        return frame[: self._place(frame)]

    def _flipped(self) -> bytes:
        frame = bytearray(self._one())
        for _ in range(self.dice.randint(1, 8)):
            frame[self._place(frame)] ^= 1 << self.dice.randrange(8)
        return bytes(frame)

    def _grown(self) -> bytes:
        frame = self._one()
        at = self._place(frame)
        return frame[:at] + self.dice.randbytes(self.dice.randint(1, 40)) + frame[at:]

    def _overstated(self) -> bytes:
        """A length or a count as large as can be, wherever it stands."""
        frame = bytearray(self._one())
        at = self._place(frame)
        frame[at : at + 2] = b"\xff\xff"
        return bytes(frame)

    def _spliced(self) -> bytes:
        one, other = self._one(), self._one()
        return one[: self._place(one)] + other[self._place(other) :]


def coap_frames(seed: int, pack: bytes) -> Mutator:
    """Datagrams for a CoAP door: posts, block-wise parts, observations, other resources, pings, answers."""
    readings, other = [(coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, b"\x6e")], [(coap.URI_PATH, b"config")]
    observe, block2, block1, oscore = (6, b"\0"), (23, b"\x06"), (27, b"\x0e"), (9, b"\x09\x01\x01")
    valid = [
        coap.encode(coap.CON, coap.POST, 0x1234, b"tok", readings, payload=pack),
        coap.encode(coap.NON, coap.POST, 0x1235, b"", readings, payload=pack),
        coap.encode(coap.CON, coap.POST, 0x1236, b"b", sorted([*readings, block1]), payload=pack[:64]),
        coap.encode(coap.CON, coap.GET, 0x1237, b"g", sorted([*other, observe, block2])),
        coap.encode(coap.CON, coap.GET, 0x1238, b"w", [(coap.URI_PATH, b".well-known"), (coap.URI_PATH, b"core")]),
        coap.encode(coap.CON, coap.POST, 0x1239, b"o", [oscore], payload=bytes(40)),
        coap.encode(coap.ACK, coap.CHANGED, 0x123A, b"a"),
        coap.encode(coap.CON, coap.CONTENT, 0x123B, b"n", [observe], payload=pack),
        coap.encode(coap.RST, coap.EMPTY, 0x123C),
    ]
    return Mutator(seed, valid, 1200)


def http_heads(seed: int, token: str, pack: bytes) -> Mutator:
    """Bytes for an HTTP port, a connection each."""
    auth = f"Authorization: Bearer {token}\r\nContent-Type: application/senml+json\r\n".encode()
    valid = [
        b"POST /api/v1/readings HTTP/1.1\r\nHost: x\r\n" + auth + b"Content-Length: %d\r\n\r\n" % len(pack) + pack,
        b"POST /api/v1/readings HTTP/1.1\r\nHost: x\r\n"
        + auth
        + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(pack)
        + pack
        + b"\r\n0\r\n\r\n",
        b"GET /api/v1/devices?limit=1 HTTP/1.1\r\nHost: x\r\nCookie: gengfu_session=gfs_x\r\n\r\n",
        b"PUT /login HTTP/1.0\r\n\r\n",
    ]
    return Mutator(seed, valid, 20_000)


def modbus_tcp_answers(seed: int) -> Frames:
    """Frames of a Modbus TCP slave: whole MBAP frames about anything, and now and then a stream that is none."""
    valid = [bytes((4, 50)) + bytes(50), bytes((0x84, 2)), bytes((5, 0, 0, 0xFF, 0)), bytes((3, 4, 1, 2, 3, 4))]
    pdus = Mutator(seed, valid, 250)
    dice = pdus.dice

    def answer() -> bytes:
        if dice.randrange(20_000) == 0:
            return dice.randbytes(40)
        return modbus_tcp.frame(dice.randrange(0x10000), dice.randrange(4), pdus() or b"\0")

    return answer


def modbus_rtu_answers(seed: int) -> Frames:
    """Bytes on a Modbus line: frames of all units with right and wrong checksums, and noise."""
    valid = [
        modbus_rtu.frame(1, bytes((4, 50)) + bytes(50)),
        modbus_rtu.frame(2, bytes((0x84, 2))),
        modbus_rtu.frame(1, bytes((4, 48)) + bytes(48)),
        modbus_rtu.frame(1, bytes((5, 0, 0, 0xFF, 0))),
    ]
    broken = Mutator(seed, valid, 256)
    return lambda: broken.dice.choice(valid) if broken.dice.randrange(4) == 0 else broken()


def link_frames(seed: int, device: bytes) -> Mutator:
    """Bytes on a serial link: what boards say, broken."""
    valid = [
        link.encode(link.HELLO, 1, 3, (77, 100), device),
        link.encode(link.DATA, 1, 4, (77, 1, 0), b'[{"n":"fill","v":1}]'),
        link.encode(link.IDLE, 1, 5, (0,)),
        link.encode(link.RESULT, 1, 6, (9, 0)),
        link.encode(link.DATA, 9, 4, (77, 2, 1), bytes(range(1, 250))),
        link.encode(link.POLL, 1, 7, (1,)),
    ]
    return Mutator(seed, valid, 1200)
