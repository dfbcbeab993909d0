"""``gengfu export --from T --to T --format csv|parquet --out FILE``: what was measured, out of a site."""

import argparse
import json
from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path

from gengfu import extracting, local_time, site_client, sites
from gengfu.errors import InputError, MissingError
from gengfu.extracting import Range
from gengfu.progress import Progress
from telemetry import duck_parquet
from telemetry.errors import StoreError
from telemetry.extract import Extract

ZONE = "Asia/Shanghai"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--from", dest="start", required=True, help="2026-11-01, or 2026-11-01T08:00:00+08:00")
    parser.add_argument("--to", dest="end", required=True, help="likewise; not included")
    parser.add_argument("--device", action="append", default=[], metavar="ID", help="this one only; may be repeated")
    parser.add_argument("--point", action="append", default=[], metavar="NAME", help="this one only; may be repeated")
    parser.add_argument("--origin", choices=["live", "drill", "simulated", "all"], default="live")
    parser.add_argument("--format", choices=["csv", "parquet"], default="csv")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE|DIR", help="a name is made up in a folder")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.add_argument("--data", type=Path, metavar="DIR", help="data folder of a site that does not run")
    parser.add_argument("--time-zone", help=f"of times without a zone; the running site's own, else {ZONE}")
    parser.add_argument("--profiles", type=Path, action="append", default=[], help="with --data: folders of your own")
    site_client.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Write the file. Raises `InputError`, `MissingError`; no file is left behind then."""
    client = None if options.data else site_client.SiteClient(options)
    asked = _range(options, client)
    target = _target(options)
    extract = Extract(
        asked.start, asked.end, tuple(options.device), tuple(options.point), extracting.origins_of(options.origin)
    )
    with Progress("export") as bar, extracting.whole_file(target, force=options.force) as part:
        pieces = extracting.from_site(client, extract) if client else _from_folder(options, extract)
        rows = extracting.fill(part, pieces, asked, lambda share, rows: bar.show(share, f"{rows} values"))
        if options.format == "parquet":
            _as_parquet(part)
    if options.json:
        print(json.dumps({"file": str(target), "format": options.format, "rows": rows}, ensure_ascii=False))
    else:
        print(f"{target}: {rows} values")
    return 0


def _from_folder(options: argparse.Namespace, extract: Extract) -> Iterator[bytes]:
    return extracting.from_folder(options.data, extract, sites.read_profiles(tuple(options.profiles)))


def _range(options: argparse.Namespace, client: site_client.SiteClient | None) -> Range:
    zone = _zone(options.time_zone or (client.get("site")["time_zone"] if client else ZONE))
    asked = Range(_time("--from", options.start, zone), _time("--to", options.end, zone))
    if asked.start >= asked.end:
        raise InputError(f"--from {options.start}: must be before --to {options.end}")
    return asked


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


def _target(options: argparse.Namespace) -> Path:
    out: Path = options.out
    if out.is_dir():
        words = [one.replace(":", "") for one in (options.start, options.end)]
        return out / f"gengfu-{words[0]}-{words[1]}.{options.format}".replace(" ", "T")
    if not out.parent.is_dir():
        raise MissingError(f"--out {out}: there is no folder {out.parent}; make it first")
    return out


def _as_parquet(part: Path) -> None:
    made = part.with_name(part.name + ".parquet")
    try:
        duck_parquet.csv_to_parquet(part, made)
        made.replace(part)
    except StoreError as error:
        raise MissingError(str(error)) from None
    finally:
        made.unlink(missing_ok=True)
