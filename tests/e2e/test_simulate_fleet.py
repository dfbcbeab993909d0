"""`gengfu simulate` and `gengfu up` as a user starts them: every transport, the origin, a leak that closes valves."""

import asyncio
import json
import re
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from gengfu.simulate.document import write_site
from journal.entry import PARTITIONS
from journal.sqlite import SqliteJournal
from protocols.reading import Origin, Reading, decode_reading
from tests.e2e.program_run import Program, newest
from tests.fixtures.mosquitto import Mosquitto, running
from tests.fixtures.ports import unused_port
from tests.fixtures.waiting import TooLate, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(90)]

PASSWORD = "a password of this test"
DOCS = Path(__file__).parents[2] / "docs"
LEAK = """
[[event]]
at_s = 8
device = "sim:gas:0001"
what = "jump"
point = "methane"
to = 62
"""


def start_fleet(folder: Path, *more: object) -> Program:
    fleet = Program("simulate", "--write-site", folder / "site.toml", "--first-port", unused_port(), *more)
    fleet.says("virtual devices of", 30)
    return fleet


def start_gateway(folder: Path, *words: str, **settings: str) -> Program:
    where = {
        "GENGFU__SITE": str(folder / "site.toml"),
        "GENGFU__DATA": str(folder / "data"),
        "GENGFU__HTTP__PORT": "0",
        "GENGFU_ADMIN_PASSWORD": PASSWORD,
        **settings,
    }
    return Program("up", *words, environment=where)


