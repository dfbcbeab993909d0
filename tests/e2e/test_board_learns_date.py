"""A board without a clock of its own learns the date from its gateway, and its detector's end of life by it."""

import shutil
import socket
import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.coap_program import SITE
from tests.e2e.program_run import Program, newest
from tests.firmware.bench import DEVICE, Board
from tests.firmware.interpreters import FIRMWARE
from tests.fixtures.ports import unused_port
from tests.fixtures.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.board]

PASSWORD = "a password of this test"
WITHOUT_CLOCK = '''

class _Chip:
    """Its clock counts from the moment that somebody sets it."""

    since = None


def utc():
    return None if _Chip.since is None else time.time() - _Chip.since[0] + _Chip.since[1]


def set_utc(seconds):
    _Chip.since = time.time(), seconds
    emit("clock set", seconds=seconds)
'''
"""What a microcontroller has, in place of the host's clock."""


@pytest.fixture
def clockless(tmp_path: Path) -> Path:
    """The unix port's hal with a clock as that of a microcontroller."""
    folder = tmp_path / "planted"
    shutil.copytree(FIRMWARE / "hal", folder / "hal", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "hal" / "linux.py").open("a", encoding="utf-8") as file:
        file.write(WITHOUT_CLOCK)
    return folder


def test_detector_past_its_years_is_told_as_expired_once_the_gateway_has_told_the_date(
    clockless: Path, micropython: Path, tmp_path: Path
) -> None:
    port = unused_port(socket.SOCK_DGRAM)
    (tmp_path / "site.toml").write_text(SITE % (port, DEVICE, ""), encoding="utf-8")
    where = {
        "GENGFU__SITE": str(tmp_path / "site.toml"),
        "GENGFU__DATA": str(tmp_path / "data"),
        "GENGFU__HTTP__PORT": "0",
        "GENGFU_ADMIN_PASSWORD": PASSWORD,
    }
    gateway = f"127.0.0.1:{port}"
    with Board(micropython, gateway, tmp_path / "flash", "gas-alarm", clockless, life_years=3) as board:
        # Nobody answers it yet: it has no date, and a detector of 2020 is as good as new.
        board.say("made 2020-01-01")
        wait_for(lambda: board.of("answer"), what="the date of manufacture")
        wait_for(lambda: board.of("retransmit"), what="a reading that nobody takes")
        assert board.of("clock set") == []
        before = int(time.time())
        with Program("up", environment=where) as program:
            url = program.says(r"Console: (http://\S+?)/ ").group(1)
            with httpx.Client(base_url=url, trust_env=False) as client:
                signed_in = {"username": "admin", "password": PASSWORD}
                token = client.post("/api/v1/auth/login", json=signed_in).json()["token"]
                client.headers["Authorization"] = f"Bearer {token}"
                wait_for(lambda: newest(client, DEVICE).get("expired") == 1, 30, "the end of life")
                assert newest(client, DEVICE)["life_left"] == 0
            told = [event["seconds"] for event in board.of("clock set")]
            assert len(told) == 1
            assert before <= told[0] <= time.time() + 0.5  # a clock of whole seconds is set to the nearest one
            assert program.interrupt() == 0
