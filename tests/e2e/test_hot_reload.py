"""The running program takes a changed document: what stays goes on without a gap, nothing that warns is lost."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from protocols.wire import coap
from tests.e2e.changing_site import (
    AREA,
    COAP,
    MODBUS,
    ChangingSite,
    Slave,
    connection,
    device,
    refused,
    reload,
    send_signal,
    until_up,
)
from tests.e2e.coap_fleet import Device, Id
from tests.e2e.program_run import Program
from tests.e2e.stores import in_duckdb
from tests.fixtures.waiting import wait_for, wait_for_async

pytestmark = pytest.mark.e2e
KITCHEN = AREA % ("kitchen", "commercial-kitchen")
OTHER = AREA % ("other", "other")
STOP_S = 15
"""The machine may be busy; how soon a program must end is held by its own tests."""


@pytest.fixture
def site(tmp_path: Path) -> ChangingSite:
    return ChangingSite(tmp_path)


@pytest.fixture
def slaves() -> Iterator[tuple[Slave, Slave]]:
    """Two gas alarms on Modbus TCP."""
    made = Slave(), Slave()
    for one in made:
        one.start()
    yield made
    for one in made:
        one.kill()


def lines(slaves: tuple[Slave, Slave], timeout_s: float = 0.5) -> str:
    return "".join(MODBUS % (f"line-{n}", one.port, timeout_s) for n, one in enumerate(slaves, 1))


def bin_(name: str) -> str:
    return device(name, "other", "coap", model="gengfu/smart-bin", period_s=60)


class Stream:
    """A board that reports over CoAP all the while."""

    def __init__(self, name: str, port: int) -> None:
        self.device = Device(name, "fill", ("127.0.0.1", port), 0.01)
        self._stop = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self.device.report_until(self._stop))

    async def has_more(self, readings: int = 20) -> None:
        until = len(self.device.acknowledged) + readings
        await wait_for_async(lambda: len(self.device.acknowledged) >= until, 20, "acknowledgements")

    async def end(self) -> set[Id]:
        self._stop.set()
        await self._task
        return self.device.acknowledged


def stored(site: ChangingSite, name: str) -> list[int]:
    """When each stored reading of a device was taken, in order; each once."""
    counted = {at: times for (who, at), times in in_duckdb(site.data).items() if who == name}
    assert set(counted.values()) <= {1}
    return sorted(counted)


async def test_a_stream_has_no_gap_while_another_connection_is_changed(
    site: ChangingSite, slaves: tuple[Slave, Slave]
) -> None:
    fixed = KITCHEN + OTHER + COAP % ("coap", site.coap) + bin_("east:bin:1")
    gas = device("east:gas:1", "kitchen", "line-1", period_s=0.1)
    site.write(fixed, lines(slaves), gas)
    with site.run() as (program, client):
        stream = Stream("east:bin:1", site.coap)
        await stream.has_more()
        before = await asyncio.to_thread(until_up, client, "line-1")
        more = device("east:gas:2", "kitchen", "line-2", period_s=0.1)
        site.write(fixed, lines(slaves, 0.4), gas, more)
        done = await asyncio.to_thread(reload, client)
        assert sorted(done["reopened"]) == ["line-1", "line-2"]
        assert done["devices"] == {"added": ["east:gas:2"], "removed": [], "changed": []}
        await asyncio.to_thread(until_up, client, "line-2")
        after = await asyncio.to_thread(until_up, client, "line-1")
        assert after["since"] > before["since"]
        await wait_for_async(lambda: connection(client, "line-2")["device_items"][0]["answers"] > 10, 20, "ten answers")
        await stream.has_more()
        acknowledged = await stream.end()
        assert stream.device.refusals == []
        assert stream.device.sent == acknowledged
        assert program.interrupt(STOP_S) == 0
    assert stored(site, "east:bin:1") == sorted(one.at for one in acknowledged)
    assert len(stored(site, "east:gas:2")) > 5


async def test_an_unchanged_line_keeps_its_connection_and_every_poll_is_stored(
    site: ChangingSite, slaves: tuple[Slave, Slave]
) -> None:
    gas = device("east:gas:1", "kitchen", "line-1", period_s=0.1)
    site.write(KITCHEN, OTHER, lines(slaves), gas, device("east:gas:2", "kitchen", "line-2", period_s=0.1))
    with site.run() as (program, client):
        before = await asyncio.to_thread(until_up, client, "line-1")
        await asyncio.to_thread(until_up, client, "line-2")
        site.write(
            KITCHEN, OTHER, lines(slaves), gas, device("east:gas:2", "kitchen", "line-2", period_s=0.1)
            + "drill_allowed = true\n", COAP % ("coap", site.coap), bin_("east:bin:1"),
        )  # fmt: skip
        done = await asyncio.to_thread(reload, client)
        assert (done["reopened"], done["connections"]["added"]) == ([], ["coap"])
        stream = Stream("east:bin:1", site.coap)
        await stream.has_more()
        await stream.end()
        after = connection(client, "line-1")
        assert after["since"] == before["since"]
        assert after["requests"] > before["requests"]
        metrics = httpx.get(f"{site.url}/metrics", trust_env=False, timeout=30).text
        assert 'gengfu_bus_events_total{connection="line-1",event="connects"} 1.0' in metrics
        assert program.interrupt(STOP_S) == 0
    assert len(stored(site, "east:gas:1")) >= after["requests"] - 1


def test_a_killed_program_comes_up_with_the_changed_document(site: ChangingSite, slaves: tuple[Slave, Slave]) -> None:
    gas = device("east:gas:1", "kitchen", "line-1", period_s=0.1)
    site.write(KITCHEN, lines(slaves), gas)
    with site.run() as (program, client):
        until_up(client, "line-1")
        site.write(KITCHEN, lines(slaves), gas, device("east:gas:2", "kitchen", "line-2", period_s=0.1))
        reload(client)
        program.kill()
    with site.run() as (program, client):
        assert until_up(client, "line-2")["device_items"][0]["device"] == "east:gas:2"
        assert program.interrupt(STOP_S) == 0
    assert stored(site, "east:gas:1")
    assert stored(site, "east:gas:2")


def test_a_wrong_document_is_refused_whole_and_the_old_one_goes_on(
    site: ChangingSite, slaves: tuple[Slave, Slave]
) -> None:
    gas = device("east:gas:1", "kitchen", "line-1", period_s=0.1)
    site.write(KITCHEN, lines(slaves), gas)
    with site.run() as (program, client):
        before = until_up(client, "line-1")
        site.write(KITCHEN, lines(slaves, -1), device("east:gas:1", "nowhere", "line-1"), "[[surprise]]\n")
        problems = refused(client)
        assert len(problems) == 3
        assert all(str(site.document) in one for one in problems)
        assert any("surprise" in one for one in problems)
        assert connection(client, "line-1")["since"] == before["since"]
        # an address that is not of this machine is found out by the opening itself, when other things are closed
        away = COAP.replace("127.0.0.1", "192.0.2.1") % ("coap", site.coap)
        site.write(KITCHEN, lines(slaves, 0.4), gas, away)
        (problem,) = refused(client)
        assert "192.0.2.1" in problem
        assert client.get("/connections/coap").status_code == 404
        until_up(client, "line-1")
        assert program.interrupt(STOP_S) == 0


def test_what_is_watched_less_needs_a_person_and_a_signal_is_none(
    site: ChangingSite, slaves: tuple[Slave, Slave]
) -> None:
    one, two = (device(f"east:gas:{n}", "kitchen", f"line-{n}", period_s=0.1) for n in (1, 2))
    site.write(KITCHEN, lines(slaves), one, two)
    with site.run() as (program, client):
        until_up(client, "line-2")
        site.write(KITCHEN, lines(slaves), one)
        send_signal(program, signal.SIGHUP)
        program.says(r"device east:gas:2: watched no longer by CO-04b, CO-05, CK-02.*accept_losses is needed")
        assert until_up(client, "line-2")
        looked = reload(client, dry_run=True)
        assert (looked["applied"], looked["devices"]["removed"]) == (False, ["east:gas:2"])
        assert until_up(client, "line-2")
        assert reload(client, accept_losses=True)["applied"]
        assert connection(client, "line-2")["device_items"] == []
        assert client.get("/devices/east:gas:2").status_code == 404
        site.write(KITCHEN, lines(slaves), one, two)
        send_signal(program, signal.SIGHUP)
        assert until_up(client, "line-2")["device_items"][0]["device"] == "east:gas:2"
        assert program.interrupt(STOP_S) == 0


def alarms(client: httpx.Client, name: str) -> dict[str, str]:
    """Rule -> state of a device's alarms that are not normal."""
    items = client.get("/alarms", params={"state": "active", "device": name}).json()["items"]
    return {one["rule"]: one["state"] for one in items}


