"""A virtual board that reports by itself: a SenML pack for each step, kept until the gateway has acknowledged it."""

import asyncio
from collections import deque

from gengfu.simulate.pace import Pace, Tally
from gengfu.simulate.signal import chance
from gengfu.simulate.virtual import VirtualDevice
from protocols.senml.encode import encode_json
from protocols.senml.record import Record, seconds_text

KEPT = 128
"""Packs that wait for their acknowledgement; the oldest makes room, as in the firmware."""


class Board:
    """``waiting``: the packs not acknowledged yet, oldest first; ``news`` is set while there are any."""

    def __init__(self, device: VirtualDevice, number: int, pace: Pace, tally: Tally) -> None:
        self.device = device
        self.pace = pace
        self.tally = tally
        self.waiting: deque[bytes] = deque()
        self.news = asyncio.Event()
        self._phase_s = (chance(number, 0) + 1) / 2 * device.period_s

    async def measure(self) -> None:
        """One pack for each step, for ever. Each board begins at a moment of its own within its period."""
        step = 0
        while True:
            await self.pace.until(self._phase_s + step * self.device.period_s)
            if not self.device.is_dead(self.pace.seconds()):
                self._keep(self.pack(step))
            # a machine that is too slow for the rate leaves steps out and does not fall ever further behind
            step = max(step + 1, self.device.step(self.pace.seconds() - self._phase_s))

    def pack(self, step: int) -> bytes:
        """What it says of one step: ``boot`` and ``seq`` identify it."""
        values = self.device.values(step * self.device.period_s)
        base = Record(bn=f"{self.device.id}/", bt=seconds_text(self.pace.wall()), n="boot", v=self.pace.boot)
        records = [base, Record(n="seq", v=step + 1)]
        for point, value in zip(self.device.profile.points, values, strict=True):
            if isinstance(value, str):
                records.append(Record(n=point.senml, vs=value))
            elif value is not None:
                flag = point.type == "flag"
                records.append(Record(n=point.senml, vb=bool(value)) if flag else Record(n=point.senml, v=value))
        return encode_json(records)

    def settled(self, *, taken: bool) -> None:
        """The oldest pack was acknowledged, or refused for good."""
        if self.waiting:
            self.waiting.popleft()
        self.tally.acknowledged += taken
        self.tally.refused += not taken
        if not self.waiting:
            self.news.clear()

    def _keep(self, pack: bytes) -> None:
        if len(self.waiting) >= KEPT:
            # the oldest may be on its way: the one behind it makes room
            del self.waiting[1]
            self.tally.dropped += 1
        self.waiting.append(pack)
        self.tally.sent += 1
        self.news.set()