@contextmanager
def signed_in(gateway: Program) -> Iterator[httpx.Client]:
    """A client of its API."""
    with httpx.Client(base_url=gateway.says(r"Console: (http://\S+?)/ ", 30).group(1), trust_env=False) as client:
        token = client.post("/api/v1/auth/login", json={"username": "admin", "password": PASSWORD}).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def counted(program: Program) -> dict[str, int]:
    """The last line of a fleet that was stopped."""
    last = program.text.splitlines()[-1]
    return {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", last)}


def in_journal(data: Path) -> list[Reading]:
    """The readings of a data folder that no program has open."""

    async def read() -> list[Reading]:
        journal = SqliteJournal.open(data / "journal", now=time.time_ns())
        stored = journal.read(range(PARTITIONS), {}, 100_000)
        found = [decode_reading(one.entry.body) for one in stored if one.entry.kind == "reading"]
        await journal.close()
        return found

    return asyncio.run(read())


def stored_by_transport(address: str) -> dict[str, float]:
    text = httpx.get(f"{address}/metrics", trust_env=False).text
    found = re.findall(r'^gengfu_readings_total\{transport="([^"]+)"\} (\S+)', text, re.MULTILINE)
    return {transport: float(number) for transport, number in found}


def heard(client: httpx.Client) -> int:
    """How many devices have said something."""
    counts = [item["devices"] for item in client.get("/api/v1/connections").json()["items"]]
    return sum(count["total"] - count["lost"] - count["unheard"] for count in counts)


def test_fleet_over_four_transports_is_heard_as_simulated_and_nothing_is_lost(tmp_path: Path) -> None:
    with (
        start_fleet(tmp_path, "--devices", 12, "--rate", 20) as fleet,
        start_gateway(tmp_path) as gateway,
        signed_in(gateway) as client,
    ):
        address = str(client.base_url).rstrip("/")
        wanted = {"coap": 20, "serial-link": 20, "modbus": 14}
        wait_for(
            lambda: all(stored_by_transport(address).get(one, 0) >= least for one, least in wanted.items()),
            40,
            f"readings over each of {', '.join(wanted)}",
        )
        wait_for(lambda: heard(client) == 12, 20, "a reading of each device")
        assert fleet.interrupt(5) == 0
        said = counted(fleet)
        assert gateway.interrupt(5) == 0
        assert "Traceback" not in fleet.text + gateway.text
    stored = in_journal(tmp_path / "data")
    pushed = Counter((one.device, one.boot, one.sequence) for one in stored if one.is_counted)
    assert {one.origin for one in stored} == {Origin.SIMULATED}
    assert all(one.received_at for one in stored)
    assert len({one.device for one in stored}) == said["devices"] == 12
    assert set(pushed.values()) == {1}
    assert said["acknowledged"] <= len(pushed) <= said["sent"]
    assert said["refused"] == said["dropped"] == 0


def test_leak_closes_the_valves_of_all_transports_where_a_demo_makes_it_live(tmp_path: Path) -> None:
    (tmp_path / "script.toml").write_text(LEAK)
    with (
        start_fleet(tmp_path, "--devices", 6, "--script", tmp_path / "script.toml") as fleet,
        start_gateway(tmp_path, "--demo") as gateway,
        signed_in(gateway) as client,
    ):
        alarms = [f"sim:gas:000{number}" for number in (1, 3, 4, 6)]

        def valves() -> list[object]:
            return [newest(client, one).get("valve") for one in alarms]

        try:
            wait_for(lambda: valves() == [2.0] * 4, 40, "four closed valves")
        except TooLate as error:
            error.add_note(json.dumps(valves()))
            raise
        assert fleet.interrupt(5) == 0
        assert counted(fleet)["commands"] >= 4
        assert gateway.interrupt(5) == 0


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with running(tmp_path / "broker") as broker:
        yield broker


@pytest.mark.server
def test_fleet_behind_a_broker_is_heard_and_nothing_is_lost(tmp_path: Path, mosquitto: Mosquitto) -> None:
    site = tmp_path / "site.toml"
    write_site(site, 6, ("mqtt",))
    site.write_text(site.read_text().replace("port = 1883", f"port = {mosquitto.port}"))
    with Program("simulate", site, "--rate", 20) as fleet, start_gateway(tmp_path) as gateway:
        address = gateway.says(r"Console: (http://\S+?)/ ", 30).group(1)
        wait_for(lambda: stored_by_transport(address).get("mqtt", 0) >= 40, 40, "readings over MQTT")
        assert fleet.interrupt(5) == 0
        said = counted(fleet)
        wait_for(lambda: stored_by_transport(address)["mqtt"] >= said["acknowledged"], 10, "what the broker has")
        assert gateway.interrupt(5) == 0
        assert "Traceback" not in fleet.text + gateway.text
    stored = in_journal(tmp_path / "data")
    pushed = Counter((one.device, one.boot, one.sequence) for one in stored)
    assert {one.origin for one in stored} == {Origin.SIMULATED}
    assert (set(pushed.values()), len({one.device for one in stored})) == ({1}, 6)
    assert said["acknowledged"] <= len(pushed) <= said["sent"]


def documented_opcua(folder: Path, url: str) -> None:
    """The profile and the site of the page about OPC UA, as a simulation of this machine."""
    profile, site = (
        (DOCS / "protocols/opcua.md").read_text(encoding="utf-8").split("```toml\n")[part] for part in (1, 2)
    )
    place = folder / "profiles/acme/gas-cabinet.toml"
    place.parent.mkdir(parents=True)
    place.write_text(profile.partition("```")[0], encoding="utf-8")
    document = tomllib.loads(site.partition("```")[0])
    (device,) = document["device"]
    (folder / "site.toml").write_text(
        f'site = {{ id = "s", title = {{ zh = "站", en = "Site" }}, simulated = true }}\n'
        f'area = [{{ id = "{device["area"]}", title = {{ zh = "街", en = "Street" }}, kind = "commercial-kitchen" }}]\n'
        f'[[connection]]\nid = "{device["connection"]}"\ntransport = "opcua"\nsecurity = "none"\nurl = "{url}"\n'
        f'[[device]]\nid = "sim:gas:0001"\nprofile = "acme/gas-cabinet"\ntitle = {{ zh = "柜", en = "Cabinet" }}\n'
        f'area = "{device["area"]}"\nconnection = "{device["connection"]}"\nperiod_s = 1.0\n'
        f'opcua.values.station = "{device["opcua"]["values"]["station"]}"\n',
        encoding="utf-8",
    )


def test_opcua_server_is_heard_and_its_valve_closes_on_a_leak(tmp_path: Path) -> None:
    documented_opcua(tmp_path, f"opc.tcp://127.0.0.1:{unused_port()}")
    (tmp_path / "script.toml").write_text(LEAK)
    profiles = tmp_path / "profiles"
    words = ("--profiles", profiles, "--script", tmp_path / "script.toml")
    with Program("simulate", tmp_path / "site.toml", *words) as fleet:
        fleet.says("1 virtual devices", 30)
        with (
            start_gateway(tmp_path, "--demo", GENGFU__PROFILES=json.dumps([str(profiles)])) as gateway,
            signed_in(gateway) as client,
        ):
            wait_for(lambda: newest(client, "sim:gas:0001").get("valve") == 2.0, 50, "the closed valve")
            assert gateway.interrupt(5) == 0
        assert fleet.interrupt(5) == 0
        assert counted(fleet)["commands"] == 1
        assert "Traceback" not in fleet.text + gateway.text
