"""The queue of people's commands: order, expiry, taking back, permissives, and what is kept over a kill -9."""

from collections.abc import Callable

import pytest

from gateway.actuator import Actuator
from gateway.command_queue import RESTARTED, CommandQueue, Ways
from gateway.command_rules import MOST_OPEN
from gateway.errors import CommandRefused, NoSuchCommand
from gateway.pipeline import Verdict
from journal.entry import Done
from journal.errors import JournalFull
from protocols.command import Command, CommandEvent, decode_command_event
from protocols.command_log import KEPT
from protocols.moment import SECOND
from protocols.profile.model import Profile
from protocols.profile.schema import CommandPart
from protocols.reading import Origin
from protocols.request import OperatorRequest
from tests.fixtures.stories import GAS, at, gas_reading

DEVICE = "gas:1"
CLOSED, RUNNING = 2.0, 2.0


class Bench:
    """A queue over a real actuator. ``state`` and ``events`` are what the journal has: a commit is whole or is not;
    with ``disk`` off nothing is committed any more, as at a kill."""

    def __init__(self, state: dict[str, bytes] | None = None, origin: Origin = Origin.LIVE) -> None:
        self.state: dict[str, bytes] = dict(state or {})
        self.events: list[CommandEvent] = []
        self.sent: list[str] = []
        self.takes = True
        self.disk: Exception | None = None
        self.killed = False
        self.refusal = ""
        self.seconds = 0.0
        self.actuator = Actuator(self, _profile)
        self.queue = CommandQueue(
            Ways(_profile, origin, lambda _device, _effect: self.refusal, self.store, lambda: None)
        )
        self.queue.issuer = self
        self.queue.load(self.state, at(0))

    def send(self, device: str, command: CommandPart, sent: Callable[[str], None]) -> None:
        self.sent.append(command.name)
        sent("" if self.takes else "no answer")

    def store(self, verdict: Verdict, done: Done) -> None:
        if self.killed:
            return
        if self.disk is None:
            self.events += [decode_command_event(one.body) for one in verdict.entries]
            self.state |= {key: body for key, body in verdict.state.items() if body is not None}
        done(self.disk)

    def issue(self, command: Command, now: object) -> None:
        self.actuator.issue(command, at(self.seconds))
        self.follow()

    def withdraw(self, command_id: str, why: str, now: object) -> None:
        self.actuator.cancel(command_id, at(self.seconds), why)
        self.follow()

    def follow(self) -> None:
        """What the watch does: the events and their state in one commit."""
        for event in self.actuator.drain()[0]:
            state = dict(self.queue.follow(event))
            if not self.killed:
                self.events.append(event)
                self.state |= {key: body for key, body in state.items() if body is not None}

    def ask(self, name: str, number: int = 1, *, life_s: float = 60, priority: int = 1, who: str = "ada") -> None:
        now = at(self.seconds)
        expires = now.wall + int(life_s * SECOND)
        request = OperatorRequest(
            f"c{number}", "command", DEVICE, who, now.wall, expires, "smell", command=name, priority=priority
        )
        self.store(self.queue.ask(request, now), lambda _error: None)

    def cancel(self, number: int = 1) -> None:
        now = at(self.seconds)
        request = OperatorRequest("x", "cancel-command", f"{DEVICE}~c{number}", "bob", now.wall, now.wall, "wrong one")
        self.store(self.queue.cancel(request, now), lambda _error: None)

    def until(self, seconds: float) -> None:
        """Time goes by; the queue and the actuator are ticked when they are due."""
        while True:
            dues = [due for due in (self.queue.due(), self.actuator.due()) if due is not None]
            if not dues or min(dues) > at(seconds).mono:
                break
            self.seconds = max(self.seconds, (min(dues) - at(0).mono) / SECOND)
            self.queue.tick(at(self.seconds))
            self.actuator.tick(at(self.seconds))
            self.follow()
        self.seconds = seconds

    def hear(self, self_test: float) -> None:
        self.actuator.observe(gas_reading(self.seconds, DEVICE, self_test=self_test), at(self.seconds))
        self.follow()

    def told(self) -> list[str]:
        return [f"{one.command.id} {one.status}" for one in self.events]

    def killed_and_started(self) -> "Bench":
        """The process is gone; what was committed is there."""
        return Bench(self.state)


