"""A second session at the broker, which hears what comes while the first is held up.

What the journal does not take is not acknowledged, and a broker sends no more than its window (`window`) holds: behind
that nothing would be heard, and so not judged (safety rule S9). This session has an id of its own and no memory, and
subscribes the same topics with QoS 0, so that no window ends it. What it hears is judged and never stored: the first
session brings everything again when the journal takes it. It is left when nothing waits behind the first any more.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from gateway.backoff import Backoff
from gateway.diagnostics import Diagnosis
from gateway.transports.mqtt.dial import STEADY_S, Dialer, Unusable
from gateway.transports.mqtt.link import Link, Message
from protocols.mqtt import Publish

log = logging.getLogger("gengfu.mqtt")

SUFFIX = "-listener"
LOOK_S = 1.0


class Listener:
    """``hear`` is called with each message; ``is_needless``: whether nothing is held up any more; ``on_stands``: it
    hears from now on. ``filters``: those of the first session; with QoS 0 nothing is held up there."""

    def __init__(
        self,
        dialer: Dialer,
        client_id: str,
        filters: Iterable[tuple[str, int]],
        hear: Callable[[Publish], None],
        diagnosis: Diagnosis,
        backoff: Backoff,
        *,
        is_needless: Callable[[], bool],
        on_stands: Callable[[], None],
    ) -> None:
        self._dialer = dialer
        self._client_id = client_id + SUFFIX
        self._filters = tuple((topic, 0) for topic, qos in filters if qos)
        self._hear = hear
        self._diagnosis = diagnosis
        self._backoff = backoff
        self._is_needless = is_needless
        self._on_stands = on_stands
        self._wanted = asyncio.Event()
        self._link: Link | None = None
        self._said = ""

    @property
    def link(self) -> Link | None:
        """The connection, while it hears."""
        return self._link if self._link is not None and self._link.stands else None

    def want(self) -> None:
        """The first session is held up."""
        if self._filters and not self._wanted.is_set():
            self._wanted.set()
            log.warning(
                "mqtt connection %s: messages are not stored and wait at the broker; %s hears what comes meanwhile",
                self._diagnosis.connection,
                self._client_id,
            )

    async def run(self) -> None:
        """Hear whenever it is wanted, for ever."""
        while True:
            await self._wanted.wait()
            reason = await self._once()
            if self._is_needless():
                self._wanted.clear()
                self._backoff.succeeded()
                self._said = ""
                log.info("mqtt connection %s: %s is not needed any more", self._diagnosis.connection, self._client_id)
            elif reason:
                self._tell(reason)
                await asyncio.sleep(self._backoff.failed())

    def _tell(self, reason: str) -> None:
        """Nobody hears what is behind the window now."""
        self._diagnosis.failed("deaf")
        if reason != self._said:
            self._said = reason
            log.error(
                "mqtt connection %s: what comes while messages wait at the broker is NOT judged: %s: %s; trying again",
                self._diagnosis.connection,
                self._client_id,
                reason,
            )

    async def _once(self) -> str:
        """One connection, until it is needless or gone; the reason where it is gone."""
        try:
            hello = self._dialer.hello(self._client_id, self._filters, keeps=False)
            await self._dialer.dial(
                lambda: Link(hello, self._take, lambda _link: None, self._diagnosis), self._take_over
            )
            if self.link is not None:
                self._on_stands()
            return await self._stay()
        except (OSError, TimeoutError, Unusable) as error:
            return self._dialer.why(error)
        finally:
            link, self._link = self._link, None
            if link is not None:
                await link.left()

    def _take_over(self, link: Link) -> None:
        self._link = link

    async def _stay(self) -> str:
        link = self._link
        assert link is not None
        loop = asyncio.get_running_loop()
        steady_at = loop.time() + STEADY_S
        while not link.ended.done():
            await asyncio.wait((link.ended,), timeout=LOOK_S)
            if self._is_needless():
                return ""
            if loop.time() >= steady_at:
                self._backoff.succeeded()
        return link.ended.result()

    def _take(self, message: Message) -> None:
        """A retained one tells what was, not what comes."""
        if not message.publish.is_retained:
            self._hear(message.publish)
