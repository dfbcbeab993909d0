"""What happened in the town, as journal entries: alarms with floods and chatter, trips, commands and plans.

The bodies are those of the real encoders, and an alarm only goes where the table of the state machine lets it go.
"""

from collections.abc import Iterator
from typing import NamedTuple, get_args

from alarms.alarm import AlarmTransition, alarm_id
from alarms.alarm import encode as encode_alarm
from alarms.states import TABLE, AlarmState, Event
from console.api.shapes_commands import StatusWord
from gengfu.rules import shipped
from interlocks.record import EffectRecord, InterlockRecord, TripEvent, interlock_id
from interlocks.record import encode as encode_trip
from interlocks.states import InterlockState
from operations.events import EventName, PlanEvent, encode_event
from operations.plan_files import shipped_plans
from protocols.command import Command, CommandEvent, encode_command_event
from protocols.reading import Origin
from tests.dashboards.measured import HOUR, MINUTE, SECOND
from tests.dashboards.town import Town

RULES = shipped().alarms
MATRICES = shipped().matrices
PLANS = shipped_plans()
BEGINNINGS = (70 * HOUR, 26 * HOUR, 52 * MINUTE)
"""So long before now the same things happen: three days ago, yesterday, and within the last hour."""
TRIPS = ("tripped", "effect", "opened", "closed", "not-closed", "armed", "reset", "removed")


class Happening(NamedTuple):
    """A journal entry without its place: kind and body."""

    kind: str
    body: bytes


class Story(NamedTuple):
    """Where and when things happen. ``start``: UTC ns."""

    town: Town
    site: str
    origin: Origin
    start: int

    def at(self, minutes: float) -> int:
        """UTC ns of a minute of the story."""
        return self.start + int(minutes * MINUTE)


def happenings(town: Town, site: str, origin: Origin, now: int) -> Iterator[Happening]:
    """All of one site under one origin."""
    for back in BEGINNINGS:
        # Origins never share an instant: what a query counts twice must not overwrite each other.
        story = Story(town, site, origin, now - back + int(origin) * 7 * SECOND)
        yield from _alarms(story)
        yield from _trips(story)
        yield from _commands(story)
        yield from _plans(story)


def _alarms(story: Story) -> Iterator[Happening]:
    devices = [one.id for one in story.town.devices if one.site == story.site]
    rules = list(RULES)
    calm = (Event.RAISE, Event.ACKNOWLEDGE, Event.RETURN)
    for number, rule in enumerate(rules):  # each rule once, of every priority
        yield from _alarm(story, devices[number % len(devices)], rule, 1 + number, 3, calm)
    for number in range(24):  # a flood: 24 within 8 minutes
        yield from _alarm(story, devices[number % len(devices)], rules[number % 5], 20 + number / 3, 6, calm[::2])
    chatter = (Event.RAISE, Event.RETURN) * 8
    yield from _alarm(story, devices[0], rules[0], 30, 0.1, chatter)  # five raises in a minute
    latched = (Event.RAISE, Event.RETURN_LATCHED, Event.ACKNOWLEDGE, Event.RESET)
    yield from _alarm(story, devices[1], rules[1], 5, 4, latched)
    shelved = (Event.RAISE, Event.SHELVE, Event.UNSHELVE, Event.SUPPRESS, Event.UNSUPPRESS)
    yield from _alarm(story, devices[2], rules[2], 6, 2, (*shelved, Event.OUT_OF_SERVICE, Event.IN_SERVICE))
    yield from _alarm(story, devices[3], rules[3], 2, 1, (Event.RAISE,))  # it stands for ever
    yield from _alarm(story, devices[4], rules[4], 3, 1, (Event.RAISE, Event.ACKNOWLEDGE))  # this one too


def _alarm(
    story: Story, device: str, rule: str, begin: float, step: float, events: tuple[Event, ...]
) -> Iterator[Happening]:
    state = AlarmState.NORMAL
    for number, event in enumerate(events):
        after = TABLE[state, event]
        assert after is not None, (state, event)
        at = story.at(begin + number * step)
        one = AlarmTransition(
            alarm_id(device, rule, story.origin), device, "methane", rule, story.origin, RULES[rule].priority,
            RULES[rule].life_safety, event, state, after, at, at - SECOND, 20.0 + number, 0, story.at(begin),
            late=number == 4, who='wang "小" 王' if event is Event.ACKNOWLEDGE else "", why="it's (检修)/试",
        )  # fmt: skip
        state = after
        yield Happening("alarm", encode_alarm(one))


def _trips(story: Story) -> Iterator[Happening]:
    areas = list(story.town.sites[story.site].areas)
    devices = [one.id for one in story.town.devices if one.site == story.site]
    minute = 4.0
    for matrix in MATRICES:
        for number, cause in enumerate(matrix.cause):
            zone, device = areas[number % len(areas)], devices[number % len(devices)]
            record = InterlockRecord(
                interlock_id(zone, matrix.id, story.origin), zone, matrix.id, story.origin, InterlockState.TRIPPED,
                [(cause.id, story.at(minute))],
                [EffectRecord(cause.id, "E1", "close-valve", device, "done", story.at(minute))],
            )  # fmt: skip
            for event in TRIPS:
                for status in ("issued", "failed", "done") if event == "effect" else ("",):
                    minute += 0.2
                    one = TripEvent(
                        record.id, zone, matrix.id, story.origin, event, story.at(minute), cause.id, "E1",
                        "close-valve", device, status, "c-1", "full", "li", ("over-range",), record,
                    )  # fmt: skip
                    yield Happening("trip", encode_trip(one))


def _commands(story: Story) -> Iterator[Happening]:
    gas = story.town.of_kind(story.site, "gas_alarm")
    for number, status in enumerate(get_args(StatusWord)):
        at = story.at(8 + number / 2)
        cause = "person/li" if number % 2 else f"trip/{gas[0].district}~x"
        told = Command(f"c{number}", gas[number % len(gas)].id, "close-valve", story.origin, cause, at, at + HOUR)
        event = CommandEvent(told, status, at, number, "not read back", "smell of gas", number % 3)
        yield Happening("command", encode_command_event(event))


def _plans(story: Story) -> Iterator[Happening]:
    areas = list(story.town.sites[story.site].areas)
    alarm = f"{story.town.devices[0].id}~CK-01"
    for order, (name, plan) in enumerate(PLANS.items()):
        steps = list(plan.steps)
        run = f"{name}-{story.origin.name}-{story.start}"
        events = [*get_args(EventName), "step-started", "step-done", "step-overdue", "completed", "closed"]
        for number, event in enumerate(["opened", *events]):
            of_step = event.startswith("step") or event == "withdraw"
            state = {"closed": "closed", "completed": "full"}.get(event, "verify" if number < 3 else "full")
            one = PlanEvent(
                run, number + 1, name, plan.plan.version, areas[order % len(areas)], story.origin, event,
                story.at(10 + order + number), state, steps[number % len(steps)] if of_step else "",
                event.removeprefix("step-") if of_step else "", "done" if event == "step-overdue" else "",
                "wang", "lead", "已撤离", (), alarm, "CK-01", event == "alarm", "撤离", "Leave",
            )  # fmt: skip
            yield Happening("plan", encode_event(one))
