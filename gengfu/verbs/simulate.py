"""``gengfu simulate [SITE.toml]``: a virtual fleet over the real protocols, on this machine only."""

import argparse
import json
import sys
from pathlib import Path

from gengfu import main_loop
from gengfu.errors import InputError
from gengfu.simulate.document import FIRST_PORT, TRANSPORTS, WITH_A_BROKER, write_site
from gengfu.simulate.fleet import Fleet, Wish
from gengfu.simulate.outside import refuse_outside
from gengfu.simulate.pace import Pace
from gengfu.simulate.run import keep_running
from gengfu.simulate.script import load_script
from gengfu.sites import read_site

DEVICES = 12
"""Of a document that is written, where nothing else is asked."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("site", type=Path, nargs="?", help="the site document that the gateway has, too")
    parser.add_argument("--write-site", type=Path, metavar="FILE", help="write a document for the fleet, and use it")
    parser.add_argument("--over", default=",".join(TRANSPORTS), metavar="A,B", help="transports of --write-site")
    parser.add_argument("--first-port", type=int, default=FIRST_PORT, metavar="P", help="of --write-site (%(default)s)")
    parser.add_argument("--devices", type=int, metavar="N", help="so many of them (the first in the document)")
    parser.add_argument(
        "--rate", type=_positive, metavar="R", help="readings/s of all devices that report by themselves"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="another seed gives other values")
    parser.add_argument("--script", type=Path, metavar="FILE", help="leaks, faults and dead devices (TOML)")
    parser.add_argument("--speed", type=_positive, default=1.0, metavar="X", help="simulated seconds in a real one")
    parser.add_argument("--seconds", type=_positive, metavar="T", help="end after so long")
    parser.add_argument("--profiles", type=Path, action="append", default=[], help="a further folder of profiles")
    parser.add_argument("--json", action="store_true", help="the summary for scripts")


def run(options: argparse.Namespace) -> int:
    """Run until Ctrl-C, then say what was sent and acknowledged."""
    document = _document(options)
    site = read_site(document, tuple(options.profiles))
    refuse_outside(site)
    script = load_script(options.script, site.devices) if options.script else ()
    wish = Wish(options.seed, options.devices, options.rate, script)
    quiet = options.json

    async def main() -> None:
        fleet = Fleet(site, wish, Pace(options.speed))
        try:
            await fleet.open()
            if not quiet:
                print(f"{len(fleet.devices)} virtual devices of {document}. Ctrl-C stops.", flush=True)
            await keep_running(fleet, options.seconds, None if quiet else sys.stdout)
        finally:
            await fleet.close()
        print(json.dumps(fleet.tally.as_dict()) if quiet else fleet.tally)

    main_loop.run(main)
    return 0


def _document(options: argparse.Namespace) -> Path:
    if (options.site is None) == (options.write_site is None):
        raise InputError("give a site document, or --write-site FILE for a new one, and not both")
    if options.site is not None:
        return Path(options.site)
    over = tuple(name for name in options.over.split(",") if name)
    known = (*TRANSPORTS, WITH_A_BROKER)
    unknown = [name for name in over if name not in known]
    if unknown or not over:
        raise InputError(f"--over {options.over}: one or more of {','.join(known)}")
    count = DEVICES if options.devices is None else options.devices
    write_site(options.write_site, count, over, first_port=options.first_port)
    return Path(options.write_site)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value
