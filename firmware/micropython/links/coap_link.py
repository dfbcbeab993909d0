"""Builds a board's CoAP link: client, server, the door between them and the socket; with OSCORE if asked for."""

import hal
from backlog import AHEAD
from clock import set_port
from hal import net
from noise import Noise

from links.coap_client import CoapClient
from links.coap_door import CoapDoor
from links.coap_server import CoapServer
from links.network import opened


class CoapLink:
    """``settings``: typed; ``device``: commands go there; ``folder``: of the credential.

    ``client``: goes behind the `backlog`. An OSCORE credential that cannot be used leaves the link down, with nothing
    sent and nothing believed: it never falls back to plain CoAP. A socket that cannot be opened is tried again.
    """

    def __init__(self, settings: dict, device, store, folder: str, crash_log):
        self._gateway = settings["gateway"]
        self._device = device
        self._crash_log = crash_log
        self._udp = None
        # Message ids and tokens are never repeatable: a restart must not reuse those of the run before.
        # The backlog keeps the readings; here is what it lets go ahead, and the one on its way.
        client = CoapClient(
            Noise(hal.entropy()),
            hal.emit,
            ack_timeout_ms=int(settings["ack-timeout"] * 1000),
            ring=AHEAD + 1,
            told_time=_set_clock,
        )
        self._plain = None if settings["oscore"] else client
        self._endpoint = None
        self.client = client
        if settings["oscore"]:
            self._secure(store, folder + "/" + settings["oscore"])

    def send(self, datagram: bytes) -> None:
        """To the gateway; lost while there is no socket, as the network may lose it."""
        if self._udp is not None:
            self._udp.send(self._udp.gateway, datagram)

    async def serve(self, delivery, ticks) -> None:
        """Carry what arrives, for ever."""
        if self._plain is None and self._endpoint is None:
            return
        host, _, port = self._gateway.rpartition(":")
        if self._udp is None:
            self._udp = await opened("gateway " + self._gateway, lambda: net.Udp(host, int(port)))
        udp = self._udp
        door = CoapDoor(delivery, self._server(udp.gateway), udp.gateway, udp.send)
        while True:
            # One datagram for each turn of the loop: a flood must not keep the sampling waiting.
            await udp.wait()
            arrived = udp.receive()
            if arrived is not None:
                door.datagram(ticks(), arrived[0], arrived[1])

    def _server(self, gateway):
        if self._plain is not None:
            return CoapServer(self._device, hal.emit, self._plain.next_mid, gateway, self._crash_log)
        secure = __import__("links.coap_secure", None, None, ("SecureServer",))
        return secure.SecureServer(self._device, hal.emit, self.client.next_mid, self._endpoint, self._crash_log)

    def _secure(self, store, path: str) -> None:
        # 27 KB that a board without OSCORE has no use for.
        security = __import__("security")
        secure = __import__("links.coap_secure", None, None, ("SecureClient",))
        block = __import__("aes_block", None, None, ("aes_ecb",)).aes_ecb
        try:
            self._endpoint = security.Endpoint(security.load(path), store, block, hal.entropy)
        except (security.CredentialError, security.SequenceLost) as error:
            hal.emit("error", message=f"oscore: {error}; nothing is sent until it is mended")
            self.client = __import__("links.no_link", None, None, ("NoLink",)).NoLink()
            return
        self.client = secure.SecureClient(self.client, self._endpoint, hal.emit)


def _set_clock(_now: int, utc_ms: int) -> None:
    """The gateway's time, for the board's own clock where it has one: the end of life hangs on the date."""
    set_port(hal, utc_ms)
