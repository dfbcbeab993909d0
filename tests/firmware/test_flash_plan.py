"""What `make flash` lays is all that a board needs: it starts from nothing else, with each link.

Modules are loaded by name when the settings ask for them; one that the plan forgot would be found on a roof otherwise.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.firmware.interpreters import HERE
from tools import flash

CREDENTIAL = {"sender_id": "01", "recipient_id": "00", "master_secret": "000102030405060708090a0b0c0d0e0f"}
LINE = {"rp2": "0", "esp32": "2"}
WLAN = {"gateway": "192.0.2.1:5683", "wifi": "yard"}
WAYS: Mapping[str, Mapping[str, str]] = {
    "coap": WLAN,
    "oscore": {**WLAN, "oscore": "credential"},
    "no credential": {**WLAN, "oscore": "lost"},
    "serial link": {"gateway": "none", "serial-link": "LINE"},
    "modbus": {"gateway": "none", "modbus": "LINE"},
    "modbus tcp": {"gateway": "none", "modbus-tcp": "502", "wifi": "yard"},
}
BOARDS = [(board, product) for board in flash.BOARDS for product in flash.PROFILES]
LAID: dict[tuple[str, str], list[flash.File]] = {}


def laid(board: str, product: str) -> list[flash.File]:
    """The files of slot a, not compiled."""
    if (board, product) not in LAID:
        LAID[board, product] = flash.firmware_files(flash.Order(board, product, "a", False))
    return LAID[board, product]


class Chip:
    """A microcontroller's flash in ``folder``, and MicroPython to start from it."""

    def __init__(self, micropython: Path, folder: Path, board: str, product: str) -> None:
        self._micropython = micropython
        self._folder = folder
        self._board = board
        self._product = product
        for file in laid(board, product):
            path = folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.data)
        (folder / "state").mkdir()
        (folder / "state/credential").write_text(json.dumps(CREDENTIAL), encoding="utf-8")

    def forget(self, path: str) -> None:
        """As if the plan had not had this file."""
        (self._folder / "a" / path).unlink()

    def start(self, **given: str) -> tuple[list[str], str]:
        """Run two turns of the firmware. Gives the names of the events and what else was printed."""
        told = {"product": self._product, "device": "t:1", "period": "1", "parts": "board", **given}
        lines = flash.settings_text({name: text.replace("LINE", LINE[self._board]) for name, text in told.items()})
        (self._folder / "settings.txt").write_text(lines, encoding="utf-8")
        radio = "1" if "wifi" in given else "0"
        command = [str(self._micropython), str(HERE / "plan_probe.py"), self._board, radio, str(self._folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        said = done.stdout.splitlines()
        events = [json.loads(line)["event"] for line in said if line.startswith("{")]
        return events, "\n".join([*(line for line in said if not line.startswith("{")), done.stderr.strip()]).strip()


@pytest.fixture
def chip(request: pytest.FixtureRequest, micropython: Path, tmp_path: Path) -> Chip:
    """A chip of a board and product, with its firmware."""
    return Chip(micropython, tmp_path, *request.param)


@pytest.mark.board
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("chip", BOARDS, indirect=True, ids="-".join)
def test_board_starts_from_what_was_laid(chip: Chip, way: str) -> None:
    events = ["started", "error"] if way == "no credential" else ["started"]
    assert chip.start(**WAYS[way]) == (events, "fed")


@pytest.mark.board
@pytest.mark.parametrize("chip", [(board, "gas-alarm") for board in flash.BOARDS], indirect=True, ids="-".join)
def test_alarm_for_lpg_starts_from_the_same_files(chip: Chip) -> None:
    assert chip.start(**WAYS["modbus"], gas="lpg") == (["started"], "fed")


@pytest.mark.board
@pytest.mark.parametrize(
    ("way", "path"),
    [
        ("coap", "links/coap_link.py"),
        ("coap", "flash_queue.py"),
        ("oscore", "aes_block.py"),
        ("no credential", "links/no_link.py"),
        ("serial link", "version.py"),
        ("modbus", "registers/gas_alarm.py"),
        ("modbus tcp", "links/modbus_tcp.py"),
    ],
)
@pytest.mark.parametrize("chip", [("rp2", "gas-alarm")], indirect=True, ids="-".join)
def test_file_that_was_not_laid_is_found(chip: Chip, way: str, path: str) -> None:
    chip.forget(path)
    said = chip.start(**WAYS[way])[1]
    assert said.endswith(f"ImportError: no module named '{path.removesuffix('.py').replace('/', '.')}'")
