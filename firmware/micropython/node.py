"""One board, wired: product, report gate and CoAP link. No I/O and no clock; `main` owns those."""

import senml
from links.coap_client import CoapClient
from links.coap_server import CoapServer
from products.inputs import StimulusError
from reporting import AT_ONCE, ReportGate

from protocols.wire import coap


def take_line(product, emit, now: int, text: str) -> bool:
    """Hand a line of the stimulus to the product; whether there was one that it understood."""
    words = text.split()
    if not words:
        return False
    try:
        product.stimulate(words, now)
    except StimulusError as error:
        emit("error", line=text, message=str(error))
        return False
    emit("stimulus", line=text)
    return True


class PolledNode:
    """A board that pushes nothing and only answers its serial line."""

    def __init__(self, product, emit):
        self.product = product
        self._emit = emit

    def step(self, now: int) -> None:
        """Sample."""
        self.product.sample(now)

    def line(self, now: int, text: str) -> None:
        """Take a line of the stimulus."""
        if take_line(self.product, self._emit, now, text):
            self.step(now)


class Node:
    """``send(peer, datagram)`` puts a datagram on the wire, ``emit(event, **fields)`` tells the bench,
    ``utc()`` gives seconds since 1970 or ``None`` while the clock is not set."""

    def __init__(self, product, client: CoapClient, *, device: str, boot: int, gateway: bytes, period_ms: int, io):
        self.product = product
        self._client = client
        self._server = CoapServer(product, io.emit, client.next_mid, gateway)
        self._gate = ReportGate(period_ms, product.watched, product.jumps)
        self._device = device
        self._boot = boot
        self._seq = 0
        self._gateway = gateway
        self._io = io

    def step(self, now: int) -> None:
        """Sample, report if it is time, and send what is due."""
        self.product.sample(now)
        values = self.product.snapshot()
        due = self._gate.due(now, values)
        if due:
            self._seq += 1
            pack = senml.pack(self._device, self._boot, self._seq, values, self._io.utc())
            self._client.offer(now, self._seq, pack, due == AT_ONCE)
        self._flush(now)

    def datagram(self, now: int, peer: bytes, data: bytes) -> None:
        """Take whatever arrived at the socket."""
        try:
            message = coap.decode(data)
        except coap.CoapError:
            self._reply(peer, coap.reject(data))
            return
        kind, code, mid = message[:3]
        if 0 < code < 32:
            # What a command changed is reported with the next sample; a sample for each request would feed a flood.
            self._reply(peer, self._server.answer(now, peer, message))
        elif kind == coap.CON and code == coap.EMPTY:
            self._reply(peer, coap.encode(coap.RST, 0, mid))
        elif peer == self._gateway:
            self._reply(peer, self._client.receive(now, message))
            self._flush(now)

    def line(self, now: int, text: str) -> None:
        """Take a line of the stimulus."""
        if take_line(self.product, self._io.emit, now, text):
            self.step(now)

    def _flush(self, now: int) -> None:
        datagram = self._client.poll(now)
        if datagram is not None:
            self._io.send(self._gateway, datagram)

    def _reply(self, peer: bytes, answer: bytes | None) -> None:
        if answer is not None:
            self._io.send(peer, answer)
