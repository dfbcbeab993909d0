"""`gengfu simulate`: what it writes, what it refuses, and that it stays on this machine."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gengfu.errors import InputError
from gengfu.simulate.document import TRANSPORTS, write_site
from gengfu.simulate.outside import refuse_outside
from gengfu.simulate.script import load_script
from gengfu.simulate.stage import stage
from gengfu.sites import read_site
from tests.gengfu.conftest import Said

Gengfu = Callable[..., Said]
DOCUMENT = Path(__file__).parents[2] / "docs/simulate.md"


@pytest.mark.parametrize("count", [1, 4, 100])
@pytest.mark.parametrize("over", [TRANSPORTS, ("coap",), ("modbus-rtu", "serial-link")])
def test_written_document_is_right_and_has_so_many_devices(tmp_path: Path, count: int, over: tuple[str, ...]) -> None:
    write_site(tmp_path / "site.toml", count, over)
    site = read_site(tmp_path / "site.toml")
    refuse_outside(site)
    assert (len(site.devices), site.simulated) == (count, True)
    assert {site.connections[one.connection].transport for one in site.devices.values()} == set(over[:count])


def test_document_that_is_not_of_a_simulation_is_not_overwritten(gengfu: Gengfu, tmp_path: Path) -> None:
    mine = tmp_path / "site.toml"
    mine.write_text("# my site")
    said = gengfu("simulate", "--write-site", mine)
    assert (said.code, mine.read_text()) == (1, "# my site")
    assert "is there and not of a simulation" in said.err


def written(folder: Path, *changes: tuple[str, str]) -> Path:
    file = folder / "site.toml"
    write_site(file, 8, TRANSPORTS)
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    return file


REAL = (("simulated = true", ""), ('"sim:', '"east:'))
OUTSIDE: Mapping[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "a real site": (REAL, "site.simulated: is not set"),
    "virtual ids in a real site": (REAL[:1], "'sim:' begins the ids of a simulated site"),
    "ids of real devices": (REAL[1:], "the ids of a simulated site begin with 'sim:'"),
    "a door for all": (
        (('listen = "127.0.0.1', 'listen = "0.0.0.0'),),
        "connection[coap-1]: 0.0.0.0 is not this machine",
    ),
    "another host": ((('host = "127.0.0.1"', 'host = "plc"'),), "connection[modbus-tcp-1]: plc is not this machine"),
    "a real line": ((('port = "/', 'port = "/dev/'),), "connection[modbus-rtu-1].port: /dev/"),
}


@pytest.mark.parametrize("case", OUTSIDE)
def test_fleet_that_could_reach_something_real_does_not_start(gengfu: Gengfu, tmp_path: Path, case: str) -> None:
    changes, told = OUTSIDE[case]
    said = gengfu("simulate", written(tmp_path, *changes), "--seconds", 5)
    assert (said.code, said.out) == (1, "")
    assert told in said.err


@pytest.mark.parametrize("case", OUTSIDE)
def test_what_could_reach_something_real_never_counts_as_live(tmp_path: Path, case: str) -> None:
    changes, told = OUTSIDE[case]
    file = written(tmp_path, *changes)
    with pytest.raises(InputError) as caught:
        stage(read_site(file), "127.0.0.1", demo=True)
    assert told in str(caught.value)


def test_only_a_demo_folder_and_loopback_make_a_simulation_live(tmp_path: Path) -> None:
    site = read_site(written(tmp_path))
    assert stage(site, "0.0.0.0", demo=False).site.simulated
    assert not stage(site, "localhost", demo=True).site.simulated
    with pytest.raises(InputError, match="listens on loopback only"):
        stage(site, "0.0.0.0", demo=True)


def test_pages_of_a_simulated_site_say_so_and_those_of_a_real_one_do_not(tmp_path: Path) -> None:
    simulated = stage(read_site(written(tmp_path)), "127.0.0.1", demo=False)
    assert "SIMULATED" in (simulated.staging.banner or {})["en"]
    real = stage(read_site(written(tmp_path, *REAL)), "127.0.0.1", demo=False)
    assert real.staging.banner is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "give a site document, or --write-site FILE"),
        (("SITE", "--write-site", "x.toml"), "and not both"),
        (("--write-site", "FILE", "--over", "pigeon"), "--over pigeon: one or more of coap,"),
        (("--write-site", "FILE", "--devices", "0"), "--devices 0: a fleet has at least one"),
        (("NOTHING",), "no such site file"),
    ],
)
def test_wrong_options_are_told(gengfu: Gengfu, tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    said = gengfu("simulate", *(tmp_path / word if word.isupper() else word for word in words))
    assert (said.code, told in said.err) == (1, True)


def test_summary_for_scripts_is_json_and_the_lines_are_taken_away(gengfu: Gengfu, tmp_path: Path) -> None:
    words = ("--over", "serial-link,modbus-rtu", "--devices", 3, "--seconds", "0.05", "--json")
    said = gengfu("simulate", "--write-site", tmp_path / "site.toml", *words)
    assert said.code == 0
    assert json.loads(said.out)["devices"] == 3
    assert list((tmp_path / "lines").iterdir()) == []


def test_file_in_the_place_of_a_line_is_left_alone(gengfu: Gengfu, tmp_path: Path) -> None:
    write_site(tmp_path / "site.toml", 1, ("serial-link",))
    place = tmp_path / "lines" / "serial-link-1"
    place.parent.mkdir()
    place.write_text("mine")
    said = gengfu("simulate", tmp_path / "site.toml", "--seconds", 5)
    assert (said.code, place.read_text()) == (1, "mine")
    assert "is there and not of a simulation" in said.err


def test_documented_script_is_right_for_a_written_document(tmp_path: Path) -> None:
    (block,) = DOCUMENT.read_text(encoding="utf-8").split("```toml\n")[1:]
    (tmp_path / "script.toml").write_text(block.partition("```")[0], encoding="utf-8")
    write_site(tmp_path / "site.toml", 12, TRANSPORTS)
    script = load_script(tmp_path / "script.toml", read_site(tmp_path / "site.toml").devices)
    assert [one.what for one in script] == ["ramp", "jump", "fault", "dead", "back", "jump"]
