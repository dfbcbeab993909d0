"""The OPC UA server of the tests is the locked one, wherever it is fetched from."""

import json

from tools.opcua_peer import SOURCE

LOCK = json.loads((SOURCE / "package-lock.json").read_text(encoding="utf-8"))


def test_every_package_is_locked_by_its_content_and_none_by_an_address() -> None:
    packages = {name: package for name, package in LOCK["packages"].items() if name}
    assert len(packages) > 100
    assert [name for name, package in packages.items() if not package["integrity"].startswith("sha512-")] == []
    assert [name for name, package in packages.items() if "resolved" in package] == []


def test_lock_is_of_the_package_file() -> None:
    wanted = json.loads((SOURCE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert LOCK["packages"][""]["dependencies"] == wanted
    assert {name: LOCK["packages"][f"node_modules/{name}"]["version"] for name in wanted} == wanted
