"""What people want devices told: a queue per device in front of the actuator.

A request becomes a command in the commit of its answer, so that it is decided once, over a kill -9 too. Before a
command is handed to the actuator that is written down: after a restart a final element is moved to its safe side again
(twice does no harm), while of anything else that was under way nobody knows whether the device took it, and it is given
up. Trips never stand in this queue: their commands go to the actuator at once.

Nothing waits before a final element's command. The others of a device go one at a time, the most urgent first, and
only while nothing else is under way to it. What may be sent is asked again at the moment of sending, and for a fan
as long as it is tried (S1).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from gateway.command_rules import admit, cancelled_by, check_cancel
from gateway.decisions import nobody_waits
from gateway.errors import CommandRefused, NoSuchCommand
from gateway.pipeline import Verdict
from journal.entry import Done, Entry, partition_of
from protocols.command import Command, CommandEvent, encode_command_event
from protocols.command_log import BEGUN, STATE, CommandLog, CommandRecord
from protocols.moment import SECOND, Moment
from protocols.profile.model import FindProfile
from protocols.profile.schema import CommandPart
from protocols.reading import Origin
from protocols.request import OperatorRequest

COMMAND = "command"
FAN_LOOK_NS = SECOND
"""How often a fan that is tried is judged again; each retry is judged before it leaves."""
RESTARTED = "the gateway restarted while it was under way: whether the device took it is not known"

_NOT_SENT = frozenset({"waiting", BEGUN})


class Issuer(Protocol):
    """The way to the actuator; `gateway.watch.Watch`."""

    def issue(self, command: Command, now: Moment) -> None:
        """Send a command, or refuse it; what came of it is told to `CommandQueue.follow`."""

    def withdraw(self, command_id: str, why: str, now: Moment) -> None:
        """Do not send it again."""


class Ways(NamedTuple):
    """``origin``: what the gateway's devices are. ``refusal(device, effect)``: why nothing of the kind may be sent now,
    or an empty string. ``wake``: look at `CommandQueue.due` again."""

    find_profile: FindProfile
    origin: Origin
    refusal: Callable[[str, str], str]
    store: Callable[[Verdict, Done], None]
    wake: Callable[[], None]


class CommandQueue:
    """All commands of a gateway. ``issuer`` is set before anything is asked."""

    issuer: Issuer

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self.log = CommandLog(self._has_proof)
        self._open: dict[str, dict[str, int]] = {}
        """Device -> people's commands that are not over -> mono time at which they expire."""
        self._ready: list[tuple[str, Exception | None]] = []
        """People's commands that were written down, or (with the error) could not be."""
        self._look_at: int | None = None

    def _has_proof(self, device: str, name: str) -> bool:
        part = self._part(device, name)
        return part is not None and part.read_back is not None

    def _part(self, device: str, name: str) -> CommandPart | None:
        profile = self._ways.find_profile(device)
        commands = profile.file.command if profile is not None else ()
        return next((part for part in commands if part.name == name), None)

    # -- what people ask -------------------------------------------------------------------------------------

    def ask(self, request: OperatorRequest, now: Moment) -> Verdict:
        """Take a command into the queue; the caller stores the verdict. Raises `CommandRefused`, `NoSuchCommand`."""
        part = admit(request, self._ways.find_profile(request.target), len(self._open.get(request.target, ())))
        reason = self._ways.refusal(request.target, part.effect)
        if reason:
            raise CommandRefused(reason)
        command = Command(
            request.id, request.target, part.name, self._ways.origin, f"person/{request.who}",
            now.wall, request.expires_at,
        )  # fmt: skip
        self._wait(command, now)
        return self._told(
            CommandEvent(command, "waiting", now.wall, why=request.why, priority=max(0, request.priority))
        )

    def _wait(self, command: Command, now: Moment) -> None:
        left = min(command.expires_at - now.wall, command.expires_at - command.issued_at)  # early, never late (S10)
        self._open.setdefault(command.device, {})[command.id] = now.mono + max(0, left)

    def cancel(self, request: OperatorRequest, now: Moment) -> Verdict:
        """Take a command back that still waits. Raises `CommandRefused`, `NoSuchCommand`."""
        device, _, command = request.target.partition("~")
        record = self.log.find(command)
        if record is None or record.command.device != device:
            raise NoSuchCommand(f"no command {command!r} of {device!r} is kept; see GET /api/v1/devices/ID/commands")
        check_cancel(record)
        return self._told(CommandEvent(record.command, "cancelled", now.wall, detail=cancelled_by(request)))

    # -- what becomes of them --------------------------------------------------------------------------------

    def follow(self, event: CommandEvent) -> Mapping[str, bytes | None]:
        """Keep what became of a command, a trip's too; returns the state to be stored in the same commit."""
        record = self.log.follow(event)
        device = event.command.device
        if record.is_over and device in self._open:
            self._open[device].pop(event.command.id, None)
            if not self._open[device]:
                del self._open[device]
        return {STATE + device: self.log.dump(device)}

    def _told(self, event: CommandEvent) -> Verdict:
        """An event of the queue itself, to be stored."""
        command = event.command
        entry_id = f"{command.id}~{event.status}~{event.at}"
        entry = Entry(COMMAND, entry_id, partition_of(command.device), event.at, encode_command_event(event))
        return Verdict([entry], dict(self.follow(event)))

    def _end(self, record: CommandRecord, status: str, detail: str, now: Moment) -> None:
        verdict = self._told(CommandEvent(record.command, status, now.wall, record.attempts, detail))
        self._ways.store(verdict, nobody_waits)

    def load(self, state: Mapping[str, bytes], now: Moment) -> None:
        """Take back what stood before the restart. Trips drive their own commands anew, under new ids."""
        for key, body in state.items():
            if key.startswith(STATE):
                self.log.load(key.removeprefix(STATE), body)
        for device in self.log.devices():
            for record in [one for one in self.log.of(device) if not one.is_over]:
                self._resume(record, now)

    def _resume(self, record: CommandRecord, now: Moment) -> None:
        command = record.command
        if command.cause.startswith("proof-test/"):
            self._end(record, "given-up", "the gateway restarted: its proof test is over", now)
        elif not command.cause.startswith("person/"):
            self._end(record, "given-up", "the gateway restarted; its trip drives it anew", now)
        elif record.status == "waiting" or self._moves_element(command):
            record.status = "waiting"
            self._wait(command, now)
        else:
            self._end(record, "given-up", RESTARTED, now)

    def _moves_element(self, command: Command) -> bool:
        part = self._part(command.device, command.name)
        return part is not None and part.final_element

    # -- on time ---------------------------------------------------------------------------------------------

    def due(self) -> int | None:
        """The mono time of the next `tick` that can change something; 0 is at once."""
        if not self._open:
            return None
        if self._ready or any(self._next(device) for device in self._open):
            return 0
        times = [
            self._open[record.command.device][record.command.id]
            for device in self._open
            for record in self._records(device)
            if record.status in _NOT_SENT
        ]
        return min([*times, *([self._look_at] if self._look_at is not None else [])], default=None)

    def tick(self, now: Moment) -> None:
        """Drop what is too late, stop fans that may not start any more, send what may go. Before the watch's tick."""
        if not self._open:
            return
        self._expire(now)
        ready, self._ready = self._ready, []
        for command_id, error in ready:
            self._issue(command_id, error, now)
        self._look_at_fans(now)
        for device in tuple(self._open):
            while record := self._next(device):
                self._begin(record)

    def _look_at_fans(self, now: Moment) -> None:
        self._look_at = None
        for record in [one for one in self._under_way() if self._is_fan(one)]:
            reason = self._ways.refusal(record.command.device, "start-fan")
            if reason:
                self.issuer.withdraw(record.command.id, reason, now)
            else:
                self._look_at = now.mono + FAN_LOOK_NS

    def _records(self, device: str) -> list[CommandRecord]:
        found = (self.log.find(one) for one in self._open.get(device, ()))
        return [record for record in found if record is not None]

    def _under_way(self) -> list[CommandRecord]:
        """People's commands that the actuator has."""
        every = (record for device in self._open for record in self._records(device))
        return [record for record in every if record.status not in _NOT_SENT]

    def _is_fan(self, record: CommandRecord) -> bool:
        part = self._part(record.command.device, record.command.name)
        return part is not None and part.effect == "start-fan"

    def _next(self, device: str) -> CommandRecord | None:
        """What may go now."""
        waiting = [record for record in self._records(device) if record.status == "waiting"]
        for record in waiting:
            if self._moves_element(record.command):
                return record
        is_busy = any(not one.is_over and one.status != "waiting" for one in self.log.of(device))
        return None if is_busy else min(waiting, key=lambda record: record.priority, default=None)

    def _begin(self, record: CommandRecord) -> None:
        """Write down that it goes to the actuator; then it is handed over."""
        command = record.command
        record.status = BEGUN

        def written(error: Exception | None) -> None:
            self._ready.append((command.id, error))
            self._ways.wake()

        self._ways.store(Verdict([], {STATE + command.device: self.log.dump(command.device)}), written)

    def _issue(self, command_id: str, error: Exception | None, now: Moment) -> None:
        record = self.log.find(command_id)
        if record is None or record.status != BEGUN:
            return
        reason = self._reason_not_to(record.command, error)
        if reason:
            self._end(record, "refused", reason, now)
        else:
            self.issuer.issue(record.command, now)

    def _reason_not_to(self, command: Command, error: Exception | None) -> str:
        part = self._part(command.device, command.name)
        if part is None:
            return f"the profile of {command.device} has no command {command.name!r} any more"
        if error is not None and not part.final_element:  # the safe side does not wait for a disk (promise 2)
            return f"it could not be written down ({error}): an act without a record of it is not done"
        return self._ways.refusal(command.device, part.effect)

    def _expire(self, now: Moment) -> None:
        for device in tuple(self._open):
            for record in self._records(device):
                is_late = now.mono >= self._open[device][record.command.id] or now.wall > record.command.expires_at
                if is_late and record.status in _NOT_SENT:
                    self._end(record, "expired", "its time was over before it could be sent", now)
