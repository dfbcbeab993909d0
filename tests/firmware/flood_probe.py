"""The tasks of `main` with a socket that never runs dry: prints whether the board samples between the datagrams.

MicroPython only: the tasks are those of the board itself.
"""

import asyncio

import main

SAMPLES = 3
# Many times what arrives in the 200 ms that three samples take.
DATAGRAMS = 300000


class Flooded:
    """A socket with a datagram always waiting, and a node that counts."""

    def __init__(self):
        self.samples = 0
        self.datagrams = 0

    async def wait(self):
        await asyncio.sleep_ms(0)

    def receive(self):
        return b"peer", b"datagram"

    def datagram(self, _now, _peer, _data):
        self.datagrams += 1
        if self.datagrams >= DATAGRAMS:
            raise RuntimeError("flooded")

    def step(self, _now):
        self.samples += 1


async def flood(both):
    tasks = [asyncio.create_task(main._sample(both, int)), asyncio.create_task(main._listen(both, int, both))]
    while both.samples < SAMPLES and both.datagrams < DATAGRAMS:
        await asyncio.sleep_ms(10)
    for task in tasks:
        task.cancel()
    print("sampled" if both.samples >= SAMPLES else "held")


asyncio.run(flood(Flooded()))