def _profile(device: str) -> Profile | None:
    return GAS if device == DEVICE else None


def trip(status: str) -> CommandEvent:
    command = Command("t1", DEVICE, "close-valve", Origin.LIVE, "trip/kitchen", at(0).wall, at(300).wall)
    return CommandEvent(command, status, at(0).wall)


def test_a_command_is_kept_sent_and_proved() -> None:
    bench = Bench()
    bench.ask("self-test")
    bench.until(1)
    bench.hear(self_test=1.0)
    assert bench.told() == ["c1 waiting", "c1 issued", "c1 sent", "c1 confirmed"]
    (first, *_, last) = bench.events
    assert (first.command.cause, first.why, first.at, last.attempt) == ("person/ada", "smell", at(0).wall, 1)
    assert bench.queue.due() is None


def test_one_goes_at_a_time_and_the_most_urgent_first() -> None:
    bench = Bench()
    for number, priority in ((1, 2), (2, 1), (3, 0)):
        bench.ask("self-test", number, priority=priority)
    for _ in range(3):
        bench.until(bench.seconds + 1)
        bench.hear(self_test=1.0)
    assert [one for one in bench.told() if "confirmed" in one] == ["c3 confirmed", "c2 confirmed", "c1 confirmed"]


def test_nothing_waits_before_a_final_element() -> None:
    bench = Bench()
    bench.ask("self-test", 1)
    bench.until(1)
    bench.ask("self-test", 2)
    bench.ask("close-valve", 3, priority=2)
    bench.until(2)
    assert bench.sent == ["self-test", "close-valve"]


def test_a_trip_goes_first_and_others_wait_for_its_end() -> None:
    bench = Bench()
    bench.queue.follow(trip("issued"))
    bench.ask("self-test")
    bench.until(5)
    assert bench.sent == []
    bench.queue.follow(trip("confirmed"))
    bench.until(6)
    assert bench.sent == ["self-test"]


def test_what_waits_too_long_expires_and_is_never_sent() -> None:
    bench = Bench()
    bench.queue.follow(trip("issued"))
    bench.ask("self-test", life_s=10)
    bench.until(20)
    bench.queue.follow(trip("confirmed"))
    bench.until(30)
    assert (bench.told(), bench.sent) == (["c1 waiting", "c1 expired"], [])


def test_what_waits_is_taken_back_and_what_left_is_not() -> None:
    bench = Bench()
    bench.ask("self-test", 1)
    bench.ask("self-test", 2)
    bench.cancel(2)
    bench.until(1)
    with pytest.raises(CommandRefused, match="it is sent, and waits no more"):
        bench.cancel(1)
    with pytest.raises(NoSuchCommand):
        bench.cancel(7)
    assert (bench.sent, bench.events[2].detail) == (["self-test"], "by bob: wrong one")


def test_nobody_takes_a_trip_back() -> None:
    bench = Bench()
    bench.queue.follow(CommandEvent(Command("c1", DEVICE, "close-valve", Origin.LIVE, "trip/k", 0, 0), "waiting", 0))
    with pytest.raises(CommandRefused, match="nobody takes it back"):
        bench.cancel(1)


def test_a_queue_is_bounded_and_so_is_what_is_kept() -> None:
    bench = Bench()
    bench.takes = False
    for number in range(MOST_OPEN):
        bench.ask("self-test", number)
    with pytest.raises(CommandRefused, match="16 commands of gas:1 are not over yet"):
        bench.ask("self-test", 99)
    bench.until(100)
    for number in range(100, 100 + 3 * KEPT):
        bench.ask("self-test", number, life_s=1)
        bench.until(bench.seconds + 30)
    assert len(bench.queue.log.of(DEVICE)) == KEPT


