"""Where firmware, sites and the interpreter are found, in a checkout and in an installed wheel."""

import pytest

from gengfu import places
from gengfu.errors import MissingError


def test_in_a_checkout_data_stands_beside_the_package():
    assert (places.firmware() / "main.py").is_file()
    assert places.demo_site().is_file()


def test_in_a_wheel_data_lies_inside_the_package(tmp_path, monkeypatch):
    (tmp_path / "_firmware").mkdir()
    (tmp_path / "_sites").mkdir()
    monkeypatch.setattr(places, "_PACKAGE", tmp_path)
    assert places.firmware() == tmp_path / "_firmware"
    assert places.demo_site() == tmp_path / "_sites" / "demo" / "site.toml"


def test_no_secret_of_ours_reaches_a_board(monkeypatch):
    monkeypatch.setenv("GENGFU_ADMIN_PASSWORD", "geheim")
    environment = places.board_environment()
    assert set(environment) == {"MICROPYPATH", "PATH"}
    assert "geheim" not in str(environment)


def test_the_interpreter_is_looked_for_beside_python_first_then_on_the_path(tmp_path, monkeypatch):
    beside, elsewhere = tmp_path / "venv" / "micropython", tmp_path / "bin" / "micropython"
    for program in (beside, elsewhere):
        program.parent.mkdir()
        program.touch(0o755)
    monkeypatch.setattr("sys.executable", str(beside.with_name("python")))
    monkeypatch.setenv("PATH", str(elsewhere.parent))
    assert places.micropython() == beside
    beside.unlink()
    assert places.micropython() == elsewhere
    elsewhere.unlink()
    with pytest.raises(MissingError, match="no MicroPython interpreter"):
        places.micropython()
