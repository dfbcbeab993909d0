"""The watch: order of interlocks, alarms and journal; failed final elements; what is stored; restarts."""

from collections.abc import Callable

import pytest

from alarms.actions import Action
from alarms.alarm import AlarmRecord, decode_transition
from alarms.engine import AlarmEngine, Watched
from alarms.states import AlarmState
from gateway.actuator import Actuator
from gateway.pipeline import Verdict
from gateway.watch import Watch
from interlocks.engine import InterlockEngine
from interlocks.errors import ResetRefused
from interlocks.record import decode_event
from interlocks.states import InterlockState
from journal.entry import Entry, partition_of
from protocols.command import decode_command_event
from protocols.moment import Moment
from protocols.profile.schema import CommandPart
from protocols.reading import Origin
from tests.fixtures.alarm_stories import RULES
from tests.fixtures.kitchens import ID, MATRIX, kitchen, member
from tests.fixtures.stories import GAS, MONO, WALL, at, gas_reading, own_state

DEVICES = ("gas:1", "up:1")


class Scene:
    """A watch over a kitchen and the valve up the line, ticked when, and only when, it is due."""

    def __init__(self, start: float = 0.0) -> None:
        now = at(start)
        self.stored: list[Verdict] = []
        self.sent: list[tuple[str, str]] = []
        self.at_sending: list[tuple[AlarmState, int]] = []
        self.takes: Callable[[str], bool] = lambda device: True
        zone = kitchen(member(), member("up:1", upstream=True))
        self.watch = Watch(
            InterlockEngine([MATRIX], [zone], now),
            AlarmEngine(RULES, [Watched(device, GAS, "commercial-kitchen", 2.0) for device in DEVICES], now),
            Actuator(self, lambda device: GAS),
            self.stored.append,
        )
        self.state: dict[str, bytes] = {}

    def send(self, device: str, command: CommandPart, sent: Callable[[str], None]) -> None:
        """The way to the devices."""
        self.sent.append((device, command.name))
        self.at_sending.append((self.alarm("CK-04").state, len(self.stored)))
        sent("" if self.takes(device) else "no answer")

    def alarm(self, rule: str) -> AlarmRecord:
        return next(one for one in self.watch.alarms.records() if one.alarm == f"gas:1~{rule}")

    def until(self, seconds: float) -> None:
        while (due := self.watch.due()) is not None and due <= at(seconds).mono:
            self.watch.tick(Moment(WALL + due - MONO, due))
        self._remember()

    def hear(self, seconds: float, device: str = "gas:1", **values: float) -> Verdict:
        self.until(seconds)
        verdict = self.watch.observe(gas_reading(seconds, device, **values), at(seconds))
        self.stored.append(verdict)
        self._remember()
        return verdict

    def _remember(self) -> None:
        for verdict in self.stored:
            self.state |= {key: body for key, body in verdict.state.items() if body is not None}

    def entries(self) -> list[Entry]:
        return [entry for verdict in self.stored for entry in verdict.entries]

    def told(self) -> list[str]:
        """What was stored, in words."""
        return [_words(entry) for entry in self.entries()]


def _words(entry: Entry) -> str:
    if entry.kind == "alarm":
        transition = decode_transition(entry.body)
        return f"{transition.alarm.partition('~')[2]} {transition.after.word}"
    if entry.kind == "trip":
        event = decode_event(entry.body)
        return f"{event.event} {event.cause}{event.effect} {event.status}".strip()
    event = decode_command_event(entry.body)
    return f"{event.command.device} {event.command.name} {event.status}"


LEVEL_2 = {"methane": 60.0}


def test_commands_leave_before_alarms_are_judged_and_before_anything_is_stored() -> None:
    scene = Scene()
    scene.watch.observe(gas_reading(0, **LEVEL_2), at(0))
    assert scene.sent == [("gas:1", "close-valve"), ("up:1", "close-valve")]
    assert scene.at_sending == [(AlarmState.NORMAL, 0)] * 2
    assert scene.alarm("CK-04").state is AlarmState.UNACKNOWLEDGED


