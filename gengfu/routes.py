"""The way from the actuator to each device: by the connection it speaks over."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from gateway.errors import TransportError
from protocols.errors import ProtocolError
from protocols.profile.schema import CommandPart


class Route(Protocol):
    """How one connection carries a command to one of its devices."""

    def deliver(self, device: str, command: CommandPart) -> Awaitable[str]:
        """Begin, and return before anybody is told. What is awaited is an empty string when the device took it, else
        why not; it raises `TransportError` and `ProtocolError`."""


class Routes:
    """All routes of a gateway; the `gateway.actuator.Sender`. ``connection_of``: device id -> connection id, as it
    is now.

    ``settled`` is called after each delivery, so that the watch looks at what came of it.
    """

    def __init__(self, connection_of: Mapping[str, str], settled: Callable[[], None]) -> None:
        self._connection_of = connection_of
        self._settled = settled
        self._routes: dict[str, Route] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def add(self, connection: str, route: Route) -> None:
        """Use ``route`` for the devices of this connection."""
        self._routes[connection] = route

    def remove(self, connection: str) -> None:
        """It is closed: until another is added, its devices cannot be asked."""
        self._routes.pop(connection, None)

    def send(self, device: str, command: CommandPart, sent: Callable[[str], None]) -> None:
        """See `gateway.actuator.Sender`. What the route can send at once is sent when this returns."""
        route = self._routes.get(self._connection_of.get(device, ""))
        begun = _nowhere() if route is None else route.deliver(device, command)
        task = asyncio.get_running_loop().create_task(self._outcome(begun, sent))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _outcome(self, begun: Awaitable[str], sent: Callable[[str], None]) -> None:
        try:
            problem = await begun
        except (TransportError, ProtocolError) as error:
            problem = str(error)
        sent(problem)
        self._settled()

    async def close(self) -> None:
        """Give up on what is under way; the journaled trip drives it again at the next start."""
        await asyncio.sleep(0)  # a task that never ran would leave what it was to await
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)


async def _nowhere() -> str:
    return "its connection takes no commands"
