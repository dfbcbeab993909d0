"""The time of a simulation, and what its devices count together."""

import asyncio
import time
from dataclasses import asdict, dataclass


class Pace:
    """Begins when it is made, on the running loop; ``speed``: simulated seconds in one real second."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.boot = time.time_ns() // 1_000_000_000
        """The number of this start, for devices that count theirs."""

    def seconds(self) -> float:
        """Simulated seconds since the start."""
        return (self._loop.time() - self._began) * self.speed

    def wall(self) -> int:
        """UTC in ns, which simulated devices stamp their readings with."""
        return time.time_ns()

    async def until(self, seconds: float) -> None:
        """Return at that time of the simulation."""
        await asyncio.sleep(max(0.0, seconds - self.seconds()) / self.speed)


@dataclass
class Tally:
    """``sent``: readings that left a device for the first time. ``acknowledged``: by the gateway, as stored.
    ``refused``: answered with a code that says «never». ``dropped``: made room in a full queue. ``polled``: Modbus
    requests answered with values, and data changes of an OPC UA server. ``commands``: taken."""

    devices: int = 0
    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    dropped: int = 0
    polled: int = 0
    commands: int = 0

    def as_dict(self) -> dict[str, int]:
        """For ``--json``."""
        return asdict(self)

    def __str__(self) -> str:
        return "  ".join(f"{name} {value}" for name, value in asdict(self).items())
