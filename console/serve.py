"""Running the web server inside a loop that is there already, on a socket of our own.

The server gets no signal handlers: `gengfu` decides when to stop. Stopping takes at most 3 s even if a browser
has an open event stream and reads nothing.
"""

import asyncio
import contextlib
import logging
import socket
import sys
import traceback
from collections.abc import Callable, Iterator

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from console.errors import StartRefused
from console.services import ConsoleServices

OWED_S = 20.0
"""How long a request may take to arrive; it is cut off after twice that at the latest."""
STOP_S = 1
"""How long open connections may take to end; afterwards they are cut off."""


def load(services: ConsoleServices) -> ASGIApp:
    """The console as an application, as `console.app.create_app`; takes most of a second, in a thread of its own.

    Loading it is a fifth of the start: so imported, the watch over the devices stands before it begins.
    """
    from console.app import create_app  # noqa: PLC0415 - a fifth of the start: loaded when the watch stands

    return create_app(services)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _counting(malformed: Callable[[], None]) -> type[H11Protocol]:
    """uvicorn's protocol that tells of each connection whose bytes are no HTTP, or end within a request, and that cuts
    off whoever lets us wait for the rest of one."""

    class Counting(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows the type too
            super().connection_made(transport)
            self._look = self.loop.call_later(OWED_S, self._look_again, None)

        def _look_again(self, cycle: object) -> None:
            """``cycle``: the request at the look before. Whoever still owes us the next one, or its rest, has no time
            left: a few thousand such connections would use up the files of the process."""
            if self.cycle is cycle and self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
                self.transport.abort()
            else:
                self._look = self.loop.call_later(OWED_S, self._look_again, self.cycle)

        def send_400_response(self, msg: str) -> None:
            malformed()
            _unknot(sys.exception())
            if self.cycle is not None:
                # the application may be at its answer to the head already: it must not follow ours
                self.cycle.disconnected = True
                self.cycle.message_event.set()
            if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                super().send_400_response(msg)
            else:
                self.transport.close()

        def connection_lost(self, exc: Exception | None) -> None:
            self._look.cancel()
            theirs, begun = self.conn.their_state, self.conn.trailing_data[0]
            if theirs is h11.SEND_BODY or (theirs is h11.IDLE and begun):
                malformed()
            super().connection_lost(exc)

    return Counting


def _unknot(error: BaseException | None) -> None:
    """h11 raises from a frame that names the error, which names the frame: both, and the connection, would stay until
    the garbage collector comes."""
    if error is not None:
        traceback.clear_frames(error.__traceback__)


async def serve(
    app: ASGIApp, sock: socket.socket, stop: asyncio.Event, malformed: Callable[[], None] = lambda: None
) -> None:
    """Serve until ``stop`` is set, then end within 3 s. Closes the socket. Raises `StartRefused`.

    ``malformed`` is called for each connection that brings no HTTP, or breaks off within a request.

    The application's event streams must end by themselves when it stops (`ConsoleServices.stop`).
    """
    server = _Server(
        uvicorn.Config(
            app,
            http=_counting(malformed),
            log_config=None,
            access_log=False,
            lifespan="on",
            ws="none",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_S,
        )
    )
    quiet = _Quiet()
    logging.getLogger("uvicorn.error").addFilter(quiet)
    serving = asyncio.create_task(_run(server, sock))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        stopping.cancel()
        serving.cancel()
        await asyncio.gather(serving, stopping, return_exceptions=True)
        sock.close()
        logging.getLogger("uvicorn.error").removeFilter(quiet)


async def _run(server: uvicorn.Server, sock: socket.socket) -> None:
    try:
        await server.serve(sockets=[sock])
    except SystemExit:
        # It exits where the application failed to start; a library must not end our process.
        raise StartRefused("the web server did not start; the log says why") from None
    for connection in list(server.server_state.connections):
        if connection.transport is not None:
            connection.transport.abort()


class _Quiet(logging.Filter):
    """Drops the report of a request that was cut off by the stop (it is meant, and is no error), and of each request
    that is no HTTP: whoever sends a million of them shall not fill the disk. They are counted."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.msg == "Invalid HTTP request received.":
            return False
        return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
