"""The gateway's own health in a whole process with a real influxd, also when that is away, and the journal full."""

import asyncio
import itertools
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from alarms.alarm import encode
from device_registry.load import load_site
from gateway.uplink import Uplink
from gengfu import clock, health_log, process
from gengfu.health_log import HealthLog
from gengfu.process import Process
from gengfu.rules import shipped
from gengfu.settings import load_settings
from journal.entry import PARTITIONS, Entry
from journal.errors import JournalFull
from journal.sqlite import SqliteJournal
from protocols.moment import SECOND
from protocols.profile.loader import shipped_profiles
from telemetry.health import HEALTH, Health, decode_health
from tests.console.conftest import SITE
from tests.fixtures.influx import Influxd
from tests.fixtures.ports import unused_port
from tests.fixtures.waiting import wait_for_async
from tools.journal_samples import transitions

BIN = b'[{"bn":"t:bin:1/","n":"fill","v":40},{"n":"firmware","v":10203},{"n":"battery","v":12}]'
MINUTE = 60 * SECOND
NEVER_S = 1e6


@asynccontextmanager
async def running(folder: Path, url: str | None, database: str = "", text: str = SITE) -> AsyncIterator[Process]:
    file = folder / "site.toml"
    file.write_text(text.replace("5683", str(unused_port(socket.SOCK_DGRAM))), encoding="utf-8")
    influx = {"url": url, "database": database} if url else {}
    settings = load_settings(data=folder, http={"port": 0}, telemetry={"flush_s": 0.1, "influx": influx})
    site = load_site(file, shipped_profiles())
    async with process.running(settings, site, folder, shipped()) as found:
        yield found


async def say(one: Process, payload: bytes = BIN) -> None:
    """A device speaks; returns when that is durable."""
    told: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
    one.gateway.ingest(Uplink("coap", payload, 110, "peer", clock.wall(), "coap"), told.set_result)
    assert await told is None


def documented() -> list[str]:
    """The queries that the page on diagnostics gives."""
    page = (Path(process.__file__).parent.parent / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    return [line.strip() for line in page.splitlines() if line.startswith("    SELECT ")]


def entries(journal: SqliteJournal) -> list[Health]:
    found = journal.read(range(PARTITIONS), {}, 100_000)
    return [decode_health(one.entry.body) for one in found if one.entry.kind == HEALTH]


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_log, "EVERY_S", 0.05)


@pytest.mark.server
async def test_a_process_tells_influxdb_how_everything_is(influxd: Influxd, tmp_path: Path, often: None) -> None:
    database = influxd.database()

    def newest(measurement: str, where: str = "") -> dict[str, Any]:
        rows = influxd.query(f"SELECT * FROM {measurement} WHERE origin = 'live' {where}", database)
        return rows[-1] if rows else {}

    async with running(tmp_path, influxd.url, database) as one:
        await wait_for_async(lambda: newest("gateway"), what="the first line")
        first = influxd.query("SELECT * FROM gateway", database)[0]
        assert (first["readings"], first["devices"], first["devices_unheard"], first["site"]) == (0, 3, 3, "demo")
        await say(one)
        one.gateway.sides["coap"].diagnosis.failed("bad-reply", "t:bin:1", 2)
        here = "AND device = 't:bin:1'"
        await wait_for_async(lambda: newest("device_health", here).get("errors") == 2, what="the device's errors")
        device = newest("device_health", here)
        assert (device["state"], device["firmware"], device["battery_percent"]) == ("well", "1.2.3", 12)
        assert (device["kind"], device["district"], device["connection"]) == ("smart_bin", "street/hotpot", "coap")
        assert abs(device["time"] / 1e6 - device["last_seen_ms"] - 1000 * device["last_seen_age_s"]) <= 1
        assert newest("device_error", here)["errors"] == 2
        await wait_for_async(lambda: newest("connection_error").get("errors") == 2, what="the connection's errors")
        connection = newest("connection")
        assert (connection["transport"], connection["up"], connection["devices_unheard"]) == ("coap", 1, 2)
        await wait_for_async(lambda: newest("gateway")["readings"] == 1, what="the reading to be counted")
        gateway = newest("gateway")
        assert gateway["memory_bytes"] > 1e7
        assert 0 < gateway["journal_bytes"] < gateway["journal_bound_bytes"]
        assert gateway["uptime_s"] > first["uptime_s"] >= 0
        assert gateway["cpu_s"] >= first["cpu_s"] > 0
        one.gateway.sides["coap"].diagnosis.lost("t:bin:1", "no answer")
        await wait_for_async(lambda: newest("device_health", here)["state"] == "lost", what="the loss")
        tags = "connection=coap,kind=bad-reply,origin=live,site=demo,transport=coap"
        influxd.write(f"connection_error,{tags} errors=1 {clock.wall() - 7200 * SECOND}", database)
        for query in documented():
            found = influxd.query(query, database)
            assert found, query
            assert all(any(row[column] is not None for row in found) for column in found[0]), query
        names = {row["consumer"] for row in influxd.query("SELECT * FROM consumer", database)}
        assert names == {"duckdb", "influxdb"}
        assert newest("consumer", "AND consumer = 'duckdb'")["taking"] == 1


