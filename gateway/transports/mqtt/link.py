"""One connection to an MQTT broker: paho-mqtt speaks, our event loop carries, uplinks are cut out before it.

paho connects, subscribes, publishes and keeps alive, on a socket that is our loop's transport (TCP or TLS): it has no
thread, waits for nothing and resolves no name. A PUBLISH does not reach it: `protocols.mqtt` decodes it, and its
acknowledgement is four octets of ours, sent when the message is durable (paho alone takes 22k messages a CPU second).
Every connection has a paho client of its own, so that nothing which was not acknowledged is published again later by
itself: a command that comes late is worse than one that is known not to have left.

A session that outlives us may bring messages that waited for an unknown time. Where the gap was long, they are marked
old until a mark of ours, published at once and queued behind them, comes back.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.diagnostics import Diagnosis
from gateway.errors import BusDown, DeviceRefused, DeviceSilent
from gateway.transports.mqtt.driver import DriverSocket, Hello, driver, properties
from gateway.transports.mqtt.numbers import Numbers
from gateway.transports.mqtt.window import Window
from protocols import mqtt
from protocols.errors import DecodeError

LARGEST_PACKET = 256 * 1024
"""A SenML pack has at most 64 KiB; a Sparkplug birth names every metric of a node."""
RECEIVE_MAXIMUM = 200
"""Messages under way at once (5.0, 3.1.2.11.3); a 3.1.1 broker has a setting of its own for it. Fewer than the samples
that the pipeline remembers of one device (1,024, `journal.recent`): all may be repeated after a kill."""
SESSION_S = 7 * 86400
"""How long the broker keeps what comes while we are away: as long as devices keep it (`ClockPart.max_behind_s`)."""
SHOWN_TOPIC = 200
"""Characters of a topic in the log and the diagnosis: a peer chooses it, and it may have 65535."""
TICK_S = 1.0
LOOK_S = 1.0
"""Nothing was acknowledged for so long: the window is stalled. Found out within twice of it."""
CONNACK = 0x20
"""First octet of the one packet that may come first."""
PINGREQ, PINGRESP = 0xC0, 0xD0
PUBLISHED_S = 5.0
LEAVE_S = 1.0
CATCH_UP_S = 60.0
"""After it messages are taken as fresh though the mark did not come back: the broker refuses its topic."""
NOBODY_LISTENS = 0x10
"""Reason code of a PUBACK (5.0, 3.4.2.1)."""


class Message(NamedTuple):
    """An uplink. ``is_old``: it waited at the broker for an unknown time."""

    publish: mqtt.Publish
    link: "Link"
    is_old: bool

    def taken(self) -> None:
        """It is durable, or will never be: the broker may forget it. Nothing happens after the connection ended."""
        if self.publish.qos:
            self.link.acknowledge(self.publish.packet_id)

    def refused(self) -> None:
        """It could not be stored: the broker shall repeat it."""
        if self.publish.qos:
            self.link.ask_again()


class Link(asyncio.Protocol):
    """``ready``: done when the broker has taken our subscriptions. ``ended``: done with the reason when the connection
    is gone. ``heard_at``: loop time at which anything came last."""

    def __init__(
        self,
        hello: Hello,
        take: Callable[[Message], None],
        refused: Callable[["Link"], None],
        diagnosis: Diagnosis,
        numbers: Numbers | None = None,
        stalled: Callable[["Link"], None] = lambda _link: None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.ended: asyncio.Future[str] = self._loop.create_future()
        self.heard_at = self._loop.time()
        self.is_behind = False
        self._hello = hello
        self._take = take
        self._refused = refused
        self._stalled = stalled
        self._numbers = Numbers() if numbers is None else numbers
        self.window = Window()
        self._diagnosis = diagnosis
        self._transport: asyncio.Transport | None = None
        self._socket = DriverSocket(self)
        self._paho = driver(hello, self._socket)
        self._paho.on_connect = self._on_connect
        self._paho.on_subscribe = self._on_subscribe
        self._paho.on_publish = self._on_publish
        self._paho.on_disconnect = self._on_disconnect
        self._paho.on_socket_register_write = lambda *_: self._flush_soon()
        self._packets: deque[mqtt.Packet] = deque()
        self._rest = b""
        self._out = bytearray()
        self._flushing = self._leaving = self._is_let_in = False
        self._reason = ""
        self._mark = b""
        self._owes_mark = False
        self._published: dict[int, asyncio.Future[ReasonCode]] = {}
        self._ticking: asyncio.TimerHandle | None = None
        self._looking: asyncio.TimerHandle | None = None
        self._catching_up: asyncio.TimerHandle | None = None

    @property
    def stands(self) -> bool:
        """Whether the broker has taken our subscriptions, and the connection is not gone."""
        return self.ready.done() and not self.ready.cancelled() and not self._reason

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        # uvloop's transport has the methods, but not the base class
        self._transport = cast("asyncio.Transport", transport)
        given = None
        if self._hello.version == MQTTProtocolVersion.MQTTv5:
            given = properties(
                PacketTypes.CONNECT,
                SessionExpiryInterval=SESSION_S if self._hello.keeps else 0,
                ReceiveMaximum=RECEIVE_MAXIMUM,
                MaximumPacketSize=LARGEST_PACKET,
            )
            self._paho.connect_async(
                "broker", keepalive=self._hello.keep_alive_s, clean_start=not self._hello.keeps, properties=given
            )
        else:
            self._paho.connect_async("broker", keepalive=self._hello.keep_alive_s)
        self._paho.reconnect()
        self._tick()

    def data_received(self, data: bytes) -> None:
        """Called by the loop. What cannot be followed ends the connection; the broker then repeats it."""
        self.heard_at = self._loop.time()
        data = self._rest + data if self._rest else data
        if not self._is_let_in and data[0] != CONNACK:
            self._diagnosis.failed("syntax")
            self.fail("the broker answered what is no MQTT; check that port and TLS are right")
            return
        try:
            packets, self._rest = mqtt.cut(data, LARGEST_PACKET)
        except DecodeError as error:
            self._diagnosis.failed("syntax")
            self.fail(f"the broker sent what is no MQTT ({error}); check that port and TLS are right")
            return
        self._packets.extend(packets)
        self._work()

    def _work(self) -> None:
        """Each packet in order; the loop reports one that raises, and the others follow it."""
        try:
            while self._packets and not self._reason:
                self._handle(self._packets.popleft())
        finally:
            if self._packets and not self._reason:
                self._loop.call_soon(self._work)

    def _handle(self, packet: mqtt.Packet) -> None:
        if packet.head >> 4 != mqtt.PUBLISH:
            if packet.head == PINGRESP:
                self._numbers.answered()
            self._socket.feed(packet.whole)
            if self._paho.loop_read() == MQTTErrorCode.MQTT_ERR_PROTOCOL and not self._reason:
                self._diagnosis.failed("syntax")
                self.fail("the broker sent what is no MQTT; check that port and TLS are right")
            return
        try:
            publish = mqtt.decode_publish(packet.head, packet.body, self._hello.version)
        except DecodeError as error:
            self._diagnosis.failed("syntax")
            self.fail(f"the broker sent {error}")
            return
        if not self._is_let_in or publish.qos == 2:
            self._diagnosis.failed("syntax")
            self.fail("the broker sent a message that was not asked for")
        elif publish.topic == self._hello.mark_topic:
            self._marked(publish)
        else:
            if publish.qos:
                self.window.took()
                if self._looking is None:
                    self._look()
            self._take(Message(publish, self, self.is_behind))

    def _look(self) -> None:
        if self._reason:
            return
        if self.window.look():
            self._stalled(self)
        self._looking = None if self.window.is_empty else self._loop.call_later(LOOK_S, self._look)

    def fall_behind(self) -> None:
        """What comes from now on is old, until the window moves and a mark sent then comes back: whoever calls this
        hears elsewhere what is new."""
        if self._hello.mark_topic:
            self.is_behind = self._owes_mark = True

    def _send_mark(self) -> None:
        self._owes_mark = False
        self._mark = secrets.token_hex(8).encode()
        self._paho.publish(self._hello.mark_topic, self._mark, qos=1)
        if self._catching_up is not None:
            self._catching_up.cancel()
        self._catching_up = self._loop.call_later(CATCH_UP_S, self._caught_up)

    def _marked(self, publish: mqtt.Publish) -> None:
        if publish.qos:
            self._put_puback(publish.packet_id)
        if publish.payload == self._mark and not self._owes_mark:
            self._caught_up()

    def _caught_up(self) -> None:
        self.is_behind = False
        self.window.remember()
        if self._catching_up is not None:
            self._catching_up.cancel()

    @property
    def is_caught_up(self) -> bool:
        """Whether nothing waits at the broker for want of room in the window."""
        return not self.is_behind and not self.window.is_stalled and self.window.is_settled

    def acknowledge(self, packet_id: int) -> None:
        """PUBACK. Acknowledgements of one turn of the loop leave together."""
        if not self._reason:
            self._put_puback(packet_id)
            self._numbers.acknowledged(packet_id)
            self.window.acknowledged()
            if self._owes_mark:
                self._send_mark()

    def _put_puback(self, packet_id: int) -> None:
        self._out += mqtt.encode_puback(packet_id)
        self._flush_soon()

    def ask_again(self) -> None:
        """What is not acknowledged is wanted once more."""
        if not self._reason:
            self._refused(self)

    def write(self, data: bytes | bytearray) -> None:
        """Called by paho with whole packets."""
        if data[0] == PINGREQ:
            self._numbers.pinged()
        self._out += data

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        while self._paho.want_write() and not self._reason:
            # after its goodbye paho has no connection, and keeps what it was given since
            if self._paho.loop_write() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
        if self._out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(bytes(self._out))
        self._out.clear()
        if self._leaving and self._transport is not None:
            self._transport.close()

    def _tick(self) -> None:
        if not self._reason:
            self._paho.loop_misc()
            self._ticking = self._loop.call_later(TICK_S, self._tick)

    def _on_connect(self, _client: Client, _data: Any, flags: ConnectFlags, code: ReasonCode, _: Any) -> None:
        if code.is_failure:
            self.fail(f"the broker refuses us: {code}; check user, password, certificate and client id")
            return
        self._is_let_in = True
        if not flags.session_present:
            self._numbers.forgotten()
        self.is_behind = flags.session_present and self._hello.may_be_old
        if self._hello.version == MQTTProtocolVersion.MQTTv5:
            self._paho.subscribe([(topic, self._options(topic, qos)) for topic, qos in self._hello.filters])
        else:
            self._paho.subscribe(list(self._hello.filters))

    def _options(self, topic: str, qos: int) -> SubscribeOptions:
        """Retained messages with a new subscription of a session that stays alone; of our own messages nothing but the
        mark."""
        is_ours = topic == self._hello.mark_topic
        keeps = self._hello.keeps
        retained = SubscribeOptions.RETAIN_SEND_IF_NEW_SUB if keeps else SubscribeOptions.RETAIN_DO_NOT_SEND
        return SubscribeOptions(qos, noLocal=not is_ours, retainHandling=retained)

    def _on_subscribe(self, _client: Client, _data: Any, _mid: int, codes: Iterable[ReasonCode], _: Any) -> None:
        refused = [
            f"{one} ({code})" for (one, _qos), code in zip(self._hello.filters, codes, strict=False) if code.is_failure
        ]
        if refused:
            self.fail(f"the broker refuses the subscription to {', '.join(refused)}; allow it there")
            return
        if self.is_behind:
            self._send_mark()
        if not self.ready.done():
            self.ready.set_result(None)

    def _on_publish(self, _client: Client, _data: Any, mid: int, code: ReasonCode, _: Any) -> None:
        waiting = self._published.pop(mid, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(code)

    def _on_disconnect(self, _client: Client, _data: Any, flags: DisconnectFlags, code: ReasonCode, _: Any) -> None:
        if flags.is_disconnect_packet_from_server:
            self.fail(f"the broker ended the connection: {code}")
        elif code.getName() == "Keep alive timeout":
            self.fail(f"the broker did not answer within {self._hello.keep_alive_s} s")

    async def publish(self, topic: str, payload: bytes, *, expires_s: int = 0, retained: bool = False) -> None:
        """Publish with QoS 1; return when the broker has taken it over.

        ``expires_s``: the broker forgets it after so long (version 5). Raises `BusDown`, `DeviceSilent` and, where the
        broker refuses or nobody has subscribed, `DeviceRefused`.
        """
        given = None
        if self._hello.version == MQTTProtocolVersion.MQTTv5 and expires_s:
            given = properties(PacketTypes.PUBLISH, MessageExpiryInterval=expires_s)
        if self._reason:
            raise BusDown(f"{self._hello.name}: {self._reason}")
        info = self._paho.publish(topic, payload, 1, retained, given)
        waiting = self._published[info.mid] = self._loop.create_future()
        try:
            async with asyncio.timeout(PUBLISHED_S):
                code = await waiting
        except TimeoutError:
            raise DeviceSilent(f"{self._hello.name}: the broker did not confirm within {PUBLISHED_S:g} s") from None
        finally:
            self._published.pop(info.mid, None)
        if code.is_failure:
            raise DeviceRefused(f"the broker refuses to publish at {topic}: {code}", code.value)
        if code.value == NOBODY_LISTENS and not retained:
            raise DeviceRefused(f"nobody listens at {topic}: the device is not connected to the broker", code.value)

    def fail(self, reason: str) -> None:
        """End the connection at once; the first reason stands."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()

    def let_go(self) -> None:
        """Called by paho: it is done with its socket. Why, it says afterwards."""
        if not self._leaving and not self.ended.done():
            self._is_let_in = False
            self._loop.call_soon(self.fail, "the connection was ended")

    def leave(self) -> None:
        """Say goodbye; the broker keeps the session, and `ended` follows."""
        if self._is_let_in and not self._reason:
            self._leaving = True
            if self._hello.will is None:  # said goodbye, the broker would keep it to itself
                self._paho.disconnect()
            self._flush_soon()
        else:
            self.fail("closed")

    async def left(self) -> None:
        """`leave`, and wait until the connection is gone; it is ended where that takes longer than `LEAVE_S`."""
        self.leave()
        try:
            async with asyncio.timeout(LEAVE_S):
                await asyncio.shield(self.ended)
        except TimeoutError:
            self.fail("closed")
            await self.ended

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        twice = f"; is there another client with the id {self._hello.client_id}?" if self._is_let_in else ""
        self._reason = self._reason or f"the broker closed the connection{f': {exc}' if exc else twice}"
        for handle in (self._ticking, self._looking, self._catching_up):
            if handle is not None:
                handle.cancel()
        self._packets.clear()
        for waiting in self._published.values():
            if not waiting.done():
                waiting.set_exception(BusDown(f"{self._hello.name}: {self._reason}"))
        self.ready.cancel()
        self.ended.set_result(self._reason)
