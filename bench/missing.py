"""Says what a benchmark leaves out where a part that it needs is not on this machine."""

import sys


def tell_missing(what: str, command: str) -> None:
    """``command``: the make target that fetches it."""
    print(f"bench: no {what} on this machine; its rows are left out (`make {command}` fetches it)", file=sys.stderr)
