"""The gateway takes data and acts before anything behind it is opened; what stands behind it misses nothing of that."""

import asyncio
import socket
import sys
import threading
import tomllib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from subprocess import run
from typing import Any

import pytest

from console.services import HistoryQuery
from device_registry.devices import Site
from device_registry.load import compile_site
from device_registry.site import SiteConfig
from gengfu import console_side, damage, operations_side, process, stores
from gengfu.errors import MissingError
from gengfu.gateway_side import GatewaySide
from gengfu.operations_side import OperationsSide
from gengfu.rules import shipped
from gengfu.settings import load_settings
from gengfu.staging import Field, Staging
from journal.entry import PARTITIONS, Stored
from journal.sqlite import SqliteJournal
from protocols.profile.loader import shipped_profiles
from protocols.reading import decode_reading
from protocols.wire import coap
from telemetry.errors import StoreError
from tests.fixtures.datagrams import Peer, peer_of
from tests.fixtures.ports import unused_port
from tests.fixtures.waiting import wait_for_async

DEVICE = "kitchen:gas:1"
SITE = """
site = {{ id = "east", title = {{ zh = "东", en = "East" }} }}
area = [{{ id = "kitchen", title = {{ zh = "厨", en = "Kitchen" }}, kind = "commercial-kitchen" }}]
connection = [{{ id = "coap", transport = "coap", listen = "127.0.0.1:{port}" }}]
[[device]]
id = "kitchen:gas:1"
profile = "gengfu/gas-alarm"
title = {{ zh = "报警器", en = "Alarm" }}
area = "kitchen"
connection = "coap"
"""
OPEN_STORES, TAIL, LISTEN = stores.open_stores, SqliteJournal.tail, OperationsSide.listen


