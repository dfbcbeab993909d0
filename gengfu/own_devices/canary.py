"""The canary: every ten minutes a SIMULATED test alarm goes the way of a real one, as far as it is seen and answered.

From its bytes: decoder, alarm engine, journal, the desk's board, a person's way back to the gateway (the downlink), and
the board again. Its readings are judged and not stored; its device is in no site, in no list, and in no LIVE figure.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from alarms.alarm import alarm_id
from console.duty.figures import CanaryFigures
from console.services import Ask, Item
from gengfu import clock
from journal.entry import Stored
from journal.errors import JournalError
from protocols import canary
from protocols.profile.loader import shipped_profiles
from protocols.reading import Origin, Reading
from protocols.uplink import SENML_JSON, decode_pack

log = logging.getLogger("gengfu.own_devices.canary")

ALARM = alarm_id(canary.DEVICE, canary.RULE, Origin.SIMULATED)
FIRST_S = 60.0
"""After the start; proposed by this project. Whoever starts looks at other things."""


class Board(Protocol):
    """The alarms of the desk."""

    def find(self, alarm: str) -> Item | None:
        """One alarm; ``None`` for one that nothing was heard of."""


class Canary:
    """Subscribe `listen` to the uplink journal after the desk's boards. ``judge`` takes readings that are judged only;
    ``heard`` is told how many seconds it took whenever the canary went all the way."""

    def __init__(
        self,
        judge: Callable[[Sequence[Reading]], None],
        board: Board,
        ask: Ask,
        heard: Callable[[float], None],
        figures: CanaryFigures,
    ) -> None:
        self._judge = judge
        self._board = board
        self._ask = ask
        self._heard = heard
        self._figures = figures
        self._came = asyncio.Event()
        self._is_well = True

    def listen(self, _batch: Sequence[Stored]) -> None:
        """Listener of the journal: the board may have changed."""
        self._came.set()

    async def run(self) -> None:
        """Sing for ever. One that was not heard sings again soon, so that its alarm is over when the fault is."""
        pause_s = FIRST_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = self._figures.every_s if await self.sing() else self._figures.within_s

    async def sing(self) -> bool:
        """Go all the way once; whether it was heard in time."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._figures.within_s):
                self._say(is_on=False)  # it may have been left in the middle
                await self._until("normal", "returned-unacknowledged")
                self._say(is_on=True)
                await self._until("unacknowledged")
                await self._acknowledge()
                await self._until("acknowledged")
                self._say(is_on=False)
                await self._until("normal")
        except (TimeoutError, JournalError) as error:
            self._tell_missing(error)
            return False
        self._is_well = True
        self._heard(loop.time() - began)
        return True

    def _say(self, *, is_on: bool) -> None:
        payload = f'[{{"n":"{canary.DEVICE}/{canary.POINT}","vb":{"true" if is_on else "false"}}}]'
        self._judge(
            decode_pack(
                payload.encode(),
                SENML_JSON,
                received_at=clock.wall(),
                origin=Origin.SIMULATED,
                find_profile=lambda _device: shipped_profiles()[canary.PROFILE],
            )
        )

    async def _acknowledge(self) -> None:
        """As a person does. What came of it is seen on the board, or not."""
        await self._ask("acknowledge", ALARM, canary.PERSON, {"why": "canary"})

    async def _until(self, *states: str) -> None:
        while self._state() not in states:
            self._came.clear()
            await self._came.wait()

    def _state(self) -> str:
        item = self._board.find(ALARM)
        return str(item["state"]) if item is not None else "normal"

    def _tell_missing(self, error: Exception) -> None:
        if self._is_well:
            log.error("the canary was not heard, its alarm is %s: %s", self._state(), type(error).__name__)
        self._is_well = False
