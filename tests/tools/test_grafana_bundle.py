"""Grafana's types are the locked ones, wherever they are fetched from, and CI does not do without them."""

import json
from pathlib import Path

import pytest

from tools import grafana_schema
from tools.firmware_stubs import Bundle
from tools.grafana_schema import SOURCE
from tools.test_servers import Failed

TEXT = (SOURCE / "package-lock.json").read_text(encoding="utf-8")
LOCK = json.loads(TEXT)


def test_every_package_is_locked_by_its_content_and_none_by_an_address() -> None:
    packages = {name: package for name, package in LOCK["packages"].items() if name}
    assert len(packages) == 4
    assert [name for name, package in packages.items() if not package["integrity"].startswith("sha512-")] == []
    assert "://" not in TEXT


def test_lock_is_of_the_package_file() -> None:
    wanted = json.loads((SOURCE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert LOCK["packages"][""]["dependencies"] == wanted
    assert {name: LOCK["packages"][f"node_modules/{name}"]["version"] for name in wanted} == wanted


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_bundle_that_cannot_be_brought_fails_ci_and_is_told_to_a_developer(
    ci: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill(lock: Path, folder: Path) -> None:
        raise Failed("the line was cut")

    bundle = Bundle("parts", SOURCE / "package-lock.json", tmp_path / "parts", fill)
    monkeypatch.setattr(grafana_schema, "SCHEMA", bundle)
    monkeypatch.setenv("CI", ci)
    assert grafana_schema.main() == code
    assert capsys.readouterr().err == "grafana schema: parts missing: the line was cut\n"
