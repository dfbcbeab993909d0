"""Brings Grafana's own types for dashboards, the compiler that holds JSON to them, and a reader of YAML, for tests.

They stay in the git-ignored cache ``.cache/grafana-schema``; versions and hashes: ``tests/grafana_schema``.

Exit codes: 0 they are there, or they could not be brought to a developer's machine (the tests that need them skip and
say why); 1 they could not be brought and ``CI=true``.
"""

import os
import sys

from tools.firmware_stubs import ROOT, Bundle, from_npm
from tools.test_servers import Failed

SOURCE = ROOT / "tests" / "grafana_schema"
SCHEMA = Bundle("@grafana/schema", SOURCE / "package-lock.json", ROOT / ".cache" / "grafana-schema", from_npm)


def main() -> int:
    """Bring what is missing."""
    try:
        SCHEMA.bring()
    except (Failed, OSError) as error:
        print(f"grafana schema: {SCHEMA.name} missing: {error}", file=sys.stderr)
        return int(os.environ.get("CI") == "true")
    return 0


if __name__ == "__main__":
    sys.exit(main())
