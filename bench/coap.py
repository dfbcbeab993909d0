"""Durable CoAP: confirmable posts acknowledged after the journal's commit, per CPU second of our process.

    python -m bench.coap [--seconds 8]

200 posts outstanding over 20 endpoints of a process beside ours, to the real door, pipeline and journal. Two kinds
of post: one value under three alarm rules, and the whole report of a gas alarm under every shipped rule and
interlock, each alarm in a kitchen of its own. No store consumes the journal here. The floor of one value comes right
after it, from the same sender.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench.coap_posts import ONE_VALUE, READ, REPORT, device_names, post
from bench.floors import coap as floor
from bench.parts import counted, gas_alarms, gateway, percentile, three_rules
from bench.processes import beside
from bench.program import as_the_program
from bench.rows import Row, run_alone
from gateway.transports.coap.door import bind
from gengfu.rules import Rulebook, shipped
from tests.fixtures.waiting import wait_for_async

WARM_UP_S = 2.0
FLOOR_S = 3.0


class Case(NamedTuple):
    """What is posted, and under which rules. ``share`` of the time: what has no must is measured for less."""

    name: str
    payload: bytes
    book: Callable[[], Rulebook]
    share: float = 1.0


CASES = (
    Case("one value, 3 rules", ONE_VALUE, three_rules),
    Case("whole report, all rules and interlocks", REPORT, shipped, 0.5),
)


async def measure_one(folder: Path, case: Case, window_s: float, seconds: float) -> list[Row]:
    """One case with one window of the journal's group commit."""
    site = gas_alarms({"id": "coap", "transport": "coap", "listen": "127.0.0.1:0"}, device_names())
    loop = asyncio.get_running_loop()
    async with gateway(folder, site, case.book(), window_s) as ours:
        door = bind("127.0.0.1", 0)
        await ours.start({"coap": door})
        with beside(post, door.getsockname()[1], case.payload) as sender:
            await wait_for_async(lambda: counted(ours, "coap"), 30, "the first post")
            await asyncio.sleep(WARM_UP_S)
            sender.send(READ)
            await loop.run_in_executor(None, sender.recv)
            cpu, before, wall = time.process_time(), counted(ours, "coap"), time.perf_counter()
            await asyncio.sleep(seconds)
            cpu, posts = time.process_time() - cpu, counted(ours, "coap") - before
            wall = time.perf_counter() - wall
            sender.send(READ)
            took, refused = await loop.run_in_executor(None, sender.recv)
    assert posts, "nothing was stored"
    assert not refused, f"{refused} posts were refused"
    name = f"{case.name}, window {window_s * 1e3:g} ms"
    return [
        Row(f"{name}: posts per CPU second", posts / cpu, "1/s"),
        Row(f"{name}: posts per second", posts / wall, "1/s"),
        Row(f"{name}: ack p50", percentile(took, 0.5) * 1e3, "ms"),
        Row(f"{name}: ack p99", percentile(took, 0.99) * 1e3, "ms"),
    ]


def bare(folder: Path, window_s: float) -> float:
    """The floor: posts of one value per CPU second."""
    with (
        tempfile.TemporaryDirectory(dir=folder) as place,
        beside(floor.serve, place, window_s, FLOOR_S) as told,
        beside(post, told.recv(), ONE_VALUE),
    ):
        rate: float = told.recv()
        return rate


def measure(folder: Path, seconds: float = 6.0) -> list[Row]:
    """All rows."""
    as_the_program()
    rows: list[Row] = []
    for case in CASES:
        for window_s in (0.005, 0.010):
            with tempfile.TemporaryDirectory(dir=folder) as place:
                found = uvloop.run(measure_one(Path(place), case, window_s, case.share * seconds))
            if case.payload is ONE_VALUE:
                found[0] = found[0]._replace(floor=bare(folder, window_s))
            rows += found
    return rows


if __name__ == "__main__":
    run_alone(__doc__, measure)
