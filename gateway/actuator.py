"""The actuator: sends commands to final elements and watches for the proof that they moved.

It refuses everything that is not LIVE or that nobody asks for (S5), and everything the profile does not declare (S2). A
command is sent again while its read-back is missing; when the time for the read-back is over it is reported failed,
once, and still tried: a valve that closes late is better than one left open. It is given up when the device took it
`MOST_ATTEMPTS` times, or when it expires. All of this runs on monotonic time (S10).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from protocols.agenda import Agenda
from protocols.command import Command, CommandEvent
from protocols.moment import SECOND, Moment
from protocols.profile.model import Profile
from protocols.profile.schema import CommandPart
from protocols.reading import Origin, Reading

RETRY_NS = 10 * SECOND
"""A pulse valve is pulsed again every 10 s (ESN14 manual, manualslib)."""
RESEND_NS = SECOND
"""After a transmission that failed outright; twice as long each time, up to `RETRY_NS`."""
MOST_ATTEMPTS = 5
CAUSES = ("trip/", "person/", "proof-test/")
"""What a live command serves; what, or who, follows."""


class Sender(Protocol):
    """The way to a device. It reports by the callbacks it is given, never by raising."""

    def send(self, device: str, command: CommandPart, sent: Callable[[str], None]) -> None:
        """Start sending; call ``sent`` with an empty string when the device took it, else with the reason."""


@dataclass(slots=True)
class _Job:
    """``profile``: id of the profile that declares ``part``; ``index``: of its read-back point, if there is one.
    Times are mono ns."""

    command: Command
    profile: str
    part: CommandPart
    index: int | None
    issued_at: int
    fail_at: int
    expires_at: int
    attempts: int = 0
    taken: int = 0
    unsent: int = 0
    next_at: int = 0
    failed: bool = False
    done: bool = False


class Actuator:
    """Commands under way, by id. ``settle(command id, ok)`` is called when one is proved, or fails."""

    def __init__(self, sender: Sender, profile_of: Callable[[str], Profile | None]) -> None:
        self._sender = sender
        self._profile_of = profile_of
        self._jobs: dict[str, _Job] = {}
        self._by_device: dict[str, list[_Job]] = {}
        self._agenda = Agenda()
        self._now = Moment(0, 0)
        self._events: list[CommandEvent] = []
        self._settled: list[tuple[str, bool]] = []

    def issue(self, command: Command, now: Moment) -> None:
        """Send a command now, or refuse it; what came of it is in `drain`."""
        self._now = now
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
        if not any(command.cause.startswith(kind) and command.cause != kind for kind in CAUSES):
            return None, f"cause {command.cause!r} is no trip, no named person and no proof test (S5)"
        if now.wall > command.expires_at:
            return None, "expired before it could be sent"
        profile = self._profile_of(command.device)
        if profile is None:
            return None, f"device {command.device!r} is not registered"
        part = next((one for one in profile.file.command if one.name == command.name), None)
        return part, "" if part else f"profile {profile.id} has no command {command.name!r}"

    def _job(self, command: Command, part: CommandPart, now: Moment) -> _Job:
        profile = self._profile_of(command.device)
        back = part.read_back
        index = profile.by_name[back.point].index if profile is not None and back is not None else None
        within = int(back.within_s * SECOND) if back is not None else RETRY_NS
        expires_at = now.mono + command.expires_at - now.wall
        named = "" if profile is None else profile.id
        return _Job(command, named, part, index, now.mono, now.mono + within, expires_at)

    def _send(self, job: _Job, now: Moment) -> None:
        job.attempts += 1
        attempt = job.attempts
        job.next_at = now.mono + RETRY_NS

        def sent(problem: str) -> None:
            self._sent(job, attempt, problem)

        self._sender.send(job.command.device, job.part, sent)
        self._wait(job)

    def _sent(self, job: _Job, attempt: int, problem: str) -> None:
        """The sender's answer; it may come at any time, on the clock of the last call."""
        now = self._now
        self._events.append(CommandEvent(job.command, "unsent" if problem else "sent", now.wall, attempt, problem))
        if job.done:
            return
        if problem:
            job.unsent += 1
            job.next_at = now.mono + min(RESEND_NS << min(job.unsent - 1, 8), RETRY_NS)
            self._wait(job)
            return
        job.taken += 1
        if job.index is None:
            self._finish(job)

    def _wait(self, job: _Job) -> None:
        if not job.done:
            until = job.next_at if job.failed else min(job.next_at, job.fail_at)
            self._agenda.at(job.command.id, until)

    def ignores(self, device: str, now: Moment) -> bool:
        """Whether a reading of the device tells it nothing, and it has no news. ``now`` is the time for what a sender
        answers next, as with every call."""
        self._now = now
        return not (self._by_device.get(device) or self._events or self._settled)

    def observe(self, reading: Reading, now: Moment) -> None:
        """Look for read-backs in a reading. Only a good, live value proves anything (S3, S4)."""
        self._now = now
        jobs = self._by_device.get(reading.device)
        if not jobs or reading.origin is not Origin.LIVE:
            return
        sampled_at = now.mono - max(0, reading.received_at - reading.at)
        for job in list(jobs):
            if sampled_at >= job.issued_at and _proves(reading, job):
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
        self._now = now
        for command_id in self._agenda.take(now.mono):
            job = self._jobs.get(command_id)
            if job is None:
                continue
            if not job.failed and now.mono >= job.fail_at:
                self._fail(job, now, "failed", "no read-back in time")
            if now.mono >= job.next_at:
                self._again(job, now)
            else:
                self._wait(job)

    def _fail(self, job: _Job, now: Moment, status: str, detail: str = "") -> None:
        self._events.append(CommandEvent(job.command, status, now.wall, job.attempts, detail))
        if not job.failed:
            job.failed = True
            self._settled.append((job.command.id, False))

    def _again(self, job: _Job, now: Moment) -> None:
        detail = self._outdated(job)
        if not detail and job.taken < MOST_ATTEMPTS and now.mono <= job.expires_at:
            self._send(job, now)
            return
        self._fail(job, now, "given-up", detail)
        self._drop(job)

    def _outdated(self, job: _Job) -> str:
        """Why what was asked is not what the device's profile says now: the site was changed meanwhile (S2)."""
        profile = self._profile_of(job.command.device)
        if profile is not None and profile.id == job.profile and job.part in profile.file.command:
            return ""
        return f"device {job.command.device!r} has another profile now, or is gone: give the command again"

    def cancel(self, command_id: str, now: Moment, why: str = "") -> None:
        """Do not send this command again; unknown or finished ones are left as they are."""
        self._now = now
        job = self._jobs.get(command_id)
        if job is not None:
            self._events.append(CommandEvent(job.command, "cancelled", now.wall, job.attempts, why))
            self._drop(job)

    def due(self) -> int | None:
        """The mono time of the next `tick` that can change something."""
        return self._agenda.due()

    @property
    def has_news(self) -> bool:
        """Whether `drain` would give anything."""
        return bool(self._events or self._settled)

    def drain(self) -> tuple[list[CommandEvent], list[tuple[str, bool]]]:
        """Events to store, and (command id, whether it is proved) for the interlocks, since the last call."""
        events, self._events = self._events, []
        settled, self._settled = self._settled, []
        return events, settled


def _proves(reading: Reading, job: _Job) -> bool:
    back, index = job.part.read_back, job.index
    if back is None or index is None or index >= len(reading.values) or reading.profile != job.profile:
        return False
    return reading.values[index] == back.equals and reading.quality_of(index).is_good
