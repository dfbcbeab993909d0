"""The site of these tests: bins in a street, one kitchen, the real program with DuckDB and InfluxDB.

The readings count as LIVE, in a data folder of its own, over loopback.
"""

import socket
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import httpx

from tests.e2e.program_run import Program
from tests.faults.kitchen import DEVICE as GAS_ALARM
from tests.faults.load import Number
from tests.fixtures.influx import Influxd
from tests.fixtures.ports import unused_port

PASSWORD = "a password of these tests"
BURST = "street:bin:burst"
SITE = """
site = { id = "faults", title = { zh = "故障", en = "Faults" } }
area = [
  { id = "street", title = { zh = "街", en = "Street" }, kind = "street" },
  { id = "kitchen", title = { zh = "厨房", en = "Kitchen" }, kind = "commercial-kitchen" },
]
connection = [{ id = "coap", transport = "coap", listen = "127.0.0.1:%d" }]
"""
BIN = """
[[device]]
id = "%s"
profile = "gengfu/smart-bin"
title = { zh = "桶", en = "Bin" }
area = "street"
connection = "coap"
"""
ALARM = f"""
[[device]]
id = "{GAS_ALARM}"
profile = "gengfu/gas-alarm"
title = {{ zh = "报警器", en = "Gas alarm" }}
area = "kitchen"
connection = "coap"
period_s = 600.0
"""
SETTINGS = """
data = "%(data)s"
site = "%(folder)s/site.toml"
http = { port = %(http)d }
[telemetry]
flush_s = 0.5
influx = { url = "%(url)s", database = "%(database)s"%(more)s }
"""


def bins(number: int) -> list[str]:
    """So many ids."""
    return [f"street:bin:{one:03d}" for one in range(number)]


class Place:
    """``data``: where the program keeps everything; ``url``: where it finds InfluxDB; ``timeout_s``: of the settings,
    the program's own unless given."""

    def __init__(
        self, folder: Path, data: Path, names: list[str], url: str, database: str, timeout_s: float | None = None
    ) -> None:
        self.data = data
        self.database = database
        self.names = [*names, BURST]
        self.http, self.coap = unused_port(), unused_port(socket.SOCK_DGRAM)
        self._settings = folder / "gengfu.toml"
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{self.http}", trust_env=False, timeout=10)
        self._token = ""
        (folder / "site.toml").write_text(SITE % self.coap + "".join(BIN % one for one in self.names) + ALARM)
        more = "" if timeout_s is None else f", timeout_s = {timeout_s:g}"
        fields = {"data": data, "folder": folder, "http": self.http, "url": url, "database": database, "more": more}
        self._settings.write_text(SETTINGS % fields)

    def start(self, environment: Mapping[str, str] | None = None) -> Program:
        """``gengfu up``."""
        return Program(
            "up", "-c", self._settings, environment={"GENGFU_ADMIN_PASSWORD": PASSWORD, **(environment or {})}
        )

    def sign_in(self) -> None:
        """The token lasts over restarts."""
        answer = self._client.post("/api/v1/auth/login", json={"username": "admin", "password": PASSWORD})
        self._token = str(answer.raise_for_status().json()["token"])

    def get(self, path: str) -> httpx.Response:
        """As the signed-in administrator, signed in again when a step of the clock has ended that. Raises
        `httpx.TransportError` when nobody answers."""
        answer = self._client.get(path, headers={"Authorization": f"Bearer {self._token}"})
        if answer.status_code == 401:
            self.sign_in()
            answer = self._client.get(path, headers={"Authorization": f"Bearer {self._token}"})
        return answer

    def readiness(self) -> str:
        """What `/readyz` says: ``ready``, or the checks that fail, each with its reason."""
        answer = self.get("/readyz")
        if answer.status_code == 200:
            return "ready"
        return "; ".join(f"{name} {problem}" for name, problem in sorted(answer.json()["checks"].items()))

    def metric(self, name: str) -> float:
        """A sample of `/metrics`, summed over its labels."""
        lines = self.get("/metrics").raise_for_status().text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def standing(self) -> list[str]:
        """The alarms of the gas alarm that stand, as the API tells them."""
        answer = self.get(f"/api/v1/alarms?state=active&device={GAS_ALARM}").raise_for_status()
        return sorted(one["id"] for one in answer.json()["items"])

    def letters(self) -> int:
        """Readings of InfluxDB that were set aside."""
        stores: list[dict[str, Any]] = self.get("/api/v1/dead-letters").raise_for_status().json()["stores"]
        return sum(one["count"] for one in stores if one["store"] == "influxdb")

    def close(self) -> None:
        """Let go of the program's door."""
        self._client.close()


def in_duckdb(data: Path) -> Counter[Number]:
    """How often DuckDB holds each reading; of a data folder that no program has open."""
    with closing(duckdb.connect(str(data / "telemetry.duckdb"), read_only=True)) as database:
        rows = database.execute(
            "SELECT d.id, n.value::BIGINT, count(*) FROM number n JOIN device d ON d.key = n.device "
            "JOIN point p ON p.key = n.point WHERE p.name = 'uptime' GROUP BY ALL"
        ).fetchall()
    return Counter({Number(device, number): times for device, number, times in rows})


def in_influx(server: Influxd, place: Place) -> Counter[Number]:
    """How often InfluxDB holds each reading."""
    found: Counter[Number] = Counter()
    for name in place.names:
        rows = server.query(f'SELECT "uptime" FROM "smart_bin" WHERE "device" = \'{name}\'', place.database)
        found.update(Number(name, int(row["uptime"])) for row in rows)
    return found
