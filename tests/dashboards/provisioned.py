"""The files that Grafana is given, as it reads them."""

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from tests.fixtures.programs import missing
from tools.firmware_stubs import ROOT
from tools.grafana_schema import SCHEMA, SOURCE

GRAFANA = ROOT / "dashboards" / "grafana"


def dashboards() -> list[Path]:
    """The JSON of each dashboard."""
    return sorted((GRAFANA / "json").glob("*.json"))


def bundle() -> Path:
    """The folder of the packages; the test is skipped (in CI: fails) without them."""
    if not SCHEMA.there():
        missing("@grafana/schema is missing; run: make servers")
    return SCHEMA.folder


def node() -> str:
    """Node; the test is skipped (in CI: fails) without it."""
    found = shutil.which("node")
    if found is None:
        missing("node is missing; the locked one stands beside the interpreter")
    return found


@cache
def documents(folder: str) -> dict[str, Any]:
    """The YAML files in a folder of ``provisioning``, by name."""
    paths = sorted((GRAFANA / "provisioning" / folder).glob("*.yaml"))
    command = [node(), str(SOURCE / "read_yaml.cjs"), *map(str, paths)]
    env = {**os.environ, "NODE_PATH": str(bundle() / "node_modules")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=env)
    assert done.returncode == 0, done.stderr
    return {Path(path).name: document for path, document in json.loads(done.stdout).items()}
