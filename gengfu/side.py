"""One connection of the gateway, as the process sees it."""

from collections.abc import Awaitable
from typing import Protocol

from gateway.diagnostics import Diagnosis
from gengfu.supervisor import Supervisor
from protocols.profile.schema import CommandPart


class Side(Protocol):
    """Begin with `start`; `deliver` is `gengfu.routes.Route`'s."""

    @property
    def name(self) -> str:
        """Id of the connection."""

    @property
    def diagnosis(self) -> Diagnosis:
        """What it knows of itself."""

    def start(self, supervisor: Supervisor) -> None:
        """Begin, and go on until `close`."""

    def deliver(self, device: str, command: CommandPart) -> Awaitable[str]:
        """See `gengfu.routes.Route`."""

    async def close(self) -> None:
        """End what was started, let go of lines, sockets and connections. Nothing is handed in afterwards."""
