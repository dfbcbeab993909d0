"""A leak at a hydrogen station, from its OPC UA server to the API: the station must act by itself, we look whether it
did (S15). Real program, and a server that is not ours."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from protocols.profile.loader import shipped_profiles
from tests.e2e.leak_desk import trip_events
from tests.e2e.program_run import Program
from tests.fixtures.opcua_peers import NAMESPACE, OpcUaPeer
from tests.fixtures.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.server]

STATION = shipped_profiles()["gengfu/hydrogen-station"]
PLC, ZONE, PASSWORD = "h2:plc", "station/one~hydrogen-station", "a password of this test"
FAN_ALARM = f"{PLC}~HS-1:fan_running"
WITHIN_S = 10.0
SITE = """
[site]
id = "east"
title = { zh = "东坑", en = "Dongkeng" }
[[area]]
id = "station/one"
title = { zh = "一号加氢站", en = "Hydrogen station one" }
kind = "hydrogen-station"
[[connection]]
id = "plc"
transport = "opcua"
url = "%s"
security = "none"
[[device]]
id = "h2:plc"
profile = "gengfu/hydrogen-station"
title = { zh = "站控系统", en = "Control system" }
area = "station/one"
connection = "plc"
period_s = 1.0
opcua = { values = { namespace = "%s", station = "One" } }
set_values = { pressure_low_bank = { high = 45.0, low = 2.0 }, pressure_high_bank = { high = 90.0, low = 5.0 } }
"""


class StationServer:
    """The station's own server, whose safety PLC lives as long as somebody waits here."""

    def __init__(self, peer: OpcUaPeer) -> None:
        self.peer = peer
        self._beats, self._beaten = 0, 0.0
        for part in STATION.file.point:
            assert part.opcua is not None
            kind, value = ("Boolean", False) if part.type == "flag" else ("Double", 0.0)
            peer.add(self._node(part.name), kind, value)
        self.shows(pressure_low_bank=30.0, pressure_high_bank=70.0, compressor_running=True)

    def _node(self, point: str) -> str:
        opcua = STATION.file.point[STATION.by_name[point].index].opcua
        assert opcua is not None
        return opcua.node.partition("s={station}.")[2].join(("One.", ""))

    def shows(self, **values: float | bool) -> None:
        """What its points say from now on."""
        for point, value in values.items():
            self.peer.set(self._node(point), value)

    def until(self, condition: Callable[[], Any], seconds: float, what: str) -> Any:
        """Wait for it, while the PLC lives."""
        return wait_for(lambda: self._beat() and condition(), seconds, what)

    def _beat(self) -> bool:
        if time.monotonic() - self._beaten > 1.0:
            self._beats, self._beaten = self._beats + 1, time.monotonic()
            self.shows(plc_heartbeat=float(self._beats))
        return True


class Console:
    """The API of the running program."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        token = client.post("/auth/login", json={"username": "admin", "password": PASSWORD}).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"

    def _items(self, path: str, **parameters: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._client.get(path, params=parameters).json()["items"]
        return found

    def alarms(self) -> dict[str, tuple[str, str]]:
        """Every alarm that is not normal: state and priority."""
        return {one["id"]: (one["state"], one["priority"]) for one in self._items("/alarms", state="active")}

    def zone(self) -> dict[str, Any]:
        """The station's interlock."""
        return next(one for one in self._items("/interlocks") if one["id"] == ZONE)

    def proofs(self) -> dict[tuple[str, str], str]:
        """What became of each proof, by cause and role."""
        return {(one["cause"], one["effect"]): one["status"] for one in self.zone()["effects"]}

    def runs(self) -> dict[str, tuple[str, str, str]]:
        """Every plan that was opened: area, stage, and the rule that opened it."""
        return {
            one["plan"]["id"]: (one["area"]["id"], one["stage"], one["trigger"]["rule"]) for one in self._items("/runs")
        }

    def refusal(self) -> tuple[int, str]:
        """The answer to a command for the station."""
        answer = self._client.post(f"/devices/{PLC}/commands", json={"name": "close-valve"})
        return answer.status_code, str(answer.json()["detail"])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StationServer]:
    peer = OpcUaPeer(tmp_path / "peer")
    peer.start()
    yield StationServer(peer)
    peer.kill()


# Ten seconds of it are the time that the station has.
def test_a_leak_whose_fan_is_not_proven_and_then_is(tmp_path: Path, server: StationServer) -> None:
    (tmp_path / "site.toml").write_text(SITE % (server.peer.url, NAMESPACE), encoding="utf-8")
    where = {
        "GENGFU__SITE": str(tmp_path / "site.toml"),
        "GENGFU__DATA": str(tmp_path / "data"),
        "GENGFU__HTTP__PORT": "0",
        "GENGFU_ADMIN_PASSWORD": PASSWORD,
    }
    with Program("up", environment=where) as gateway:
        address = gateway.says(r"Console: (http://\S+?)/ ", 30).group(1)
        with httpx.Client(base_url=f"{address}/api/v1", trust_env=False, timeout=20) as client:
            _story(server, Console(client))
        assert gateway.interrupt(10) == 0
    assert "Traceback" not in gateway.text
    events = trip_events(tmp_path / "data")
    assert [(one.cause, one.stage) for one in events if one.event == "tripped"] == [("HS-1", "verify")]
    assert [one.status for one in events if one.event == "effect"] == ["waiting", "failed", "done"]


def _story(server: StationServer, console: Console) -> None:
    server.until(lambda: console.zone()["state"] == "armed", 30, "a station that was heard")
    assert (console.zone()["mode"], console.alarms()) == ("observe", {})
    leaked = time.monotonic()
    server.shows(h2_room=0.6)
    server.until(lambda: console.proofs() == {("HS-1", "fan-proof"): "waiting"}, 8, "the proof that is waited for")
    # the alarm itself waits for 2 s
    server.until(console.runs, 8, "the plan of the station")
    verifying = {"hydrogen-leak": ("station/one", "verify", "H2-01")}
    assert console.runs() == verifying
    assert FAN_ALARM not in console.alarms()
    server.until(lambda: FAN_ALARM in console.alarms(), WITHIN_S + 10, "the alarm")
    assert time.monotonic() - leaked >= WITHIN_S
    assert console.alarms()[FAN_ALARM] == ("unacknowledged", "critical")
    assert console.proofs() == {("HS-1", "fan-proof"): "failed"}
    assert console.runs() == verifying
    status, why = console.refusal()
    assert (status, why.endswith("it has: none")) == (409, True), why
    server.shows(fan_running=True)
    server.until(lambda: console.alarms()[FAN_ALARM][0] == "latched-unacknowledged", 8, "the proof")
    assert (console.zone()["state"], console.proofs()) == ("tripped", {("HS-1", "fan-proof"): "done"})
    server.shows(h2_room=0.0)
    server.until(lambda: console.zone()["state"] == "armed", 8, "the end of the leak")
    assert FAN_ALARM in console.alarms()
