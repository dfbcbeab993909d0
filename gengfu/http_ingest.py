"""Readings that arrive over HTTP, into the pipeline of this process."""

import asyncio
from collections.abc import Callable

from gateway.uplink import Ingest, Uplink


class HttpIngest:
    """The console's `Ingest` over the gateway's. ``clock``: UTC ns."""

    def __init__(self, ingest: Ingest, clock: Callable[[], int]) -> None:
        self._ingest = ingest
        self._clock = clock

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

        devices = self._ingest(Uplink("http", body, content_format, "", self._clock()), done)
        await durable
        return len(devices)
