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


def run(options: argparse.Namespace) -> int:
    """Run until Ctrl-C."""
    settings = load_settings(options.config)
    print(f"Gengfu {gengfu.__version__}, data in {os.path.relpath(settings.data)}", flush=True)
    with DataFolder(settings.data, "site") as folder:
        from gengfu import process  # noqa: PLC0415 - seconds of imports, after the first line is out
        from gengfu.rules import shipped  # noqa: PLC0415 - as above
        from gengfu.sites import empty_site, read_site  # noqa: PLC0415 - seconds of imports, after the first line is out

        site = read_site(settings.site, settings.profiles) if settings.site else empty_site()
        if settings.site is None:
            print(
                'No site yet (site = "site.toml" in the settings, or GENGFU__SITE=site.toml): no devices.', flush=True
            )

        async def main() -> None:
            async with process.running(settings, site, folder.path, shipped()) as running:
                if running.console.made_up:
                    print(f"First start: user admin, password {running.console.made_up}", flush=True)
                print(f"Console: http://{settings.http.host}:{running.http_port}/  Ctrl-C stops.", flush=True)
                await process.until_signal(running.console.stop)

        process.run(main)
    print("Stopped.")
    return 0
