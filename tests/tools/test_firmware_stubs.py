"""Bundles of the firmware's tools: filled as the lock says, at once or not at all."""

from pathlib import Path

import pytest

from tools import firmware_stubs
from tools.firmware_stubs import BUNDLES, Bundle
from tools.test_servers import Failed


class Filler:
    """Fills a folder with a file, or fails half-way."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails = False

    def __call__(self, lock: Path, folder: Path) -> None:
        self.calls += 1
        (folder / "part").write_text(lock.read_text(encoding="ascii"), encoding="ascii")
        if self.fails:
            raise Failed("the line was cut")


@pytest.fixture
def filler() -> Filler:
    """What fills `bundle`."""
    return Filler()


@pytest.fixture
def bundle(filler: Filler, tmp_path: Path) -> Bundle:
    """A bundle that is not there."""
    lock = tmp_path / "lock"
    lock.write_text("1", encoding="ascii")
    return Bundle("parts", lock, tmp_path / "cache" / "parts", filler)


def test_what_is_there_in_the_locked_version_is_not_brought_again(bundle: Bundle, filler: Filler) -> None:
    assert not bundle.there()
    bundle.bring()
    bundle.bring()
    assert (bundle.there(), filler.calls) == (True, 1)


def test_new_lock_replaces_what_was_there(bundle: Bundle) -> None:
    bundle.bring()
    (bundle.folder / "old").touch()
    bundle.lock.write_text("2", encoding="ascii")
    assert not bundle.there()
    bundle.bring()
    assert sorted(path.name for path in bundle.folder.iterdir()) == [".locked", "part"]
    assert (bundle.folder / "part").read_text(encoding="ascii") == "2"


def test_cut_leaves_what_was_there_and_nothing_beside_it(bundle: Bundle, filler: Filler) -> None:
    bundle.bring()
    bundle.lock.write_text("2", encoding="ascii")
    filler.fails = True
    with pytest.raises(Failed, match="the line was cut"):
        bundle.bring()
    assert not bundle.there()
    assert (bundle.folder / "part").read_text(encoding="ascii") == "1"
    assert [path.name for path in bundle.folder.parent.iterdir()] == ["parts"]


def test_every_bundle_has_its_lock_with_hashes_and_without_addresses() -> None:
    for bundle in BUNDLES:
        text = bundle.lock.read_text(encoding="utf-8")
        assert "--hash=sha256:" in text or '"integrity": "sha512-' in text, bundle.name
        assert "://" not in text, bundle.name


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_bundle_that_cannot_be_brought_fails_ci_and_is_told_to_a_developer(
    ci: str,
    code: int,
    bundle: Bundle,
    filler: Filler,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    filler.fails = True
    monkeypatch.setattr(firmware_stubs, "BUNDLES", (bundle,))
    monkeypatch.setenv("CI", ci)
    assert firmware_stubs.main() == code
    assert capsys.readouterr().err == "firmware tools: parts missing: the line was cut\n"


def test_npm_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failed, match="npm is missing"):
        firmware_stubs.from_npm(firmware_stubs.PYRIGHT_BUNDLE.lock, tmp_path)
