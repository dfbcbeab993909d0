"""OPC UA: data changes of a subscription per CPU second of our process, judged, and stored in the journal.

    python -m bench.opcua [--seconds 8]

asyncua's server in a process of its own changes 100 nodes of ten devices as fast as it can and publishes ten times a
second; the real side, pipeline and journal, with every shipped rule. Each change is counted in the journal. The floor
comes right after it: asyncua's own client at the same server, which forgets what it is told.
"""

import asyncio
import logging
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvloop
from asyncua import Server, ua  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed

from bench.floors import opcua as floor
from bench.parts import gateway, make_site
from bench.processes import alone, beside
from bench.program import as_the_program
from bench.rows import Row, run_alone
from device_registry.devices import Site
from gengfu.rules import shipped
from journal.entry import PARTITIONS
from journal.sqlite import SqliteJournal
from protocols.reading import decode_reading
from tests.fixtures.modbus_profiles import profile
from tests.fixtures.opcua_profiles import point
from tests.fixtures.ports import unused_port
from tests.fixtures.waiting import wait_for_async

NAMESPACE = "urn:test:station"
DEVICES, POINTS = 10, 10
NODES = [f"d{device}.p{number}" for device in range(DEVICES) for number in range(POINTS)]
PUBLISHING_S = 0.1
LOOK_EVERY_S = 600.0
"""Of the devices: the reads beside the subscription are not measured."""
WARM_UP_S = 2.0
FLOOR_S = 4.0
PAUSE_S = 0.002
"""The server's own work comes between two changes of all nodes."""


def serve(told: Connection, port: int) -> None:
    """The server's process: tells when it serves."""
    uvloop.run(_serve(told, port))


async def _serve(told: Connection, port: int) -> None:
    # It warns that a server without security cannot verify anybody.
    logging.getLogger("asyncua").setLevel(logging.ERROR)
    server: Any = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/station")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace(NAMESPACE)
    ids = [ua.NodeId(name, index) for name in NODES]
    for name, one in zip(NODES, ids, strict=True):
        await server.nodes.objects.add_variable(one, name, 0.0)
    async with server:
        told.send(index)
        turn = 0
        while True:
            turn += 1
            for one in ids:
                value = ua.Variant(float(turn % 1000), ua.VariantType.Double)
                await server.write_attribute_value(one, ua.DataValue(value, SourceTimestamp=datetime.now(UTC)))
            await asyncio.sleep(PAUSE_S)


def _site(port: int) -> Site:
    points = (point(f"p{number}", range=[0, 1000]) for number in range(POINTS))
    one = profile(*points)
    return make_site(
        {one.id: one},
        {"hall": "other"},
        [
            {
                "id": "station",
                "transport": "opcua",
                "url": f"opc.tcp://127.0.0.1:{port}/station",
                "security": "none",
                "publishing_s": PUBLISHING_S,
            }
        ],
        [
            {
                "id": f"o:{device}",
                "profile": one.id,
                "area": "hall",
                "connection": "station",
                "period_s": LOOK_EVERY_S,
                "opcua": {"values": {"station": f"d{device}"}},
            }
            for device in range(DEVICES)
        ],
    )


async def _measure(folder: Path, port: int, seconds: float) -> list[Row]:
    async with gateway(folder, _site(port), shipped()) as ours:
        await ours.start({})
        await wait_for_async(lambda: ours.sides["station"].diagnosis.is_up, 30, "the server")
        await asyncio.sleep(WARM_UP_S)
        began, cpu = time.time_ns(), time.process_time()
        await asyncio.sleep(seconds)
        ended, cpu = time.time_ns(), time.process_time() - cpu
        await ours.stop()
        changes = sum(count for at, count in _changes(ours.journal) if began <= at < ended)
    assert changes, "nothing was stored"
    wall_s = (ended - began) / 1e9
    name = f"{len(NODES)} nodes, judged and stored"
    return [
        Row(f"{name}: data changes per CPU second", changes / cpu, "1/s"),
        Row(f"{name}: data changes per second", changes / wall_s, "1/s"),
    ]


def _changes(journal: SqliteJournal) -> Iterator[tuple[int, int]]:
    """When each reading was received, UTC ns, and how many values it brought."""
    after: dict[int, int] = {}
    while batch := journal.read(range(PARTITIONS), after, 5000):
        after.update((stored.entry.partition, stored.position) for stored in batch)
        for stored in batch:
            if stored.entry.kind == "reading":
                reading = decode_reading(stored.entry.body)
                yield reading.received_at, sum(value is not None for value in reading.values)


def measure(folder: Path, seconds: float = 6.0) -> list[Row]:
    """All rows."""
    as_the_program()
    port = unused_port()
    with tempfile.TemporaryDirectory(dir=folder) as place, beside(serve, port) as server:
        index = server.recv()
        rate, *others = uvloop.run(_measure(Path(place), port, seconds))
        nodes = [f"ns={index};s={name}" for name in NODES]
        bare = alone(floor.subscribe, f"opc.tcp://127.0.0.1:{port}/station", nodes, PUBLISHING_S, FLOOR_S)
    return [rate._replace(floor=bare), *others]


if __name__ == "__main__":
    run_alone(__doc__, measure)
