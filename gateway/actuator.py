"""The actuator: sends commands to final elements and watches for the proof that they moved.

It refuses everything that is not LIVE (S5) and everything the profile does not declare (S2). A command is sent
again while its read-back is missing; when the time for the read-back is over it is reported failed, once, and
still tried until the attempts are used up: a valve that closes late is better than one left open.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from protocols.command import Command, CommandEvent
from protocols.moment import SECOND, Moment
from protocols.profile.model import Profile
from protocols.profile.schema import CommandPart
from protocols.reading import Origin, Reading

RETRY_NS = 10 * SECOND
"""A pulse valve is pulsed again every 10 s (ESN14 manual, manualslib)."""
RESEND_NS = SECOND
"""After a transmission that failed outright."""
MOST_ATTEMPTS = 5


class Sender(Protocol):
    """The way to a device. It reports by the callbacks it is given, never by raising."""

    def send(self, device: str, command: CommandPart, sent: Callable[[str], None]) -> None:
        """Start sending; call ``sent`` with an empty string when the device took it, else with the reason."""


@dataclass(slots=True)
class _Job:
    command: Command
    part: CommandPart
    index: int | None
    fail_at: int
    attempts: int = 0
    failed: bool = False
    next_at: int = 0
    done: bool = field(default=False)


class Actuator:
    """Commands under way, by id. ``settle(command id, ok)`` is called when one is proved, or fails."""

    def __init__(self, sender: Sender, profile_of: Callable[[str], Profile | None]) -> None:
        self._sender = sender
        self._profile_of = profile_of
        self._jobs: dict[str, _Job] = {}
        self._by_device: dict[str, list[_Job]] = {}
        self._due: list[tuple[int, str]] = []
        self._events: list[CommandEvent] = []
        self._settled: list[tuple[str, bool]] = []

    def issue(self, command: Command, now: Moment) -> None:
        """Send a command now, or refuse it; what came of it is in `drain`."""
        part, refusal = self._admit(command, now)
        if part is None:
            self._events.append(CommandEvent(command, "refused", now.wall, detail=refusal))
            self._settled.append((command.id, False))
            return
        job = self._job(command, part, now)
        self._jobs[command.id] = job
        self._by_device.setdefault(command.device, []).append(job)
        self._events.append(CommandEvent(command, "issued", now.wall))
        self._send(job, now)

    def _admit(self, command: Command, now: Moment) -> tuple[CommandPart | None, str]:
        if command.origin is not Origin.LIVE:
            return None, f"origin {command.origin.name}: only live commands leave the gateway"
        if now.wall > command.expires_at:
            return None, "expired before it could be sent"
        profile = self._profile_of(command.device)
        if profile is None:
            return None, f"device {command.device!r} is not registered"
        part = next((one for one in profile.file.command if one.name == command.name), None)
        return part, "" if part else f"profile {profile.id} has no command {command.name!r}"

    def _job(self, command: Command, part: CommandPart, now: Moment) -> _Job:
        profile = self._profile_of(command.device)
        if profile is None or part.read_back is None:
            return _Job(command, part, None, now.mono)
        index = profile.by_name[part.read_back.point].index
        return _Job(command, part, index, now.mono + int(part.read_back.within_s * SECOND))

    def _send(self, job: _Job, now: Moment) -> None:
        job.attempts += 1
        attempt = job.attempts
        self._wait(job, now.mono + RETRY_NS)
        heapq.heappush(self._due, (job.fail_at, job.command.id))

        def sent(problem: str) -> None:
            status = "unsent" if problem else "sent"
            self._events.append(CommandEvent(job.command, status, now.wall, attempt, problem))
            if problem and not job.done:
                self._wait(job, now.mono + RESEND_NS)
            elif job.index is None:
                self._finish(job)

        self._sender.send(job.command.device, job.part, sent)

    def _wait(self, job: _Job, until: int) -> None:
        job.next_at = until
        heapq.heappush(self._due, (until, job.command.id))

    def observe(self, reading: Reading, now: Moment) -> None:
        """Look for read-backs in a reading. Only a good, live value proves anything (S3, S4)."""
        if reading.origin is not Origin.LIVE:
            return
        for job in list(self._by_device.get(reading.device, ())):
            back = job.part.read_back
            if back is None or job.index is None or reading.at < job.command.issued_at:
                continue
            if reading.values[job.index] == back.equals and reading.quality_of(job.index).is_good:
                self._events.append(CommandEvent(job.command, "confirmed", now.wall, job.attempts))
                self._finish(job)

    def _finish(self, job: _Job) -> None:
        self._settled.append((job.command.id, True))
        self._drop(job)

    def _drop(self, job: _Job) -> None:
        job.done = True
        self._jobs.pop(job.command.id, None)
        self._by_device[job.command.device].remove(job)

    def tick(self, now: Moment) -> None:
        """Let time act: read-backs that are missing, commands to send again."""
        while self._due and self._due[0][0] <= now.mono:
            job = self._jobs.get(heapq.heappop(self._due)[1])
            if job is None:
                continue
            if job.index is not None and not job.failed and now.mono >= job.fail_at:
                job.failed = True
                self._events.append(CommandEvent(job.command, "failed", now.wall, job.attempts, "no read-back in time"))
                self._settled.append((job.command.id, False))
            if now.mono >= job.next_at:
                self._again(job, now)

    def _again(self, job: _Job, now: Moment) -> None:
        if job.attempts < MOST_ATTEMPTS and now.wall <= job.command.expires_at:
            self._send(job, now)
            return
        self._events.append(CommandEvent(job.command, "given-up", now.wall, job.attempts))
        if not job.failed:
            self._settled.append((job.command.id, False))
        self._drop(job)

    def cancel(self, command_id: str, now: Moment) -> None:
        """Do not send this command again; unknown or finished ones are left as they are."""
        job = self._jobs.get(command_id)
        if job is not None:
            self._events.append(CommandEvent(job.command, "cancelled", now.wall, job.attempts))
            self._drop(job)

    def due(self) -> int | None:
        """The mono time of the next `tick` that can change something."""
        return self._due[0][0] if self._due else None

    def drain(self) -> tuple[list[CommandEvent], list[tuple[str, bool]]]:
        """Events to store, and (command id, whether it is proved) for the interlocks, since the last call."""
        events, self._events = self._events, []
        settled, self._settled = self._settled, []
        return events, settled
