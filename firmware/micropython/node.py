"""One board, wired: product, report gate and CoAP link. No I/O and no clock; `main` owns those."""

import senml
from links.coap_client import CoapClient
from links.coap_server import CoapServer
from products.inputs import StimulusError
from reporting import AT_ONCE, ReportGate

from protocols.wire import coap


class Node:
    """``send(peer, datagram)`` puts a datagram on the wire, ``emit(event, **fields)`` tells the bench,
    ``utc()`` gives seconds since 1970 or ``None`` while the clock is not set."""

    def __init__(self, product, client: CoapClient, *, device: str, boot: int, gateway: bytes, period_ms: int, io):
        self.product = product
        self._client = client
        self._server = CoapServer(product, io.emit, client.next_mid)
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
            self._reply(peer, self._server.answer(now, peer, message))
            self.step(now)
        elif kind == coap.CON and code == coap.EMPTY:
            self._reply(peer, coap.encode(coap.RST, 0, mid))
        elif peer == self._gateway:
            self._reply(peer, self._client.receive(now, message))
            self._flush(now)

    def line(self, now: int, text: str) -> None:
        """Take a line of the stimulus."""
        words = text.split()
        if not words:
            return
        try:
            self.product.stimulate(words, now)
        except StimulusError as error:
            self._io.emit("error", line=text, message=str(error))
            return
        self._io.emit("stimulus", line=text)
        self.step(now)

    def _flush(self, now: int) -> None:
        datagram = self._client.poll(now)
        if datagram is not None:
            self._io.send(self._gateway, datagram)

    def _reply(self, peer: bytes, answer: bytes | None) -> None:
        if answer is not None:
            self._io.send(peer, answer)
