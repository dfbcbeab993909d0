"""The least that a data change of an OPC UA server costs in Python: asyncua's client counts it and forgets it."""

import asyncio
from multiprocessing.connection import Connection
from typing import Any

import uvloop
from asyncua import Client, ua  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed

from bench.processes import cpu_s

WARM_UP_S = 2.0


class _Counter:
    changes = 0

    def datachange_notification(self, _node: Any, _value: Any, _data: Any) -> None:
        """Called by asyncua."""
        self.changes += 1


def subscribe(told: Connection, url: str, nodes: list[str], publishing_s: float, seconds: float) -> None:
    """Tells the changes per CPU second."""
    told.send(uvloop.run(_subscribe(url, nodes, publishing_s, seconds)))


async def _subscribe(url: str, nodes: list[str], publishing_s: float, seconds: float) -> float:
    counter = _Counter()
    async with Client(url) as client:
        subscription = await client.create_subscription(publishing_s * 1e3, counter)
        watched = [client.get_node(ua.NodeId.from_string(one)) for one in nodes]
        await subscription.subscribe_data_change(watched, queuesize=100, sampling_interval=0.0)
        await asyncio.sleep(WARM_UP_S)
        cpu, changes = cpu_s(), counter.changes
        await asyncio.sleep(seconds)
        return (counter.changes - changes) / (cpu_s() - cpu)
