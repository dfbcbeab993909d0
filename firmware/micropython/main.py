"""Firmware entry: settings, hardware and the three tasks of a board.

    micropython -X heapsize=256k main.py --product gas-alarm --device ID --gateway HOST:PORT --period S --state DIR

The board lives as long as its stdin: the bench's life line.
"""

import asyncio
import gc
import sys

import hal
import kv
import settings as command_line
from links.coap_client import CoapClient
from links.modbus_slave import ModbusSlave, load_tables
from node import Node, PolledNode
from products.board import PRODUCTS, Board
from products.gas_alarm import GasAlarm
from products.inputs import Noise

# An alarm must leave within 250 ms of its sample.
SAMPLE_MS = 100
# Waiting packs stand among short-lived objects. Collected only when it is full, the heap falls to pieces: with 100 KB
# free and a full ring, 1500 bytes in a row were not to be had.
COLLECT_EVERY_BYTES = 16384


def build(settings: dict, store, noise, now: int):
    """The product of the settings; raises `SettingsError` if there is none of that name."""
    warm_up_ms = int(settings["warm-up"] * 1000)
    if settings["product"] == "gas-alarm":
        trip_after_ms = int(settings["trip-after"] * 1000)
        return GasAlarm(store, noise, now, warm_up_ms=warm_up_ms, trip_after_ms=trip_after_ms)
    if settings["product"] in PRODUCTS:
        return Board(settings["product"], store, noise, now, warm_up_ms=warm_up_ms)
    raise command_line.SettingsError("--product: gas-alarm, " + ", ".join(sorted(PRODUCTS)))


class Wire:
    """What a `Node` needs of the hardware."""

    def __init__(self, udp):
        self.send = udp.send
        self.emit = hal.emit
        self.utc = hal.utc


async def _sample(node: Node, ticks) -> None:
    while True:
        node.step(ticks())
        await asyncio.sleep_ms(SAMPLE_MS)


async def _listen(node: Node, ticks, udp) -> None:
    while True:
        # One datagram for each turn of the loop: a flood must not keep the sampling waiting.
        await udp.wait()
        arrived = udp.receive()
        if arrived is not None:
            node.datagram(ticks(), arrived[0], arrived[1])


def _stop(_loop, context: dict) -> None:
    """A task that died takes the board with it: a reset, not a board that looks alive and does not sample."""
    sys.print_exception(context["exception"], sys.stderr)
    sys.exit(1)


def wire(settings: dict, product, boot: int):
    """The node of the settings and its socket; without a gateway it pushes nothing and has none."""
    if settings["gateway"] == command_line.NO_GATEWAY:
        return PolledNode(product, hal.emit), None
    host, _, port = settings["gateway"].rpartition(":")
    udp = hal.Udp(host, int(port))
    ack_timeout_ms = int(settings["ack-timeout"] * 1000)
    # Message ids and tokens are never repeatable: a restart must not reuse those of the run before.
    client = CoapClient(Noise(hal.entropy()), hal.emit, ack_timeout_ms=ack_timeout_ms, ring=settings["ring"])
    node = Node(
        product,
        client,
        device=settings["device"],
        boot=boot,
        gateway=udp.gateway,
        period_ms=int(settings["period"] * 1000),
        io=Wire(udp),
    )
    return node, udp


async def run(settings: dict) -> None:
    """Run the board until its life line ends."""
    gc.threshold(COLLECT_EVERY_BYTES)
    asyncio.get_event_loop().set_exception_handler(_stop)
    ticks = hal.Ticks()
    store = kv.Store(settings["state"])
    product = build(settings, store, Noise(settings["seed"] or hal.entropy()), ticks())
    boot = kv.next_boot(store, hal.entropy())
    node, udp = wire(settings, product, boot)
    hal.emit("started", product=settings["product"], device=settings["device"], boot=boot)
    tasks = [asyncio.create_task(_sample(node, ticks))]
    if udp is not None:
        tasks.append(asyncio.create_task(_listen(node, ticks, udp)))
    if settings["modbus"]:
        slave = ModbusSlave(product, load_tables(product.profile), settings["unit"], hal.emit)
        tasks.append(asyncio.create_task(hal.Serial(settings["modbus"]).serve(slave, ticks)))
    lines = hal.Lines()
    line = await lines.wait()
    while line is not None:
        node.line(ticks(), line)
        line = await lines.wait()
    for task in tasks:
        task.cancel()


def main() -> None:
    """Exit code 2 for wrong settings, 1 for a board that cannot go on, 0 when the life line ended."""
    try:
        asyncio.run(run(command_line.parse(sys.argv[1:])))
    except command_line.SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
