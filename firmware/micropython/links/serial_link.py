"""Delivery of readings and obedience to commands over the framed serial link (`protocols.wire.link`).

A link that delivers readings gives this to the rest of the board, whatever wire it speaks:

    offer(now, seq, payload, urgent)     queue a pack; the oldest that is not on its way makes room, and is counted.
                                         ``payload``: bytes, or a function of ``now`` that makes them when they leave
    told_time                            called with ``now`` and UTC ms, where the gateway tells the time
    settled                              called with the ``payload`` of a pack that the gateway took or refused for good
    waiting, dropped                     packs not yet taken by the gateway; packs that made room
    taken                                how many packs the gateway has acknowledged
    poll(now) -> bytes | None            what to send now without being asked
    receive(now, data) -> list of bytes  what arrived from the gateway; what to send for it

Only «acknowledged» removes a pack (and «refused» by a gateway that will never take it). Here `poll` has nothing to
say: a board on a line speaks when it is asked, and the longest-waiting pack is in the answer.

Commands are the names of the product, done once however often they are heard; everything else is refused, and nothing
moves (S2). The line carries no proof of who speaks: it is for wires inside one cabinet or building. No I/O, no clock.
"""

from clock import is_told

from protocols.wire import link
from protocols.wire.link_node import EMPTY, PAUSED, Node

_NO_PACK = ()


async def serve(serial_link, uart, ticks) -> None:
    """Carry bytes between ``uart`` (`hal.Uart`) and ``serial_link``, for ever."""
    while True:
        await uart.wait()
        for reply in serial_link.receive(ticks(), uart.read()):
            uart.write(reply)


class SerialLink:
    """``address`` 1-247 on the line; ``device``, ``boot``: as in the packs; ``emit``: called with an event's name and
    its fields; ``ring``: packs kept; ``firmware``: version as `protocols.wire.link` says."""

    def __init__(
        self, product, emit, *, address: int, device: str, boot: int, firmware: int = 0, ring: int = 128, resend_ms=1000
    ):
        self._product = product
        self._emit = emit
        self._size = ring
        self._ring = []
        self._pack: tuple = _NO_PACK
        self._node = Node(address, device.encode(), boot, firmware=firmware, resend_ms=resend_ms)
        self._utc_minus_now = None
        self.told_time = None
        self.dropped = 0
        self.taken = 0
        self.settled = None

    @property
    def waiting(self) -> int:
        """Packs that the gateway has not yet taken."""
        return len(self._ring)

    @property
    def noise(self) -> int:
        """Pieces heard that were no frame."""
        return self._node.noise

    def offer(self, now: int, seq: int, payload, urgent: bool) -> None:
        """Queue a pack of at most 1024 bytes; a longer one is refused and told when its turn has come.

        ``urgent`` ends a long wait for an acknowledgement. While the gateway asks for a pause the urgent pack itself
        goes ahead of the older ones: it must be judged.
        """
        if len(self._ring) >= self._size:
            self._make_room()
        pack = (seq, payload)
        self._ring.append(pack)
        if urgent:
            self._node.hurry(now)
            if self._node.state == PAUSED and self._node.unload():
                self._load(now, pack)
        self._load_next(now)

    def poll(self, _now: int) -> bytes | None:
        """Nothing: see above."""
        return None

    def receive(self, now: int, data: bytes) -> list:
        """What to send for ``data``; nothing raises, whatever the line brings."""
        for event in self._node.feed(now, data):
            self._obey(now, event)
        self._load_next(now)
        if self._node.sends(now):
            self._compose(now)
        self._node.more = len(self._ring) > 1
        attempts = self._node.attempts
        answer = self._node.poll(now)
        if self._node.attempts > attempts > 0:
            self._emit("retransmit", seq=self._pack[0], attempt=attempts)
        return [] if answer is None else [answer]

    def utc(self, now: int) -> float | None:
        """Seconds since 1970 by the gateway's last word; ``None`` before it."""
        return None if self._utc_minus_now is None else (now + self._utc_minus_now) / 1000

    def _make_room(self) -> None:
        oldest = 1 if self._ring[0] is self._pack else 0
        if oldest < len(self._ring):
            gone = self._ring.pop(oldest)
            self.dropped += 1
            self._emit("dropped", seq=gone[0], count=self.dropped)

    def _load_next(self, now: int) -> None:
        while self._node.state == EMPTY and self._ring:
            self._load(now, self._ring[0])

    def _load(self, now: int, pack: tuple) -> None:
        self._pack = pack
        payload = _made(pack, now)
        if len(payload) > link.MAX_PAYLOAD:
            self._refused("too long", "{} bytes".format(len(payload)))
            self._done()
        else:
            self._node.load(payload)

    def _compose(self, now: int) -> None:
        """Write the pack anew, with its age of now: it may have waited for hours to be asked for."""
        payload = _made(self._pack, now)
        if len(payload) <= link.MAX_PAYLOAD:
            self._node.refresh(payload)

    def _obey(self, now: int, event) -> None:
        if event.kind == link.ACK:
            self._emit("acknowledged", seq=self._pack[0], number=event.number)
            self.taken += 1
            self._done()
        elif event.kind == link.NAK:
            self._refused(str(event.value), "")
            self._done()
        elif event.kind == link.BUSY:
            self._refused("busy", "{} ms".format(event.value))
        elif event.kind == link.COMMAND:
            done = self._command(now, _printable(event.data))
            self._node.result(event.number, link.DONE if done else link.REFUSED)
        elif event.kind == link.TIME and is_told(event.value):
            self._utc_minus_now = event.value - now
            if self.told_time is not None:
                self.told_time(now, event.value)

    def _command(self, now: int, name: str) -> bool:
        if name in self._product.commands and self._product.command(name, now):
            self._emit("command", name=name)
            return True
        self._emit("refused", command=name, code="serial")
        return False

    def _refused(self, code: str, diagnostic: str) -> None:
        self._emit("refused", seq=self._pack[0], code=code, diagnostic=diagnostic)

    def _done(self) -> None:
        done = self._pack
        self._ring = [one for one in self._ring if one is not done]
        self._pack = _NO_PACK
        if self.settled is not None:
            self.settled(done[1])


def _made(pack: tuple, now: int) -> bytes:
    return pack[1] if isinstance(pack[1], bytes) else pack[1](now)


def _printable(data: bytes) -> str:
    """ASCII; what else a peer sends is shown as dots."""
    return "".join([chr(byte) if 32 <= byte < 127 else "." for byte in data])
