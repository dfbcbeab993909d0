"""Durable MQTT: messages with QoS 1 acknowledged after the journal's commit, per CPU second of our process.

    python -m bench.mqtt [--seconds 8]

Mosquitto in the middle, a publisher of 200 devices in a process of its own, the real client, pipeline and journal; the
two kinds of message of `bench.coap`. At most `AHEAD` messages are on their way. No store consumes the journal here. The
floor of one value comes at the end, from the same publisher and a new broker.
"""

import asyncio
import itertools
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop

from bench.coap import CASES, Case
from bench.coap_posts import ONE_VALUE
from bench.floors import mqtt as floor
from bench.missing import tell_missing
from bench.parts import counted, gas_alarms, gateway
from bench.processes import alone, beside
from bench.program import as_the_program
from bench.rows import Row, run_alone
from tests.fixtures.mosquitto import OPEN, running
from tests.fixtures.waiting import wait_for_async
from tools.test_servers import locate

DEVICES = [f"b:{number}" for number in range(200)]
AHEAD = 2000
BURST = 50
BROKER = OPEN + "max_inflight_messages 200\n"
FLOOR_S = 4.0
WARM_UP_S = 2.0
TURN_S = 0.01
VERSIONS = ("5", "3.1.1")
WINDOW_S = 0.005
RATE = "messages per CPU second"
CONNECT = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05bench"
"""MQTT 3.1.1, clean session, no keep-alive, client id «bench» (3.1)."""


def _length(length: int) -> bytes:
    return bytes([length]) if length < 128 else bytes([length & 0x7F | 0x80, length >> 7])


def packet_of(number: int, topic: bytes, payload: bytes) -> bytes:
    """A PUBLISH with QoS 1 (3.3)."""
    packet_id = number % 0xFFFF + 1
    body = len(topic).to_bytes(2, "big") + topic + packet_id.to_bytes(2, "big") + payload
    return b"\x32" + _length(len(body)) + body


def publish(told: Connection, port: int, payload: bytes, names: Sequence[str] = DEVICES) -> None:
    """The process beside ours: publishes up to the number that it is told."""
    asyncio.run(_go(told, port, payload, names))


async def _go(told: Connection, port: int, payload: bytes, names: Sequence[str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(CONNECT)
    await reader.readexactly(4)
    loop = asyncio.get_running_loop()
    acknowledgements = loop.create_task(_swallow(reader))
    devices = itertools.cycle(names)
    sent = 0
    while (allowed := await loop.run_in_executor(None, told.recv)) is not None:
        while sent < allowed:
            for _ in range(BURST):
                sent += 1
                device = next(devices)
                text = payload % {b"device": device.encode(), b"number": sent}
                writer.write(packet_of(sent, f"gengfu/{device}/up".encode(), text))
            await writer.drain()
    acknowledgements.cancel()


async def _swallow(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass


async def measure_one(folder: Path, case: Case, version: str, seconds: float) -> list[Row]:
    """One case with one version of MQTT."""
    with running(folder / "broker", BROKER, persistent=False) as broker:
        return await _measure(folder, broker.port, case, version, seconds)


def bare(folder: Path) -> float:
    """The floor: messages of one value per CPU second."""
    with running(folder, BROKER, persistent=False) as broker:
        rate: float = alone(floor.consume, broker.port, publish, ONE_VALUE, AHEAD, FLOOR_S)
        return rate


async def _measure(folder: Path, port: int, case: Case, version: str, seconds: float) -> list[Row]:
    connection = {"id": "mqtt", "transport": "mqtt", "host": "127.0.0.1", "port": port, "version": version}
    site = gas_alarms(connection, DEVICES)
    async with gateway(folder, site, case.book(), WINDOW_S) as ours:
        await ours.start({})
        await wait_for_async(lambda: ours.sides["mqtt"].diagnosis.is_up, what="the broker")
        with beside(publish, port, case.payload) as publisher:

            async def run(for_s: float) -> tuple[float, float, float]:
                cpu, before, wall = time.process_time(), counted(ours, "mqtt"), time.perf_counter()
                while time.perf_counter() - wall < for_s:
                    publisher.send(int(counted(ours, "mqtt")) + AHEAD)
                    await asyncio.sleep(TURN_S)
                done = counted(ours, "mqtt") - before
                return done, time.process_time() - cpu, time.perf_counter() - wall

            publisher.send(AHEAD)
            await wait_for_async(lambda: counted(ours, "mqtt"), 30, "the first message")
            await run(WARM_UP_S)
            messages, cpu, wall = await run(seconds)
    assert messages, "nothing was stored"
    name = f"{case.name}, MQTT {version}"
    return [
        Row(f"{name}: {RATE}", messages / cpu, "1/s"),
        Row(f"{name}: messages per second", messages / wall, "1/s"),
    ]


def measure(folder: Path, seconds: float = 6.0) -> list[Row]:
    """All rows; none where there is no broker."""
    if locate("mosquitto") is None:
        tell_missing("mosquitto", "servers")
        return []
    as_the_program()
    rows: list[Row] = []
    for case, version in itertools.product(CASES, VERSIONS):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            rows += uvloop.run(measure_one(Path(place), case, version, case.share * seconds))
    with tempfile.TemporaryDirectory(dir=folder) as place:
        floor_of_all = bare(Path(place))
    held = {f"{CASES[0].name}, MQTT {version}: {RATE}" for version in VERSIONS}
    return [row._replace(floor=floor_of_all) if row.name in held else row for row in rows]


if __name__ == "__main__":
    run_alone(__doc__, measure)
