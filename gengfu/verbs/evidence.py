"""``gengfu evidence list | show FILE``: what was kept of the time around life-safety alarms. Nothing is changed."""

import argparse
import json
from pathlib import Path
from typing import Any

from gengfu.errors import InputError
from journal.errors import JournalError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    what = parser.add_subparsers(dest="what", required=True)
    found = what.add_parser("list", help="the files of a data folder, with their alarms")
    found.add_argument("--data", type=Path, default=Path("gengfu-data/site"), help="data folder of the site")
    show = what.add_parser("show", help="readings, alarms, trips, commands and what people did, in order of time")
    show.add_argument("file", type=Path, help="an evidence file")
    show.add_argument("--frames", action="store_true", help="what went over the wires too, in hex")
    for one in (found, show):
        one.add_argument("--json", action="store_true", help="for scripts; of show, one JSON object a line")


def run(options: argparse.Namespace) -> int:
    """List the files, or show one."""
    if options.what == "list":
        _list(options.data, as_json=options.json)
    else:
        _show(options.file, with_frames=options.frames, as_json=options.json)
    return 0


def _list(data: Path, *, as_json: bool) -> None:
    from gengfu.evidence import show  # noqa: PLC0415 - imports every codec, which the help does not need

    files: list[dict[str, Any]] = []
    for path in sorted((data / "evidence").glob(show.FILES)):
        try:
            files.append(show.summary(path))
        except InputError as error:
            files.append({"file": str(path), "problem": str(error)})
    if as_json:
        print(json.dumps(files, ensure_ascii=False))
        return
    for one in files:
        if "problem" in one:
            print(one["problem"])
            continue
        print(f"{one['file']}  {one['begin']} to {one['end']}  {one['bytes'] / 1e6:.1f} MB  {one['state']}")
        for alarm in one["alarms"]:
            print(f"    {alarm['raised_at']} {alarm['alarm']}")
    if not files:
        print(f"{data}: nothing was kept yet: no life-safety alarm was raised there")


def _show(path: Path, *, with_frames: bool, as_json: bool) -> None:
    from gengfu.evidence import show  # noqa: PLC0415 - imports every codec, which the help does not need

    extract = show.open_file(path)
    try:
        about = extract.about
        if not as_json:
            state = "whole" if about.is_closed else "still being gathered"
            begin, end = show.local(about.begin, about), show.local(about.end, about)
            print(f"{about.area} {about.title}: {begin} to {end}, {state}")
        for item in show.items(extract, with_frames=with_frames):
            line = json.dumps(item, ensure_ascii=False) if as_json else _line(show.local(item["at_ns"], about), item)
            print(line)
    except JournalError as error:
        raise InputError(str(error)) from None
    finally:
        extract.close()


def _line(moment: str, item: dict[str, Any]) -> str:
    return f"{moment} {item['kind']:<8} {item['text']}"
