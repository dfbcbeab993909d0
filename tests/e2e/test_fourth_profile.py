"""A device type of one's own: one file in a folder, and the running program talks to such a device."""

import json
import socket
from pathlib import Path

import httpx
import pytest

from protocols.wire import coap
from tests.e2e.program_run import Program
from tests.fixtures.ports import unused_port
from tests.fixtures.waiting import wait_for

pytestmark = pytest.mark.e2e

PROFILE = """
[profile]
vendor = "acme"
model = "propane-meter"
kind = "propane_meter"
title = { zh = "丙烷表", en = "Propane meter" }
period_s = 30.0

[[point]]
name = "propane"
title = { zh = "丙烷", en = "Propane" }
unit = "%{LEL}"
range = [0.0, 100.0]
role = "gas"
life_safety = true
gas = { species = "propane", lfl_basis = "iec", lfl_vol_percent = 1.7, calibration_gas = "propane" }

[[golden]]
name = "a quiet store"
senml = '[{"n":"x:1/propane","v":1.5}]'
values = { propane = 1.5 }
"""
SITE = """
[site]
id = "acme"
title = { zh = "站点", en = "Site" }
[[area]]
id = "store"
title = { zh = "瓶库", en = "Bottle store" }
kind = "bottle-store"
[[connection]]
id = "coap"
transport = "coap"
listen = "127.0.0.1:%d"
[[device]]
id = "acme:1"
profile = "acme/propane-meter"
title = { zh = "表", en = "Meter" }
area = "store"
connection = "coap"
"""


def test_one_file_is_a_device_type_that_speaks(tmp_path: Path) -> None:
    profiles = tmp_path / "profiles" / "acme"
    profiles.mkdir(parents=True)
    (profiles / "propane-meter.toml").write_text(PROFILE)
    port = unused_port(socket.SOCK_DGRAM)
    (tmp_path / "site.toml").write_text(SITE % port)
    where = {
        "GENGFU__SITE": str(tmp_path / "site.toml"),
        "GENGFU__PROFILES": json.dumps([str(tmp_path / "profiles")]),
        "GENGFU__DATA": str(tmp_path / "data"),
        "GENGFU__HTTP__PORT": "0",
        "GENGFU_ADMIN_PASSWORD": "a password of this test",
    }
    with Program("up", environment=where) as program:
        url = program.says(r"Console: (http://\S+?)/ ").group(1)
        _post(port, b'[{"n":"acme:1/propane","v":20.5}]')
        with httpx.Client(base_url=url) as client:
            signed_in = {"username": "admin", "password": where["GENGFU_ADMIN_PASSWORD"]}
            token = client.post("/api/v1/auth/login", json=signed_in).json()["token"]
            client.headers["Authorization"] = f"Bearer {token}"
            latest = wait_for(lambda: client.get("/api/v1/devices/acme:1/latest").json()["items"], what="the value")
            assert [(one["point"], one["value"], one["quality"]) for one in latest] == [("propane", 20.5, "good")]
            assert client.get("/api/v1/profiles/acme/propane-meter").json()["kind"] == "propane_meter"
        assert program.interrupt() == 0


def _post(port: int, payload: bytes) -> None:
    """One confirmable post; the answer has to be 2.04."""
    options = [(coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, bytes((coap.SENML_JSON,)))]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.settimeout(5)
        door.sendto(coap.encode(coap.CON, coap.POST, 1, b"t", options, payload=payload), ("127.0.0.1", port))
        assert coap.decode(door.recv(1500))[:4] == (coap.ACK, coap.CHANGED, 1, b"t")


def test_a_serial_line_that_is_not_there_is_told_and_the_others_are_watched(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(
        SITE.split("[[connection]]", maxsplit=1)[0]
        + '[[connection]]\nid = "line-1"\ntransport = "modbus-rtu"\nport = "/dev/serial/by-id/none"\n'
    )
    where = {
        "GENGFU__SITE": str(tmp_path / "site.toml"),
        "GENGFU__DATA": str(tmp_path / "data"),
        "GENGFU__HTTP__PORT": "0",
    }
    with Program("up", environment=where) as program:
        program.says(r"Console: http", 30)
        assert "connection line-1: serial line /dev/serial/by-id/none is not there" in program.text
        assert program.interrupt(5) == 0
        assert "Traceback" not in program.text
        assert "Traceback" not in program.text