def interlock(client: httpx.Client) -> str:
    (item,) = client.get("/interlocks").json()["items"]
    return str(item["state"])


def test_alarm_and_latch_stand_through_a_reload_and_forbid_to_remove_their_device(
    site: ChangingSite, slaves: tuple[Slave, Slave]
) -> None:
    leak, _quiet = slaves
    one, two = (device(f"east:gas:{n}", "kitchen", f"line-{n}", period_s=0.1) for n in (1, 2))
    site.write(KITCHEN, lines(slaves), one, two)
    with site.run() as (program, client):
        until_up(client, "line-1")
        leak.measure(60.0)
        wait_for(lambda: interlock(client) == "tripped", 20, "the trip")
        wait_for(lambda: leak.coil(0), 20, "the valve to close")
        wait_for(lambda: "CK-04" in alarms(client, "east:gas:1"), 20, "the alarm")
        site.write(KITCHEN, lines(slaves), two)
        problems = "\n".join(refused(client, accept_losses=True))
        assert "interlock kitchen~restaurant-kitchen: it is tripped" in problems
        assert "device[east:gas:1]: is in alarm (" in problems
        site.write(KITCHEN, OTHER, lines(slaves, 0.4), one, two, COAP % ("coap", site.coap), bin_("east:bin:1"))
        assert sorted(reload(client)["reopened"]) == ["line-1", "line-2"]
        until_up(client, "line-1")
        assert interlock(client) == "tripped"
        assert alarms(client, "east:gas:1")["CK-04"] == "unacknowledged"
        program.kill()
    with site.run() as (program, client):
        until_up(client, "line-1")
        assert interlock(client) == "tripped"
        assert "CK-04" in alarms(client, "east:gas:1")
        assert program.interrupt(STOP_S) == 0


