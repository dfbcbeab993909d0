"""Server-sent events: one hub, any number of readers, none of which can make memory grow.

An event kind is added by one line: ``hub.publish("alarms", data)``. Frames follow the HTML Living Standard,
section 9.2 (server-sent events).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from console.live import LiveView

READER_FRAMES_MAX = 64
"""Frames that may wait for one reader; at five a second that is 13 s of a stalled browser."""

_encoder = msgspec.json.Encoder()
encode = _encoder.encode
"""As JSON, which has no line breaks; not-a-number becomes null."""

PING = b": ping\n\n"


def frame(kind: str, data: object) -> bytes:
    """One event as sent."""
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), encode(data))


RESYNC = frame("resync", {})


class Reader:
    """The frames that wait for one browser."""

    def __init__(self, frames_max: int = READER_FRAMES_MAX) -> None:
        self._frames: deque[bytes] = deque()
        self._frames_max = frames_max
        self._ready = asyncio.Event()
        self._ended = False

    def put(self, one: bytes) -> None:
        """Queue a frame. If too many wait, all are dropped and the reader is told to ``resync`` instead."""
        if len(self._frames) >= self._frames_max:
            self._frames.clear()
            one = RESYNC
        self._frames.append(one)
        self._ready.set()

    def end(self) -> None:
        """Nothing more for this reader; what still waits is dropped."""
        self._ended = True
        self._ready.set()

    async def get(self) -> bytes:
        """Everything that waits, as soon as there is something; empty after `end`."""
        await self._ready.wait()
        return self.take()

    def take(self) -> bytes:
        """Everything that waits; empty where nothing does, and after `end`."""
        if self._ended:
            return b""
        self._ready.clear()
        waiting = b"".join(self._frames)
        self._frames.clear()
        return waiting


class EventHub:
    """Hands every published event to every reader. All calls on the event loop."""

    def __init__(self) -> None:
        self._readers: set[Reader] = set()
        self.closed = asyncio.Event()
        """Set when no more events will come; every stream ends then."""

    @property
    def readers(self) -> int:
        """How many streams are open."""
        return len(self._readers)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A new reader, forgotten at the end of the block."""
        reader = Reader()
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    def publish(self, kind: str, data: object) -> None:
        """Send one event to everybody who reads now. Encoded once."""
        if self._readers:
            one = frame(kind, data)
            for reader in self._readers:
                reader.put(one)

    def close(self) -> None:
        """End all streams."""
        self.closed.set()


async def pump(live: LiveView, hub: EventHub, stop: asyncio.Event, clock: Callable[[], float]) -> None:
    """Publish what the live view announces until ``stop`` is set; then, or if this fails, end all streams.

    A stream that ended is seen by the browser, which comes back for a snapshot; a stream that merely says
    nothing would be taken for a quiet site. ``clock``: seconds that never step.
    """
    stopping = asyncio.create_task(stop.wait())
    changed: asyncio.Task[bool] | None = None
    try:
        while not stop.is_set():
            changed = asyncio.create_task(live.changed.wait())
            await asyncio.wait({stopping, changed}, return_when=asyncio.FIRST_COMPLETED)
            due_in_s = live.due_in_s(clock())
            if due_in_s:
                await asyncio.wait({stopping}, timeout=due_in_s)
            event = live.take(clock())
            if event:
                hub.publish(*event)
    finally:
        stopping.cancel()
        if changed:
            changed.cancel()
        hub.close()
