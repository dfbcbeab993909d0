"""``gengfu plan list | check FILE... | show PLAN | print PLAN | run PLAN``: response plans, on paper and by hand.

Only ``run`` needs a running site.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gengfu import site_client
from gengfu.errors import InputError, MissingError
from operations.errors import PlanError
from operations.plan import Plan
from operations.plan_files import load_plan, shipped_plans
from operations.sheet import sheet_html, sheet_text

PLAN = "id of a shipped plan, or a file (TOML)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    what = parser.add_subparsers(dest="what", required=True)
    listed = what.add_parser("list", help="the shipped plans, and which alarms open them")
    check = what.add_parser("check", help="every mistake of the files, each with its path; exit 1 if there is one")
    check.add_argument("file", nargs="+", type=Path)
    show = what.add_parser("show", help="the plan as text; --json: the whole document")
    sheet = what.add_parser("print", help="the plan as a sheet to print: HTML, A4 landscape")
    for one in (show, sheet):
        one.add_argument("plan", help=PLAN)
        one.add_argument("--language", choices=["zh", "en"], default="zh")
    sheet.add_argument("--out", type=Path, metavar="FILE", help="else to standard output")
    sheet.add_argument("--force", action="store_true", help="replace a file that is there")
    start = what.add_parser("run", help="start it by hand, live, on a running site")
    start.add_argument("plan", help="id of a plan of the site")
    start.add_argument("--area", required=True, metavar="ID", help="where; of a kind that the plan is for")
    start.add_argument("--stage", choices=["verify", "full"], default="full")
    start.add_argument("--why", required=True, metavar="TEXT", help="the reason; it goes into the record")
    start.add_argument("--role", default="", metavar="ACTOR", help="else the one who writes down what others report")
    site_client.add_arguments(start)
    for one in (listed, check, show, start):
        one.add_argument("--json", action="store_true", help="for scripts")


def run(options: argparse.Namespace) -> int:
    """Do it. Raises `InputError`, `MissingError`, `site_client.Refused`."""
    return {"list": _list, "check": _check, "show": _show, "print": _print, "run": _start}[options.what](options)


def _list(options: argparse.Namespace) -> int:
    plans = shipped_plans().values()
    if options.json:
        print(json.dumps([_row(one) for one in plans], ensure_ascii=False))
        return 0
    for one in plans:
        rules = " ".join(dict.fromkeys(rule for trigger in one.trigger for rule in trigger.rules))
        print(f"{one.id:<24}{len(one.step):>3} steps  {one.plan.title.zh} {one.plan.title.en}")
        print(f"    in {', '.join(one.plan.areas)}; opened by {rules}")
    return 0


def _row(plan: Plan) -> dict[str, Any]:
    return {
        "id": plan.id,
        "version": plan.plan.version,
        "title": plan.plan.title.model_dump(),
        "areas": list(plan.plan.areas),
        "steps": len(plan.step),
        "drill_allowed": plan.plan.drill_allowed,
        "triggers": [{"rules": list(one.rules), "stage": one.stage, "count": one.count} for one in plan.trigger],
    }


def _check(options: argparse.Namespace) -> int:
    found = {file: _problems(file) for file in options.file}
    if options.json:
        told = [{"file": str(file), "ok": not wrong, "problems": wrong} for file, wrong in found.items()]
        print(json.dumps(told, ensure_ascii=False))
    else:
        for file, wrong in found.items():
            print("\n".join(wrong) or f"{file}: ok", file=sys.stderr if wrong else sys.stdout)
    return 1 if any(found.values()) else 0


def _problems(file: Path) -> list[str]:
    try:
        load_plan(file)
    except PlanError as error:
        return error.problems
    return []


def _show(options: argparse.Namespace) -> int:
    plan = _plan(options.plan)
    print(plan.model_dump_json(by_alias=True) if options.json else sheet_text(plan, options.language), end="")
    if options.json:
        print()
    return 0


def _print(options: argparse.Namespace) -> int:
    page = sheet_html(_plan(options.plan), options.language)
    if options.out is None:
        print(page, end="")
        return 0
    try:
        flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if options.force else os.O_EXCL)
        with os.fdopen(os.open(options.out, flags, 0o644), "w", encoding="utf-8") as out:
            out.write(page)
    except FileExistsError:
        raise InputError(f"--out {options.out}: is there already; give another name, or --force") from None
    except OSError as error:
        raise MissingError(f"--out {options.out}: cannot be written: {error.strerror}") from None
    print(f"{options.out}: {options.plan}")
    return 0


def _plan(name: str) -> Plan:
    try:
        if name.endswith(".toml") or os.sep in name:
            return load_plan(Path(name))
    except PlanError as error:
        raise InputError("\n".join(error.problems)) from None
    plans = shipped_plans()
    if name not in plans:
        raise InputError(f"no plan {name!r}; one of {', '.join(plans)}, or a file: ./{name}.toml")
    return plans[name]


def _start(options: argparse.Namespace) -> int:
    wish = {"mode": "live", "area": options.area, "stage": options.stage, "why": options.why, "role": options.role}
    done = site_client.SiteClient(options).post(f"plans/{quote(options.plan, safe='')}/runs", wish)
    if options.json:
        print(json.dumps(done, ensure_ascii=False))
    else:
        _show_run(done)
    return 0


def _show_run(run: Mapping[str, Any]) -> None:
    print(f"{run['id']}: {run['mode']}, stage {run['stage']}, {run['area']['id']}")
    print(f"{run['notice']['zh']}\n{run['notice']['en']}")
    for step in run["steps"]:
        if step["state"] in ("open", "started", "held", "releasable"):
            print(f"  {step['id']:<6}{step['title']['zh']} {step['title']['en']}")
