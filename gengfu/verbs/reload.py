"""``gengfu reload [--dry-run] [--accept-losses]``: the running site takes its document and profiles anew."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

from gengfu import site_client

KINDS = ("connections", "devices", "areas")
SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--dry-run", action="store_true", help="show the difference, and change nothing")
    parser.add_argument(
        "--accept-losses",
        action="store_true",
        help="do it though something is not watched any more, or not as well; the token's user answers for it",
    )
    parser.add_argument("--json", action="store_true", help="for scripts")
    site_client.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Ask the site, and show what is different. Raises `site_client.Refused` with every wrong key."""
    wish = {"dry_run": options.dry_run, "accept_losses": options.accept_losses}
    done = site_client.SiteClient(options).post("site/reload", wish)
    if options.json:
        print(json.dumps(done, ensure_ascii=False))
    else:
        _show(done)
    return 0


def _show(done: Mapping[str, Any]) -> None:
    lines = [
        f"{sign} {kind.removesuffix('s')} {one}"
        for kind in KINDS
        for key, sign in SIGNS.items()
        for one in done[kind][key]
    ]
    lines += [f"~ profile {one}" for one in done["profiles"]]
    lines += [f"  reopened: {one}" for one in done["reopened"]]
    lines += [f"! {one}" for one in done["losses"]]
    print("\n".join(lines) if lines else "Nothing is different.")
    if lines:
        print("Taken." if done["applied"] else "Nothing was changed (--dry-run).")
