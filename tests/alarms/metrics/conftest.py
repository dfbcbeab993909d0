"""Alarm transitions as the engine makes them, told in seconds."""

from pathlib import Path

import pytest

import alarms
from alarms.alarm import AlarmRecord, AlarmTransition
from alarms.metrics.figures import Figures, load_figures
from alarms.metrics.measures import SECOND, Metrics, Span
from alarms.metrics.meter import Meter
from alarms.states import TABLE, AlarmState, Event
from protocols.reading import Origin

START = 1_795_000_000 * SECOND
FILE = Path(alarms.__file__).parent / "metrics" / "figures.toml"


@pytest.fixture(scope="session")
def figures() -> Figures:
    """The shipped ones."""
    return load_figures(FILE)


class Story:
    """What happens to alarms, by the state table. ``s``: seconds from ``start``, also negative. ``alarm``: an alarm's
    id, or any word."""

    def __init__(self, start: int = START) -> None:
        self._start = start
        self.told: list[AlarmTransition] = []
        self._states: dict[str, AlarmState] = {}
        self._raised: dict[str, int] = {}

    def tell(
        self, s: float, event: Event, alarm: str = "a", priority: str = "high", origin: Origin = Origin.LIVE
    ) -> bool:
        """Whether the table takes the event."""
        at = self._start + round(s * SECOND)
        before = self._states.get(alarm, AlarmState.NORMAL)
        after = TABLE[before, event]
        if after is None:
            return False
        if event is Event.RAISE and not before.stands:
            self._raised[alarm] = at
        self._states[alarm] = after
        self.told.append(transition(alarm, event, before, after, at, self._raised.get(alarm, 0), priority, origin))
        return True

    def burst(self, s: float, count: int) -> None:
        """So many alarms of their own at one moment."""
        for number in range(count):
            self.tell(s, Event.RAISE, f"burst-{s}-{number}")


def transition(
    alarm: str,
    event: Event,
    before: AlarmState,
    after: AlarmState,
    at: int,
    raised_at: int,
    priority: str,
    origin: Origin,
) -> AlarmTransition:
    device, _, rule = alarm.partition("~")
    where = (alarm, device if rule else f"device-of-{alarm}", "methane", rule or f"rule-of-{alarm}", origin)
    return AlarmTransition(*where, priority, False, event, before, after, at, at, 1.0, 0, raised_at)


def record(alarm: str, state: AlarmState, s: float, origin: Origin = Origin.LIVE) -> AlarmRecord:
    """An alarm as it stands now, raised ``s`` seconds from `START`."""
    at = START + round(s * SECOND)
    rule = f"rule-of-{alarm}"
    return AlarmRecord(alarm, f"device-of-{alarm}", "methane", rule, origin, "high", False, state, raised_at=at)


def is_live(_rule: str, origin: Origin) -> bool:
    return origin is Origin.LIVE


def measure(story: Story, figures: Figures, until_s: float = 86_400, records: tuple[AlarmRecord, ...] = ()) -> Metrics:
    """Of live alarms, from `START` on."""
    meter = Meter(Span(START, START + round(until_s * SECOND)), figures, is_live)
    for one in story.told:
        meter.observe(one)
    for known in records:
        meter.settle(known)
    return meter.metrics()
