"""Writes the gateway's sign of life into its journal, for whoever has to know that it is there, and what of it is
blind."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress

from device_registry.devices import Site
from gengfu import clock
from gengfu.own_devices.device import Facts
from gengfu.own_devices.devices import gateway_id
from gengfu.own_devices.lines import Lines
from journal.entry import Entry, Journal, partition_of
from journal.errors import JournalError
from protocols.gateway_sign import EVERY_S, KIND, STATE, BlindLine, GatewaySign, encode_sign
from protocols.reading import Origin

log = logging.getLogger("gengfu.gateway")


class Sign:
    """Begin with `run`. What the journal does not take is not kept: a sign says that it can be taken."""

    def __init__(self, site: Site, origin: Origin, lines: Lines, journal: Journal) -> None:
        self._site = site
        self._origin = origin
        self._lines = lines
        self._journal = journal
        self._changed = asyncio.Event()
        self._is_refused = False
        self._told: tuple[BlindLine, ...] | None = None

    async def look(self) -> Mapping[str, Facts]:
        """`gengfu.own_devices.device.Others`: look at the connections; write at once if others are down than before."""
        before = self._lines.down
        found = await self._lines.look()
        if self._lines.down != before:
            self._changed.set()
        return found

    async def run(self) -> None:
        """Write every `EVERY_S` and on every change, for ever."""
        while True:
            self._changed.clear()
            await self._write()
            with suppress(TimeoutError):
                # not `wait_for`: in 3.11 it swallows a cancellation that comes together with the event
                async with asyncio.timeout(EVERY_S):
                    await self._changed.wait()

    async def _write(self) -> None:
        now, lines = clock.wall(), self._lines.down
        news = None if lines == self._told else lines
        body = encode_sign(GatewaySign(now, self._site.id, self._origin, news))
        entry = Entry(KIND, f"{self._site.id}~{now}", partition_of(gateway_id(self._site.id)), now, body)
        try:
            await self._journal.append([entry], None if news is None else {STATE: body})
        except JournalError as error:
            if not self._is_refused:
                log.error(
                    "the gateway's sign of life is not stored, so that the console has to take it for lost: %s", error
                )
            self._is_refused = True
        else:
            self._told, self._is_refused = lines, False
