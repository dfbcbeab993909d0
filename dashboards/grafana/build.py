"""Write the generated files, or compare them with what is there: ``python -m dashboards.grafana.build [--check]``."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.grafana import alerts
from dashboards.grafana.catalogue import BOARDS
from dashboards.grafana.yaml_text import yaml_text

HERE = Path(__file__).resolve().parent
ALERTS = "provisioning/alerting/gengfu.yaml"
MADE = "# Made by python -m dashboards.grafana.build from alerts.py. Never the safety path: see the README.\n"


def documents() -> Mapping[str, str]:
    """Every generated file: its path below this folder, and its text."""
    boards = {f"json/{board.uid}.json": text_of(board.build()) for board in BOARDS}
    return {**boards, ALERTS: MADE + yaml_text(alerts.document())}


def text_of(document: object) -> str:
    """JSON as it is committed."""
    return json.dumps(document, cls=JSONEncoder, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def there(folder: Path) -> list[str]:
    """The generated files that a folder holds."""
    kinds = ("json/*.json", "provisioning/alerting/*.yaml")
    return [path.relative_to(folder).as_posix() for kind in kinds for path in folder.glob(kind)]


def differences(folder: Path = HERE) -> list[str]:
    """Generated files that are missing, stale, or no longer made by the code."""
    made = documents()
    found = set(there(folder))
    stale = [name for name, text in made.items() if name in found and (folder / name).read_text("utf-8") != text]
    return sorted({*stale, *(set(made) ^ found)})


def write(folder: Path = HERE) -> None:
    """Write all, and remove what the code no longer makes."""
    made = documents()
    for name in there(folder):
        if name not in made:
            (folder / name).unlink()
    for name, text in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def main(folder: Path = HERE) -> int:
    """0: written, or as committed; 1: something differs."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.grafana.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the files that are there, write nothing")
    if not parser.parse_args().check:
        write(folder)
        return 0
    found = differences(folder)
    for name in found:
        print(f"dashboards/grafana/{name} is not what the code makes: run make dashboards", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
