"""`gengfu journal`, as a person uses it on a running site whose InfluxDB never comes back."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from tests.e2e.changing_site import AREA, COAP, ChangingSite, device
from tests.e2e.coap_fleet import Device
from tests.fixtures.waiting import wait_for, wait_for_async

pytestmark = pytest.mark.e2e
STOP_S = 15


def store(client: httpx.Client, name: str) -> dict[str, object]:
    """What the API says of a store."""
    found = client.get("/journal").json()["consumers"]
    return {str(key): value for one in found if one["name"] == name for key, value in one.items()}


async def some_readings(board: Device) -> None:
    stop = asyncio.Event()
    reporting = asyncio.create_task(board.report_until(stop))
    await wait_for_async(lambda: len(board.acknowledged) > 3, 20, "acknowledgements")
    stop.set()
    await reporting


async def test_a_store_that_never_comes_back_is_shown_forgotten_and_remembered(tmp_path: Path, free_port: int) -> None:
    site = ChangingSite(tmp_path)
    site.environment["GENGFU__TELEMETRY__INFLUX__URL"] = f"http://127.0.0.1:{free_port}"
    bin_ = device("east:bin:1", "street", "coap", model="gengfu/smart-bin", period_s=60)
    site.write(AREA % ("street", "other"), COAP % ("coap", site.coap), bin_)
    with site.run() as (program, client):
        token = client.post("/tokens", json={"name": "cli", "role": "admin"}).json()["token"]
        await some_readings(Device("east:bin:1", "fill", ("127.0.0.1", site.coap), 0.01))
        wait_for(lambda: store(client, "influxdb")["problem"], 20, "a refused connection")
        wait_for(lambda: store(client, "duckdb")["lag"] == 0, 20, "DuckDB to take the readings")
        _shown_forgotten_and_remembered(site, token)
        _refused(site, token)
        assert 'gengfu_store_forgotten{store="influxdb"} 1.0' in client.get("/metrics").text
        assert program.interrupt(STOP_S) == 0
        assert "admin forgot the store influxdb, which had not taken " in program.text
    with site.run() as (program, client):
        assert store(client, "influxdb")["forgotten"] is not None
        assert program.interrupt(STOP_S) == 0
    gone = site.verb("journal", "status", token=token)
    assert (gone.returncode, gone.stdout) == (3, "")
    assert "does not answer" in gone.stderr
    assert site.verb("journal", "forget", token=token).returncode == 2


def _shown_forgotten_and_remembered(site: ChangingSite, token: str) -> None:
    shown = site.verb("journal", "status", token=token).stdout.splitlines()
    assert "1 segments, the oldest begun 20" in shown[0]
    assert shown[1] == "duckdb: 0 entries not taken yet"
    assert shown[2].endswith("entries not taken yet; takes no data: StoreUnavailable")
    for _ in range(2):
        forgotten = site.verb("journal", "forget", "influxdb", token=token)
        assert (forgotten.returncode, forgotten.stderr) == (0, "")
        assert "forgotten since 20" in forgotten.stdout
        assert forgotten.stdout.endswith(" by admin\n")
    remembered = json.loads(site.verb("journal", "remember", "influxdb", "--json", token=token).stdout)
    assert (remembered["name"], remembered["forgotten"]) == ("influxdb", None)
    site.verb("journal", "forget", "influxdb", token=token)
    status = json.loads(site.verb("journal", "status", "--json", token=token).stdout)
    assert [one["forgotten"] is None for one in status["consumers"]] == [True, False]


def _refused(site: ChangingSite, token: str) -> None:
    unknown = site.verb("journal", "forget", "east/store", token=token)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    last = site.verb("journal", "forget", "duckdb", token=token)
    assert (last.returncode, last.stdout) == (1, "")
    assert "duckdb is the only store that the journal waits for" in last.stderr
    other = site.verb("journal", "remember", "nobody", token=token)
    assert other.returncode == 1
    assert "The journal feeds no store 'nobody'; there are duckdb, influxdb." in other.stderr
    assert site.verb("journal", "status", token="").returncode == 1
