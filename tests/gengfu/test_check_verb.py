"""`gengfu check`: good files are named as good, and in bad ones every wrong key is named with its file."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOOD = [
    "alarms/rules/responses.toml",
    "interlocks/matrices/restaurant-kitchen.toml",
    "operations/plans/restaurant-gas-leak.toml",
    "protocols/profiles/gengfu/gas-alarm.toml",
    "sites/demo/site.toml",
]
RULES = sorted((ROOT / "alarms/rules").glob("*.toml"))


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "given.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def changed(name, *pairs):
    """A shipped file with some words replaced; each must be there."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


@pytest.mark.parametrize("path", [*(ROOT / name for name in GOOD), *RULES], ids=lambda path: path.name)
def test_shipped_files_are_good(gengfu, path):
    assert gengfu("check", path) == (0, f"{path}: ok\n", "")


def test_a_settings_file_is_good_with_the_site_that_it_names(gengfu, file):
    path = file(f'site = "{ROOT}/sites/demo/site.toml"\ndata = "here"\n[http]\nport = 9000\n')
    assert gengfu("check", path) == (0, f"{path}: ok\n", "")


def test_settings_are_as_wrong_as_the_site_that_they_name(gengfu, file, tmp_path):
    site = tmp_path / "site.toml"
    site.write_text(changed("sites/demo/site.toml", ('transport = "coap"', 'transport = "pigeon"')), encoding="utf-8")
    said = gengfu("check", file(f'site = "{site}"\n'))
    assert said.code == 1
    assert f"{site}: connection[" in said.err
    site.unlink()
    said = gengfu("check", file(f'site = "{site}"\n'))
    assert (said.code, said.err) == (1, f"{site}: no such site file\n")


def test_scripts_get_json(gengfu, file):
    good, bad = ROOT / GOOD[0], file("[http]\nprot = 1\n")
    said = gengfu("check", "--json", good, bad)
    assert (said.code, said.err) == (1, "")
    first, second = json.loads(said.out)
    assert first == {"file": str(good), "ok": True, "problems": []}
    assert (second["file"], second["ok"]) == (str(bad), False)
    assert "http.prot" in second["problems"][0]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (
            changed("protocols/profiles/gengfu/smart-bin.toml", ("decimals", "decimal"), ('"flag"', '"flagg"')),
            ["decimal", "type"],
        ),
        (
            changed("protocols/profiles/gengfu/smart-bin.toml", ('unit = "kg"', 'unit = "kilo"')),
            ["weight"],
        ),
        (
            changed("sites/demo/site.toml", ("address", "adress"), ('kind = "mall"', 'kind = "mal"')),
            ["area[street/hotpot].adress", "area[mall/noodles].kind"],
        ),
        (
            changed("interlocks/matrices/restaurant-kitchen.toml", ("reset_after_s", "reset"), ('"act"', '"acts"')),
            ["matrix.reset", "matrix.mode"],
        ),
        (
            changed("operations/plans/restaurant-gas-leak.toml", ("notice", "note"), ("version = 2", 'version = "2"')),
            ["plan.note", "plan.version"],
        ),
        ('[http]\nprot = 1\nport = "many"\n[jurnal]\nmax_mb = 1\n', ["http.prot", "http.port", "jurnal"]),
    ],
    ids=["profile", "unit", "site", "matrix", "plan", "settings"],
)
def test_every_wrong_key_is_named_with_its_file(gengfu, file, text, wrong):
    path = file(text)
    said = gengfu("check", path)
    assert (said.code, said.out) == (1, "")
    lines = said.err.splitlines()
    assert all(path.name in line.partition(":")[0] for line in lines)
    assert [key for key in wrong if not any(key in line for line in lines)] == []


def test_a_rule_that_would_hide_a_level_1_alarm_is_refused(gengfu, file):
    rules = next(path for path in RULES if "on_delay_s = 5" in path.read_text(encoding="utf-8"))
    path = file(changed(f"alarms/rules/{rules.name}", ("on_delay_s = 5", "on_delay_s = 500")))
    said = gengfu("check", path)
    assert said.code == 1
    assert "on_delay_s = 500 would hide a level-1 alarm" in said.err


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"[http", "not valid TOML"), (b'\xff = "\xff"', "not valid TOML"), (None, "cannot be read: No such file")],
)
def test_a_file_that_is_no_toml_is_told_in_one_line(gengfu, tmp_path, content, problem):
    path = tmp_path / "given.toml"
    if content is not None:
        path.write_bytes(content)
    said = gengfu("check", path)
    assert (said.code, said.out) == (1, "")
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith(f"{path}: {problem}")


def test_one_bad_file_among_good_ones_makes_the_answer_bad_and_the_good_ones_are_still_named(gengfu, file):
    good = ROOT / GOOD[0]
    said = gengfu("check", file("[http]\nprot = 1\n"), good)
    assert (said.code, said.out) == (1, f"{good}: ok\n")
