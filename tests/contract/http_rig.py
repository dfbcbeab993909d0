"""The HTTP door over a disturbed network: urllib3 as the device, the whole process with its real journal behind it."""

import asyncio
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import urllib3
from prometheus_client import Counter

from device_registry.credentials import digest, new_token
from device_registry.load import compile_site
from device_registry.rules import check
from device_registry.site import SiteConfig
from gengfu import process
from gengfu.rules import shipped
from gengfu.settings import load_settings
from journal.entry import Stored
from protocols.profile.loader import shipped_profiles
from protocols.reading import decode_reading
from tests.contract.rig import Rig
from tests.fixtures.wires import Deliver, TcpWire, _End

DOCUMENT = Path(__file__).parents[2] / "docs/protocols/http.md"
PERIOD_S = 0.03
TIMEOUT_S = 0.4
"""Of the device: how long it waits for its 204."""


class DoorWire(TcpWire):
    """The device calls, and the gateway is the one that is called: what comes towards it is the other direction."""

    def __init__(self, peer_port: int) -> None:
        super().__init__(peer_port)
        self.calls = 0

    def _accept(self) -> _End:
        self.calls += 1
        return super()._accept()

    def up(self, data: bytes, deliver: Deliver) -> None:
        """What the device says."""
        super().down(data, deliver)

    def down(self, data: bytes, deliver: Deliver) -> None:
        """What the gateway says."""
        super().up(data, deliver)


class HttpRig(Rig):
    """A board that reports by itself until it is acknowledged; the site is the documented sample. Read, command: HTTP
    has none. Late: a report carries its own sequence number and is never taken for another."""

    lines = frozenset({"push", "silence", "garbage", "half", "slow", "restart", "hang-up", "shutdown"})
    device = "east:gas:0001"
    wire: DoorWire

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._token = new_token()
        self._percent = 0.0
        self._boot = self._sequence = 0
        self._stack = AsyncExitStack()
        self._reporting: asyncio.Task[None] | None = None
        self._posting: asyncio.Future[int] | None = None

    async def open(self) -> None:
        document = tomllib.loads(sample())
        (device,) = document["device"]
        device["http"]["token_sha256"] = digest(self._token)
        config = SiteConfig.model_validate(document, strict=False)
        assert list(check(config, shipped_profiles())) == []
        settings = load_settings(data=self.folder, http={"port": 0})
        site = compile_site(config, shipped_profiles())
        self._running = await self._stack.enter_async_context(process.running(settings, site, self.folder, shipped()))
        gateway = self._running.gateway
        gateway.journal.subscribe(self._look)
        self._routes = self.route("api", gateway.sides["api"])
        self.wire = DoorWire(self._running.http_port)
        await self.wire.open()
        await self.start()

    def _look(self, batch: Sequence[Stored]) -> None:
        for stored in batch:
            if stored.entry.kind == "reading":
                self.take(decode_reading(stored.entry.body))

    async def noticed(self) -> None:
        """A door does not tell that a device is silent: the alarm engine does, by the device's period."""
        await self.disturbed(2)

    async def start(self) -> None:
        if self._posting is not None:
            await asyncio.wait([self._posting])
        self._boot += 1
        self._pool = urllib3.HTTPConnectionPool(
            "127.0.0.1", self.wire.port, maxsize=1, timeout=TIMEOUT_S, retries=False
        )
        self._reporting = asyncio.create_task(self._report())

    async def _report(self) -> None:
        """Tell the present values until they are acknowledged, then the next."""
        while True:
            self._sequence += 1
            pack = (
                f'[{{"bn":"{self.device}/","n":"boot","v":{self._boot}}},{{"n":"seq","v":{self._sequence}}},'
                f'{{"n":"methane","v":{self._percent}}}]'
            )
            while await self._posted(pack.encode()) != 204:
                await asyncio.sleep(PERIOD_S)
            await asyncio.sleep(PERIOD_S)

    async def _posted(self, pack: bytes) -> int:
        """The status of the answer, 0 for none."""
        self._posting = asyncio.ensure_future(asyncio.to_thread(self._post, self._pool, pack))
        return await asyncio.shield(self._posting)

    def _post(self, pool: urllib3.HTTPConnectionPool, pack: bytes) -> int:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/senml+json"}
        try:
            return pool.request("POST", "/api/v1/readings", body=pack, headers=headers).status
        except urllib3.exceptions.HTTPError:
            return 0

    def measure(self, percent: float) -> None:
        self._percent = percent

    @property
    def is_closed(self) -> bool:
        return False

    def counted(self) -> Mapping[str, float]:
        """``connects``: of the device, as the wire saw them."""
        malformed, refused = self._running.console.malformed, self._running.gateway.counters.refused
        return {"connects": self.wire.calls, "malformed": total(malformed), "refused": total(refused)}

    def kill(self) -> None:
        if self._reporting is not None:
            self._reporting.cancel()
            self._pool.close()

    async def shut(self) -> None:
        await self._routes.close()
        await self._stack.aclose()

    async def close(self) -> None:
        self.kill()
        await self.shut()
        await self.wire.close()
        if self._posting is not None:
            await asyncio.wait([self._posting])


def total(counter: Counter) -> float:
    """All its labels together."""
    return sum(one.value for metric in counter.collect() for one in metric.samples if one.name.endswith("_total"))


def sample() -> str:
    """The documented site."""
    (block,) = DOCUMENT.read_text(encoding="utf-8").split("```toml\n")[1:]
    return block.partition("```")[0]
