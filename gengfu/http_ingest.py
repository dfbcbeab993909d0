"""Readings that arrive over HTTP, into the pipeline of this process."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from gateway.uplink import Ingest, Uplink


class Speaker(NamedTuple):
    """Who sends: a device on its connection, or a person who is signed in and may speak for any (both empty)."""

    connection: str = ""
    device: str = ""


PERSON = Speaker()


class HttpIngest:
    """The console's `Ingest` over the gateway's. ``clock``: UTC ns."""

    def __init__(self, ingest: Ingest, clock: Callable[[], int], speaker: Speaker = PERSON) -> None:
        self._ingest = ingest
        self._clock = clock
        self._speaker = speaker

    async def __call__(self, body: bytes, content_format: int, peer: str) -> int:  # noqa: ARG002 - the contract names it
        """See `console.services.Ingest`."""
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: Exception | None) -> None:
            if durable.done():
                return
            if error is None:
                durable.set_result(None)
            else:
                durable.set_exception(error)

        devices = self._ingest(Uplink("http", body, content_format, "", self._clock(), *self._speaker), done)
        await durable
        return len(devices)
