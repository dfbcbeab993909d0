"""``gengfu journal status|forget NAME|remember NAME``: how full the journal is, and for which stores it waits."""

import argparse
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from gengfu import site_client

MEBI = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    what = parser.add_subparsers(dest="what", required=True, metavar="status | forget NAME | remember NAME")
    status = what.add_parser("status", help="how full it is, and how far each store has taken it")
    forget = what.add_parser(
        "forget",
        help="do not wait for a store any more: what it has not taken goes when it is old or the journal is crowded",
    )
    remember = what.add_parser("remember", help="wait for a store again")
    for one in (forget, remember):
        one.add_argument("name", help="of the store, as `gengfu journal status` shows it")
    for one in (status, forget, remember):
        one.add_argument("--json", action="store_true", help="for scripts")
        site_client.add_arguments(one)


def run(options: argparse.Namespace) -> int:
    """Ask the site. Raises `site_client.Refused` for a store that is not there or cannot be forgotten."""
    site = site_client.SiteClient(options)
    if options.what == "status":
        found = site.get("journal")
        lines = _status(found)
    else:
        found = site.post(f"journal/consumers/{quote(options.name, safe='')}/{options.what}", {})
        lines = [_store(found)]
    print(json.dumps(found, ensure_ascii=False) if options.json else "\n".join(lines))
    return 0


def _status(found: Mapping[str, Any]) -> list[str]:
    used, bound, segments = found["used_bytes"], found["max_bytes"], found["segments"]
    return [
        f"{used / MEBI:.1f} of {bound / MEBI:.0f} MiB used ({used / bound:.0%}), "
        f"{segments['count']} segments, the oldest begun {segments['oldest_begun_at']}",
        *(_store(one) for one in found["consumers"]),
    ]


def _store(one: Mapping[str, Any]) -> str:
    told = [f"{one['lag']} entries not taken yet", *filter(None, [one["problem"]])]
    forgotten, missing = one["forgotten"], one["missing"]
    if forgotten:
        told.append(f"forgotten since {forgotten['since']} by {forgotten['by']}")
    if missing:
        told.append(f"missed {missing['entries']} entries from {missing['first_at']} to {missing['last_at']}")
    return f"{one['name']}: {'; '.join(told)}"