def test_what_was_decided_is_handed_back_whole() -> None:
    scene = Scene()
    scene.hear(0, "up:1")
    scene.hear(2, **LEVEL_2)
    assert scene.told() == [
        "tripped RK-1",
        "effect RK-1E1 waiting",
        "effect RK-1E2 waiting",
        "effect RK-1E3 held",
        "effect RK-1E1 issued",
        "tripped RK-2",
        "effect RK-1E2 waiting",
        "effect RK-2E3 held",
        "effect RK-1E2 issued",
        "gas:1 close-valve issued",
        "gas:1 close-valve sent",
        "up:1 close-valve issued",
        "up:1 close-valve sent",
        "CK-04 unacknowledged",
    ]
    last = scene.stored[-1]
    assert set(last.state) == {f"interlock/{ID}", "alarm/gas:1~CK-04"}
    places = {"alarm": "gas:1", "trip": "kitchen"}
    assert {(one.kind, one.partition) for one in last.entries if one.kind in places} == {
        (kind, partition_of(key)) for kind, key in places.items()
    }
    assert {one.partition for one in last.entries if one.kind == "command"} == {
        partition_of("gas:1"),
        partition_of("up:1"),
    }


def test_quiet_reading_stores_nothing_after_the_first() -> None:
    scene = Scene()
    assert [_words(one) for one in (scene.hear(0, "up:1").entries, scene.hear(0).entries)[1]] == ["armed"]
    for second in range(2, 40, 2):
        assert scene.hear(second) == Verdict([], {})
        assert scene.hear(second, "up:1") == Verdict([], {})


def test_failed_valve_is_an_alarm_and_closes_the_next_one_and_a_late_closing_returns_it_latched() -> None:
    scene = Scene()
    scene.hear(0, "up:1")
    for second in range(2, 30, 2):
        scene.hear(second, methane=30.0)
        scene.hear(second, "up:1", valve=2.0 if second > 20 else 1.0)
    assert scene.sent == [("gas:1", "close-valve")] * 2 + [("up:1", "close-valve")] + [("gas:1", "close-valve")]
    failed = "gas:1 close-valve failed"
    assert scene.told().index(failed) < scene.told().index("ACT-1:valve unacknowledged")
    assert "ACT-1:fan unacknowledged" not in scene.told()
    scene.hear(30, methane=30.0, valve=2.0)
    assert scene.told()[-4:] == [
        "effect RK-1E1 done",
        "closed",
        "gas:1 close-valve confirmed",
        "ACT-1:valve latched-unacknowledged",
    ]


def test_fan_that_starts_does_not_speak_for_the_valve() -> None:
    scene = Scene()
    scene.hear(0, "up:1")
    for second in range(2, 20, 2):
        scene.hear(second, methane=30.0)
        scene.hear(second, "up:1")
    scene.watch.alarms.report("gas:1", "ACT-1", False, at(20), role="fan")
    assert scene.alarm("ACT-1:valve").state is AlarmState.UNACKNOWLEDGED


def test_device_that_does_not_answer_is_known_to_both_and_stored_without_a_reading() -> None:
    scene = Scene()
    scene.hear(0, "up:1")
    scene.hear(0, methane=8.0)
    scene.stored.clear()
    scene.watch.lost("gas:1", at(1))
    scene.until(12)
    told = scene.told()
    assert told[0] == "tripped RK-3"
    assert ("gas:1 close-valve sent" in told, "ACT-1:valve unacknowledged" in told) == (True, True)
    assert "BL-01 unacknowledged" in told
    assert all(verdict.entries or verdict.state for verdict in scene.stored)


