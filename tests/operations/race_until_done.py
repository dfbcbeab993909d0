"""A worker among others over one database: it lets missed deadlines act until none is left. It prints a line for each
run that it has dealt with. It sees no readings and follows no journal.
"""

import sys

from operations.service import Operations
from protocols.moment import SECOND, Moment


def main(url: str, wall: int) -> None:
    now = Moment(wall, 0)
    operations = Operations.open(url, {}, {}, None, now, shared=True)
    operations.on_change = lambda: print("dealt with", flush=True)
    print("ready", flush=True)
    sys.stdin.readline()
    # Nothing falls due while they race; what another worker is busy with is asked for again.
    while (operations.due() or 0) < now.mono + SECOND:
        now = Moment(wall, now.mono + SECOND // 10)
        operations.tick(now)
    operations.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
