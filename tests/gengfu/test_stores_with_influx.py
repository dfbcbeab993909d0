"""The stores of a process over a journal and a real influxd: annotations arrive, and a registered device's letters."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from device_registry.devices import Site
from device_registry.load import load_site
from gengfu import stores
from gengfu.letter_board import LetterBoard
from gengfu.rules import shipped
from gengfu.settings import TelemetryPart
from gengfu.supervisor import Supervisor
from journal.entry import Entry, partition_of
from journal.sqlite import SqliteJournal
from protocols.command import Command, CommandEvent, encode_command_event
from protocols.profile.loader import shipped_profiles
from protocols.reading import Origin, encode_reading
from tests.console.conftest import SITE, START, reading_of
from tests.fixtures.influx import Influxd

pytestmark = pytest.mark.server
GAS, BIN = "t:gas:1", "t:bin:1"


def site_of(folder: Path, text: str) -> Site:
    file = folder / "site.toml"
    file.write_text(text, encoding="utf-8")
    return load_site(file, shipped_profiles())


def command(device: str) -> Entry:
    told = Command(f"c~{device}", device, "close-valve", Origin.DRILL, "person/li", START, START + 1)
    body = encode_command_event(CommandEvent(told, "sent", START))
    return Entry("command", told.id, partition_of(device), START, body)


def fill() -> Entry:
    """A reading of the bin."""
    one = reading_of(shipped_profiles()["gengfu/smart-bin"], BIN, START, {"fill": 40.0})
    return Entry("reading", "fill", partition_of(BIN), START, encode_reading(one))


async def taken(opened: stores.Stores) -> None:
    """Returns when every store has everything."""
    async with asyncio.timeout(20):
        while any(feed.lag() for feed in opened.feeds):
            await asyncio.sleep(0)


async def test_what_happened_and_a_device_registered_since_reach_the_server(influxd: Influxd, tmp_path: Path) -> None:
    database = influxd.database()
    without_bin = SITE[: SITE.rindex("[[device]]")]
    part = TelemetryPart.model_validate({"flush_s": 0.1, "influx": {"url": influxd.url, "database": database}})
    async with AsyncExitStack() as stack:
        journal = SqliteJournal.open(tmp_path / "journal", now=START)
        stack.push_async_callback(journal.close)
        await journal.append([command(GAS), fill()])
        opened = await stores.open_stores(stack, site_of(tmp_path, without_bin), tmp_path, shipped(), journal, part)
        supervisor = Supervisor(CollectorRegistry())
        stores.start(stack, opened, supervisor)
        stack.push_async_callback(supervisor.stop)
        await taken(opened)
        rows = influxd.query("SELECT * FROM annotation", database)
        assert [(row["kind"], row["origin"], row["state"], row["title_zh"]) for row in rows] == [
            ("command", "drill", "sent", "演练 · 关闭切断阀 · 设备已接收")
        ]
        board = LetterBoard(opened.duck, opened.influx)
        assert [one["count"] for one in board.stores()] == [1, 1]
        opened.follow_site(site_of(tmp_path, SITE))
        assert board.replay("influxdb", [1], "li")["stored"] == 1
        (row,) = influxd.query("SELECT * FROM smart_bin", database)
        assert (row["device"], row["fill"], row["time"]) == (BIN, 40.0, START)
        assert [one["count"] for one in board.stores()] == [1, 0]
        await journal.append([command(BIN)])
        await taken(opened)
        (later,) = influxd.query(f"SELECT * FROM annotation WHERE device = '{BIN}'", database)
        assert later["district"] == "street/hotpot"
