"""What the HIL tests run on: source lists made from the machine's, and keys that change with what goes in."""

import json
from pathlib import Path

import pytest

from tools import hil_firmware
from tools.hil_firmware import EMULATOR, codename, derived, key, locate
from tools.test_servers import Failed

DEB822 = """\
Types: deb
URIs: http://archive.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: http://archive.example/debian-security
Suites: bookworm-security
Components: main
"""
WANTED = """\
Types: deb deb-src
URIs: http://archive.example/debian
Suites: bookworm trixie
Components: main
Signed-By: /usr/share/keyrings/archive.gpg
"""
ONE_LINE = "deb [arch=amd64 signed-by=/usr/share/keyrings/archive.gpg] http://archive.example/debian bookworm main\n"


@pytest.mark.parametrize("text", [DEB822, ONE_LINE])
def test_list_of_the_newer_suite_keeps_archive_and_key(text: str) -> None:
    assert derived(["deb http://other.example/x stable main\n", text], "bookworm", "trixie") == WANTED


def test_machine_of_the_wanted_suite_asks_for_it_once() -> None:
    text = DEB822.replace("bookworm", "trixie")
    assert derived([text], "trixie", "trixie") == WANTED.replace("bookworm ", "")


def test_machine_without_a_list_of_its_own_suite_is_refused() -> None:
    with pytest.raises(Failed, match="names «bookworm»"):
        derived([DEB822.replace("bookworm", "sid")], "bookworm", "trixie")


def test_other_distribution_is_refused_with_a_way_out() -> None:
    assert codename('ID=debian\nVERSION_CODENAME="bookworm"\n') == "bookworm"
    with pytest.raises(Failed, match="container"):
        codename("ID=ubuntu\nVERSION_CODENAME=noble\n")


def test_key_changes_with_the_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()
    changed = tmp_path / "hil.lock"
    changed.write_text(hil_firmware.LOCK.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    monkeypatch.setattr(hil_firmware, "LOCK", changed)
    assert key() != before


def test_half_a_cache_is_none(tmp_path: Path) -> None:
    (tmp_path / "firmware.bin").touch()
    assert locate(tmp_path) is None
    (tmp_path / "complete").touch()
    found = locate(tmp_path)
    assert found is not None
    assert (found.firmware, found.small) == (tmp_path / "firmware.bin", ())


def test_lock_of_the_emulator_names_no_address() -> None:
    packages = json.loads((EMULATOR / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all("resolved" not in one for one in packages.values())
    assert all("integrity" in one for name, one in packages.items() if name)
