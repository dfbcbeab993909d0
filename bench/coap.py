"""Durable CoAP: confirmable posts acknowledged after the journal's commit, per CPU second of our process.

    python -m bench.coap [--seconds 8]

200 posts outstanding over 20 endpoints of a process beside ours, to the real door, pipeline and journal. Two kinds
of post: one value under three alarm rules, and the whole report of a gas alarm under every shipped rule and
interlock, each alarm in a kitchen of its own. No store consumes the journal here.
"""

import asyncio
import itertools
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, cast

import uvloop

from bench.parts import as_the_program, beside, counted, gateway, make_site, percentile
from bench.rows import Row, run_alone
from gateway.transports.coap.door import bind
from gengfu.rules import Rulebook, shipped
from protocols.profile.loader import shipped_profiles
from protocols.wire import coap

ENDPOINTS, OUTSTANDING, DEVICES = 20, 10, 10
WARM_UP_S = 2.0
THREE = ("CK-01", "CK-02", "CK-04")
REPORT = (
    b'[{"bn":"%(device)s/","n":"boot","v":3},{"n":"seq","v":%(number)d},{"n":"methane","v":1.2},{"n":"co","v":4},'
    b'{"n":"alarm","vb":false},{"n":"fault","vb":false},{"n":"warm_up","vb":false},{"n":"over_range","vb":false},'
    b'{"n":"valve","v":1},{"n":"fan","v":1},{"n":"temperature","v":24.5},{"n":"supply","v":12.01}]'
)
ONE_VALUE = b'[{"n":"%(device)s/methane","v":1.2}]'
OPTIONS = ((coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, b"\x6e"))
READ = "read"


class Case(NamedTuple):
    """What is posted, and under which rules."""

    name: str
    payload: bytes
    book: Callable[[], Rulebook]


def three_rules() -> Rulebook:
    """Three of the shipped rules on methane, no interlock."""
    book = shipped()
    return book._replace(alarms={name: book.alarms[name] for name in THREE}, matrices=())


CASES = (
    Case("one value, 3 rules", ONE_VALUE, three_rules),
    Case("whole report, all rules and interlocks", REPORT, shipped),
)


class Endpoint(asyncio.DatagramProtocol):
    """Keeps so many posts under way; each answer lets the next one go."""

    def __init__(self, number: int, payload: bytes) -> None:
        self._devices = itertools.cycle([b"b:%d:%d" % (number, device) for device in range(DEVICES)])
        self._payload = payload
        self._numbers = itertools.count(1)
        self._sent: dict[int, float] = {}
        self.took: list[float] = []
        self.refused = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        for _ in range(OUTSTANDING):
            self._post()

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 - asyncio's signature
        mid = data[2] << 8 | data[3]
        self.took.append(time.perf_counter() - self._sent.pop(mid))
        self.refused += data[1] != coap.CHANGED
        self._post()

    def _post(self) -> None:
        number = next(self._numbers)
        mid = number & 0xFFFF
        payload = self._payload % {b"device": next(self._devices), b"number": number}
        self._sent[mid] = time.perf_counter()
        self._transport.sendto(coap.encode(coap.CON, coap.POST, mid, b"\0\0", OPTIONS, payload=payload))


def post(told: Connection, port: int, payload: bytes) -> None:
    """The process beside ours. Whenever it is asked, it tells of the posts since then."""
    uvloop.run(_post(told, port, payload))


async def _post(told: Connection, port: int, payload: bytes) -> None:
    loop = asyncio.get_running_loop()
    ends = [Endpoint(number, payload) for number in range(ENDPOINTS)]
    for end in ends:
        await loop.create_datagram_endpoint(lambda end=end: end, remote_addr=("127.0.0.1", port))
    while await loop.run_in_executor(None, told.recv) == READ:
        told.send(([took for end in ends for took in end.took], sum(end.refused for end in ends)))
        for end in ends:
            end.took = []


async def measure_one(folder: Path, case: Case, window_s: float, seconds: float) -> list[Row]:
    """One case with one window of the journal's group commit."""
    devices = [f"b:{end}:{number}" for end in range(ENDPOINTS) for number in range(DEVICES)]
    site = make_site(
        shipped_profiles(),
        dict.fromkeys((one.replace(":", "-") for one in devices), "commercial-kitchen"),
        [{"id": "coap", "transport": "coap", "listen": "127.0.0.1:0"}],
        [
            {"id": one, "profile": "gengfu/gas-alarm", "area": one.replace(":", "-"), "connection": "coap"}
            for one in devices
        ],
    )
    loop = asyncio.get_running_loop()
    async with gateway(folder, site, case.book(), window_s) as ours:
        door = bind("127.0.0.1", 0)
        await ours.start({"coap": door})
        with beside(post, door.getsockname()[1], case.payload) as sender:
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


def measure(folder: Path, seconds: float = 8.0) -> list[Row]:
    """All rows."""
    as_the_program()
    rows: list[Row] = []
    for case in CASES:
        for window_s in (0.005, 0.010):
            with tempfile.TemporaryDirectory(dir=folder) as place:
                rows += uvloop.run(measure_one(Path(place), case, window_s, seconds))
    return rows


if __name__ == "__main__":
    run_alone(__doc__, measure)
