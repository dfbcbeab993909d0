"""The MQTT client of one connection of a site: stands, falls and stands again, and knows why.

A message that the journal refused stays unacknowledged. A broker repeats it only on a new connection (MQTT 3.1.1 and
5.0, 4.4), so the connection is made anew after a pause, and then everything that is owed comes again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from device_registry.connections import MqttConnection
from gateway.backoff import Backoff
from gateway.diagnostics import Diagnosis
from gateway.errors import BusDown
from gateway.transports.mqtt.dial import STEADY_S, Dialer, Unusable
from gateway.transports.mqtt.link import Link, Message
from gateway.transports.mqtt.listener import Listener
from gateway.transports.mqtt.numbers import Numbers
from protocols.mqtt import Publish

log = logging.getLogger("gengfu.mqtt")

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0
LIFE_SAFETY_PAUSE_S = 5.0
"""With `dial.CONNECT_S` a try every 10 s (safety rule S23)."""
REFUSED_FIRST_S, REFUSED_LONGEST_S = 1.0, 10.0
LONGEST_GAP_S = 45.0
"""What waited at the broker for less is fresh: readings are late from 60 s on (safety rule S9)."""


class MqttClient:
    """``take`` is called with each message; whoever takes it calls its `Message.taken` or `Message.refused`. ``hear``
    is called, while messages are held up, with each that comes: it will come again, to ``take``. Where it is absent,
    nobody hears them meanwhile.

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
        hear: Callable[[Publish], None] | None = None,
        numbers: Numbers | None = None,
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
        self._numbers = numbers
        self._dialer = Dialer(part, life_safety=life_safety)
        longest_pause_s = LIFE_SAFETY_PAUSE_S if life_safety else LONGEST_PAUSE_S
        self._backoff = Backoff(FIRST_PAUSE_S, longest_pause_s)
        self._refused = Backoff(REFUSED_FIRST_S, REFUSED_LONGEST_S)
        self._asking: asyncio.TimerHandle | None = None
        self._has_refused = self._owes = False
        self._sound_at = float("-inf")
        self._link: Link | None = None
        self._said = ""
        self._listener = Listener(
            self._dialer,
            self.client_id,
            filters if hear is not None else (),
            hear or _nobody_hears,
            diagnosis,
            Backoff(FIRST_PAUSE_S, longest_pause_s),
            is_needless=self._is_caught_up,
            on_stands=self._heard_elsewhere,
        )
        self.tries = self.connects = 0
        """How often a connection was tried, and came to stand."""

    @property
    def is_behind(self) -> bool:
        """Whether messages that come now may have waited at the broker for an unknown time."""
        return self._link is not None and self._link.is_behind

    @property
    def is_listening(self) -> bool:
        """Whether a second session hears what comes, because messages are held up."""
        return self._listener.link is not None

    async def run(self) -> None:
        """Connect, and again whenever the connection is gone, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listener.run())
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
            reason = self._dialer.why(error)
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
        hello = self._dialer.hello(
            self.client_id,
            self._filters,
            mark_topic=self._mark_topic,
            may_be_old=self.is_listening or asyncio.get_running_loop().time() - self._sound_at > LONGEST_GAP_S,
            will=self._will(),
        )
        await self._dialer.dial(
            lambda: Link(hello, self._take, self._ask_again, self._diagnosis, self._numbers, self._held_up),
            self._take_over,
        )
        link = self._link
        assert link is not None
        if link.stands:
            self._up()
        try:
            return await asyncio.shield(link.ended)
        finally:
            if link.ended.done():
                self._lost(link)

    def _take_over(self, link: Link) -> None:
        self._link = link

    def _up(self) -> None:
        self._diagnosis.up()
        self.connects += 1
        log.info("mqtt connection %s: stands, at %s", self._part.id, self._dialer.place)
        self._on_up()

    def _lost(self, link: Link) -> None:
        self._link = None
        if not link.is_behind and not self._has_refused:
            self._sound_at, self._owes = link.heard_at, False
        self._on_down()

    async def publish(self, topic: str, payload: bytes, *, expires_s: int = 0, retained: bool = False) -> None:
        """`Link.publish` over a connection that stands. Raises the errors of `gateway.errors` named there."""
        link = self._link
        if link is None or not link.stands:
            link = self._listener.link  # the first one is made anew again and again while messages are held up
        if link is None:
            raise BusDown(f"mqtt connection {self._part.id} does not stand: {self._diagnosis.reason or 'connecting'}")
        await link.publish(topic, payload, expires_s=expires_s, retained=retained)

    def _ask_again(self, link: Link) -> None:
        """A message could not be stored: have the broker repeat everything that is not acknowledged, soon."""
        if link is not self._link:
            return
        loop = asyncio.get_running_loop()
        if not self._owes and not link.is_behind:
            self._sound_at, self._owes = loop.time(), True
        self._listener.want()
        if not self._has_refused:
            self._has_refused = True
            self._asking = loop.call_later(self._refused.failed(), self._ask)

    def _ask(self) -> None:
        self._asking = None
        if self._link is not None:
            self._link.fail("messages that could not be stored are asked for again")

    def _held_up(self, link: Link) -> None:
        """Its window does not move: the journal answers nothing."""
        if link is self._link:
            self._listener.want()
            self._heard_elsewhere()

    def _heard_elsewhere(self) -> None:
        """What waits behind a window that does not move is not new when it comes: the listener hears what is."""
        if self.is_listening and self._link is not None and self._link.window.is_stalled:
            self._link.fall_behind()

    def _is_caught_up(self) -> bool:
        link = self._link
        return link is not None and link.stands and not self._has_refused and link.is_caught_up

    async def _leave(self) -> None:
        """Say goodbye where a connection stands, and wait until it is gone."""
        self._forget_refused()
        link, self._link = self._link, None
        if link is not None:
            await link.left()


def _nobody_hears(_publish: Publish) -> None:
    """There is no second session."""
