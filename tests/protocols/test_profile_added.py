"""A device type is one file: a fourth profile in a folder of its own speaks at once."""

import re
from pathlib import Path

import cbor2

from protocols.modbus.golden import decode_golden
from protocols.profile.golden import SENML_ONLY
from protocols.profile.loader import SHIPPED, load_profile, load_profiles, shipped_profiles
from protocols.quality import Quality
from protocols.reading import Origin
from protocols.uplink import decode_pack

WELL = """
[profile]
vendor = "acme"
model = "well-node"
kind = "well_node"
title = { zh = "燃气井监测仪", en = "Gas well node" }
period_s = 600.0

[[point]]
name = "methane"
title = { zh = "甲烷", en = "Methane" }
unit = "%{vol}"
range = [0.0, 20.0]
life_safety = true
senml = "3325/0/5700"
gas = { species = "methane", lfl_basis = "nfpa", lfl_vol_percent = 5.0, calibration_gas = "methane" }

[[point]]
name = "water"
title = { zh = "浸水", en = "Flooded" }
type = "flag"

[[point]]
name = "note"
title = { zh = "备注", en = "Note" }
type = "text"

[[quality]]
point = "water"
equals = 1
affects = ["methane"]
quality = "bad:sensor-fault"

[[golden]]
name = "flooded"
senml = '[{"bn":"t:1/","n":"3325/0/5700","u":"%{LEL}","v":20},{"n":"water","vb":true},{"n":"note","vs":"井盖"}]'
values = { methane = 1.0, water = 1.0, note = "井盖" }
quality = { methane = "bad:sensor-fault" }
"""


def test_new_profile_in_one_file_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "acme/well-node.toml"
    path.parent.mkdir()
    path.write_text(WELL, encoding="utf-8")
    profiles = load_profiles(SHIPPED, tmp_path)
    assert set(profiles) == {*shipped_profiles(), "acme/well-node"}
    payload = cbor2.dumps(
        [{-2: "well:7/", -3: 1_700_000_000, 0: "3325/0/5700", 1: "ppm", 2: 10_000}, {0: "water", 4: False}]
    )
    (reading,) = decode_pack(
        payload,
        112,
        received_at=1_700_000_001 * 10**9,
        origin=Origin.SIMULATED,
        find_profile={"well:7": profiles["acme/well-node"]}.get,
    )
    assert (reading.profile, reading.origin, reading.at) == ("acme/well-node", Origin.SIMULATED, 1_700_000_000 * 10**9)
    assert (reading.values, reading.quality) == ((1.0, 0.0, None), (Quality.GOOD,) * 3)


def test_the_example_of_the_guide_is_a_profile(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs/adding-a-device.md").read_text(encoding="utf-8")
    path = tmp_path / "acme/well-node.toml"
    path.parent.mkdir()
    path.write_text("\n".join(re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)), encoding="utf-8")
    profile = load_profile(path, {**SENML_ONLY, "modbus": decode_golden})
    assert [point.name for point in profile.points] == ["methane", "fault", "valve"]
