"""The duty desk: follows the journal and tells the pages what changed on the boards.

`listen` is a listener of the uplink journal. What one commit did to an item is told once, after the whole commit was
followed; an answer to a person is heard in the same commit as its transition, so whoever waited for the answer finds
the item changed.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec

from alarms.alarm import AlarmTransition, alarm_id, decode_record, decode_transition
from alarms.rule import AlarmRule
from console.duty.alarm_board import AlarmBoard
from console.duty.blind_lines import BlindLines
from console.duty.command_board import CommandBoard
from console.duty.history import AlarmHistory
from console.duty.interlock_board import InterlockBoard
from console.events import EventHub
from console.services import SiteView
from interlocks.matrix import Matrix
from interlocks.record import decode_event
from interlocks.record import decode_record as decode_interlock
from journal.entry import Entry, Stored
from protocols import canary
from protocols.command import decode_command_event
from protocols.document import Text
from protocols.reading import Origin

log = logging.getLogger("gengfu.console")

T = TypeVar("T")

ALARM = "alarm"
TRIP = "trip"
COMMAND = "command"
PLAN = "plan"
CANARY = alarm_id(canary.DEVICE, canary.RULE, Origin.SIMULATED)
"""Goes over the board like any alarm, every ten minutes: nobody is told of it, and it takes no room in the history."""


class RuleBook(Protocol):
    """What the gateway judges by, to be explained to people; ``alarms`` and ``responses`` by id."""

    @property
    def alarms(self) -> Mapping[str, AlarmRule]: ...
    @property
    def responses(self) -> Mapping[str, Text]: ...
    @property
    def matrices(self) -> Sequence[Matrix]: ...


class PlanListener(Protocol):
    """Who follows plan events; `console.duty.run_board.RunBoard`."""

    def listen(self, entries: Sequence[Entry]) -> None:
        """Entries of kind ``plan``, in order. Must not block."""


class DutyDesk:
    """The boards of a console, on the event loop. ``undecoded`` counts entries that this release cannot read."""

    def __init__(
        self,
        site: SiteView,
        book: RuleBook,
        hub: EventHub,
        runs: PlanListener | None = None,
        in_plan: Callable[[], Collection[str]] = lambda: (),
    ) -> None:
        self.lines = BlindLines(site, in_plan)
        self.alarms = AlarmBoard(site, book.alarms, book.responses, self.lines)
        self.interlocks = InterlockBoard(site, book.matrices)
        self.commands = CommandBoard(site)
        self.history = AlarmHistory(site)
        self.undecoded = 0
        self._hub = hub
        self._runs = runs

    def warm(self, state: Mapping[str, bytes], tail: Iterable[Stored] = (), trips: Iterable[bytes] = ()) -> None:
        """Start from the journal's state keys (``alarm/...``, ``interlock/...``, ``commands/...``; others are skipped)
        and from its end (oldest first), which gives the history. ``trips``: what interlocks have said since the gateway
        began, which may be before us. Before `listen` is subscribed, or what comes between is lost."""
        bodies = [(key.partition("/")[0], body) for key, body in state.items()]
        records = [self._decode(decode_record, body) for kind, body in bodies if kind == "alarm"]
        interlocks = [self._decode(decode_interlock, body) for kind, body in bodies if kind == "interlock"]
        self.alarms.warm(one for one in records if one is not None)
        self.interlocks.warm(one for one in interlocks if one is not None)
        for event in (self._decode(decode_event, body) for body in trips):
            if event is not None:
                self.interlocks.observe(event)
        self.undecoded += self.commands.warm(state)
        self.lines.warm(state)
        for stored in tail:
            if stored.entry.kind == ALARM:
                transition = self._decode(decode_transition, stored.entry.body)
                if transition is not None and transition.alarm != CANARY:
                    self.alarms.recall(transition)
                    self.history.add(_cursor(stored), transition)

    def follow_site(self) -> None:
        """The site was changed: what is gone from it, and is at rest, is not shown any more."""
        self.alarms.follow_site()
        self.interlocks.follow_site()

    def listen(self, batch: Sequence[Stored]) -> None:
        """Follow one commit, then publish each item that it changed: interlocks, then alarms, then commands."""
        self.lines.listen(batch)
        changed: dict[str, dict[str, None]] = {TRIP: {}, ALARM: {}, COMMAND: {}}
        plans: list[Entry] = []
        for stored in batch:
            kind = stored.entry.kind
            if kind == PLAN:
                plans.append(stored.entry)
            elif kind in changed:
                item = self._follow(stored)
                if item is not None:
                    changed[kind][item] = None
        for interlock in changed[TRIP]:
            self._hub.publish("interlock", self.interlocks.item(interlock))
        for alarm in changed[ALARM]:
            if alarm != CANARY:
                self._hub.publish("alarm", self.alarms.item(alarm))
        for command in self.commands.some(changed[COMMAND]):
            self._hub.publish("command", command)
        if plans and self._runs is not None:
            self._runs.listen(plans)

    def tell(self, transition: AlarmTransition) -> None:
        """Show at once what this console decided itself. The journal, which gives the history, may not take it."""
        self._hub.publish("alarm", self.alarms.item(self.alarms.observe(transition)))

    def _follow(self, stored: Stored) -> str | None:
        """Let the board of an entry follow it; returns the id of what changed."""
        kind, body = stored.entry.kind, stored.entry.body
        if kind == TRIP:
            trip = self._decode(decode_event, body)
            return self.interlocks.observe(trip) if trip is not None else None
        if kind == COMMAND:
            event = self._decode(decode_command_event, body)
            return self.commands.observe(event) if event is not None else None
        transition = self._decode(decode_transition, body)
        if transition is None:
            return None
        if transition.alarm != CANARY:
            self.history.add(_cursor(stored), transition)
        return self.alarms.observe(transition)

    def _decode(self, decode: Callable[[bytes], T], body: bytes) -> T | None:
        """One that cannot be read (a newer gateway wrote it) must not hide the rest of its commit."""
        try:
            return decode(body)
        except msgspec.DecodeError as error:
            self.undecoded += 1
            log.error("an entry of the journal cannot be read, update this console: %s", error)
            return None


def _cursor(stored: Stored) -> str:
    return f"{stored.entry.partition}.{stored.position}"
