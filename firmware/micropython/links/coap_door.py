"""The board's UDP socket: what arrives goes to the client or the server of the link, what they answer goes out.

No I/O: `links.coap_link` carries the datagrams.
"""

from protocols.wire import coap


class CoapDoor:
    """``delivery``: `delivery.Delivery` over a `CoapClient`; ``server``: `CoapServer`; ``gateway``: its peer;
    ``send(peer, datagram)``."""

    def __init__(self, delivery, server, gateway: bytes | tuple, send):
        self._delivery = delivery
        self._server = server
        self._gateway = gateway
        self._send = send

    def datagram(self, now: int, peer: bytes | tuple, data: bytes) -> None:
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
            for answer in self._delivery.receive(now, message):
                self._send(peer, answer)

    def _reply(self, peer: bytes | tuple, answer: bytes | None) -> None:
        if answer is not None:
            self._send(peer, answer)
