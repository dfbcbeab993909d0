"""``gengfu alarms replay --from T --to T --rules FILE``: stored readings through changed alarm rules."""

import argparse
import json
from datetime import tzinfo
from pathlib import Path

from gengfu import local_time
from gengfu.errors import InputError
from gengfu.progress import Progress
from gengfu.settings import Settings, load_settings

WARM_UP_MIN = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    what = parser.add_subparsers(dest="what", required=True, metavar="replay")
    replay = what.add_parser("replay", help="what other rules would have raised; the site may run")
    replay.add_argument("--from", dest="start", required=True, help="2026-11-01, or 2026-11-01T08:00:00+08:00")
    replay.add_argument("--to", dest="end", required=True, help="likewise; not included")
    replay.add_argument(
        "--rules",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help="rules (TOML) laid over those that run: the same ids replaced, others added; may be repeated",
    )
    replay.add_argument("--device", action="append", default=[], metavar="ID", help="this one only; may be repeated")
    replay.add_argument("--origin", choices=["live", "drill", "simulated", "all"], default="live")
    replay.add_argument(
        "--warm-up",
        type=float,
        default=WARM_UP_MIN,
        metavar="MIN",
        help=f"minutes before --from that are judged and not counted (default {WARM_UP_MIN:g})",
    )
    replay.add_argument("-c", "--config", type=Path, help="settings file (TOML) of the site, as for gengfu up")
    replay.add_argument("--data", type=Path, metavar="DIR", help="its data folder, or a copy; else as the settings say")
    replay.add_argument("--site", type=Path, metavar="FILE", help="its document; else as the settings say")
    replay.add_argument("--time-zone", help="of times without a zone (default: the site's)")
    replay.add_argument("--json", action="store_true", help="for scripts")


def run(options: argparse.Namespace) -> int:
    """Replay, and show the difference. Raises `InputError`, `MissingError`."""
    settings = load_settings(options.config)
    from gengfu import sites  # noqa: PLC0415 - seconds of imports, which the help does not need
    from gengfu.extracting import origins_of  # noqa: PLC0415 - seconds of imports, which the help does not need
    from gengfu.replaying import report, words  # noqa: PLC0415 - seconds of imports, which the help does not need
    from gengfu.replaying import run as replaying  # noqa: PLC0415 - seconds of imports, which the help does not need
    from gengfu.site_rules.book import read_book  # noqa: PLC0415 - seconds of imports, which the help does not need

    document = _document(options, settings)
    site = sites.read_site(document, settings.profiles)
    zone = _zone(options.time_zone or site.time_zone)
    job = replaying.Job(
        options.data or settings.data,
        site,
        read_book(document, site).alarms,
        tuple(options.rules),
        options.device,
        _time("--from", options.start, zone),
        _time("--to", options.end, zone),
        _warm_up(options.warm_up),
        origins_of(options.origin),
    )
    if job.start >= job.end:
        raise InputError(f"--from {options.start}: must be before --to {options.end}")
    begin = job.start - job.warm_up
    with Progress("replay") as bar:
        found = replaying.run(
            job, lambda at, readings: bar.show((at - begin) / (job.end - begin), f"{readings} readings")
        )
    told = report.document(found, job)
    print(json.dumps(told, ensure_ascii=False) if options.json else "\n".join(words.lines(told, zone)))
    return 0


def _document(options: argparse.Namespace, settings: Settings) -> Path:
    document: Path | None = options.site or settings.site
    if document is None:
        raise InputError("no site: name its settings with -c, or its document with --site")
    return document


def _warm_up(minutes: float) -> int:
    if not 0 <= minutes <= 60 * 24 * 366:  # also false for not-a-number
        raise InputError(f"--warm-up {minutes:g}: give minutes from 0 to {60 * 24 * 366}")
    return int(minutes * 60e9)


def _zone(name: str) -> tzinfo:
    try:
        return local_time.zone_named(name)
    except ValueError as error:
        raise InputError(f"--time-zone: {error}") from None


def _time(option: str, text: str, zone: tzinfo) -> int:
    try:
        return local_time.parse(text, zone)
    except ValueError as error:
        raise InputError(f"{option} {text}: {error}") from None
