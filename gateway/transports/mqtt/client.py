"""The MQTT client of one connection of a site: stands, falls and stands again, and knows why.

A message that the journal refused stays unacknowledged. A broker repeats it only on a new connection (MQTT 3.1.1 and
5.0, 4.4), so the connection is made anew after a pause, and then everything that is owed comes again.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

from device_registry.connections import MqttConnection
from gateway.backoff import Backoff
from gateway.diagnostics import Diagnosis
from gateway.errors import BusDown
from gateway.transports.mqtt.link import Hello, Link, Message

log = logging.getLogger("gengfu.mqtt")

CONNECT_S = 5.0
"""From the first packet to the subscriptions taken."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0
LIFE_SAFETY_PAUSE_S = 5.0
"""With `CONNECT_S` a try every 10 s (safety rule S23)."""
LIFE_SAFETY_KEEP_ALIVE_S = 10
STEADY_S = 5.0
"""A connection that stood so long was none that fails again and again."""
REFUSED_FIRST_S, REFUSED_LONGEST_S = 1.0, 10.0
LONGEST_GAP_S = 45.0
"""What waited at the broker for less is fresh: readings are late from 60 s on (safety rule S9)."""
LEAVE_S = 1.0
PORT, TLS_PORT = 1883, 8883
VERSIONS = {"3.1.1": 4, "5": 5}


class Unusable(Exception):
    """A file that the connection needs cannot be used. The message names it."""


