"""A burst of one device that stamps nothing: 500 readings at once; how many are stored?

    python -m bench.burst

A device that was off-line sends what it kept, as fast as it can, over CoAP (each post confirmable, sent again until
it is acknowledged) and over MQTT (QoS 1). Nothing in a reading tells it from the one before but its value. They are
counted in the journal and in a real InfluxDB, which keeps one of two points of the same time.
"""

import asyncio
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvloop

from bench.coap_posts import OPTIONS
from bench.missing import tell_missing
from bench.mqtt import publish
from bench.parts import Gateway, counted, gas_alarms, gateway
from bench.processes import beside, given
from bench.program import as_the_program
from bench.rows import Row, run_alone
from bench.servers import fed, influxd, points_in
from gateway.transports.coap.door import bind
from gengfu.rules import shipped
from journal.entry import PARTITIONS
from protocols.reading import decode_reading
from protocols.wire import coap
from tests.fixtures.influx import Influxd
from tests.fixtures.mosquitto import OPEN, running
from tests.fixtures.waiting import wait_for_async
from tools.test_servers import locate

READINGS = 500
DEVICE = "b:0"
VALUE = b'[{"n":"%(device)s/temperature","v":20.%(number)03d}]'
AGAIN_S = 2.0
LONGEST_S = 20.0


class _Device(asyncio.DatagramProtocol):
    """``open``: message ids that nobody has acknowledged yet."""

    def __init__(self) -> None:
        self.open = set(range(1, READINGS + 1))

    def send(self, transport: asyncio.DatagramTransport) -> None:
        for mid in sorted(self.open):
            payload = VALUE % {b"device": DEVICE.encode(), b"number": mid}
            transport.sendto(coap.encode(coap.CON, coap.POST, mid, b"", OPTIONS, payload=payload))

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 - asyncio's signature
        if data[1] == coap.CHANGED:
            self.open.discard(data[2] << 8 | data[3])


def post(told: Connection, port: int) -> None:
    """The process beside ours; tells how many were acknowledged."""
    told.send(uvloop.run(_post(port)))


async def _post(port: int) -> int:
    device = _Device()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(given(device), remote_addr=("127.0.0.1", port))
    until = loop.time() + LONGEST_S
    while device.open and loop.time() < until:
        device.send(transport)
        await asyncio.sleep(AGAIN_S)
    return READINGS - len(device.open)


async def _over_coap(folder: Path, server: Influxd) -> list[Row]:
    site = gas_alarms({"id": "c", "transport": "coap", "listen": "127.0.0.1:0"}, [DEVICE])
    async with gateway(folder, site, shipped()) as ours:
        async with fed(server, ours, site, folder):
            door = bind("127.0.0.1", 0)
            await ours.start({"c": door})
            with beside(post, door.getsockname()[1]) as device:
                acknowledged = await asyncio.get_running_loop().run_in_executor(None, device.recv)
        assert acknowledged == READINGS, f"only {acknowledged} were acknowledged"
        return _rows("CoAP", ours, server)


async def _over_mqtt(folder: Path, server: Influxd, port: int) -> list[Row]:
    connection = {"id": "c", "transport": "mqtt", "host": "127.0.0.1", "port": port, "version": "5"}
    site = gas_alarms(connection, [DEVICE])
    async with gateway(folder, site, shipped()) as ours:
        async with fed(server, ours, site, folder):
            await ours.start({})
            await wait_for_async(lambda: ours.sides["c"].diagnosis.is_up, what="the broker")
            with beside(publish, port, VALUE, [DEVICE]) as device:
                device.send(READINGS)
                await wait_for_async(lambda: counted(ours, "mqtt") >= READINGS, LONGEST_S, "the last of the burst")
        return _rows("MQTT", ours, server)


def _rows(transport: str, ours: Gateway, server: Influxd) -> list[Row]:
    entries = ours.journal.read(range(PARTITIONS), {}, 10 * READINGS)
    readings = [decode_reading(one.entry.body) for one in entries if one.entry.kind == "reading"]
    name = f"{READINGS} unstamped readings of one device in a burst, {transport}"
    return [
        Row(f"{name}: in the journal, at times of their own", len({one.at for one in readings}), "count"),
        Row(f"{name}: in InfluxDB", points_in(server, "temperature", "gas_alarm"), "count"),
    ]


def measure(folder: Path, _seconds: float = 0.0) -> list[Row]:
    """All rows; none where there is no influxd."""
    as_the_program()
    rows: list[Row] = []
    for transport in ("coap", "mqtt"):
        with tempfile.TemporaryDirectory(dir=folder) as name, influxd(Path(name)) as server:
            place = Path(name)
            if server is None:
                return []
            if transport == "coap":
                rows += uvloop.run(_over_coap(place, server))
            elif locate("mosquitto") is None:
                tell_missing("mosquitto", "servers")
            else:
                with running(place / "broker", OPEN, persistent=False) as broker:
                    rows += uvloop.run(_over_mqtt(place, server, broker.port))
    return rows


if __name__ == "__main__":
    run_alone(__doc__, measure)