@pytest.mark.parametrize("name", ["close-valve", "start-fan"])
def test_a_final_element_is_moved_for_a_named_person_with_a_reason(name: str) -> None:
    bench = Bench()
    with pytest.raises(CommandRefused, match="named person"):
        bench.ask(name, who="")
    request = OperatorRequest("c1", "command", DEVICE, "ada", at(0).wall, at(60).wall, " ", command=name)
    with pytest.raises(CommandRefused, match="say why"):
        bench.queue.ask(request, at(0))
    assert bench.queue.due() is None


def test_a_fan_that_may_not_start_any_more_is_not_tried_again() -> None:
    bench = Bench()
    bench.takes = False
    bench.ask("start-fan")
    bench.until(0.5)
    bench.refusal = "level 2"
    bench.until(60)
    assert bench.sent == ["start-fan"]
    assert (bench.events[-1].status, bench.events[-1].detail) == ("cancelled", "level 2")


def test_what_may_not_be_sent_is_refused_at_the_moment_of_sending_too() -> None:
    bench = Bench()
    bench.ask("start-fan")
    bench.refusal = "a permissive is gone"
    bench.until(1)
    assert (bench.told(), bench.sent) == (["c1 waiting", "c1 refused"], [])


def test_a_simulated_gateway_sends_nothing() -> None:
    bench = Bench(origin=Origin.SIMULATED)
    bench.ask("self-test")
    bench.until(1)
    assert (bench.told(), bench.sent) == (["c1 waiting", "c1 refused"], [])


@pytest.mark.parametrize(("name", "sent"), [("self-test", []), ("close-valve", ["close-valve"])])
def test_without_a_record_only_the_safe_side_is_moved(name: str, sent: list[str]) -> None:
    bench = Bench()
    bench.ask(name)
    bench.disk = JournalFull("the disk is full")
    bench.until(1)
    assert bench.sent == sent


def test_what_waits_is_sent_once_after_a_kill() -> None:
    bench = Bench()
    bench.queue.follow(trip("issued"))
    bench.ask("self-test")
    after = bench.killed_and_started()
    after.until(1)
    after.hear(self_test=1.0)
    again = after.killed_and_started()
    again.until(60)
    assert (after.sent, again.sent) == (["self-test"], [])
    assert again.queue.log.of(DEVICE)[-1].status == "confirmed"


@pytest.mark.parametrize(
    ("name", "sent", "status"), [("self-test", [], "given-up"), ("close-valve", ["close-valve"], "sent")]
)
def test_what_was_sent_when_the_gateway_was_killed(name: str, sent: list[str], status: str) -> None:
    """The record says that it was handed over, and nothing after that was written."""
    bench = Bench()
    bench.ask(name)
    bench.queue.tick(at(0))
    bench.killed = True
    bench.queue.tick(at(0))
    assert bench.sent == [name]
    after = bench.killed_and_started()
    after.until(1)
    (record,) = after.queue.log.of(DEVICE)
    assert (after.sent, record.status) == (sent, status)
    assert record.detail == ("" if sent else RESTARTED)


def test_a_trips_command_of_before_a_kill_is_over_its_trip_drives_a_new_one() -> None:
    bench = Bench()
    bench.state |= {key: body for key, body in bench.queue.follow(trip("sent")).items() if body is not None}
    (record,) = bench.killed_and_started().queue.log.of(DEVICE)
    assert (record.status, record.is_over) == ("given-up", True)


def test_a_request_of_an_older_release_has_no_command() -> None:
    with pytest.raises(CommandRefused, match="has no command ''"):
        Bench().ask("")
