"""Proof tests: a valve is closed on purpose, and whether it was read back closed in time (safety rule S5).

A signed-in person asks for one, and confirms that the appliances are off and who stands there. It is written down
before anything leaves, and goes through the actuator as a command whose cause is ``proof-test/ID``. After a restart in
the middle nothing is sent again: nobody knows whether those people still stand there. Nothing here opens a valve.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from alarms.engine import AlarmEngine
from device_registry.devices import Site
from gateway.decisions import nobody_waits
from gateway.errors import ModeRefused, NoSuchMode
from gateway.pipeline import NOTHING, Verdict
from gateway.proof_elements import Valve, plan_of, valve_of
from gateway.settled import standing_alarm
from interlocks.engine import InterlockEngine
from interlocks.people import PROOF_TEST
from interlocks.record import FOUND_CLOSED
from journal.entry import Done, Entry, partition_of
from protocols.command import Command, CommandEvent
from protocols.moment import SECOND, Moment
from protocols.proof_test import (
    CAUSE,
    KIND,
    PLAN_KIND,
    PLAN_STATE,
    STATE,
    ProofPlan,
    ProofTest,
    State,
    decode_proof_plan,
    decode_proof_test,
    due_at,
    encode,
)
from protocols.reading import Origin
from protocols.request import OperatorRequest

OVERDUE, FAILED = "PT-01", "PT-02"
LIFE_S = 60.0
"""So long beyond its read-back time a valve that has failed is still told to close."""
LOOK_NS = 3600 * SECOND
"""How often due dates are looked at: the wall clock may step."""
RESTARTED_BEFORE = "the gateway restarted before anything was sent"
RESTARTED = "the gateway restarted while the valve moved: whether it closed in time is not known"
_FAILS = frozenset({"failed", "refused", "given-up", "cancelled", "expired"})


class Ways(NamedTuple):
    """``devices_of``: the devices of an area; ``observed``: kinds of area in which nothing is commanded. ``origin``:
    what the gateway's devices are. ``issue``: to the actuator; ``settle``: alarms were told something. ``store(verdict,
    done)``; ``wake``: look at `ProofTests.due` again."""

    site: Site
    alarms: AlarmEngine
    interlocks: InterlockEngine
    devices_of: Callable[[str], frozenset[str]]
    observed: frozenset[str]
    origin: Origin
    issue: Callable[[Command, Moment], None]
    settle: Callable[[Moment], None]
    store: Callable[[Verdict, Done], None]
    wake: Callable[[], None]


class _Run:
    """A test that goes on. ``issued``: mono ns, 0 before. ``is_written``: that it begins is being written down."""

    def __init__(self, test: ProofTest) -> None:
        self.test = test
        self.command = ""
        self.issued = 0
        self.is_written = False


class ProofTests:
    """All proof tests of a gateway. ``last``: the last of each element, ``plan``: what has to be proved, by id."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self.last: dict[str, ProofTest] = {}
        self.plan = ProofPlan({})
        self._runs: dict[str, _Run] = {}
        self._late: dict[str, _Run] = {}
        """By command: tests that failed, whose valve is still told to close."""
        self._written: list[tuple[_Run, Exception | None]] = []
        self._look_at: int | None = None

    # -- what people ask -------------------------------------------------------------------------------------

    def begin(self, request: OperatorRequest, now: Moment) -> Verdict:
        """Take on a test; the caller stores the verdict, and nothing is sent before it is stored. ``request.target``:
        the device, or ``device~point``; ``on_site``: the appliances are off and somebody is there; ``measure``: who.
        Raises `ModeRefused`, `NoSuchMode`."""
        if not request.who:
            raise ModeRefused("a proof test needs the name of the person who begins it")
        if not request.why.strip():
            raise ModeRefused("a proof test needs a reason, for the record")
        if not request.on_site or not request.measure.strip():
            raise ModeRefused("confirm that the appliances are off, and name the person who stands there (S5)")
        valve = self._find(request.target)
        reason = self._reason_not_to(valve)
        if reason:
            raise ModeRefused(reason)
        before = self.last.get(valve.id)
        test = ProofTest(
            valve.id, valve.device.id, valve.point, valve.command.name, valve.within_s, now.wall, request.who,
            request.why.strip(), request.measure.strip(), passed_at=before.passed_at if before else 0,
        )  # fmt: skip
        self._runs[test.id] = _Run(test)
        return self._told(test, now)

    def _find(self, target: str) -> Valve:
        device_id, _, point = target.partition("~")
        device = self._ways.site.devices.get(device_id)
        if device is None:
            raise NoSuchMode(f"device {device_id!r} is not registered")
        if device.area.kind in self._ways.observed:
            raise ModeRefused(f"{device_id} is in an area that is only observed: nothing is commanded there (S15)")
        valve = valve_of(device, self._ways.observed)
        if valve is None or point not in ("", valve.point):
            raise ModeRefused(f"{device_id} has no valve of this name that can be told to close, and is read back")
        return valve

    def _reason_not_to(self, valve: Valve, own: str = "") -> str:
        """Why this valve is not closed for a test now. ``own``: id of the test that asks, which goes on itself."""
        ways, device = self._ways, valve.device
        if ways.origin is not Origin.LIVE:
            return "nothing that this gateway hears is live: there is no valve to prove"
        areas = {device.area.id, *device.part.upstream_of}
        for run in self._runs.values():
            other = ways.site.devices.get(run.test.device)
            if run.test.id != own and other is not None and other.area.id in areas:
                return f"{run.test.id} is being tested: one valve of an area at a time"
        reason = ways.interlocks.refusal(device.id, PROOF_TEST)
        if reason:
            return reason
        standing = standing_alarm(ways.alarms, frozenset().union(*map(ways.devices_of, areas)) | {device.id})
        if standing is not None:
            return f"{standing.alarm} is {standing.state.word}: settle it before a proof test"
        picture = ways.alarms.group_of(device.id, Origin.LIVE).picture
        known = picture.known(valve.place)
        if known is None or known.value != valve.opened or not known.quality.is_good or picture.lost:
            return f"{device.id} does not say beyond doubt that {valve.point} is open: closing it would prove nothing"
        return ""

    # -- on time ---------------------------------------------------------------------------------------------

    def due(self) -> int | None:
        """The mono time of the next `tick` that can change something; 0 is at once."""
        if self._written or any(not run.is_written for run in self._runs.values()):
            return 0
        return self._look_at

    def tick(self, now: Moment) -> None:
        """Send what was written down, write down what was asked for, look at due dates."""
        written, self._written = self._written, []
        for run, error in written:
            self._send(run, error, now)
        for run in [one for one in self._runs.values() if not one.is_written]:
            self._write(run, now)
        if self._look_at is not None and now.mono >= self._look_at:
            self._look(now)
            self._ways.settle(now)

    def _write(self, run: _Run, now: Moment) -> None:
        """Nothing leaves before it is on the disk that something may have left."""
        run.is_written = True
        run.test = msgspec.structs.replace(run.test, state="moving")

        def written(error: Exception | None) -> None:
            self._written.append((run, error))
            self._ways.wake()

        self._ways.store(self._told(run.test, now), written)

    def _send(self, run: _Run, error: Exception | None, now: Moment) -> None:
        test = run.test
        if self._runs.get(test.id) is not run:
            return
        device = self._ways.site.devices.get(test.device)
        valve = valve_of(device, self._ways.observed) if device is not None else None
        if error is not None:
            reason = f"it could not be written down ({error}): an act without a record of it is not done"
        elif valve is None or (valve.point, valve.command.name) != (test.point, test.command):
            reason = "the site was changed before anything was sent"
        else:
            reason = self._reason_not_to(valve, test.id)
        if reason:
            self._keep(self._end(run, "interrupted", now, reason))
            return
        run.command = f"{CAUSE}{test.id}/{test.began_at}"
        run.issued = now.mono
        expires_at = now.wall + int((test.within_s + LIFE_S) * SECOND)
        command = Command(
            run.command, test.device, test.command, Origin.LIVE, CAUSE + test.id, now.wall, expires_at
        )  # fmt: skip
        self._ways.issue(command, now)

    # -- what becomes of it ----------------------------------------------------------------------------------

    def heed(self, event: CommandEvent, now: Moment) -> Verdict:
        """What became of a command, of whatever cause; what is stored of it in the same commit."""
        cause, command = event.command.cause, event.command.id
        if not cause.startswith(CAUSE):
            return NOTHING
        run = self._runs.get(cause.removeprefix(CAUSE))
        if run is not None and run.command == command:
            return self._conclude(run, event, now)
        return self._heed_late(command, event, now)

    def _conclude(self, run: _Run, event: CommandEvent, now: Moment) -> Verdict:
        took_s = (now.mono - run.issued) / SECOND
        if event.status not in ("confirmed", *_FAILS):
            return NOTHING
        tripped = self._tripped(run.test.device)
        if tripped:
            detail = f"{tripped} tripped meanwhile, and moves it too: this proves nothing"
            return self._end(run, "interrupted", now, detail)
        if event.status == "confirmed":
            run.test = msgspec.structs.replace(run.test, took_s=took_s, passed_at=now.wall)
            return self._end(run, "passed", now, "")
        if event.status == "failed":
            self._late[run.command] = run
        return self._end(run, "failed", now, event.detail or event.status)

    def _heed_late(self, command: str, event: CommandEvent, now: Moment) -> Verdict:
        """A valve that has failed its test, and is still told to close."""
        run = self._late.get(command)
        if run is None or event.status not in ("confirmed", *_FAILS):
            return NOTHING
        del self._late[command]
        if event.status != "confirmed" or self.last.get(run.test.id) is not run.test:
            return NOTHING
        took_s = (now.mono - run.issued) / SECOND
        run.test = msgspec.structs.replace(run.test, took_s=took_s, detail=f"{run.test.detail}; it closed late")
        return self._told(run.test, now, "late")

    def _tripped(self, device: str) -> str:
        """An interlock that tripped by a cause of its own, and not because the valve was found closed."""
        areas = self._areas_of(device)
        return next(
            (
                one.id
                for one in self._ways.interlocks.records()
                if one.zone in areas
                and one.origin is Origin.LIVE
                and any(cause != FOUND_CLOSED for cause, _ in one.causes)
            ),
            "",
        )

    def _areas_of(self, device: str) -> set[str]:
        known = self._ways.site.devices.get(device)
        if known is None:
            return set()
        return {known.area.id, *known.part.upstream_of, *([known.area.within] if known.area.within else [])}

    def _end(self, run: _Run, state: State, now: Moment, detail: str) -> Verdict:
        del self._runs[run.test.id]
        run.test = msgspec.structs.replace(run.test, state=state, ended_at=now.wall, detail=detail)
        if state != "interrupted":
            self._report(run.test.device, FAILED, state == "failed", now)
        verdict = self._told(run.test, now)
        if state == "passed":
            self._look(now)
        return verdict

    def _told(self, test: ProofTest, now: Moment, what: str = "") -> Verdict:
        """The begin, the sending or the end of a test, to be stored."""
        self.last[test.id] = test
        entry_id = f"{test.id}~proof~{test.began_at}~{what or test.state}"
        entry = Entry(KIND, entry_id, partition_of(test.device), now.wall, encode(test))
        return Verdict([entry], {STATE + test.id: encode(test)})

    def _keep(self, verdict: Verdict) -> None:
        self._ways.store(verdict, nobody_waits)

    # -- due dates -------------------------------------------------------------------------------------------

    def _is_overdue(self, name: str, now: Moment) -> bool:
        return now.wall >= self._due_at(name)

    def _due_at(self, name: str) -> int:
        last = self.last.get(name)
        return due_at(self.plan.elements[name], last.passed_at if last is not None else 0)

    def _look(self, now: Moment) -> None:
        """Say which elements are overdue; whoever calls sees to it that this is stored."""
        told = {
            record.device
            for record in self._ways.alarms.records_of({one.device for one in self.plan.elements.values()})
            if record.rule == OVERDUE and record.active and record.origin is Origin.LIVE
        }
        later = LOOK_NS
        for name, element in self.plan.elements.items():
            is_overdue = self._is_overdue(name, now)
            if is_overdue != (element.device in told):
                self._report(element.device, OVERDUE, is_overdue, now)
            if not is_overdue:
                later = min(later, self._due_at(name) - now.wall)
        self._look_at = now.mono + later if self.plan.elements else None

    def _report(self, device: str, rule: str, active: bool, now: Moment) -> None:
        if device in self._ways.site.devices:
            self._ways.alarms.report(device, rule, active, now, role="valve")

    def follow_site(self, now: Moment) -> None:
        """The site was changed; the alarms and interlocks follow it already. A test ends whose valve is gone."""
        for run in tuple(self._runs.values()):
            device = self._ways.site.devices.get(run.test.device)
            if device is None or valve_of(device, self._ways.observed) is None:
                self._keep(self._end(run, "interrupted", now, "the site was changed, and its valve is gone"))
        self._replan(now)

    def _replan(self, now: Moment) -> None:
        if self._ways.origin is not Origin.LIVE:
            return
        plan = plan_of(self._ways.site, self._ways.observed, self.plan, now.wall)
        if plan != self.plan:
            self.plan = plan
            body = encode(plan)
            entry = Entry(PLAN_KIND, f"proof-plan~{now.wall}", 0, now.wall, body)
            self._keep(Verdict([entry], {PLAN_STATE: body}))
        self._look(now)
        self._ways.settle(now)

    # -- over a restart --------------------------------------------------------------------------------------

    def load(self, state: Mapping[str, bytes], now: Moment) -> None:
        """Take back what stood before the restart; the alarms are loaded. A test that went on is over: nothing is sent
        again."""
        if PLAN_STATE in state:
            self.plan = decode_proof_plan(state[PLAN_STATE])
        for key, body in state.items():
            if key.startswith(STATE):
                test = decode_proof_test(body)
                self.last[test.id] = test
        for test in [one for one in self.last.values() if one.is_running]:
            detail = RESTARTED_BEFORE if test.state == "begun" else RESTARTED
            self._runs[test.id] = run = _Run(test)
            self._keep(self._end(run, "interrupted", now, detail))
        self._replan(now)
