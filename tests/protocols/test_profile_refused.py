"""Profiles that must be refused: each folder of tests/profiles/refused holds a file and the expected message."""

from pathlib import Path

import pytest

from protocols.errors import ProfileError
from protocols.profile.loader import load_profile, load_profiles

REFUSED = Path(__file__).parents[1] / "profiles/refused"
CASES = sorted(case.name for case in REFUSED.iterdir())
ACCEPTED = (REFUSED / "wrong-path/acme/meter.toml").read_text(encoding="utf-8").replace('"gauge"', '"meter"')


@pytest.mark.parametrize("name", CASES)
def test_wrong_profile_is_refused_with_every_wrong_key(name: str) -> None:
    case = REFUSED / name
    with pytest.raises(ProfileError) as caught:
        load_profile(case / "acme/meter.toml")
    assert str(caught.value).replace(f"{case}/", "") + "\n" == (case / "expected.txt").read_text(encoding="utf-8")


def write(folder: Path, vendor: str, text: str) -> Path:
    path = folder / vendor / "meter.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_file_that_the_refused_ones_are_made_of_is_right(tmp_path: Path) -> None:
    assert load_profile(write(tmp_path, "acme", ACCEPTED)).id == "acme/meter"


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"none\.toml: cannot be read: No such file or directory"):
        load_profile(tmp_path / "acme/none.toml")


def test_problems_of_all_files_and_folders_come_as_one_error(tmp_path: Path) -> None:
    write(tmp_path / "one", "acme", ACCEPTED)
    write(tmp_path / "two", "acme", ACCEPTED)
    write(tmp_path / "two", "beta", ACCEPTED.replace('unit = "%{LEL}"', 'unit = "?"'))
    with pytest.raises(ProfileError) as caught:
        load_profiles(tmp_path / "one", tmp_path / "two", tmp_path / "three")
    told = [problem.replace(f"{tmp_path}/", "").partition(": ")[0::2] for problem in caught.value.problems]
    assert [(file, what.partition(":")[0]) for file, what in told] == [
        ("two/acme/meter.toml", "profile.model"),
        ("two/beta/meter.toml", "profile"),
        ("two/beta/meter.toml", "point[methane].unit"),
        ("three", "is no folder"),
    ]
