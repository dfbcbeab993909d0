"""``gengfu check FILE...``: validate settings, sites, profiles, alarm rules, matrices and plans.

Settings are checked with the site and the profiles that they name, and a site with the rules and matrices that stand
beside it, as `gengfu up` and `gengfu reload` read them.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from alarms.errors import RuleError
from alarms.rule import load_responses, load_rules
from gengfu.errors import InputError
from gengfu.settings import load_settings
from gengfu.site_rules.book import check_file, check_site
from gengfu.site_rules.opposites import ONLY_OBSERVED, commands_the_observed
from gengfu.sites import GOLDEN, read_profiles, read_site
from interlocks.errors import MatrixError
from interlocks.matrix import load_matrix
from operations.errors import PlanError
from operations.plan_files import load_plan
from protocols.errors import ProfileError
from protocols.profile.loader import load_profile


class Found(NamedTuple):
    """``warnings`` make nothing bad."""

    problems: list[str]
    warnings: list[str]


def _site(path: Path, folders: tuple[Path, ...] = ()) -> Found:
    """Both the site and its rules, whichever of them is wrong."""
    profiles = read_profiles(folders)
    try:
        site, wrong = read_site(path, folders), []
    except InputError as error:
        site, wrong = None, str(error).strip().splitlines()
    rules = check_site(path, site, profiles)
    return Found([*wrong, *rules.errors], rules.warnings)


def _settings(path: Path) -> Found:
    settings = load_settings(path)
    return GOOD if settings.site is None else _site(settings.site, settings.profiles)


def _override(path: Path) -> Found:
    rules = check_file(path, read_profiles())
    return Found(rules.errors, rules.warnings)


def _matrix(path: Path) -> Found:
    matrix = load_matrix(path)
    return Found([f"{path.name}: matrix.mode: {ONLY_OBSERVED}"], []) if commands_the_observed(matrix) else GOOD


def _only_read(read: Callable[[Path], object]) -> Callable[[Path], Found]:
    def check(path: Path) -> Found:
        read(path)
        return GOOD

    return check


GOOD = Found([], [])
CHECKS: dict[str, Callable[[Path], Found]] = {
    "profile": _only_read(lambda path: load_profile(path, GOLDEN)),
    "site": _site,
    "override": _override,
    "rule": _only_read(load_rules),
    "response": _only_read(load_responses),
    "matrix": _matrix,
    "plan": _only_read(load_plan),
}
"""What a file is, told by the table that stands in it. Anything else is taken as settings."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument(
        "file", nargs="+", type=Path, help="TOML files: profiles, sites, rules, matrices, plans, settings"
    )
    parser.add_argument(
        "--json", action="store_true", help="for scripts: [{file, ok, problems, warnings where there are any}]"
    )


def run(options: argparse.Namespace) -> int:
    """Check each file; one line a problem on stderr, exit 1 if there was any."""
    found = {path: _check(path) for path in options.file}
    if options.json:
        print(json.dumps([_told(path, one) for path, one in found.items()], ensure_ascii=False))
    else:
        for path, one in found.items():
            if one.problems or one.warnings:
                print("\n".join([*one.problems, *one.warnings]), file=sys.stderr)
            if not one.problems:
                print(f"{path}: ok")
    return 1 if any(one.problems for one in found.values()) else 0


def _told(path: Path, found: Found) -> dict[str, object]:
    told: dict[str, object] = {"file": str(path), "ok": not found.problems, "problems": found.problems}
    return {**told, "warnings": found.warnings} if found.warnings else told


def _check(path: Path) -> Found:
    try:
        words = tomllib.loads(path.read_text(encoding="utf-8"))
        # A settings file names its site as a text; only a table is the document itself.
        kind = next((word for word in CHECKS if isinstance(words.get(word), dict | list)), None)
        return CHECKS.get(kind or "", _settings)(path)
    except OSError as error:
        return Found([f"{path}: cannot be read: {error.strerror}"], [])
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Found([f"{path}: not valid TOML: {error}"], [])
    except (ProfileError, RuleError, MatrixError, PlanError) as error:
        return Found(error.problems, [])
    except InputError as error:
        return Found(str(error).strip().splitlines(), [])
