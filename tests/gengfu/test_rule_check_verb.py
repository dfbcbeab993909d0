"""`gengfu check` reads what stands beside a site's document, and files of a site by themselves."""

import json
import re
from pathlib import Path

import pytest

from protocols.profile.loader import SHIPPED
from tests.fixtures.rule_site import document, matrix, override, rule, write

PAGE = Path(__file__).parents[2] / "docs/alarm-rules.md"
GAS = 'any = [{ kind = "high", role = "gas", limit = %s }]'
CLOSE = '{ id = "E1", action = "close-valve" }'
RAISED = "makes life safety weaker: approved_by needs two different persons (S11)"
HIGHEST = "CK-04: no highest limit is listed; it is never moved beyond the shipped 50 %{LEL} (S11)"


@pytest.fixture
def put(tmp_path):
    """Files beside a good document; the path of the document."""

    def put(files, text=None):
        path = write(tmp_path, files)
        path.write_text(text or document(), encoding="utf-8")
        return path

    return put


def test_a_site_is_good_with_good_rules_beside_it(gengfu, put):
    path = put({"rules/own.toml": override("SB-02", GAS.replace("gas", "fill") % 85)})
    assert gengfu("check", path) == (0, f"{path}: ok\n", "")


def test_the_example_of_the_page_is_right(gengfu, put):
    [example] = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    path = put({"rules/limits.toml": example})
    assert gengfu("check", path) == (0, f"{path}: ok\n", "")


def test_a_site_is_as_wrong_as_the_rules_beside_it_whether_named_itself_or_by_its_settings(gengfu, put, tmp_path):
    path = put({"rules/own.toml": override("CK-04", GAS % 60), "interlocks/m.toml": "[matrix]\n"})
    settings = tmp_path / "gengfu.toml"
    settings.write_text(f'site = "{path}"\n', encoding="utf-8")
    for named in (path, settings):
        said = gengfu("check", named)
        assert (said.code, said.out) == (1, "")
        lines = said.err.splitlines()
        where = f"{tmp_path}/rules/own.toml: override[CK-04].any[high gas].limit: "
        assert f"{where}50 -> 60 {RAISED}" in lines
        assert f"{where}{HIGHEST}" in lines
        assert f"{tmp_path}/interlocks/m.toml: matrix[?].id: is missing: add it" in lines


def test_the_rules_are_told_of_although_the_document_is_wrong_too(gengfu, put):
    path = put({"rules/own.toml": override("CK-04", GAS % 60)}, document().replace("coap", "pigeon"))
    said = gengfu("check", path)
    assert said.code == 1
    assert f"{path}: connection[" in said.err
    assert HIGHEST in said.err


def test_a_warning_refuses_nothing(gengfu, put):
    path = put({"rules/own.toml": override("GW-01", "off_delay_s = 900")})
    said = gengfu("check", path)
    assert (said.code, said.out) == (0, f"{path}: ok\n")
    assert "override[GW-01]: warning: the site has no area of kind well: nothing is watched by it" in said.err
    [told] = json.loads(gengfu("check", "--json", path).out)
    assert (told["ok"], told["problems"], len(told["warnings"])) == (True, [], 1)


def test_a_file_of_overrides_by_itself_is_held_against_every_known_profile(gengfu, put, tmp_path):
    good = override("SB-02", GAS.replace("gas", "fill") % 85) + rule("XX-1", '{ kind = "flag", role = "lid" }')
    put({"good.toml": good, "bad.toml": override("CK-04", GAS % 60) + rule("XX-1", '{ kind = "flag", role = "x" }')})
    assert gengfu("check", tmp_path / "good.toml") == (0, f"{tmp_path}/good.toml: ok\n", "")
    said = gengfu("check", tmp_path / "bad.toml")
    assert said.code == 1
    assert HIGHEST in said.err
    assert "rule[XX-1].any[flag x]: no known profile has a point of role x: it can never speak" in said.err


@pytest.mark.parametrize(("mode", "words"), [("act", "mode: a hydrogen-station"), ("observe", "has no effects (S15)")])
def test_a_matrix_that_commands_a_hydrogen_station_is_refused_by_itself(gengfu, put, tmp_path, mode, words):
    put({"own.toml": matrix("own", "hydrogen-station", CLOSE, mode=mode)})
    said = gengfu("check", tmp_path / "own.toml")
    assert said.code == 1
    assert said.err.startswith("own.toml: ")
    assert words in said.err


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('lfl_basis = "iec", ', "gas.lfl_basis"),
        (', calibration_gas = "methane"', "gas.calibration_gas"),
    ],
)
def test_a_gas_without_a_basis_is_refused_with_its_profile(gengfu, tmp_path, line, key):
    text = (SHIPPED / "gengfu/gas-alarm.toml").read_text(encoding="utf-8")
    assert line in text
    path = tmp_path / "gas.toml"
    path.write_text(text.replace(line, "", 1), encoding="utf-8")
    said = gengfu("check", path)
    assert said.code == 1
    assert f"point[methane].{key}" in said.err
