"""The actuator: what it sends and when, what proves a command, and what it refuses (S2, S3, S4, S5, S10)."""

import dataclasses
from collections.abc import Callable

import msgspec
import pytest

from gateway.actuator import Actuator
from protocols.command import Command
from protocols.moment import SECOND, Moment
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile
from protocols.profile.schema import CommandPart
from protocols.quality import Quality
from protocols.reading import Origin, Reading
from tests.fixtures.stories import GAS, MONO, WALL, at, gas_reading, marked, varied

LIFE_S = 300.0
CLOSED = {"valve": 2.0}


class Line:
    """A way to one device that the test answers for."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.answers: list[Callable[[str], None]] = []
        self.problem: str | None = ""
        """What every transmission is answered with at once; ``None``: later, by the test."""

    def send(self, device: str, command: CommandPart, sent: Callable[[str], None]) -> None:
        self.sent.append((device, command.name))
        self.answers.append(sent)
        if self.problem is not None:
            sent(self.problem)


class Scene:
    """An actuator on a clock that the test moves; ticked when, and only when, it is due."""

    def __init__(self, profile: Profile = GAS) -> None:
        self.line = Line()
        self.wall_step = 0
        self.profile: Profile | None = profile
        self.actuator = Actuator(self.line, lambda device: self.profile if device == "gas:1" else None)
        self.told: list[tuple[float, str]] = []
        self.details: list[str] = []
        self.settled: list[tuple[float, str, bool]] = []
        self.sent_at: list[float] = []

    def moment(self, mono: int) -> Moment:
        return Moment(WALL + mono - MONO + self.wall_step, mono)

    def _take(self, mono: int) -> None:
        seconds = (mono - MONO) / SECOND
        events, settled = self.actuator.drain()
        self.told += [(seconds, event.status) for event in events]
        self.details += [event.detail for event in events if event.detail]
        self.settled += [(seconds, command, ok) for command, ok in settled]
        self.sent_at += [seconds] * (len(self.line.sent) - len(self.sent_at))

    def until(self, seconds: float) -> None:
        while (due := self.actuator.due()) is not None and due <= at(seconds).mono:
            self.actuator.tick(self.moment(due))
            self._take(due)

    def issue(self, seconds: float = 0.0, **other: object) -> Command:
        self.until(seconds)
        now = self.moment(at(seconds).mono)
        command = Command(
            "c/1", "gas:1", "close-valve", Origin.LIVE, "trip/x", now.wall, now.wall + int(LIFE_S * SECOND)
        )  # fmt: skip
        command = msgspec.structs.replace(command, **other)
        self.actuator.issue(command, now)
        self._take(now.mono)
        return command

    def hear(self, seconds: float, reading: Reading) -> None:
        self.until(seconds)
        self.actuator.observe(reading, self.moment(at(seconds).mono))
        self._take(at(seconds).mono)


def test_command_leaves_at_once_and_is_proved_by_its_read_back() -> None:
    scene = Scene()
    scene.issue()
    scene.hear(1, gas_reading(1))
    scene.hear(2, gas_reading(2, **CLOSED))
    scene.until(400)
    assert scene.line.sent == [("gas:1", "close-valve")]
    assert scene.told == [(0, "issued"), (0, "sent"), (2, "confirmed")]
    assert scene.settled == [(2, "c/1", True)]


def test_unproved_command_is_sent_five_times_ten_seconds_apart_and_failed_once() -> None:
    scene = Scene()
    scene.issue()
    scene.until(400)
    assert scene.sent_at == [0, 10, 20, 30, 40]
    assert [one for one in scene.told if one[1] != "sent"] == [(0, "issued"), (15, "failed"), (50, "given-up")]
    assert scene.settled == [(15, "c/1", False)]
    assert scene.actuator.due() is None
    scene.hear(420, gas_reading(420, **CLOSED))
    assert (scene.told[-1], len(scene.settled)) == ((50, "given-up"), 1), "what was given up is over"


def test_valve_that_closes_late_is_confirmed_after_the_failure() -> None:
    scene = Scene()
    scene.issue()
    scene.hear(33, gas_reading(33, **CLOSED))
    scene.until(400)
    assert scene.settled == [(15, "c/1", False), (33, "c/1", True)]
    assert scene.sent_at == [0, 10, 20, 30]


@pytest.mark.parametrize("quality", [quality for quality in Quality if not quality.is_good])
def test_only_a_good_value_is_proof(quality: Quality) -> None:
    scene = Scene()
    scene.issue()
    scene.hear(2, marked(gas_reading(2, **CLOSED), quality, "valve"))
    assert scene.settled == []


@pytest.mark.parametrize("origin", [Origin.DRILL, Origin.SIMULATED])
def test_only_a_live_value_is_proof(origin: Origin) -> None:
    scene = Scene()
    scene.issue()
    scene.hear(2, gas_reading(2, origin=origin, **CLOSED))
    assert scene.settled == []


def test_value_that_is_older_than_the_command_is_no_proof() -> None:
    scene = Scene()
    scene.issue(10)
    scene.hear(11, gas_reading(9.9, heard=11, **CLOSED))
    assert scene.settled == []
    scene.hear(12, gas_reading(10, heard=12, **CLOSED))
    assert scene.settled == [(12, "c/1", True)]


@pytest.mark.parametrize("reading", [gas_reading(2, valve=1.0), gas_reading(2, valve=3.0), gas_reading(2, valve=None)])
def test_other_values_are_no_proof(reading: Reading) -> None:
    scene = Scene()
    scene.issue()
    scene.hear(2, reading)
    assert scene.settled == []


def test_reading_of_an_older_profile_without_the_point_is_no_proof() -> None:
    scene = Scene()
    scene.issue()
    short = gas_reading(2)
    scene.hear(2, msgspec.structs.replace(short, values=short.values[:3], quality=short.quality[:3]))
    assert scene.settled == []


@pytest.mark.parametrize("step", [-7200.0, 7200.0])
def test_step_of_the_wall_clock_changes_nothing(step: float) -> None:
    scene = Scene()
    scene.issue()
    scene.wall_step = int(step * SECOND)
    scene.until(34)
    reading = gas_reading(35 + step, **CLOSED)
    scene.hear(35, reading)
    assert scene.sent_at == [0, 10, 20, 30]
    assert scene.settled == [(15, "c/1", False), (35, "c/1", True)]


LPG = shipped_profiles()["gengfu/lpg-alarm"]


@pytest.mark.parametrize("other", [None, LPG, varied({}, commands=False)])
def test_command_is_not_sent_again_to_a_device_that_became_another_one(other: Profile | None) -> None:
    scene = Scene()
    scene.issue()
    scene.profile = other
    scene.until(400)
    assert scene.sent_at == [0]
    assert scene.told[-1] == (10, "given-up")
    assert scene.settled == [(10, "c/1", False)]


def test_command_is_sent_again_though_something_else_of_the_profile_changed() -> None:
    scene = Scene()
    scene.issue()
    scene.profile = varied({"temperature": {"title": {"zh": "室温", "en": "Warmth"}}})
    scene.until(400)
    assert scene.sent_at == [0, 10, 20, 30, 40]


def test_value_at_the_same_place_of_another_profile_is_no_proof() -> None:
    scene = Scene()
    scene.issue()
    scene.hear(2, msgspec.structs.replace(gas_reading(2, **CLOSED), profile=LPG.id))
    assert scene.settled == []


# -- the way to the device fails -----------------------------------------------------------------------------------


def test_transmission_that_fails_is_tried_again_soon_and_then_seldom() -> None:
    scene = Scene()
    scene.line.problem = "the line is down"
    scene.issue()
    scene.until(60)
    assert scene.sent_at == [0, 1, 3, 7, 15, 25, 35, 45, 55]
    assert scene.settled == [(15, "c/1", False)]
    assert set(scene.details) == {"the line is down", "no read-back in time"}


def test_valve_is_closed_when_the_line_comes_back_after_minutes() -> None:
    scene = Scene()
    scene.line.problem = "the line is down"
    scene.issue()
    scene.until(200)
    scene.line.problem = ""
    scene.until(207)
    scene.hear(208, gas_reading(208, **CLOSED))
    assert (scene.told[-2][1], scene.settled[-1]) == ("sent", (208, "c/1", True))


def test_command_that_cannot_be_sent_is_given_up_when_it_expires() -> None:
    scene = Scene()
    scene.line.problem = "the line is down"
    scene.issue()
    scene.until(2 * LIFE_S)
    assert LIFE_S <= scene.told[-1][0] <= LIFE_S + 10
    assert scene.told[-1][1] == "given-up"
    assert scene.settled == [(15, "c/1", False)]


def test_answer_that_takes_long_does_not_stop_the_repetition() -> None:
    scene = Scene()
    scene.line.problem = None
    scene.issue()
    scene.until(45)
    assert scene.sent_at == [0, 10, 20, 30, 40]
    scene.line.answers[0]("no answer from 127.0.0.1:5683 over CoAP")
    scene.until(47)
    assert scene.sent_at[5:] == [41]


def test_answer_after_the_proof_changes_nothing() -> None:
    scene = Scene()
    scene.line.problem = None
    scene.issue()
    scene.hear(2, gas_reading(2, **CLOSED))
    scene.line.answers[0]("")
    scene.until(100)
    assert scene.settled == [(2, "c/1", True)]
    assert len(scene.line.sent) == 1


# -- commands without a read-back ----------------------------------------------------------------------------------


def blind_profile() -> Profile:
    """A gas alarm whose commands have no read-back."""
    parts = tuple(part.model_copy(update={"read_back": None}) for part in GAS.file.command)
    return dataclasses.replace(GAS, file=GAS.file.model_copy(update={"command": parts}))


def test_command_without_read_back_is_done_when_it_was_taken() -> None:
    scene = Scene(blind_profile())
    scene.issue()
    scene.until(100)
    assert (scene.settled, len(scene.line.sent)) == ([(0, "c/1", True)], 1)


def test_command_without_read_back_that_nobody_takes_has_failed() -> None:
    scene = Scene(blind_profile())
    scene.line.problem = None
    scene.issue()
    scene.until(11)
    assert scene.settled == [(10, "c/1", False)]


def test_answer_to_a_cancelled_command_without_read_back_is_nothing() -> None:
    scene = Scene(blind_profile())
    scene.line.problem = None
    scene.issue()
    scene.actuator.cancel("c/1", at(1))
    scene.line.answers[0]("")
    scene.line.answers[0]("too late")
    scene.until(100)
    assert scene.settled == []


# -- cancelled, refused --------------------------------------------------------------------------------------------


def test_cancelled_command_is_not_sent_again() -> None:
    scene = Scene()
    scene.issue()
    scene.actuator.cancel("c/1", at(5))
    scene.actuator.cancel("c/1", at(6))
    scene.actuator.cancel("unknown", at(6))
    scene.hear(7, gas_reading(7, **CLOSED))
    scene.until(100)
    assert (len(scene.line.sent), scene.settled) == (1, [])
    assert [status for _, status in scene.told] == ["issued", "sent", "cancelled"]


@pytest.mark.parametrize(
    ("other", "detail"),
    [
        ({"origin": Origin.DRILL}, "origin DRILL: only live commands leave the gateway"),
        ({"origin": Origin.SIMULATED}, "origin SIMULATED: only live commands leave the gateway"),
        ({"cause": "drill/x"}, "cause 'drill/x' is no trip, no named person and no proof test (S5)"),
        ({"cause": "person/"}, "cause 'person/' is no trip, no named person and no proof test (S5)"),
        ({"expires_at": WALL - 1}, "expired before it could be sent"),
        ({"device": "gas:2"}, "device 'gas:2' is not registered"),
        ({"name": "open-valve"}, "profile gengfu/gas-alarm has no command 'open-valve'"),
        ({"name": "stop-fan"}, "profile gengfu/gas-alarm has no command 'stop-fan'"),
    ],
)
def test_command_that_must_not_leave_is_refused(other: dict[str, object], detail: str) -> None:
    scene = Scene()
    scene.issue(**other)
    scene.until(100)
    assert (scene.line.sent, scene.told, scene.details) == ([], [(0, "refused")], [detail])
    assert scene.settled == [(0, "c/1", False)]


def test_two_commands_to_one_device_are_proved_apart() -> None:
    scene = Scene()
    scene.issue()
    scene.issue(1, id="c/2", name="start-fan")
    scene.hear(2, gas_reading(2, fan=2.0))
    scene.hear(3, gas_reading(3, **CLOSED))
    assert scene.settled == [(2, "c/2", True), (3, "c/1", True)]
