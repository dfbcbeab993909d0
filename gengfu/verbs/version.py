"""``gengfu version``."""

import argparse
import json
import platform

import gengfu


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--json", action="store_true", help="for scripts")


def run(options: argparse.Namespace) -> int:
    """Print the version."""
    if options.json:
        print(json.dumps({"gengfu": gengfu.__version__, "python": platform.python_version()}))
    else:
        print(f"gengfu {gengfu.__version__} (Python {platform.python_version()})")
    return 0