def test_a_valve_behind_a_reopened_door_is_closed_where_its_board_was_heard_before(
    site: ChangingSite, slaves: tuple[Slave, Slave]
) -> None:
    fixed = KITCHEN + OTHER + COAP % ("coap", site.coap) + lines(slaves)
    boards = (
        device("east:gas:1", "kitchen", "line-1", period_s=0.1),
        device("east:gas:3", "kitchen", "coap", period_s=900),
    )
    site.write(fixed, *boards)
    with site.run() as (program, client), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as board:
        board.settimeout(20)
        options = [(coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, coap.uint_bytes(coap.SENML_JSON))]
        pack = b'[{"bn":"east:gas:3/","n":"methane","v":0.0},{"n":"valve","v":1}]'
        board.sendto(coap.encode(coap.CON, coap.POST, 1, b"t", options, payload=pack), ("127.0.0.1", site.coap))
        assert coap.decode(board.recv(2000))[1] == coap.CHANGED
        until_up(client, "line-1")
        site.write(fixed, *boards, bin_("east:bin:1"))
        assert reload(client)["reopened"] == ["coap"]
        slaves[0].measure(60.0)
        _, code, _, _, asked, payload = coap.decode(board.recv(2000))
        assert (code, coap.path_of(asked), payload) == (coap.PUT, [b"valve"], b"close")
        assert program.interrupt(STOP_S) == 0


def test_only_an_admin_may_and_only_where_there_is_a_document(site: ChangingSite, tmp_path: Path) -> None:
    settings = site.settings.read_text().replace(f'site = "{tmp_path}/site.toml"\n', "")
    site.settings.write_text(settings)
    with Program("up", "-c", site.settings, environment=site.environment) as program:
        program.says("Console: ", 30)
        with site.signed_in() as client:
            token = client.post("/tokens", json={"name": "t", "role": "officer"}).json()["token"]
            officer = {"Authorization": f"Bearer {token}"}
            assert client.post("/site/reload", json={}, headers=officer).status_code == 403
            assert client.post("/site/reload", json={}).status_code == 503
        assert program.interrupt(STOP_S) == 0
