"""The event stream: a snapshot, then what changes, as server-sent events."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from console.access import Anyone, Secret, Services
from console.api.pieces import joined
from console.api.shapes import PROBLEM
from console.events import PING, EventHub, Reader, encode
from console.services import ConsoleServices

GRACE_S = 0.5
"""How long a stream may still write its end when the process stops; a browser that reads nothing is cut off."""
RETRY = b"retry: 2000\n\n"

router = APIRouter(tags=["events"])


class EventStream(Response):
    """A response that lasts until the reader leaves, its session ends, or the hub closes."""

    def __init__(
        self,
        hub: EventHub,
        first: Callable[[], Iterator[bytes]],
        still_allowed: Callable[[], Awaitable[bool]],
        ping_s: float,
    ) -> None:
        super().__init__(media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        del self.headers["content-length"]
        self._hub, self._first, self._still_allowed, self._ping_s = hub, first, still_allowed, ping_s

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        with self._hub.reading() as reader:
            sending = asyncio.create_task(self._send(reader, send))
            tasks = {
                sending,
                asyncio.create_task(self._watch(reader)),
                asyncio.create_task(_gone(receive)),
                asyncio.create_task(self._hub.closed.wait()),
            }
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                reader.end()
                await asyncio.wait({sending}, timeout=GRACE_S)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, reader: Reader, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        # After subscribing: what changes from here on comes as an event, at worst once more.
        # It is taken from the reader meanwhile, which keeps little, and sent behind.
        since = bytearray()
        for piece in self._first():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)
            since += reader.take()
        chunk = bytes(since) or await reader.get()
        while chunk:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            chunk = await reader.get()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _watch(self, reader: Reader) -> None:
        """Ping, until whoever reads may no longer."""
        await asyncio.sleep(self._ping_s)
        while await self._still_allowed():
            reader.put(PING)
            await asyncio.sleep(self._ping_s)


def _snapshot(services: ConsoleServices) -> Iterator[bytes]:
    """What there is now, as one event in pieces: each thing is told as it is when its turn comes. A part that this
    console was not given is left out, not shown as empty."""
    yield RETRY + b'event: snapshot\ndata: {"devices":{'
    devices = services.live.snapshot().items()
    yield from joined(encode(name) + b":" + encode(points) for name, points in devices)
    yield b"}"
    alarms = services.alarms
    if alarms is not None:
        yield b',"alarms":['
        found = (item for alarm in alarms.ids(state="active") if (item := alarms.find(alarm)) is not None)
        yield from joined(encode(item) for item in found)
        yield b"]"
    if services.interlocks is not None:
        yield b',"interlocks":' + encode(services.interlocks.items())
    if services.commands is not None:
        yield b',"commands":true'
    if services.runs is not None:
        yield b',"runs":' + encode(services.runs.open_items())
    yield b"}\n\n"


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@router.get(
    "/events",
    summary="Live events",
    response_class=Response,
    responses={
        200: {
            "description": (
                "`snapshot` {devices: {id: {point: {value, quality, at}}}, alarms: [AlarmItem: all that are not "
                "normal], interlocks: [InterlockItem: all], runs: [RunItem: open ones], commands: true} first "
                "(what this console is not connected to is left out); then `readings` "
                "{items: [{device, at, values: {point: {value, quality}}}]} at most every 200 ms, and `alarm` "
                "AlarmItem, `interlock` InterlockItem, `run` RunItem, `command` CommandItem after each "
                "change; `duty` DutyState when presence, the canary or who is on duty changes, `owner` OwnerItem when "
                "an alarm is taken over; `resync` {} when this reader was too slow: connect again for a new snapshot. "
                "Readings are of LIVE origin only; alarms and interlocks carry theirs."
            ),
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        401: PROBLEM,
    },
)
async def events(who: Anyone, secret: Secret, services: Services) -> Response:
    """A comment is sent every 15 s. Watching counts as using the session; if it ends, so does the stream."""
    accounts = services.accounts

    async def still_allowed() -> bool:
        return await asyncio.to_thread(accounts.resolve, secret or "") == who

    return EventStream(services.events, lambda: _snapshot(services), still_allowed, services.ping_s)