class Held:
    """A process of which the stores take as long to open as the test likes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = unused_port(socket.SOCK_DGRAM)
        document = tomllib.loads(SITE.format(port=self.port))
        self.site: Site = compile_site(SiteConfig.model_validate(document, strict=False), shipped_profiles())
        self.go = asyncio.Event()
        self.console_has_read, self.console_goes_on = threading.Event(), threading.Event()
        self.planned: list[object] = []
        self.stack = AsyncExitStack()
        self.number = 0
        self.peer: Peer

    async def open_stores(self, *given: Any) -> stores.Stores:
        await self.go.wait()
        return await OPEN_STORES(*given)

    def tail(self, journal: SqliteJournal, limit: int) -> list[Stored]:
        """The console reads the end of the journal, and goes on when the test likes; in a thread."""
        read = TAIL(journal, limit)
        if limit == console_side.TAIL:
            self.console_has_read.set()
            assert self.console_goes_on.wait(20)
        return read

    def listen(self, side: OperationsSide, batch: Sequence[Stored]) -> None:
        """What the plans are told."""
        self.planned += [decode_reading(one.entry.body).values[0] for one in batch if one.entry.kind == "reading"]
        LISTEN(side, batch)

    async def begin(self) -> process.Process:
        settings = load_settings(data=self.folder, http={"port": 0})
        running = process.running(settings, self.site, self.folder, shipped())
        return await self.stack.enter_async_context(running)

    async def say(self, methane: float, more: str = "") -> str:
        """The code of the answer. ``more``: records after the first ones."""
        self.number += 1
        first = f'{{"bn":"{DEVICE}/","n":"boot","v":1}},{{"n":"seq","v":{self.number}}}'
        pack = f'[{first},{{"n":"methane","v":{methane}}}{more}]'
        options = [(coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, b"\x6e")]
        message_id = 100 + self.number
        datagram = coap.encode(coap.CON, coap.POST, message_id, b"tk", options, payload=pack.encode())
        sending = asyncio.create_task(self._repeat(datagram))  # the door may not be open yet
        answers = await wait_for_async(
            lambda: [one for one in self.peer.heard if (one.kind, one.mid) == (coap.ACK, message_id)], what="an answer"
        )
        sending.cancel()
        return answers[0].code

    async def _repeat(self, datagram: bytes) -> None:
        while True:
            self.peer.say(datagram)
            await asyncio.sleep(0.2)


@pytest.fixture
async def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Held]:
    one = Held(tmp_path)
    monkeypatch.setattr(stores, "open_stores", one.open_stores)

    def tail(journal: SqliteJournal, limit: int) -> list[Stored]:
        return one.tail(journal, limit)

    def listen(side: OperationsSide, batch: Sequence[Stored]) -> None:
        one.listen(side, batch)

    monkeypatch.setattr(SqliteJournal, "tail", tail)
    monkeypatch.setattr(OperationsSide, "listen", listen)
    one.peer = await peer_of(("127.0.0.1", one.port))
    yield one
    one.peer.transport.close()
    await one.stack.aclose()


async def test_what_came_meanwhile_is_acknowledged_shown_once_and_stored(held: Held) -> None:
    beginning = asyncio.create_task(held.begin())
    assert [await held.say(value) for value in (60.0, 61.0)] == ["2.04", "2.04"]
    assert not beginning.done()
    held.go.set()
    await wait_for_async(held.console_has_read.is_set, what="the console")
    assert await held.say(120.0) == "2.04"
    held.console_goes_on.set()
    running = await beginning
    console = running.console
    assert console.live.latest(DEVICE)["methane"].value == 120.0
    page = console._desk.history.page(HistoryQuery())
    assert page is not None
    told = [(one["alarm"], one["event"]) for one in page.items]
    assert {(f"{DEVICE}~{rule}", "raise") for rule in ("CK-04", "CK-07")} <= {*told}
    assert len(told) == len({*told}), "told twice"
    assert f"{DEVICE}~CK-04" in {one["id"] for one in console._desk.alarms.items(state="active")}
    assert await held.say(62.0) == "2.04"
    await wait_for_async(lambda: console.live.latest(DEVICE)["methane"].value == 62.0, what="the newest value")
    assert held.planned == [60.0, 61.0, 120.0, 62.0]
    taken = running.gateway.journal.read(range(PARTITIONS), {}, 1000)
    assert len([one for one in taken if one.entry.kind == "reading"]) == 4


async def test_an_interlock_that_was_armed_before_the_console_began_is_shown_armed(held: Held) -> None:
    beginning = asyncio.create_task(held.begin())
    assert await held.say(1.0, ',{"n":"co","v":3},{"n":"valve","v":1}') == "2.04"
    held.go.set()
    held.console_goes_on.set()
    running = await beginning
    assert [one["state"] for one in running.console._desk.interlocks.items()] == ["armed"]


async def test_a_store_that_cannot_be_opened_ends_the_process_and_what_was_acknowledged_stays(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object) -> stores.Stores:
        await held.go.wait()
        raise StoreError("it is of another version")

    monkeypatch.setattr(stores, "open_stores", refused)
    beginning = asyncio.create_task(held.begin())
    assert await held.say(1.0) == "2.04"
    held.go.set()
    with pytest.raises(MissingError, match="another version"):
        await beginning
    journal = SqliteJournal.open(held.folder / "journal", now=0)
    (stored,) = (one.entry for one in journal.tail(10) if one.entry.kind == "reading")
    assert stored.id.startswith(DEVICE)
    await journal.close()


async def test_databases_are_opened_in_threads_so_that_the_gateway_goes_on(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: dict[str, threading.Thread] = {}
    really = damage.open_or_set_aside

    def noted(path: Path, *others: Any) -> Any:
        opened[path.name] = threading.current_thread()
        return really(path, *others)

    for module in (stores, operations_side, console_side):
        monkeypatch.setattr(module, "open_or_set_aside", noted)
    held.go.set()
    held.console_goes_on.set()
    await held.begin()
    assert set(opened) == {"telemetry.duckdb", "operations.db", "console.db"}
    assert threading.main_thread() not in opened.values()


def test_what_takes_data_does_not_wait_for_the_libraries_of_what_stands_behind_it() -> None:
    program = "import gengfu.main_loop, gengfu.process, gengfu.rules, gengfu.simulate.stage, gengfu.sites, sys"
    loaded = run([sys.executable, "-c", f"{program}; print(*sys.modules)"], capture_output=True, text=True, check=True)
    names = loaded.stdout.split()
    assert "gengfu.gateway_side" in names
    assert {"duckdb", "sqlalchemy", "fastapi", "uvicorn", "gengfu.behind"}.isdisjoint(names)


async def test_the_boards_of_a_demo_are_begun_before_the_gateway_asks_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the first poll finds nobody, and a device that does not answer is the first that people read."""
    held, order, start = Held(tmp_path), [], GatewaySide.start

    async def starting(side: GatewaySide, doors: dict[str, socket.socket]) -> None:
        order.append("gateway")
        await start(side, doors)

    def begin(field: Field) -> None:
        order.append("boards")
        assert field.coap_ports == {"coap": held.port}
        assert list(field.site.devices) == [DEVICE]

    monkeypatch.setattr(GatewaySide, "start", starting)
    settings = load_settings(data=tmp_path, http={"port": 0})
    async with process.running(settings, held.site, tmp_path, shipped(), Staging(begin=begin)):
        assert order == ["boards", "gateway"]
