"""``gengfu up [-c settings.toml]``: gateway and console of a site in one process."""

import argparse
import os
from pathlib import Path

import gengfu
from gengfu.folder import DataFolder
from gengfu.settings import load_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("-c", "--config", type=Path, help="settings file (TOML); the environment goes over it")
    parser.add_argument(
        "--demo",
        action="store_true",
        help="a simulated site counts as live: in a data folder of its own, with nothing beyond this machine",
    )


def run(options: argparse.Namespace) -> int:
    """Run until Ctrl-C."""
    settings = load_settings(options.config)
    print(f"Gengfu {gengfu.__version__}, data in {os.path.relpath(settings.data)}", flush=True)
    with DataFolder(settings.data, "demo" if options.demo else "site") as folder:
        from gengfu import main_loop, process  # noqa: PLC0415 - seconds of imports, after the first line is out
        from gengfu.simulate.stage import stage  # noqa: PLC0415 - seconds of imports, after the first line is out
        from gengfu.site_rules.book import read_book  # noqa: PLC0415 - seconds of imports, after the first line is out
        from gengfu.sites import empty_site, read_site  # noqa: PLC0415 - seconds of imports, after the first line is out

        document = read_site(settings.site, settings.profiles) if settings.site else empty_site()
        book = read_book(settings.site, document)
        site, staging = stage(document, settings.http.host, demo=options.demo)
        if settings.site is None:
            print(
                'No site yet (site = "site.toml" in the settings, or GENGFU__SITE=site.toml): no devices.', flush=True
            )

        async def main() -> None:
            async with process.running(settings, site, folder.path, book, staging) as running:
                if running.console.made_up:
                    print(f"First start: user admin, password {running.console.made_up}", flush=True)
                print(f"Console: http://{settings.http.host}:{running.http_port}/  Ctrl-C stops.", flush=True)
                await main_loop.until_signal(running.console.stop)

        main_loop.run(main)
    print("Stopped.")
    return 0
