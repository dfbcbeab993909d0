"""The same work done by us and by other programs, one after the other on one machine: `make bench-peers`.

    python -m bench.peers [--only coap,modbus] [--seconds 8]

* coap: 200 confirmable posts outstanding over 20 endpoints. We judge each by three rules and acknowledge it after the
  journal's commit; aiocoap's server parses the JSON and answers, and keeps nothing.
* modbus: 500 TCP connections x 10 registers x 1 s from one simulator. Both decode to scaled values; pymodbus'
  client on uvloop, a task for each connection, with its own conversion. Quality, spread phases and back-off are
  in our figure and not in its.

Only ratios of one run are to be quoted. Servers and senders run in processes of their own.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import aiocoap  # type: ignore[import-untyped]  # aiocoap 0.4.17 is not typed
import uvloop
from aiocoap import resource
from pymodbus.client import AsyncModbusTcpClient

from bench import coap, coap_posts, modbus
from bench.machine import describe
from bench.processes import alone, beside, end_on_sigterm
from bench.program import as_the_program
from tests.fixtures.ports import unused_port
from tests.fixtures.waiting import wait_for_async

ROOT = Path(__file__).resolve().parent.parent
CONNECTIONS, PERIOD_S = 500, 1.0
SCALE = 0.1
READ = "read"


class Readings(resource.Resource):  # type: ignore[misc]  # aiocoap 0.4.17 is not typed
    """Takes a post and forgets it."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    async def render_post(self, request: aiocoap.Message) -> aiocoap.Message:
        """Called by the site."""
        json.loads(request.payload)
        self.taken += 1
        return aiocoap.Message(code=aiocoap.CHANGED)


async def _aiocoap(seconds: float) -> float:
    """Posts per CPU second."""
    port, readings, site = unused_port(), Readings(), resource.Site()
    site.add_resource(["readings"], readings)
    context = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", port))
    loop = asyncio.get_running_loop()
    try:
        with beside(coap_posts.post, port, coap_posts.ONE_VALUE) as sender:
            await wait_for_async(lambda: readings.taken, 30, "the first post")
            await asyncio.sleep(coap.WARM_UP_S)
            cpu, before = time.process_time(), readings.taken
            await asyncio.sleep(seconds)
            cpu, posts = time.process_time() - cpu, readings.taken - before
            sender.send(READ)
            _, refused = await loop.run_in_executor(None, sender.recv)
    finally:
        await context.shutdown()
    assert posts, "nothing was taken"
    assert not refused, f"{refused} posts were refused"
    return posts / cpu


async def _ours_coap(folder: Path, seconds: float) -> float:
    rows = await coap.measure_one(folder, coap.CASES[0], 0.005, seconds)
    return next(row.value for row in rows if row.name.endswith("posts per CPU second"))


async def _pymodbus(port: int, seconds: float) -> float:
    """CPU seconds per 1k values."""
    counted = 0

    async def poll(client: AsyncModbusTcpClient, phase_s: float) -> None:
        nonlocal counted
        await client.connect()
        await asyncio.sleep(phase_s)
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            answer = await client.read_input_registers(0, count=modbus.REGISTERS, device_id=1)
            assert not answer.isError(), answer
            raw = client.convert_from_registers(answer.registers, client.DATATYPE.INT16)
            assert isinstance(raw, list)
            counted += len([SCALE * one for one in raw if isinstance(one, int)])
            due += PERIOD_S
            await asyncio.sleep(max(0.0, due - loop.time()))

    clients = [AsyncModbusTcpClient("127.0.0.1", port=port) for _ in range(CONNECTIONS)]
    tasks = [
        asyncio.create_task(poll(client, PERIOD_S * number / CONNECTIONS)) for number, client in enumerate(clients)
    ]
    await asyncio.sleep(2 * PERIOD_S + 1)
    cpu, before = time.process_time(), counted
    await asyncio.sleep(seconds)
    cpu, values = time.process_time() - cpu, counted - before
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for client in clients:
        client.close()
    assert values > 0.9 * CONNECTIONS * modbus.REGISTERS / PERIOD_S * seconds, "the peer did not keep up"
    return cpu / values * 1000


def _peer_modbus(told: Connection, seconds: float) -> None:
    as_the_program()
    with beside(modbus.simulate) as simulator:
        figure = uvloop.run(_pymodbus(simulator.recv(), seconds))
    # Told last: who hears it ends this process, and the simulator must be gone by then.
    told.send(figure)


def _ours_modbus(told: Connection, seconds: float) -> None:
    as_the_program()
    told.send(modbus.measure(CONNECTIONS, seconds, PERIOD_S)["CPU seconds per 1k values"])


def _coap_of(told: Connection, folder: str, ours: bool, seconds: float) -> None:
    as_the_program()
    with tempfile.TemporaryDirectory(dir=folder) as place:
        told.send(uvloop.run(_ours_coap(Path(place), seconds) if ours else _aiocoap(seconds)))


def measure_coap(folder: Path, seconds: float) -> list[str]:
    """Lines of the table."""
    ours, peer = (alone(_coap_of, str(folder), which, seconds) for which in (True, False))
    return [
        f"| CoAP posts per CPU second | {ours:,.0f} (durable, 3 rules) | "
        f"aiocoap {aiocoap.meta.version}: {peer:,.0f} (not durable, no rules) | {ours / peer:.1f} times |"
    ]


def measure_modbus(seconds: float) -> list[str]:
    """Lines of the table."""
    ours, peer = alone(_ours_modbus, seconds), alone(_peer_modbus, seconds)
    return [
        f"| Modbus TCP 500 x 10 x 1 s, CPU s per 1k decoded values | {ours:.4f} | pymodbus: {peer:.4f} | "
        f"{peer / ours:.1f} times less |"
    ]


GROUPS: dict[str, Callable[[Path, float], list[str]]] = {
    "coap": measure_coap,
    "modbus": lambda _folder, seconds: measure_modbus(seconds),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="A,B", help=f"groups: {', '.join(GROUPS)}")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache", help="on the disk to be judged")
    given = parser.parse_args()
    wanted = [name for name in given.only.split(",") if name] or list(GROUPS)
    if unknown := [name for name in wanted if name not in GROUPS]:
        parser.error(f"no group {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    given.folder.mkdir(parents=True, exist_ok=True)
    end_on_sigterm()
    print(describe(given.folder), flush=True)
    print("\n| work | Gengfu | peer | ratio |\n|---|---|---|---|", flush=True)
    for name in wanted:
        print("\n".join(GROUPS[name](given.folder, given.seconds)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
