"""A site on this machine whose document a test changes while the program runs: boards on CoAP, slaves on Modbus TCP."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.program_run import FROM_CHECKOUT, ROOT, Program, clean_environment
from tests.fixtures.modbus_peers import LibmodbusPeer
from tests.fixtures.ports import unused_port
from tests.fixtures.waiting import wait_for

PASSWORD = "a password of this test"
HEAD = """
[site]
id = "east"
title = { zh = "东坑", en = "Dongkeng" }
"""
AREA = """
[[area]]
id = "%s"
title = { zh = "厨房", en = "Kitchen" }
kind = "%s"
"""
COAP = """
[[connection]]
id = "%s"
transport = "coap"
listen = "127.0.0.1:%d"
"""
MODBUS = """
[[connection]]
id = "%s"
transport = "modbus-tcp"
host = "127.0.0.1"
port = %d
timeout_s = %s
"""
DEVICE = """
[[device]]
id = "%s"
profile = "%s"
title = { zh = "设备", en = "Device" }
area = "%s"
connection = "%s"
period_s = %s
"""
SETTINGS = """
data = "%(folder)s/data"
site = "%(folder)s/site.toml"
profiles = %(profiles)s
[http]
port = %(http)d
[telemetry]
flush_s = 0.2
"""


def device(name: str, area: str, connection: str, *, model: str = "gengfu/gas-alarm", period_s: float = 2.0) -> str:
    """A device's table; slaves are unit 5 (`LibmodbusPeer` answers to any on TCP)."""
    unit = "unit = 5\n" if connection.startswith("line") else ""
    return DEVICE % (name, model, area, connection, period_s) + unit


class ChangingSite:
    """Begin with `write` and `run`."""

    def __init__(self, folder: Path, profiles: tuple[Path, ...] = ()) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.document = folder / "site.toml"
        self.settings = folder / "gengfu.toml"
        self.http, self.coap = unused_port(), unused_port(socket.SOCK_DGRAM)
        self.url = f"http://127.0.0.1:{self.http}"
        self.environment = {"GENGFU_ADMIN_PASSWORD": PASSWORD}
        places = {"folder": folder, "http": self.http, "profiles": json.dumps([str(one) for one in profiles])}
        self.settings.write_text(SETTINGS % places, encoding="utf-8")

    def write(self, *parts: str) -> None:
        """The document, from its tables; replaced in one step, as an editor does."""
        fresh = self.document.with_suffix(".new")
        fresh.write_text(HEAD + "".join(parts), encoding="utf-8")
        fresh.rename(self.document)

    @contextmanager
    def run(self) -> Iterator[tuple[Program, httpx.Client]]:
        """The program, and a client signed in as admin."""
        with Program("up", "-c", self.settings, environment=self.environment) as program:
            program.says(r"Console: ", 30)
            with self.signed_in() as client:
                yield program, client

    @contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        """A client of the running program."""
        with httpx.Client(base_url=f"{self.url}/api/v1", trust_env=False, timeout=30) as client:
            given = {"username": "admin", "password": PASSWORD}
            token = client.post("/auth/login", json=given).json()["token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client

    def verb(self, *words: str, token: str) -> subprocess.CompletedProcess[str]:
        """A verb of the command line that speaks to the running site."""
        where = {**clean_environment(), "GENGFU_TOKEN": token}
        command = [*FROM_CHECKOUT, *words, "--url", self.url]
        return subprocess.run(command, cwd=ROOT, env=where, capture_output=True, text=True, timeout=60, check=False)


class Slave(LibmodbusPeer):
    """A gas alarm on Modbus TCP. Its methane counts up when told, so that each value is another."""

    def __init__(self) -> None:
        self.port = unused_port()
        super().__init__("tcp", self.port)

    def measure(self, percent: float) -> None:
        self.set("input", 0, round(percent * 10))


def connection(client: httpx.Client, name: str) -> dict[str, Any]:
    """One connection with its devices, over the API."""
    answer = client.get(f"/connections/{name}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def until_up(client: httpx.Client, name: str) -> dict[str, Any]:
    """The connection, once all its devices are well."""

    def well() -> dict[str, Any] | None:
        answer = client.get(f"/connections/{name}")
        found: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
        if found is None or found["state"] != "up":
            return None
        return found if all(one["state"] == "well" for one in found["device_items"]) else None

    return wait_for(well, 20, f"connection {name} to be well")


def reload(client: httpx.Client, **wish: bool) -> dict[str, Any]:
    """Take the document anew; what the site says."""
    answer = client.post("/site/reload", json=wish)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def refused(client: httpx.Client, **wish: bool) -> list[str]:
    """Take the document anew, which is refused; the problems."""
    answer = client.post("/site/reload", json=wish)
    assert answer.status_code == 409, answer.text
    problems: list[str] = answer.json()["problems"]
    return problems


def send_signal(program: Program, number: int) -> None:
    """A signal to the program itself."""
    os.kill(program.process.pid, number)
