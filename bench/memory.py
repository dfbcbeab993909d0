"""Memory of a gateway with CoAP over a million posts: how much it holds, and whether it goes on growing.

    python -m bench.memory [--posts 1000000]        (make bench ONLY=memory)

The gateway (real door with aiocoap behind it, pipeline with three rules, journal; neither console nor stores) has a
process of its own, to which 20 endpoints of another post as fast as they are acknowledged. Its resident memory is read
once a second and held against the posts that it had stored. «Later half»: what it gained from half of the posts to all.
A million posts take minutes: the group is not among those that run by themselves.
"""

import argparse
import asyncio
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench.coap_posts import ENDPOINTS, ONE_VALUE, device_names, post
from bench.parts import counted, gas_alarms, gateway, three_rules
from bench.processes import beside, end_on_sigterm, resident_mb
from bench.rows import Row, print_rows
from gateway.transports.coap.door import bind

POSTS = 1_000_000
LOOK_EVERY_S = 1.0
SLOWEST = 500
"""Posts a second; slower than that it has failed."""
READ = "read"


class Sample(NamedTuple):
    """Resident memory of the gateway when it had stored so many posts."""

    posts: int
    resident_mb: float


def serve(told: Connection, folder: str) -> None:
    """The gateway's process: tells its port, and a `Sample` whenever it is asked."""
    uvloop.run(_serve(told, Path(folder)))


async def _serve(told: Connection, folder: Path) -> None:
    site = gas_alarms({"id": "coap", "transport": "coap", "listen": "127.0.0.1:0"}, device_names())
    loop = asyncio.get_running_loop()
    async with gateway(folder, site, three_rules()) as ours:
        door = bind("127.0.0.1", 0)
        await ours.start({"coap": door})
        told.send(door.getsockname()[1])
        while await loop.run_in_executor(None, told.recv) == READ:
            told.send(Sample(int(counted(ours, "coap")), resident_mb()))


def _watch(gateway_side: Connection, posts: int) -> list[Sample]:
    until = time.monotonic() + posts / SLOWEST
    samples: list[Sample] = []
    while not samples or samples[-1].posts < posts:
        assert time.monotonic() < until, f"{samples[-1].posts} posts only"
        time.sleep(LOOK_EVERY_S)  # between two looks at another process
        gateway_side.send(READ)
        samples.append(gateway_side.recv())
    return samples


def measure(folder: Path, posts: int = POSTS) -> list[Row]:
    """All rows."""
    with tempfile.TemporaryDirectory(dir=folder) as place, beside(serve, place) as gateway_side:
        port = gateway_side.recv()
        gateway_side.send(READ)
        before = gateway_side.recv()
        with beside(post, port, ONE_VALUE):
            samples = _watch(gateway_side, posts)
    half = next(one for one in samples if one.posts >= posts / 2)
    name = f"{posts:,} posts of {ENDPOINTS} endpoints: resident memory"
    return [
        Row(f"{name} before the first", before.resident_mb, "MB"),
        Row(f"{name} after the last", samples[-1].resident_mb, "MB"),
        Row(f"{name}, most", max(one.resident_mb for one in samples), "MB"),
        Row(f"{name}, gained in the later half", samples[-1].resident_mb - half.resident_mb, "MB"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=POSTS)
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the disk to be judged")
    given = parser.parse_args()
    end_on_sigterm()
    print_rows(measure(given.folder, given.posts))


if __name__ == "__main__":
    main()
