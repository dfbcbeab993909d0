"""The least that a message with QoS 1 costs a consumer on this machine just now: the bare work on uvloop.

MQTT 3.1.1 behind a real broker: each PUBLISH is taken apart and acknowledged at once. Nothing is decoded or stored.
"""

import asyncio
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import cast

import uvloop

from bench.processes import beside, cpu_s

CONNECT = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05floor"
"""Clean session, no keep-alive, client id «floor» (3.1)."""
SUBSCRIBE = b"\x82\x10\x00\x01\x00\x0bgengfu/+/up\x01"
"""Packet 1, QoS 1 (3.8)."""
PUBLISH = 3
WARM_UP_S = 1.5
TURN_S = 0.01


class _Consumer(asyncio.Protocol):
    def __init__(self) -> None:
        self._rest = b""
        self.messages = self.bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(CONNECT + SUBSCRIBE)

    def data_received(self, data: bytes) -> None:
        data, at, answers = self._rest + data, 0, []
        while (found := body_at(data, at)) is not None:
            begin, end = found
            if data[at] >> 4 == PUBLISH:
                behind_topic = begin + 2 + (data[begin] << 8 | data[begin + 1])
                answers.append(b"\x40\x02" + data[behind_topic : behind_topic + 2])
                self.bytes += len(data[behind_topic + 2 : end])
            at = end
        self._rest = data[at:]
        self.messages += len(answers)
        self._transport.write(b"".join(answers))


def body_at(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the packet's body begins and ends (2.2.3); ``None`` before all of it is there."""
    length = shift = 0
    for place in range(at + 1, len(data)):
        length |= (data[place] & 0x7F) << shift
        shift += 7
        if data[place] < 0x80:
            end = place + 1 + length
            return (place + 1, end) if end <= len(data) else None
    return None


def consume(
    told: Connection, port: int, publish: Callable[..., None], payload: bytes, ahead: int, seconds: float
) -> None:
    """Tells the messages per CPU second. ``publish``: works beside it, up to the number that it is told."""
    with beside(publish, port, payload) as publisher:
        rate = uvloop.run(_consume(publisher, port, ahead, seconds))
    told.send(rate)


async def _consume(publisher: Connection, port: int, ahead: int, seconds: float) -> float:
    loop = asyncio.get_running_loop()
    _, consumer = await loop.create_connection(_Consumer, "127.0.0.1", port)

    async def run(for_s: float) -> float:
        cpu, before, wall = cpu_s(), consumer.messages, time.perf_counter()
        while time.perf_counter() - wall < for_s:
            publisher.send(consumer.messages + ahead)
            await asyncio.sleep(TURN_S)
        return (consumer.messages - before) / (cpu_s() - cpu)

    while not consumer.messages:
        publisher.send(ahead)
        await asyncio.sleep(TURN_S)
    await run(WARM_UP_S)
    return await run(seconds)
