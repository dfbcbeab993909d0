"""A zone of which nothing is seen any more while gas is next door: what was seen there may have come here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from interlocks.bypass import OVER_RANGE_BIT, Test
from interlocks.matrix import When
from protocols.picture import Picture

ALARM_BIT = "alarm-bit"


class Lost(Protocol):
    """Every detector of a zone is bad or lost. ``bypassed``: devices that are left out of it."""

    bypassed: frozenset[str]

    def follow(self, device: str, picture: Picture) -> None:
        """The picture of the device is another one now."""

    @property
    def stands(self) -> bool:
        """Whether they are."""

    @property
    def devices(self) -> Iterable[str]:
        """At which it looks."""


class LostNearGas:
    """``lost``: of the zone; ``gas``: by device of its neighbours, what says that it is in alarm. A bypass is of the
    zone's own detectors: a neighbour in alarm is one all the same."""

    def __init__(self, lost: Lost, gas: Mapping[str, Sequence[Test]]) -> None:
        self._lost = lost
        self._gas = gas
        self._in_alarm: set[str] = set()

    def follow(self, device: str, picture: Picture) -> None:
        """The picture of the device is another one now."""
        self._lost.follow(device, picture)
        if any(test(picture) for test in self._gas.get(device, ())):
            self._in_alarm.add(device)
        else:
            self._in_alarm.discard(device)

    @property
    def stands(self) -> bool:
        """Whether both are so."""
        return bool(self._in_alarm) and self._lost.stands

    @property
    def devices(self) -> Iterable[str]:
        """Those of the zone."""
        return self._lost.devices

    @property
    def bypassed(self) -> frozenset[str]:
        """Devices of the zone that are left out of it."""
        return self._lost.bypassed

    @bypassed.setter
    def bypassed(self, devices: frozenset[str]) -> None:
        self._lost.bypassed = devices


def neighbour_in_alarm(when: When) -> Iterator[When]:
    """The ways for a neighbour to be in alarm: at the limit, over range, or by its own bits."""
    yield when.model_copy(update={"kind": "high"})
    yield when.model_copy(update={"kind": "over-range"})
    for role in (ALARM_BIT, OVER_RANGE_BIT):
        yield When(kind="flag", role=role, where=when.where)
