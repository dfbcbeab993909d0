"""`gengfu sniff` and `gengfu reload`, as a person uses them: on the running site, and on a bare serial line."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.transports.line import PtyEnd
from protocols.wire import modbus_rtu
from protocols.wire.modbus_pdu import read_request, read_response
from tests.e2e.changing_site import AREA, MODBUS, ChangingSite, Slave, device, until_up
from tests.e2e.program_run import Program
from tests.fixtures.waiting import wait_for

pytestmark = pytest.mark.e2e
KITCHEN = AREA % ("kitchen", "commercial-kitchen")
STOP_S = 15


@pytest.fixture
def slave() -> Iterator[Slave]:
    made = Slave()
    made.start()
    yield made
    made.kill()


def test_the_wire_of_a_running_site_is_shown_and_followed(tmp_path: Path, slave: Slave) -> None:
    site = ChangingSite(tmp_path)
    gas = device("east:gas:1", "kitchen", "line-1", period_s=0.2)
    site.write(KITCHEN, MODBUS % ("line-1", slave.port, 0.5), gas)
    with site.run() as (program, client):
        until_up(client, "line-1")
        token = client.post("/tokens", json={"name": "cli", "role": "officer"}).json()["token"]
        once = site.verb("sniff", "line-1", token=token)
        assert (once.returncode, once.stderr) == (0, "")
        assert "unit 5: read input registers 0 to " in once.stdout
        assert " -> 00 01 00 00 00 06 05 04 " in once.stdout
        _follows(site, token, client.get("/connections/line-1/wire").json()["last"])
        unknown = site.verb("sniff", "line-9", token=token)
        assert (unknown.returncode, unknown.stdout) == (1, "")
        assert "There is no connection 'line-9'" in unknown.stderr
        nobody = site.verb("sniff", "line-1", token="")
        assert nobody.returncode == 1
        assert "gengfu user token" in nobody.stderr
        forbidden = site.verb("reload", token=token)
        assert forbidden.returncode == 1
        assert "needs the role admin" in forbidden.stderr
        assert program.interrupt(STOP_S) == 0
    gone = site.verb("sniff", "line-1", token=token)
    assert gone.returncode == 3
    assert "does not answer" in gone.stderr
    assert "Traceback" not in gone.stderr


def _follows(site: ChangingSite, token: str, known: int) -> None:
    """Numbers go up by one, beyond what was ``known`` at the start, until Ctrl-C."""
    words = ("sniff", "line-1", "--follow", "--json", "--url", site.url)
    with Program(*words, environment={"GENGFU_TOKEN": token}) as follower:
        wait_for(lambda: f'"n": {known + 20},' in follower.text, 30, "pieces that came since")
        assert follower.interrupt(STOP_S) == 0
        numbers = [json.loads(line)["n"] for line in follower.text.splitlines()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_token_of_the_command_line_reloads_the_site(tmp_path: Path, slave: Slave) -> None:
    site = ChangingSite(tmp_path)
    gas = device("east:gas:1", "kitchen", "line-1", period_s=0.2)
    site.write(KITCHEN, MODBUS % ("line-1", slave.port, 0.5), gas)
    with site.run() as (program, client):
        until_up(client, "line-1")
        with Program("user", "--data", site.data, "token", "admin") as maker:
            assert maker.ends(STOP_S) == 0
            token = maker.text.strip()
        site.write(KITCHEN, MODBUS % ("line-1", slave.port, 0.4), gas)
        looked = site.verb("reload", "--dry-run", token=token)
        assert looked.stdout.splitlines() == [
            "~ connection line-1",
            "  reopened: line-1",
            "Nothing was changed (--dry-run).",
        ]
        assert site.verb("reload", token=token).stdout.splitlines()[-1] == "Taken."
        assert site.verb("reload", token=token).stdout == "Nothing is different.\n"
        site.write(KITCHEN, gas)
        refused = site.verb("reload", "--json", token=token)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert f"{site.document}: connection: is missing: add it" in refused.stderr
        assert program.interrupt(STOP_S) == 0


def test_a_serial_line_is_listened_to_without_a_gateway() -> None:
    line = PtyEnd()
    try:
        with Program("sniff", line.path, "--baud", 19200) as listener:
            asked = modbus_rtu.frame(5, read_request(4, 0, 2))
            told = modbus_rtu.frame(5, read_response(4, b"\0\x0a\0\x0b"))

            def heard() -> bool:
                os.write(line.fd, b"\xff\x7f" + asked + told)
                return "answers" in listener.text

            wait_for(heard, 20, "the frames")
            assert "-> 05 04 00 00 00 02" in listener.text
            assert "unit 5: read input registers 0 to 1" in listener.text
            assert "unit 5: answers «read input registers»: 10 11" in listener.text
            assert "2 bytes without a good CRC: half a frame, or noise" in listener.text
            listener.process.send_signal(signal.SIGINT)
            assert listener.ends(STOP_S) == 0
            assert "Traceback" not in listener.text
    finally:
        line.close()


def test_a_serial_line_that_is_not_there_is_told() -> None:
    with Program("sniff", "/dev/serial/by-id/none") as listener:
        assert listener.ends(STOP_S) == 3
        assert "serial line /dev/serial/by-id/none" in listener.text
        assert "Traceback" not in listener.text
