"""`gengfu profile`: list, show, emit, and decode a pack as a device's."""

import io
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(f"{path.parent.name}/{path.stem}" for path in (ROOT / "protocols/profiles").glob("*/*.toml"))


def test_list_names_every_shipped_profile(gengfu):
    said = gengfu("profile", "list")
    assert (said.code, said.err) == (0, "")
    assert sorted(line.split()[0] for line in said.out.splitlines()) == SHIPPED
    assert "燃气泄漏报警器 Gas leak alarm" in said.out
    assert sorted(row["id"] for row in json.loads(gengfu("profile", "--json", "list").out)) == SHIPPED


def test_a_folder_of_further_profiles_is_listed_too(gengfu, tmp_path):
    text = (ROOT / "protocols/profiles/gengfu/smart-bin.toml").read_text(encoding="utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "bin.toml").write_text(
        text.replace('vendor = "gengfu"', 'vendor = "other"').replace('"smart-bin"', '"bin"'), encoding="utf-8"
    )
    said = gengfu("profile", "--profiles", tmp_path, "list")
    assert "other/bin" in [line.split()[0] for line in said.out.splitlines()]


def test_show_tells_points_with_unit_and_range_and_commands(gengfu):
    said = gengfu("profile", "show", "gengfu/gas-alarm")
    assert said.code == 0
    assert "  methane             number   -5 to 100 %{LEL}" in said.out
    assert [line.split()[1] for line in said.out.splitlines() if line.startswith("  command")] == [
        "close-valve",
        "start-fan",
        "self-test",
    ]
    shown = json.loads(gengfu("profile", "--json", "show", "gengfu/gas-alarm").out)
    assert shown["profile"]["model"] == "gas-alarm"


@pytest.mark.parametrize("model", ["gas-alarm", "hydrogen-node", "lpg-alarm", "smart-bin"])
def test_emit_writes_the_firmwares_register_module(gengfu, model):
    committed = ROOT / "firmware/micropython/registers" / f"{model.replace('-', '_')}.py"
    assert gengfu("profile", "emit", f"gengfu/{model}") == (0, committed.read_text(encoding="utf-8"), "")


PACK = '[{"bn":"t:1/","bt":1795000000,"n":"fill","v":66.5},{"n":"weight","v":900}]'


def test_decode_shows_values_with_their_quality_and_time(gengfu):
    said = gengfu("profile", "decode", "gengfu/smart-bin", PACK)
    assert said.code == 0
    shown = json.loads(said.out)
    assert shown["at_ns"] == 1795000000 * 10**9
    assert shown["points"]["fill"]["value"] == 66.5
    assert shown["points"]["weight"] == {"value": 900.0, "quality": "BAD_OVER_RANGE"}


def test_decode_reads_cbor_as_hex_and_standard_input(gengfu, monkeypatch):
    # [{-2: "t:1/", 0: "fill", 2: 66}] (RFC 8428, section 6)
    said = gengfu("profile", "decode", "gengfu/smart-bin", "81a32164743a312f006466696c6c021842")
    assert json.loads(said.out)["points"]["fill"]["value"] == 66.0
    monkeypatch.setattr("sys.stdin", io.StringIO(PACK + "\n"))
    assert json.loads(gengfu("profile", "decode", "gengfu/smart-bin", "-").out)["points"]["fill"]["value"] == 66.5


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["show", "gengfu/teapot"], "no profile 'gengfu/teapot'; one of decentlab/dl-mbx, "),
        (["decode", "gengfu/smart-bin", "zz"], "the pack is neither JSON nor hex"),
        (["decode", "gengfu/smart-bin", '[{"n":"t:1/fill","v":"full"}]'], "record "),
        (["decode", "gengfu/smart-bin", "ff"], "CBOR"),
    ],
)
def test_wrong_input_is_told_in_one_line(gengfu, words, problem):
    said = gengfu("profile", *words)
    assert (said.code, said.out) == (1, "")
    assert problem in said.err
    assert len(said.err.splitlines()) == 1


def test_profile_that_our_firmware_does_not_pack_is_not_emitted_and_says_why(gengfu, tmp_path):
    text = (ROOT / "protocols/profiles/gengfu/gas-alarm.toml").read_text(encoding="utf-8")
    changed = text.replace("address = 2, value = 1 }", "address = 2, values = [1, 1] }", 1)
    assert changed != text
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "alarm.toml").write_text(
        changed.replace('vendor = "gengfu"', 'vendor = "other"').replace('"gas-alarm"', '"alarm"'), encoding="utf-8"
    )
    said = gengfu("profile", "--profiles", tmp_path, "emit", "other/alarm")
    assert (said.code, said.out) == (1, "")
    assert "our firmware takes one value" in said.err
    assert "Traceback" not in said.err
