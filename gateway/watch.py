"""The watch: interlocks, alarms and the actuator over one stream of readings.

Interlocks first, their commands leave at once; then alarms. What they decided is handed back as journal entries
and state keys, to be stored with the reading that caused it. Interlocks and alarms never see each other; this is
the one place that carries a failed final element from the one to the other.
"""

from collections.abc import Callable, Iterable, Mapping

from alarms.actions import Action
from alarms.alarm import encode as encode_alarm
from alarms.engine import AlarmEngine, Watched
from gateway.actuator import Actuator
from gateway.calm import Calm
from gateway.pipeline import NOTHING, Verdict
from interlocks.engine import InterlockEngine
from interlocks.errors import InterlockError
from interlocks.record import TripEvent
from interlocks.record import encode as encode_trip
from interlocks.zone import Zone
from journal.entry import Entry, partition_of
from protocols.command import Command, CommandEvent, encode_command_event
from protocols.moment import Moment
from protocols.reading import Origin, Reading

ALARM = "alarm"
TRIP = "trip"
COMMAND = "command"
FAILED_TO_ACT = "ACT-1"


class Watch:
    """A judge of the pipeline that also lives on time. ``store`` takes verdicts that no reading caused;
    ``follow`` is told what becomes of each command, and gives the state to be stored with it; ``heed`` too, and gives
    entries besides.

    ``is_stirred``: something other than ordinary readings came since `due` was asked, which may be earlier now."""

    def __init__(
        self,
        interlocks: InterlockEngine,
        alarms: AlarmEngine,
        actuator: Actuator,
        store: Callable[[Verdict], None],
        follow: Callable[[CommandEvent], Mapping[str, bytes | None]] = lambda _event: {},
        heed: Callable[[CommandEvent, Moment], Verdict] = lambda _event, _now: NOTHING,
    ) -> None:
        self.interlocks = interlocks
        self.alarms = alarms
        self.actuator = actuator
        self._store = store
        self._follow = follow
        self._heed = heed
        self._heeded: list[Entry] = []
        self._serial = 0
        self._events: list[CommandEvent] = []
        self._trips: list[TripEvent] = []
        self._state: dict[str, bytes | None] = {}
        self._calms: tuple[dict[str, Calm], ...] = tuple({} for _ in Origin)
        self.is_stirred = True

    def observe(self, reading: Reading, now: Moment) -> Verdict:
        """Judge one reading."""
        calm = self._calms[reading.origin].get(reading.device)
        if calm is None or not self.actuator.ignores(reading.device, now) or not calm.lets_through(reading, now):
            return self._judge(reading, now)
        return NOTHING

    def _judge(self, reading: Reading, now: Moment) -> Verdict:
        """Judge one that may change something."""
        self.is_stirred = True
        self.actuator.observe(reading, now)
        self.interlocks.observe(reading, now)
        if self.interlocks.has_news or self.actuator.has_news:
            self._act(now)
        self.alarms.observe(reading, now)
        calms, device, origin = self._calms[reading.origin], reading.device, reading.origin
        if device not in calms:
            calms[device] = Calm(self.alarms.group_of(device, origin), self.interlocks.memberships(device, origin))
        told = self._events or self._trips or self._state or self.alarms.has_news
        return self._collect(now) if told else NOTHING

    def lost(self, device: str, now: Moment) -> None:
        """A transport knows that the device does not answer."""
        self.interlocks.lost(device, now)
        self._act(now)
        self.alarms.lost(device, now)
        self._keep(now)

    def tick(self, now: Moment) -> None:
        """Let time act on all three."""
        self.actuator.tick(now)
        self.interlocks.tick(now)
        self._act(now)
        self.alarms.tick(now)
        self._keep(now)

    def due(self) -> int | None:
        """The mono time of the next `tick` that can change something."""
        self.is_stirred = False
        due = self.interlocks.due()
        for other in (self.alarms.due(), self.actuator.due()):
            if other is not None and (due is None or other < due):
                due = other
        return due

    def perform(self, action: Action, now: Moment) -> Verdict:
        """What a person does to an alarm; the caller stores the verdict. Raises the errors of `alarms.errors`."""
        self.alarms.act(action, now)
        return self._collect(now)

    def reset(self, interlock: str, who: str, on_site: bool, now: Moment) -> Verdict:
        """What a person does to a latch; the caller stores the verdict. Raises the errors of `interlocks.errors`."""
        try:
            self.interlocks.reset(interlock, who, on_site, now)
        except InterlockError:
            self._act(now)
            self._keep(now)
            raise
        self._act(now)
        return self._collect(now)

    def issue(self, command: Command, now: Moment) -> None:
        """Have the actuator send a command of a person, or of a proof test."""
        self.actuator.issue(command, now)
        self.settle(now)

    def settle(self, now: Moment) -> None:
        """What the interlocks decided while they were asked something leaves, and is stored."""
        self._act(now)
        self._keep(now)

    def withdraw(self, command_id: str, why: str, now: Moment) -> None:
        """Do not send a person's command again."""
        self.actuator.cancel(command_id, now, why)
        self.settle(now)

    def rearrange(self, zones: Iterable[Zone], devices: Iterable[Watched], now: Moment) -> None:
        """The site was changed: these are the zones and devices from now on (see the engines for what stands on)."""
        for calms in self._calms:
            calms.clear()
        self.alarms.rewatch(devices, now)
        self.interlocks.rezone(zones, now)
        self._act(now)
        self._keep(now)

    def load(self, state: dict[str, bytes], now: Moment) -> None:
        """Take back what stood before the restart, and drive on what was not completed (S10)."""
        self.interlocks.load({key: body for key, body in state.items() if key.startswith("interlock/")}, now)
        self.alarms.load({key: body for key, body in state.items() if key.startswith("alarm/")})
        self._keep(now)

    def recall(self, readings: Iterable[Reading], now: Moment) -> None:
        """After `load`: what the end of the journal holds, oldest first. The newest live reading of a device stands
        until a fresh one comes, and counts if none does (S9, S10); one that says nothing of life safety (a board's own
        state) overtakes none that does."""
        newest: dict[str, tuple[bool, Reading]] = {}
        for reading in readings:
            if reading.origin is not Origin.LIVE:
                continue
            known, tells = newest.get(reading.device), self.alarms.tells_of_life_safety(reading)
            if known is None or (known[0], known[1].at) <= (tells, reading.at):
                newest[reading.device] = tells, reading
        for _, reading in newest.values():
            self.interlocks.recall(reading, now)
            self.alarms.recall(reading)

    def _act(self, now: Moment) -> None:
        """Issue what the interlocks want, and tell them what came of it, until nothing is left to say."""
        while True:
            outcome = self.interlocks.drain()
            self._trips += outcome.events
            self._state |= outcome.state
            for command_id in outcome.cancels:
                self.actuator.cancel(command_id, now)
            for command in outcome.commands:
                self.actuator.issue(command, now)
            for one in outcome.failures:
                self.alarms.report(one.device, one.rule or FAILED_TO_ACT, one.failed, now, role=one.element)
            events, settled = self.actuator.drain()
            self._events += events
            for event in events:
                self._state |= self._follow(event)
                heeded = self._heed(event, now)
                self._heeded += heeded.entries
                self._state |= heeded.state
            for command_id, ok in settled:
                self.interlocks.settled(command_id, ok, now)
            if not settled and not outcome.commands:
                return

    def _collect(self, now: Moment) -> Verdict:
        transitions, state = self.alarms.drain()
        entries = [
            *self._entries(TRIP, ((trip.zone, encode_trip(trip)) for trip in self._trips), now),
            *self._entries(COMMAND, ((one.command.device, encode_command_event(one)) for one in self._events), now),
            *self._heeded,
            *self._entries(ALARM, ((one.device, encode_alarm(one)) for one in transitions), now),
        ]
        verdict = Verdict(entries, {**self._state, **state})
        self._events, self._trips, self._heeded, self._state = [], [], [], {}
        return verdict

    def _entries(self, kind: str, items: Iterable[tuple[str, bytes]], now: Moment) -> Iterable[Entry]:
        for key, body in items:
            self._serial += 1
            yield Entry(kind, f"{key}~{now.wall}.{self._serial}", partition_of(key), now.wall, body)

    def _keep(self, now: Moment) -> None:
        verdict = self._collect(now)
        if verdict.entries or verdict.state:
            self._store(verdict)
