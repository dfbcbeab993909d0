"""``gengfu import FILE.csv --map mapping.toml [-c settings.toml]``: history of another system, into a stopped site."""

import argparse
import json
import sys
from contextlib import nullcontext
from pathlib import Path

from console.extract_csv import stamp
from device_registry.devices import Site
from gengfu import clock, sites
from gengfu.errors import InputError, MissingError
from gengfu.folder import DataFolder
from gengfu.history import run as history
from gengfu.history.mapping import EXPORTED, load_mapping
from gengfu.progress import Progress
from gengfu.settings import Settings, load_settings
from gengfu.stores import series_of
from telemetry.duck_history import open_history
from telemetry.errors import StoreError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("file", type=Path, help="CSV with a header")
    parser.add_argument("--map", type=Path, help="which column means what (TOML); without: what gengfu export wrote")
    parser.add_argument("-c", "--config", type=Path, help="settings file (TOML) of the site, as for gengfu up")
    parser.add_argument("--dry-run", action="store_true", help="look at every row, and store nothing; the site may run")
    parser.add_argument("--skip-bad", action="store_true", help="import the good rows; the others to FILE.rejected.csv")
    parser.add_argument("--json", action="store_true", help="for scripts")


def run(options: argparse.Namespace) -> int:
    """Check the file, then store it. Raises `InputError` where a row is wrong and ``--skip-bad`` is not given."""
    settings = load_settings(options.config)
    mapping = load_mapping(options.map) if options.map else EXPORTED
    job = history.Job(options.file, mapping, _site(settings), clock.wall())
    with Progress("checking") as bar:
        checked = history.check(job, lambda share, rows: bar.show(share, f"{rows} rows"))
    _tell(checked)
    if checked.wrong and not options.skip_bad and not options.dry_run:
        raise InputError(f"{options.file}: {checked.wrong} of {checked.rows} rows are wrong; nothing was imported")
    stored = None if options.dry_run else _store(settings, job, skip_bad=options.skip_bad)
    _report(options, checked, stored)
    return 1 if options.dry_run and checked.wrong else 0


def _site(settings: Settings) -> Site:
    if settings.site is None:
        raise InputError("no site: name its settings with -c, or its document with GENGFU__SITE")
    site = sites.read_site(settings.site, settings.profiles)
    if site.simulated:
        raise InputError(f"{settings.site}: is a simulation; the history of real equipment does not belong there")
    return site


def _store(settings: Settings, job: history.Job, *, skip_bad: bool) -> history.Stored:
    rejects = history.rejects_beside(job) if skip_bad else nullcontext(history.refuse)
    with DataFolder(settings.data, "site") as folder, rejects as reject, Progress("import") as bar:
        try:
            with open_history(folder.path / "telemetry.duckdb", series_of(job.site).get) as store:
                return history.store(job, store, reject, lambda share, rows: bar.show(share, f"{rows} rows"))
        except StoreError as error:
            raise MissingError(f"{error}. What was stored stays; import again, nothing is stored twice") from None


def _tell(checked: history.Checked) -> None:
    for line in checked.told:
        print(line, file=sys.stderr)
    if checked.wrong > len(checked.told):
        print(f"... and {checked.wrong - len(checked.told)} more", file=sys.stderr)


def _report(options: argparse.Namespace, checked: history.Checked, stored: history.Stored | None) -> None:
    span = [None if at is None else stamp(at) for at in (checked.first, checked.last)]
    if options.json:
        found = {"rows": checked.rows, "wrong": checked.wrong, "values": checked.values, "devices": checked.devices}
        done = {"stored": stored.values if stored else 0, "rejected": stored.rejected if stored else 0}
        print(json.dumps({"file": str(options.file), **found, "from": span[0], "to": span[1], **done}))
        return
    what = f"{checked.values} values of {checked.devices} devices"
    when = f", {span[0]} to {span[1]}" if span[0] else ""
    print(f"{options.file}: {checked.rows} rows, {checked.wrong} wrong; {what}{when}")
    if stored is None:
        print("Nothing was stored (--dry-run).")
    else:
        print(f"Stored: {stored.values} that were not there yet; rows left out: {stored.rejected}.")
