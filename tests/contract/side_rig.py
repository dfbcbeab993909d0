"""A rig whose gateway's end is a `gengfu.side.Side` that makes the readings itself, as the documented site has it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from prometheus_client import CollectorRegistry

from device_registry.devices import Site
from device_registry.load import compile_site
from device_registry.rules import check
from device_registry.site import SiteConfig
from gengfu.side import Side
from gengfu.supervisor import Supervisor
from protocols.profile.model import Profile
from tests.contract.rig import Rig


class Peer(Protocol):
    """A device that can lose its supply and have it again."""

    def start(self) -> None: ...
    def kill(self) -> None: ...


class SideRig(Rig):
    """``peer``: what is behind the wire."""

    side: Side
    peer: Peer

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._supervisor = Supervisor(CollectorRegistry())
        self._shut = False

    def compiled(self, document: dict[str, Any], profiles: Mapping[str, Profile]) -> Site:
        """The site of a document that nothing is wrong with."""
        config = SiteConfig.model_validate(document, strict=False)
        assert list(check(config, profiles)) == []
        return compile_site(config, profiles)

    def begin(self) -> None:
        """Let the gateway's end begin."""
        self._routes = self.route(self.side.name, self.side)
        self.side.start(self._supervisor)

    def kill(self) -> None:
        self.peer.kill()

    async def start(self) -> None:
        self.peer.start()

    async def shut(self) -> None:
        self._shut = True
        await self._routes.close()
        await self.side.close()
        await self._supervisor.stop()

    async def close(self) -> None:
        if not self._shut:
            await self.shut()
        await self.wire.close()
        self.peer.kill()
