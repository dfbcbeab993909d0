"""A console around real parts: accounts in SQLite, telemetry in DuckDB, the shipped profiles, a clock of the test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter

from console.accounts import Accounts
from console.app import create_app
from console.live import LiveView
from console.roles import Role
from console.services import ConsoleServices
from console.web import REQUIRED
from device_registry.devices import Site
from device_registry.load import load_site
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile
from protocols.reading import Origin, Reading, Value
from telemetry.duck import DuckStore
from telemetry.store import Series

START = 1_795_000_000 * 10**9  # 2026-11-18T11:06:40Z
PASSWORDS = {Role.VIEWER: "viewer-secret-1", Role.OFFICER: "officer-secret-2", Role.ADMIN: "admin-secret-3"}
BASE = "http://console.test"
SITE = """
site = { id = "demo", title = { zh = "演示", en = "Demo" } }

[[area]]
id = "street/hotpot"
title = { zh = "厨房", en = "Kitchen" }
kind = "commercial-kitchen"
address = "8 Food Street"

[[connection]]
id = "coap"
transport = "coap"
listen = "127.0.0.1:5683"

[[device]]
id = "t:gas:1"
profile = "gengfu/gas-alarm"
title = { zh = "报警器", en = "Alarm" }
area = "street/hotpot"
connection = "coap"

[[device]]
id = "t:gas:2"
profile = "gengfu/gas-alarm"
title = { zh = "报警器", en = "Alarm" }
area = "street/hotpot"
connection = "coap"

[[device]]
id = "t:bin:1"
profile = "gengfu/smart-bin"
title = { zh = "桶", en = "Bin" }
area = "street/hotpot"
connection = "coap"
"""


class Clock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.at = START

    def ns(self) -> int:
        return self.at

    def seconds(self) -> float:
        return self.at / 10**9

    def advance(self, seconds: float) -> None:
        self.at += int(seconds * 10**9)


@dataclass
class Door:
    """The pipeline's door: notes what comes, and refuses with ``error`` if there is one."""

    error: Exception | None = None
    got: list[tuple[bytes, int, str]] = field(default_factory=list)

    async def __call__(self, body: bytes, content_format: int, peer: str) -> int:
        if self.error:
            raise self.error
        self.got.append((body, content_format, peer))
        return 1


def reading_of(
    profile: Profile,
    device: str,
    at: int,
    values: Mapping[str, Value],
    quality: Mapping[str, int] | None = None,
    origin: Origin = Origin.LIVE,
    received_at: int | None = None,
) -> Reading:
    """A reading whose points not named are absent."""
    return Reading(
        device,
        profile.id,
        at,
        at if received_at is None else received_at,
        origin,
        tuple(values.get(point.name) for point in profile.points),
        tuple((quality or {}).get(point.name, 0) for point in profile.points),
    )


@pytest.fixture(scope="session")
def gas() -> Profile:
    """The gas alarm."""
    return shipped_profiles()["gengfu/gas-alarm"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    file = tmp_path / "site.toml"
    file.write_text(SITE, encoding="utf-8")
    return load_site(file, shipped_profiles())


@pytest.fixture
def store(site: Site, tmp_path: Path) -> Iterator[DuckStore]:
    def series_of(device: str) -> Series | None:
        known = site.devices.get(device)
        if known is None:
            return None
        points = tuple(point.name for point in known.profile.points)
        return Series(known.profile.id, known.profile.kind, site.id, known.area.id, points)

    opened = DuckStore.open(tmp_path / "telemetry.duckdb", series_of)
    yield opened
    opened.close()


@pytest.fixture
def accounts(tmp_path: Path, clock: Clock) -> Iterator[Accounts]:
    # The cheapest parameters that argon2 takes: the tests sign in hundreds of times.
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    opened = Accounts(f"sqlite:///{tmp_path}/accounts.db", clock=clock.seconds, hasher=cheap)
    for role, password in PASSWORDS.items():
        opened.add_user(role.value, password, role)
    yield opened
    opened.close()


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def checks() -> dict[str, str | None]:
    """What `/readyz` is told; a test may change it."""
    return {"journal": None, "store": None}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with just the files that the console asks for."""
    folder = tmp_path / "root"
    for name in REQUIRED:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"<!-- {name} -->")
    return folder


@pytest.fixture
def services(
    site: Site, store: DuckStore, accounts: Accounts, clock: Clock, door: Door, checks: dict[str, str | None]
) -> ConsoleServices:
    metrics = CollectorRegistry()
    Counter("gengfu_readings", "Readings stored.", registry=metrics).inc(7)
    return ConsoleServices(
        ingest=door,
        site=site,
        store=store,
        live=LiveView(),
        accounts=accounts,
        metrics=metrics,
        ready=lambda: checks,
        stop=asyncio.Event(),
        banner={"zh": "演示", "en": "DEMO"},
        version="9.8.7",
        clock=clock.ns,
    )


@pytest.fixture
def app(services: ConsoleServices, root: Path) -> FastAPI:
    return create_app(services, root)


Connect = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def connect(app: FastAPI) -> AsyncIterator[Connect]:
    """A client without credentials; ``peer`` is its address."""
    opened: list[httpx.AsyncClient] = []

    def open_client(peer: str = "127.0.0.1", headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 40000))
        opened.append(httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers))
        return opened[-1]

    yield open_client
    for client in opened:
        await client.aclose()


@pytest.fixture
def client(connect: Connect) -> httpx.AsyncClient:
    """A client without credentials."""
    return connect()


@pytest.fixture
def bearer(accounts: Accounts) -> Callable[[Role], dict[str, str]]:
    """The header of a signed-in user of a role."""

    def header(role: Role) -> dict[str, str]:
        return {"Authorization": f"Bearer {accounts.login(role.value, PASSWORDS[role], 'test')}"}

    return header


@pytest.fixture
def viewer(connect: Connect, bearer: Callable[[Role], dict[str, str]]) -> httpx.AsyncClient:
    """A client signed in as viewer."""
    return connect(headers=bearer(Role.VIEWER))


@pytest.fixture
def officer(connect: Connect, bearer: Callable[[Role], dict[str, str]]) -> httpx.AsyncClient:
    """A client signed in as officer."""
    return connect(headers=bearer(Role.OFFICER))