@pytest.mark.server
async def test_a_simulated_fleet_is_never_taken_for_the_city(influxd: Influxd, tmp_path: Path) -> None:
    database = influxd.database()
    text = SITE.replace('site = { id = "demo",', 'site = { id = "demo", simulated = true,').replace('"t:', '"sim:')
    async with running(tmp_path, influxd.url, database, text):
        await wait_for_async(lambda: influxd.query("SELECT * FROM device_health", database), what="a line")
        measurements = influxd.query("SHOW MEASUREMENTS", database)
        for name in (row["name"] for row in measurements):
            assert {row["origin"] for row in influxd.query(f'SELECT * FROM "{name}"', database)} == {"simulated"}


async def test_without_an_influxdb_nothing_of_it_is_kept(tmp_path: Path, often: None) -> None:
    async with running(tmp_path, None) as one:
        await say(one)
        assert "health" not in {task.get_name() for task in asyncio.all_tasks()}
        assert entries(one.gateway.journal) == []


@pytest.fixture
def minutes(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Each call is a minute later. The process itself writes once, at its start."""
    now = [clock.wall()]
    monkeypatch.setattr(health_log, "EVERY_S", NEVER_S)
    monkeypatch.setattr(clock, "wall", lambda: now[0])
    return lambda: now.__setitem__(0, now[0] + MINUTE)


def log_of(one: Process) -> HealthLog:
    """As the process has one."""
    (task,) = (task for task in asyncio.all_tasks() if task.get_name() == "health")
    run: Any = task.get_coro()
    return run.cr_frame.f_locals["work"].__self__


@pytest.mark.server
async def test_an_hour_without_influxdb_is_in_it_afterwards(
    influxd_own: Influxd, tmp_path: Path, minutes: Callable[[], None]
) -> None:
    database = influxd_own.database("site")

    def taken(measurement: str) -> list[dict[str, Any]]:
        return influxd_own.query(f"SELECT * FROM {measurement}", database)

    async with running(tmp_path, influxd_own.url, database) as one:
        await wait_for_async(lambda: taken("device_health"), what="the lines of the start")
        log = log_of(one)
        influxd_own.kill()
        for _ in range(60):
            minutes()
            await log.write()
        influxd_own.start()
        await wait_for_async(lambda: len(taken("gateway")) == 61, 40, "the hour")
        times = [row["time"] for row in taken("gateway")]
        assert {after - before for before, after in itertools.pairwise(times)} == {MINUTE}
        devices = taken("device_health")
        assert len(devices) == 61 * 3
        assert {row["time"] for row in devices} == set(times)
        consumer = influxd_own.query("SELECT * FROM consumer WHERE consumer = 'influxdb'", database)
        lags = [row["lag"] for row in consumer]
        assert lags[-1] >= 59 * 3
        assert lags[1:] == sorted(lags[1:]), "but for what the start itself wrote"
        away = consumer[-1]
        assert (away["taking"], away["oldest_age_s"]) == (0, pytest.approx(59 * 60, abs=60))
        assert "StoreUnavailable" in away["problem"]


@pytest.mark.server
async def test_a_full_journal_refuses_it_and_takes_an_alarm(
    influxd: Influxd, tmp_path: Path, minutes: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, influxd.url, influxd.database()) as one:
        await wait_for_async(lambda: entries(one.gateway.journal), what="the start's")
        log, journal = log_of(one), one.gateway.journal
        before = len(entries(journal))
        bound = journal._writer._bound
        journal._writer._bound = bound._replace(max_bytes=1)
        with caplog.at_level(logging.WARNING, "gengfu.health"):
            await log.write()
            await log.write()
            assert len(caplog.records) == 1
            await journal.append([Entry("alarm", "a", 0, clock.wall(), encode(transitions()[1]))])
            with pytest.raises(JournalFull):
                await journal.append([Entry(HEALTH, "h", 0, clock.wall(), b""), Entry("reading", "r", 0, 0, b"")])
            assert len(entries(journal)) == before
            journal._writer._bound = bound
            minutes()
            await log.write()
            assert len(entries(journal)) > before
            journal._writer._bound = bound._replace(max_bytes=1)
            await log.write()
        assert len(caplog.records) == 2
        journal._writer._bound = bound


@pytest.mark.server
async def test_others_have_their_turn_between_slices(
    influxd: Influxd, tmp_path: Path, minutes: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_log, "SLICE", 1)
    async with running(tmp_path, influxd.url, influxd.database()) as one:
        await wait_for_async(lambda: entries(one.gateway.journal), what="the start's")
        log = log_of(one)
        turns: list[int] = []
        seen: list[int] = []
        device = health_log.SiteHealth.device
        monkeypatch.setattr(
            health_log.SiteHealth, "device", lambda look, which: seen.append(len(turns)) or device(look, which)
        )

        async def others() -> None:
            while True:
                turns.append(1)
                await asyncio.sleep(0)

        task = asyncio.create_task(others())
        minutes()
        before = len(entries(one.gateway.journal))
        await log.write()
        task.cancel()
        assert seen[0] < seen[1] < seen[2]
        found = entries(one.gateway.journal)[before:]
        assert [len(health.devices) for health in found] == [1, 1, 1, 0, 0]
