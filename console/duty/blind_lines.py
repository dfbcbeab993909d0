"""Connections that are down, as the gateway's sign of life tells: what is blind, and which alarms the group speaks for
(S6).

Each device keeps its own alarm, and it is shown with all others. What is grouped is the announcement: whoever tells
people (by sound, by message) tells an alarm with ``announced_with`` once, with the alarm of its connection. An alarm
that says more than that its device is not seen is never grouped, nor one of a device that has to be announced singly.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from alarms.alarm import AlarmRecord, alarm_id
from alarms.blindness import tells_of_loss
from alarms.rule import AlarmRule
from console.duty.places import area_item, device_title, find_area
from console.services import SiteView
from journal.entry import Stored
from protocols.gateway_sign import KIND, STATE, BlindDevice, BlindLine, decode_sign
from protocols.reading import Origin

Find = Callable[[str], AlarmRecord | None]

log = logging.getLogger("gengfu.console")

PLAN = "plan"
"""Why a device is announced singly, besides what the gateway knows: a plan runs in its area."""
GROUPS = ("GH-02a", "GH-02b", "GH-02c", "GH-02d")
"""The rules that speak for a connection."""


class BlindLines:
    """On the event loop. ``in_plan``: ids of the areas in which a plan runs."""

    def __init__(self, site: SiteView, in_plan: Callable[[], Collection[str]] = lambda: ()) -> None:
        self._site = site
        self._in_plan = in_plan
        self._lines: dict[str, BlindLine] = {}
        self._by_device: dict[str, BlindLine] = {}
        self._blind: dict[str, BlindDevice] = {}
        self.undecoded = 0

    def warm(self, state: Mapping[str, bytes]) -> None:
        """Start from the journal's state keys."""
        if STATE in state:
            self._take(state[STATE])

    def listen(self, batch: Sequence[Stored]) -> None:
        """Follow one commit."""
        for stored in batch:
            if stored.entry.kind == KIND:
                self._take(stored.entry.body)

    def _take(self, body: bytes) -> None:
        """One that cannot be read (a newer gateway wrote it) groups nothing."""
        try:
            sign = decode_sign(body)
        except msgspec.DecodeError as error:
            self.undecoded += 1
            log.error("a sign of the gateway cannot be read, update this console: %s", error)
            sign = None
        lines = sign.lines if sign is not None and sign.origin is Origin.LIVE else ()
        if lines is None:
            return
        self._lines = {line.connection: line for line in lines}
        self._by_device = {line.device: line for line in lines}
        self._blind = {device.device: device for line in lines for device in line.devices}

    def count(self, device: str) -> int:
        """How many life-safety points `blind` names."""
        line = self._by_device.get(device)
        return sum(len(one.points) for one in line.devices) if line is not None else 0

    def blind(self, device: str) -> list[dict[str, Any]]:
        """What is blind because of the connection whose alarms stand at ``device``; empty for any other device."""
        line = self._by_device.get(device)
        in_plan = self._in_plan() if line is not None else ()
        return [self._item(one, in_plan) for one in (line.devices if line is not None else ())]

    def _item(self, one: BlindDevice, in_plan: Collection[str]) -> dict[str, Any]:
        known = self._site.devices.get(one.device)
        return {
            "device": one.device,
            "device_title": device_title(self._site, one.device),
            "area": area_item(known.area) if known else find_area({}, ""),
            "points": list(one.points),
            "singly": [*one.singly, *([PLAN] if known is not None and known.area.id in in_plan else [])],
        }

    def announced_with(self, record: AlarmRecord, rule: AlarmRule | None, find: Find) -> str | None:
        """The alarm of a connection that speaks for this one; ``None``: it is announced by itself. ``find``: an
        alarm by its id."""
        device = self._site.devices.get(record.device)
        line = self._lines.get(device.connection) if device is not None and self._lines else None
        if device is None or line is None or record.origin is not Origin.LIVE:
            return None
        if rule is None or rule.life_safety or not tells_of_loss(rule):
            return None
        blind = self._blind.get(record.device)
        if (blind is not None and blind.singly) or device.area.id in self._in_plan():
            return None
        of_line = (find(alarm_id(line.device, one, Origin.LIVE)) for one in GROUPS)
        return next((one.alarm for one in of_line if one is not None and _speaks(one)), None)


def _speaks(record: AlarmRecord) -> bool:
    """One that is silenced speaks for nobody."""
    return record.active and record.state.stands
