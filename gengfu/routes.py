"""The way from the actuator to each device: by the connection it speaks over."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from gateway.errors import TransportError
from protocols.errors import ProtocolError
from protocols.profile.schema import CommandPart


class Route(Protocol):
    """How one connection carries a command to one of its devices."""

    async def deliver(self, device: str, command: CommandPart) -> str:
        """Return an empty string when the device took it, else why not. Raises `TransportError`."""


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
        """See `gateway.actuator.Sender`."""
        task = asyncio.get_running_loop().create_task(self._deliver(device, command, sent))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(self, device: str, command: CommandPart, sent: Callable[[str], None]) -> None:
        route = self._routes.get(self._connection_of.get(device, ""))
        try:
            problem = "its connection takes no commands" if route is None else await route.deliver(device, command)
        except (TransportError, ProtocolError) as error:
            problem = str(error)
        sent(problem)
        self._settled()

    async def close(self) -> None:
        """Give up on what is under way; the journaled trip drives it again at the next start."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
