"""The blind list: every life-safety point that cannot be relied upon now, and why (safety rule S6).

A point is listed with all its reasons. What is not understood is a reason too: nobody is told of sight where there may
be none. Of LIVE origin only.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from console.duty.figures import BlindFigures
from console.duty.places import area_item, text
from console.live import LiveView, PointValue
from console.present import iso
from console.services import Alarms, DeviceView, SiteView
from protocols.moment import SECOND
from protocols.profile.model import Profile
from protocols.profile.schema import PointPart
from protocols.reading import Origin

Bypassed = Callable[[], Iterable[tuple[str, str]]]
"""The detectors that an interlock does not look at now: device and point; an empty point is every one of the device."""

REASONS = {
    "bad:comm-loss": "lost",
    "uncertain:stale": "lost",
    "uncertain:warm-up": "warm-up",
    "uncertain:under-test": "under-test",
    "uncertain:expired": "expired",
    "uncertain:clock": "clock",
    "bad:over-range": "over-range",
}
"""By the quality of the newest value; every other one that is not good is a fault."""


class BlindList:
    """Looks at the newest values when it is asked. On the event loop."""

    def __init__(
        self, site: SiteView, live: LiveView, alarms: Alarms, figures: BlindFigures, bypassed: Bypassed = lambda: ()
    ) -> None:
        self._site = site
        self._live = live
        self._alarms = alarms
        self._figures = figures
        self._bypassed = bypassed

    def watched(self) -> int:
        """How many life-safety points the site has."""
        return sum(len(_vital(device.profile)) for device in self._site.devices.values())

    def items(self, now: int) -> list[dict[str, Any]]:
        """Points by area and device. ``now``: UTC ns."""
        silenced = {
            (one["device"], one["point"]): one for one in self._alarms.items(state="out-of-service", origin=Origin.LIVE)
        }
        bypassed = frozenset(self._bypassed())
        return [
            item
            for device in sorted(self._site.devices.values(), key=lambda one: (one.area.id, one.id))
            for item in self._of(device, silenced, bypassed, now)
        ]

    def _of(
        self,
        device: DeviceView,
        silenced: Mapping[tuple[str, str], Mapping[str, Any]],
        bypassed: frozenset[tuple[str, str]],
        now: int,
    ) -> Iterator[dict[str, Any]]:
        values, seen = self._live.latest(device.id), self._live.last_seen(device.id)
        lost = self._is_lost(device, seen, now)
        for point in _vital(device.profile):
            value = values.get(point.name)
            reasons = ["lost"] if lost else []
            reasons += [one for one in _distrust(value) if one not in reasons]
            out = silenced.get((device.id, point.name))
            reasons += ["out-of-service"] if out is not None else []
            reasons += ["bypassed"] if bypassed & {(device.id, point.name), (device.id, "")} else []
            if reasons:
                yield {**_place(device, point, value, seen), "reasons": reasons, **_out_of_service(out)}

    def _is_lost(self, device: DeviceView, seen: int | None, now: int) -> bool:
        """A time of hearing that is yet to come is no proof of life: the clock was set back."""
        after_s = max(self._figures.soonest_s, self._figures.lost_periods * device.period_s)
        return seen is None or abs(now - seen) > after_s * SECOND


@lru_cache(256)
def _vital(profile: Profile) -> tuple[PointPart, ...]:
    """The life-safety points of a device of this type."""
    return tuple(point for point in profile.file.point if point.life_safety)


def _distrust(value: PointValue | None) -> list[str]:
    if value is None:
        return ["lost"]
    if value.quality != "good":
        return [REASONS.get(value.quality, "fault")]
    return ["fault"] if value.value is None else []


def _place(device: DeviceView, point: PointPart, value: PointValue | None, seen: int | None) -> dict[str, Any]:
    return {
        "device": device.id,
        "device_title": text(device.title),
        "area": area_item(device.area),
        "point": point.name,
        "point_title": text(point.title),
        "quality": value.quality if value is not None else None,
        "at": value.at if value is not None else None,
        "last_seen": iso(seen) if seen is not None else None,
    }


def _out_of_service(alarm: Mapping[str, Any] | None) -> dict[str, Any]:
    """Who took it out, until when, and what stands in for it."""
    return {
        "by": alarm["silenced_by"] if alarm else "",
        "why": alarm["silenced_why"] if alarm else "",
        "until": alarm["silence_until"] if alarm else None,
    }
