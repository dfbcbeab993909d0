"""What the gateway knows of itself, as readings of devices of its own: alarm rules judge them as those of any device.

The readings are judged and not stored: what they lead to is (`gateway.pipeline.Pipeline.judge`). They are of the origin
of the site's devices, so that those of a simulation raise nothing that is taken for real.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from device_registry.devices import Device, Site
from gengfu import clock
from gengfu.own_devices.devices import GatewayDevices, gateway_id
from protocols.reading import Origin, Reading

EVERY_S = 5.0
"""Proposed by this project: an alarm of the gateway is late by no more than this."""

Value = float | None
Facts = Mapping[str, Value]
"""Values by point name; one that is not known is ``None`` or left out, and what was known of it stands."""
Others = Callable[[], Awaitable[Mapping[str, Facts]]]
"""What is known of the gateway's other devices, by id."""


async def _nothing() -> Mapping[str, Facts]:
    return {}


class GatewayDevice:
    """The gateway of ``site``. On the event loop. ``judge``: takes readings that are judged only; ``now``: UTC
    ns.

    Whoever knows something of the gateway tells it in one of two ways: `report` (or `tell`) when it changes, or `feed`
    a question that is asked every `EVERY_S`. ``others``: asked as often, of its connections.
    """

    def __init__(
        self,
        site: Site,
        origin: Origin,
        judge: Callable[[Sequence[Reading]], None],
        now: Callable[[], int] = clock.wall,
    ) -> None:
        self.devices = GatewayDevices(site)
        self.others: Others = _nothing
        self._id = gateway_id(site.id)
        self.origin = origin
        self._judge = judge
        self._now = now
        self._told: dict[str, Value] = {}
        self._feeds: dict[str, Callable[[], Value]] = {}

    @property
    def points(self) -> frozenset[str]:
        """The points of the gateway that can be told."""
        return frozenset(self.devices[self._id].profile.by_name)

    def report(self, point: str, value: Value) -> None:
        """From now on ``point`` of the gateway has this value, in the unit of its profile (a flag: 0.0 or 1.0);
        ``None``: it is not known any more. Judged at once. Raises `KeyError` for a point that there is not."""
        self.tell({point: value})

    def tell(self, facts: Facts) -> None:
        """As `report`, of several points at once."""
        for point in facts:
            self._check(point)
        self._told.update(facts)
        self._judge([self._reading(self.devices[self._id], facts)])

    def feed(self, point: str, ask: Callable[[], Value]) -> None:
        """Ask for ``point`` whenever the gateway looks at itself. ``ask`` must not block. Raises `KeyError`."""
        self._check(point)
        self._feeds[point] = ask

    def _check(self, point: str) -> None:
        if point not in self.points:
            raise KeyError(f"the gateway has no point {point!r}; it has {', '.join(sorted(self.points))}")

    async def run(self) -> None:
        """Look every `EVERY_S`, for ever."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await self.look()
            due = max(due + EVERY_S, loop.time())
            await asyncio.sleep(due - loop.time())

    async def look(self) -> None:
        """Judge what is known now: first what nobody else has to be asked for."""
        others = await self.others()
        # a connection may have been taken out of the site meanwhile
        known = [one for one in others if one in self.devices]
        self._judge([self._reading(self.devices[one], others[one]) for one in known])
        facts = {**self._told, **{point: ask() for point, ask in self._feeds.items()}}
        self._judge([self._reading(self.devices[self._id], facts)])

    def _reading(self, device: Device, facts: Facts) -> Reading:
        now = self._now()
        values = tuple(facts.get(point.name) for point in device.points)
        quality = device.profile.qualify(values)
        return Reading(device.id, device.profile.id, now, now, self.origin, values, quality)
