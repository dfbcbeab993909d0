"""Profiles from their files: read, check shape and meaning, decode the golden bytes, compile.

A file is used only when everything about it is right. What is wrong comes as one `ProfileError` with every wrong key
as ``file: path.to.key: what to do``.
"""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from protocols.errors import ProfileError
from protocols.profile import rules
from protocols.profile.compile import compile_profile, profile_id
from protocols.profile.explain import problems_of
from protocols.profile.golden import SENML_ONLY, GoldenDecoder, check_golden
from protocols.profile.model import Profile
from protocols.profile.problem import Problem
from protocols.profile.schema import ProfileFile

SHIPPED = Path(__file__).parent.parent / "profiles"


def load_profile(path: Path, decoders: Mapping[str, GoldenDecoder] = SENML_ONLY) -> Profile:
    """The profile of the file ``<vendor>/<model>.toml``. Raises `ProfileError` naming everything that is wrong.

    ``decoders``: for the golden bytes, by kind (see `check_golden`).
    """
    file = _shape(path, _read(path))
    problems = [*_place(path, file), *rules.check(file)]
    if problems:
        raise _error(path, problems)
    profile = compile_profile(file)
    problems = list(check_golden(profile, decoders))
    if problems:
        raise _error(path, problems)
    return profile


def load_profiles(*folders: Path, decoders: Mapping[str, GoldenDecoder] = SENML_ONLY) -> Mapping[str, Profile]:
    """Every ``<vendor>/<model>.toml`` of the folders, by profile id.

    Raises one `ProfileError` with the problems of all files, of folders that are not there, and of ids that two
    folders both have.
    """
    profiles: dict[str, Profile] = {}
    where: dict[str, Path] = {}
    problems: list[str] = []
    for folder in folders:
        if not folder.is_dir():
            problems.append(f"{folder}: is no folder: name one that holds <vendor>/<model>.toml")
        for path in sorted(folder.glob("*/*.toml")):
            try:
                profile = load_profile(path, decoders)
            except ProfileError as error:
                problems += error.problems
                continue
            if profile.id in profiles:
                problems.append(f"{path}: profile.model: {where[profile.id]} has {profile.id} already: remove one")
            profiles[profile.id], where[profile.id] = profile, path
    if problems:
        raise ProfileError(problems)
    return MappingProxyType(profiles)


@cache
def shipped_profiles() -> Mapping[str, Profile]:
    """The profiles that come with the program."""
    return load_profiles(SHIPPED)


def _error(path: Path, problems: Sequence[Problem]) -> ProfileError:
    return ProfileError([f"{path}: {key}: {what}" for key, what in problems])


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ProfileError([f"{path}: byte {error.start}: is not UTF-8: save the file as UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ProfileError([f"{path}: {error}: correct the TOML syntax"]) from None


def _shape(path: Path, data: dict[str, object]) -> ProfileFile:
    try:
        return ProfileFile.model_validate(_tuples(data))
    except ValidationError as error:
        raise _error(path, problems_of(error, data, ProfileFile)) from None


def _tuples(data: object) -> object:
    """TOML arrays as tuples, which is what the strict schema takes."""
    if isinstance(data, dict):
        return {key: _tuples(value) for key, value in data.items()}
    return tuple(_tuples(value) for value in data) if isinstance(data, list) else data


def _place(path: Path, file: ProfileFile) -> list[Problem]:
    found = path.resolve()
    if (found.parent.name, found.name) == (file.profile.vendor, f"{file.profile.model}.toml"):
        return []
    return [
        (
            "profile",
            f"{profile_id(file)} belongs into {profile_id(file)}.toml: move the file, or correct vendor and model",
        )
    ]
