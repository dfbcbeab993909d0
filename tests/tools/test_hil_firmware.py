"""What the HIL tests run on: keys that change with what goes in, and a cache that is whole or none."""

import json
from pathlib import Path

import pytest

from tools import hil_firmware
from tools.hil_firmware import EMULATOR, key, locate


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
    assert (found.firmware, found.builds.has_small) == (tmp_path / "firmware.bin", False)


def test_lock_of_the_emulator_names_no_address() -> None:
    packages = json.loads((EMULATOR / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all("resolved" not in one for one in packages.values())
    assert all("integrity" in one for name, one in packages.items() if name)
