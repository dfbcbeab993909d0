"""Register files for firmware: what they hold, and that MicroPython can read them."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from protocols.errors import ProfileError
from protocols.profile.emit import emit_registers, module_name
from protocols.profile.loader import load_profile, shipped_profiles
from tests.fixtures.modbus_profiles import enum, point, text
from tests.fixtures.modbus_profiles import profile as made

SIGNED = """
[profile]
vendor = "acme"
model = "heat-meter"
kind = "meter"
title = { zh = "热表", en = "Heat meter" }
period_s = 60.0

[[point]]
name = "energy"
title = { zh = "能量", en = "Energy" }
type = "counter"
unit = "kW.h"
modbus = { table = "holding", address = 10, type = "uint64", byte_order = "CDAB", scale = 0.25 }

[[point]]
name = "supply"
title = { zh = "供水温度", en = "Supply" }
unit = "Cel"
modbus = { table = "input", address = 4, type = "int16", scale = 2.5, offset = -40.0, missing = [-32768, 32767] }

[[point]]
name = "leak"
title = { zh = "漏水", en = "Leak" }
type = "flag"
modbus = { table = "discrete", address = 6 }

[[point]]
name = "pump"
title = { zh = "水泵", en = "Pump" }
type = "flag"
modbus = { table = "coil", address = 8 }

[[command]]
name = "identify"
title = { zh = "指示", en = "Identify" }
effect = "identify"
modbus = { table = "holding", address = 20, value = 7 }

[[golden]]
name = "leak"
senml = '[{"bn":"t:1/","n":"leak","vb":true}]'
values = { leak = 1.0 }
"""


def names_of(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "registers.py", "exec"), names)
    return names


def test_gas_alarm_serves_the_addresses_of_its_profile() -> None:
    registers = names_of(emit_registers(shipped_profiles()["gengfu/gas-alarm"]))
    assert registers["INPUT"][0] == (0, "methane", "int16", 1, 10, 0, -32768)
    assert registers["INPUT_BITS"][6] == (2, 6, "trip_latched")
    assert (registers["INPUT_COUNT"], registers["COIL_COUNT"]) == (25, 3)
    assert registers["COIL_COMMANDS"] == ((0, "close-valve", 1), (1, "start-fan", 1), (2, "self-test", 1))
    assert dict(registers["STATES"])["fan"] == ((0, "unknown"), (1, "stopped"), (2, "running"))


def test_every_table_type_scale_and_word_order_is_told(tmp_path: Path) -> None:
    path = tmp_path / "acme/heat-meter.toml"
    path.parent.mkdir()
    path.write_text(SIGNED, encoding="utf-8")
    profile = load_profile(path)
    registers = names_of(emit_registers(profile))
    assert module_name(profile) == "heat_meter"
    assert registers["HOLDING"] == ((10, "energy", "uint64-swapped", 1, 4, 0, None),)
    assert registers["INPUT"] == ((4, "supply", "int16", 5, 2, -40, -32768),)
    assert (registers["DISCRETE"], registers["COIL"]) == (((6, "leak"),), ((8, "pump"),))
    assert registers["HOLDING_COMMANDS"] == ((20, "identify", 7),)
    counts = {name: value for name, value in registers.items() if name.endswith("_COUNT")}
    assert counts == {"HOLDING_COUNT": 14, "INPUT_COUNT": 5, "DISCRETE_COUNT": 7, "COIL_COUNT": 9}
    assert registers["STATES"] == ()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (text("a", "utf8", 4), r"point\[a\]\.modbus\.type: utf8 is not served by our firmware; it packs bool, int16"),
        (point("a", type="bcd32"), r"point\[a\]\.modbus\.type: bcd32 is not served"),
        (point("a", type="int32", byte_order="DCBA"), r"point\[a\]\.modbus\.byte_order: DCBA is not served"),
        (point("a", byte_order="BADC"), r"point\[a\]\.modbus\.byte_order: BADC is not served"),
        (enum("a", 1, bit=2, bits=3), r"point\[a\]\.modbus\.bits: is not served"),
    ],
)
def test_what_the_firmware_does_not_pack_is_not_emitted(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        emit_registers(made(wrong))


def test_command_of_several_registers_is_not_emitted() -> None:
    command = {"name": "mute", "effect": "mute", "modbus": {"table": "holding", "address": 4, "values": [1, 2]}}
    with pytest.raises(ProfileError, match=r"command\[mute\]\.modbus\.values: our firmware takes one value"):
        emit_registers(made(point("a"), command=[command]))


@pytest.mark.board
@pytest.mark.parametrize("name", list(shipped_profiles()))
def test_micropython_reads_the_file_as_cpython_does(name: str, tmp_path: Path, micropython: Path) -> None:
    text = emit_registers(shipped_profiles()[name])
    (tmp_path / "emitted.py").write_text(text, encoding="utf-8")
    program = "import emitted as e; print(e.PROFILE, e.INPUT, e.INPUT_BITS, e.COIL_COMMANDS, e.COIL_COUNT)"
    done = subprocess.run(
        [str(micropython), "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=30
    )
    here = names_of(text)
    expected = [here[key] for key in ("PROFILE", "INPUT", "INPUT_BITS", "COIL_COMMANDS", "COIL_COUNT")]
    assert done.stdout == " ".join(str(one) for one in expected) + "\n"