class MqttClient:
    """``take`` is called with each message; whoever takes it calls its `Message.taken` or `Message.refused`.

    ``will``: asked before each connection for the (topic, payload) that the broker publishes, retained, when it ends.
    ``on_up``, ``on_down``: the connection stands, and is gone."""

    def __init__(
        self,
        part: MqttConnection,
        filters: Sequence[tuple[str, int]],
        take: Callable[[Message], None],
        diagnosis: Diagnosis,
        *,
        life_safety: bool,
        will: Callable[[], tuple[str, bytes] | None] = lambda: None,
        on_up: Callable[[], None] = lambda: None,
        on_down: Callable[[], None] = lambda: None,
    ) -> None:
        self._part = part
        self._take = take
        self._diagnosis = diagnosis
        self._will = will
        self._on_up, self._on_down = on_up, on_down
        self.client_id = part.client_id or f"gengfu-{part.id}"
        self._mark_topic = f"gengfu/gateway/{self.client_id}/mark"
        self._filters = (*filters, (self._mark_topic, 1))
        keep_alive = part.keep_alive_s
        self._keep_alive_s = min(keep_alive, LIFE_SAFETY_KEEP_ALIVE_S) if life_safety else keep_alive
        self._backoff = Backoff(FIRST_PAUSE_S, LIFE_SAFETY_PAUSE_S if life_safety else LONGEST_PAUSE_S)
        self._refused = Backoff(REFUSED_FIRST_S, REFUSED_LONGEST_S)
        self._asking: asyncio.TimerHandle | None = None
        self._has_refused = self._owes = False
        self._sound_at = float("-inf")
        self._link: Link | None = None
        self._said = ""
        self.tries = self.connects = 0
        """How often a connection was tried, and came to stand."""

    @property
    def place(self) -> str:
        """``host:port``."""
        return f"{self._part.host}:{self._port}"

    @property
    def _port(self) -> int:
        return self._part.port or (TLS_PORT if self._part.tls else PORT)

    @property
    def is_behind(self) -> bool:
        """Whether messages that come now may have waited at the broker for an unknown time."""
        return self._link is not None and self._link.is_behind

    async def run(self) -> None:
        """Connect, and again whenever the connection is gone, for ever."""
        try:
            while True:
                pause = await self._once()
                if pause:
                    await asyncio.sleep(pause)
        finally:
            await self._leave()

    async def _once(self) -> float:
        """One connection from its beginning to its end; the pause before the next."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.tries += 1
        try:
            reason = await self._serve()
        except (OSError, TimeoutError, Unusable) as error:
            reason = f"{self.place} cannot be used: {_why(error)}"
        ended = loop.time()
        again = self._asking is None and self._has_refused
        if not again:
            self._refused.succeeded()
        self._forget_refused()
        if ended - began >= STEADY_S:
            self._backoff.succeeded()
            self._said = ""
        pause = 0.0 if again else self._backoff.failed()
        self._tell(reason, pause)
        return pause

    def _forget_refused(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        self._asking, self._has_refused = None, False

    def _tell(self, reason: str, pause: float) -> None:
        """Down, and why; the log gets each reason once, until the connection stood for a while."""
        self._diagnosis.down(reason, pause)
        if reason != self._said:
            self._said = reason
            log.warning("mqtt connection %s: %s; trying again", self._part.id, reason)

    async def _serve(self) -> str:
        link = await self._connect()
        self._link = link
        try:
            async with asyncio.timeout(CONNECT_S):
                await asyncio.wait((link.ready, link.ended), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            link.fail(f"{self.place} did not let us in within {CONNECT_S:g} s")
        if link.ready.done() and not link.ready.cancelled():
            self._up()
        try:
            return await asyncio.shield(link.ended)
        finally:
            if link.ended.done():
                self._lost(link)

    def _up(self) -> None:
        self._diagnosis.up()
        self.connects += 1
        log.info("mqtt connection %s: stands, at %s", self._part.id, self.place)
        self._on_up()

    def _lost(self, link: Link) -> None:
        self._link = None
        if not link.is_behind and not self._has_refused:
            self._sound_at, self._owes = link.heard_at, False
        self._on_down()

    async def _connect(self) -> Link:
        loop = asyncio.get_running_loop()
        hello = Hello(
            self._part.id,
            VERSIONS[self._part.version],
            self.client_id,
            self._part.username,
            _line_of(self._part.password_file),
            self._keep_alive_s,
            self._filters,
            self._mark_topic,
            loop.time() - self._sound_at > LONGEST_GAP_S,
            self._will(),
        )
        context = self._tls() if self._part.tls else None
        async with asyncio.timeout(CONNECT_S):
            _, link = await loop.create_connection(
                lambda: Link(hello, self._take, self._ask_again, self._diagnosis),
                self._part.host,
                self._port,
                ssl=context,
            )
        return link

    def _tls(self) -> ssl.SSLContext:
        """Raises `Unusable`."""
        part = self._part
        try:
            context = ssl.create_default_context(cafile=part.ca_file)
            if part.certificate_file is not None:
                # with a passphrase of its own it would be asked for at the terminal, and everything would wait
                context.load_cert_chain(part.certificate_file, part.key_file, password="")
        except OSError as error:  # ssl.SSLError is one
            named = ", ".join(one for one in (part.ca_file, part.certificate_file, part.key_file) if one)
            why = error.strerror or error
            raise Unusable(
                f"the certificates ({named}): {why}; check that they are PEM, the key without a passphrase"
            ) from None
        return context

    async def publish(self, topic: str, payload: bytes, *, expires_s: int = 0, retained: bool = False) -> None:
        """`Link.publish` over the connection that stands. Raises the errors of `gateway.errors` named there."""
        link = self._link
        if link is None or not link.ready.done():
            raise BusDown(f"mqtt connection {self._part.id} does not stand: {self._diagnosis.reason or 'connecting'}")
        await link.publish(topic, payload, expires_s=expires_s, retained=retained)

    def _ask_again(self, link: Link) -> None:
        """A message could not be stored: have the broker repeat everything that is not acknowledged, soon."""
        if link is not self._link:
            return
        loop = asyncio.get_running_loop()
        if not self._owes and not link.is_behind:
            self._sound_at, self._owes = loop.time(), True
        if not self._has_refused:
            self._has_refused = True
            self._asking = loop.call_later(self._refused.failed(), self._ask)

    def _ask(self) -> None:
        self._asking = None
        if self._link is not None:
            self._link.fail("messages that could not be stored are asked for again")

    async def _leave(self) -> None:
        """Say goodbye where a connection stands, and wait until it is gone."""
        self._forget_refused()
        link, self._link = self._link, None
        if link is None:
            return
        link.leave()
        try:
            async with asyncio.timeout(LEAVE_S):
                await asyncio.shield(link.ended)
        except TimeoutError:
            link.fail("closed")
            await link.ended


def _line_of(path: str | None) -> str | None:
    """The one line of a secret's file. Raises `Unusable`."""
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise Unusable(f"the password file {path}: {why}") from None


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer; check address, port and network"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); check ca_file and the host's name"
    if isinstance(error, Unusable):
        return str(error)
    return f"{error}; check address, port, network and TLS"
