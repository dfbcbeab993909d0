"""``gengfu check FILE...``: validate settings, sites, profiles, alarm rules, matrices and plans.

Settings are checked with the site and the profiles that they name, as `gengfu up` and `gengfu reload` read them.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

from alarms.errors import RuleError
from alarms.rule import load_responses, load_rules
from gengfu.errors import InputError
from gengfu.settings import load_settings
from gengfu.sites import GOLDEN, read_site
from interlocks.errors import MatrixError
from interlocks.matrix import load_matrix
from operations.errors import PlanError
from operations.plan_files import load_plan
from protocols.errors import ProfileError
from protocols.profile.loader import load_profile

CHECKS: dict[str, Callable[[Path], object]] = {
    "profile": lambda path: load_profile(path, GOLDEN),
    "site": read_site,
    "rule": load_rules,
    "response": load_responses,
    "matrix": load_matrix,
    "plan": load_plan,
}
"""What a file is, told by the table that stands in it. Anything else is taken as settings."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument(
        "file", nargs="+", type=Path, help="TOML files: profiles, sites, rules, matrices, plans, settings"
    )
    parser.add_argument("--json", action="store_true", help="for scripts: [{file, ok, problems}]")


def run(options: argparse.Namespace) -> int:
    """Check each file; one line a problem on stderr, exit 1 if there was any."""
    found = {path: _problems(path) for path in options.file}
    if options.json:
        told = [{"file": str(path), "ok": not wrong, "problems": wrong} for path, wrong in found.items()]
        print(json.dumps(told, ensure_ascii=False))
    else:
        for path, wrong in found.items():
            if wrong:
                print("\n".join(wrong), file=sys.stderr)
            else:
                print(f"{path}: ok")
    return 1 if any(found.values()) else 0


def _problems(path: Path) -> list[str]:
    try:
        words = tomllib.loads(path.read_text(encoding="utf-8"))
        # A settings file names its site as a text; only a table is the document itself.
        kind = next((word for word in CHECKS if isinstance(words.get(word), dict | list)), None)
        if kind is None:
            settings = load_settings(path)
            if settings.site is not None:
                read_site(settings.site, settings.profiles)
        else:
            CHECKS[kind](path)
    except OSError as error:
        return [f"{path}: cannot be read: {error.strerror}"]
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return [f"{path}: not valid TOML: {error}"]
    except (ProfileError, RuleError, MatrixError, PlanError) as error:
        return error.problems
    except InputError as error:
        return str(error).strip().splitlines()
    return []
