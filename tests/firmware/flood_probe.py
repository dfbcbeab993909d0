"""A board whose socket never runs dry: prints whether it samples between the datagrams. The argument is a folder.

MicroPython only: link, product and loop are those of the board itself.
"""

import asyncio
import sys

import hal
import main
from hal import net

from protocols.wire import coap

SAMPLES = 3
# Many times what arrives in the 200 ms that three samples take.
DATAGRAMS = 300000
SETTINGS = {"product": "gas-alarm", "device": "t:1", "gateway": "127.0.0.1:1", "period": "60", "parts": "rig"}
seen = {"samples": 0, "datagrams": 0}


class Flooded:
    """A socket with a datagram always waiting: requests that are answered, each with a message id of its own."""

    gateway = b"gateway"

    def __init__(self, _host, _port):
        pass

    async def wait(self):
        await asyncio.sleep_ms(0)

    def receive(self):
        seen["datagrams"] += 1
        if seen["datagrams"] >= DATAGRAMS:
            raise RuntimeError("flooded")
        request = coap.encode(coap.CON, coap.GET, seen["datagrams"] & 0xFFFF, b"", ((coap.URI_PATH, b"valve"),))
        return b"stranger", request

    def send(self, _peer, _data):
        pass


class Ended:
    """A life line that ends when the board has sampled often enough, or the flood is over."""

    async def wait(self):
        while seen["samples"] < SAMPLES:
            await asyncio.sleep_ms(10)


class Counted(main.Board):
    """The board, with its samples counted."""

    def __init__(self, *parts):
        super().__init__(*parts)
        step = self.node.step

        def counted(now):
            seen["samples"] += 1
            step(now)

        self.node.step = counted


net.Udp = Flooded
hal.Lines = Ended
main.Board = Counted
asyncio.run(main.run(dict(SETTINGS, state=sys.argv[1])))
print("sampled" if seen["samples"] >= SAMPLES and seen["datagrams"] > 100 else "held")
