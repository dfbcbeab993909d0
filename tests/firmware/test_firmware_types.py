"""The firmware is typed: pyright finds nothing in it with each port's stubs, and finds what is planted."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.programs import missing
from tools.firmware_stubs import PORTS, ROOT, STUBS, pyright
from tools.test_servers import Failed

CONFIGS = {port: ROOT / f"firmware/pyright-{port}.json" for port in PORTS}
PLANTED = """\
import machine
import network
{other}
from hal.machine_port import PinOut

uart = machine.UART(1, baudrate=9600)
uart.flush()
uart.txdonne()
machine.WDT(timeout="8 s")
PinOut("GP2")
network.WLAN(0).isconnected()
left: int = uart.txdone() or "no"
"""
OTHER = {"rp2": "import esp32", "esp32": "import rp2"}
WRONG_LINES = [3, 8, 9, 10, 12]


def faults(config: Path) -> list[str]:
    """What pyright finds, as ``path:line: message``. A run that checked no file is a fault too."""
    done = subprocess.run(
        [*pyright(), "-p", str(config), "--outputjson"], capture_output=True, text=True, timeout=100, check=False
    )
    report: dict[str, Any] = json.loads(done.stdout)
    found = [
        f"{one['file']}:{one['range']['start']['line'] + 1}: {one['message']}"
        for one in report["generalDiagnostics"]
        if one["severity"] in ("error", "warning")
    ]
    if not report["summary"]["filesAnalyzed"]:
        found.append(f"{config}: no file was checked {done.stderr}")
    return found


@pytest.fixture(params=PORTS)
def port(request: pytest.FixtureRequest) -> str:
    """Each microcontroller, if its stubs and pyright are there."""
    name: str = request.param
    try:
        pyright()
    except Failed as error:
        missing(str(error))
    if not STUBS[name].there():
        missing(f"the stubs of {name} are missing or not those of the lock file; run: make servers")
    return name


def test_firmware_and_wire_are_clean(port: str) -> None:
    assert faults(CONFIGS[port]) == []


def test_what_is_planted_is_found_and_nothing_else(port: str, tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(PLANTED.format(other=OTHER[port]), encoding="utf-8")
    settings = json.loads(CONFIGS[port].read_text(encoding="utf-8"))
    here = CONFIGS[port].parent
    for name in ("typeshedPath", "stubPath"):
        settings[name] = os.path.relpath(here / settings[name], tmp_path)
    settings["extraPaths"] = [os.path.relpath(here / path, tmp_path) for path in settings["extraPaths"]]
    settings["include"] = ["planted.py"]
    config = tmp_path / "pyrightconfig.json"
    config.write_text(json.dumps(settings), encoding="utf-8")
    lines = [int(found[1]) for one in faults(config) if (found := re.search(r"planted\.py:(\d+): ", one))]
    assert sorted(set(lines)) == WRONG_LINES


def test_both_ports_check_the_whole_firmware_with_the_same_rules() -> None:
    rules = []
    for name, config in CONFIGS.items():
        settings = json.loads(config.read_text(encoding="utf-8"))
        others = [one for one in PORTS if one != name]
        # What cannot run on this chip: the unix port, its desk rig, and the other chips' files.
        left_out = {"micropython/hal/linux*.py", "micropython/desk_rig", "micropython/wiring/rig*.py", "typings"}
        left_out |= {f"micropython/{part}/{other}.py" for part in ("hal", "wiring") for other in others}
        assert set(settings.pop("exclude")) == left_out
        assert {settings.pop("typeshedPath"), settings.pop("stubPath")} == {f"typings/{name}"}
        rules.append(settings)
    assert rules[0] == rules[1]
    assert rules[0]["include"] == ["micropython", "boot", "../protocols/wire"]
    assert rules[0]["typeCheckingMode"] == "standard"
    assert [name for name, value in rules[0].items() if name.startswith("report")] == ["reportMissingModuleSource"]