def test_drill_is_judged_and_moves_nothing() -> None:
    scene = Scene()
    verdict = scene.watch.observe(gas_reading(0, origin=Origin.DRILL, **LEVEL_2), at(0))
    assert {one.kind for one in verdict.entries} == {"trip", "alarm"}
    assert scene.sent == []


# -- people --------------------------------------------------------------------------------------------------------


def test_action_of_a_person_is_handed_back_to_be_stored() -> None:
    scene = Scene()
    scene.hear(0, **LEVEL_2)
    verdict = scene.watch.perform(Action("acknowledge", "gas:1~CK-04", "li"), at(1))
    assert [_words(one) for one in verdict.entries] == ["CK-04 acknowledged"]
    assert list(verdict.state) == ["alarm/gas:1~CK-04"]


def test_refused_reset_stores_nothing_and_a_good_one_is_handed_back() -> None:
    scene = Scene()
    scene.hear(0, "up:1")
    scene.hear(0, valve=2.0)
    with pytest.raises(ResetRefused, match="600 s are left"):
        scene.watch.reset(ID, "li", True, at(0))
    for second in range(2, 604, 2):
        scene.hear(second, valve=2.0)
        scene.hear(second, "up:1")
    verdict = scene.watch.reset(ID, "li", True, at(603))
    assert [_words(one) for one in verdict.entries] == ["reset"]
    assert list(verdict.state) == [f"interlock/{ID}"]


# -- restart -------------------------------------------------------------------------------------------------------


def restarted(scene: Scene, seconds: float) -> Scene:
    """The gateway is killed and started again on what was stored."""
    after = Scene(start=seconds)
    after.watch.load(dict(scene.state), at(seconds))
    return after


def test_what_was_under_way_is_driven_on_after_a_restart() -> None:
    scene = Scene()
    scene.hear(0, "up:1")
    scene.hear(2, **LEVEL_2)
    after = restarted(scene, 10)
    assert after.watch.due() == at(10).mono
    after.until(10)
    assert after.sent == [("gas:1", "close-valve"), ("up:1", "close-valve")]
    assert after.alarm("CK-04").state is AlarmState.UNACKNOWLEDGED
    after.hear(12, valve=2.0, **LEVEL_2)
    assert "gas:1 close-valve confirmed" in after.told()
    assert "CK-04 unacknowledged" not in after.told()


def test_entry_ids_are_not_used_twice_even_over_restarts() -> None:
    scene = Scene()
    ids: list[tuple[str, str]] = []
    for start in (0, 10, 20):
        scene = restarted(scene, start)
        scene.hear(start, "up:1")
        for second in range(start, start + 8, 2):
            scene.hear(second, methane=60.0 if second % 4 else 0.0)
        ids += [(entry.kind, entry.id) for entry in scene.entries()]
    assert len(ids) > 20
    assert len(set(ids)) == len(ids)


def test_newest_stored_value_of_each_device_counts_when_none_follows() -> None:
    scene = Scene()
    tail = [
        gas_reading(-30, methane=0.0),
        gas_reading(-20, methane=60.0, origin=Origin.DRILL),
        gas_reading(-25, methane=8.0),
        gas_reading(-26, methane=0.0),
        gas_reading(-10, "gas:unknown", methane=60.0),
        gas_reading(-10, "up:1"),
        own_state(-5),
    ]
    scene.watch.recall(tail, at(0))
    scene.until(29)
    assert scene.sent == []
    scene.until(41)
    assert scene.sent[0] == ("gas:1", "close-valve")
    interlock = next(one for one in scene.watch.interlocks.records() if one.id == ID)
    assert (interlock.state, interlock.first_out) == (InterlockState.TRIPPED, "RK-3")
    assert scene.alarm("BL-01").state is AlarmState.UNACKNOWLEDGED


def test_due_is_the_earliest_of_all_three() -> None:
    scene = Scene()
    assert scene.watch.due() == at(30).mono
    scene.hear(0)
    assert scene.watch.due() == at(5).mono
