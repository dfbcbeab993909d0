"""asyncua's connection to a server, held to what a gateway needs.

asyncua 1.1.8 as it comes leaves requests without an answer for ever when the connection breaks, takes chunks of any
length that a peer announces, polls the server by itself, and logs a traceback for each broken connection; not here.
"""

import asyncio
import logging
from typing import Any

from asyncua import ua  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed
from asyncua.client.client import Client  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed
from asyncua.client.ua_client import UaClient, UASocketProtocol  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed
from asyncua.common.connection import TransportLimits  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed
from asyncua.crypto.security_policies import SecurityPolicy  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed
from asyncua.ua.ua_binary import (  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed
    nodeid_from_binary,
    struct_from_binary,
)

from gateway.diagnostics import Diagnosis

# What goes wrong is told by our own errors, with the place and what to do; asyncua would add a traceback each time.
logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)

LONGEST_CHUNK = 65_535
MOST_CHUNKS = 256
LONGEST_MESSAGE = 16 * 1024 * 1024
"""16 MB: thousands of nodes in one answer are below 1 MB."""
SESSION_MS = 60_000
"""A server forgets us so long after we fell silent."""


class _Told(asyncio.Transport):
    """A transport that tells the diagnosis what leaves."""

    def __init__(self, transport: asyncio.Transport, diagnosis: Diagnosis) -> None:
        super().__init__()
        self._transport = transport
        self._diagnosis = diagnosis

    def write(self, data: Any) -> None:
        self._diagnosis.sent(data)
        self._transport.write(data)

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


class Protocol(UASocketProtocol):  # type: ignore[misc]  # a class without types
    """``refusal``: what the server said before it hung up, if it said anything."""

    def __init__(self, timeout: float, policy: SecurityPolicy, diagnosis: Diagnosis) -> None:
        limits = TransportLimits(LONGEST_CHUNK, LONGEST_CHUNK, MOST_CHUNKS, LONGEST_MESSAGE)
        super().__init__(timeout, policy, limits)
        self._diagnosis = diagnosis
        self.refusal = ""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.transport = _Told(transport, self._diagnosis)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for waiting in self._callbackmap.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError(self.refusal or "the server closed the connection"))
        self._callbackmap.clear()

    def _send_request(self, *given: Any, **named: Any) -> Any:
        if self.state == self.CLOSED:
            raise ConnectionError(self.refusal or "the server closed the connection")
        return super()._send_request(*given, **named)

    def data_received(self, data: bytes) -> None:
        self._diagnosis.received(data)
        super().data_received(data)
        if self.receive_buffer and len(self.receive_buffer) > LONGEST_CHUNK:
            self.refusal = f"the server sends a chunk of more than {LONGEST_CHUNK} bytes"
            self.abort()

    def _process_received_message(self, msg: Any) -> None:
        if isinstance(msg, ua.ErrorMessage):
            code = "" if msg.Error is None else msg.Error.name
            self.refusal = f"the server says {code} {msg.Reason or ''}".rstrip()
        elif isinstance(msg, ua.Message) and not self._connection.is_open():
            self._look_for_fault(msg.body().copy())
        super()._process_received_message(msg)

    def _look_for_fault(self, body: Any) -> None:
        """A channel that is refused: asyncua takes the answer for the channel's and forgets the reason."""
        if nodeid_from_binary(body) == ua.FourByteNodeId(ua.ObjectIds.ServiceFault_Encoding_DefaultBinary):
            header = struct_from_binary(ua.ResponseHeader, body)
            self.refusal = f"the server says {header.ServiceResult.name}"

    def abort(self) -> None:
        """Hang up at once."""
        if self.transport is not None:
            self.transport.abort()


class _UaClient(UaClient):  # type: ignore[misc]  # a class without types
    def __init__(self, timeout: float, diagnosis: Diagnosis) -> None:
        super().__init__(timeout)
        self._diagnosis = diagnosis

    def _make_protocol(self) -> Protocol:
        self.protocol = Protocol(self._timeout, self.security_policy, self._diagnosis)
        self.protocol.pre_request_hook = self._pre_request_hook
        return self.protocol


class QuietClient(Client):  # type: ignore[misc]  # a class without types
    """asyncua's client; that the server lives is seen by its publishing, not by polls of asyncua's own."""

    def __init__(self, url: str, timeout_s: float, diagnosis: Diagnosis) -> None:
        super().__init__(url, timeout_s)
        self.uaclient = _UaClient(timeout_s, diagnosis)
        self.uaclient.pre_request_hook = self.check_connection
        self.session_timeout = SESSION_MS
        self.name = self.description = "Gengfu gateway"
        self.product_uri = "urn:gengfu"

    async def _monitor_server_loop(self) -> None:
        await asyncio.get_running_loop().create_future()

    async def _renew_channel_loop(self) -> None:
        # Part 4, 5.5.2.1: a new token is asked for after 75 % of the old one's lifetime.
        while True:
            await asyncio.sleep(self.secure_channel_timeout * 0.75 / 1000)
            await self.open_secure_channel(renew=True)

    @property
    def refusal(self) -> str:
        """What the server said before it hung up."""
        protocol = self.uaclient.protocol
        return protocol.refusal if isinstance(protocol, Protocol) else ""

    async def drop(self) -> None:
        """End everything at once, whether the server answers or not."""
        asked: tuple[Any, ...] = (self._monitor_server_task, self._renew_channel_task)
        tasks: list[asyncio.Task[None]] = [one for one in asked if one is not None]
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if isinstance(self.uaclient.protocol, Protocol):
            self.uaclient.protocol.abort()
