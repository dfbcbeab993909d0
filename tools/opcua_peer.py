"""Brings node-opcua, the OPC UA server that is not ours, for the tests of the OPC UA transport.

It stays in the git-ignored cache ``.cache/opcua-peer``; versions and hashes are locked in ``tests/opcua_peer``.

Exit codes: 0 it is there, or it could not be brought to a developer's machine (the tests that need it skip and say
why); 1 it could not be brought and ``CI=true``.
"""

import os
import sys

from tools.firmware_stubs import ROOT, Bundle, from_npm
from tools.test_servers import Failed

SOURCE = ROOT / "tests" / "opcua_peer"
PEER = Bundle("node-opcua", SOURCE / "package-lock.json", ROOT / ".cache" / "opcua-peer", from_npm)


def main() -> int:
    """Bring what is missing."""
    try:
        PEER.bring()
    except (Failed, OSError) as error:
        print(f"opcua peer: {PEER.name} missing: {error}", file=sys.stderr)
        return int(os.environ.get("CI") == "true")
    return 0


if __name__ == "__main__":
    sys.exit(main())
