"""The watch over an observed hydrogen station: what was not proven is an alarm, and ordinary readings miss nothing."""

from typing import Any

import pytest

from alarms.alarm import AlarmRecord
from alarms.engine import AlarmEngine, Watched
from alarms.set_values import SetValues
from alarms.states import AlarmState
from gateway.actuator import Actuator
from gateway.pipeline import Verdict
from gateway.watch import Watch
from interlocks.engine import InterlockEngine
from interlocks.record import decode_event
from protocols.moment import Moment
from protocols.reading import Origin, Reading
from tests.fixtures.alarm_stories import RULES
from tests.fixtures.stations import MATRIX, PERIOD_S, ROWS, SETS, STATION, station_zone, told
from tests.fixtures.stories import MONO, WALL, at

ALARM_SETS = tuple(SetValues(*one) for one in SETS)


class Scene:
    """A watch over one station, ticked when, and only when, it is due."""

    def __init__(self, start: float = 0.0) -> None:
        now = at(start)
        self.stored: list[Verdict] = []
        self.state: dict[str, bytes] = {}
        self.watch = Watch(
            InterlockEngine([MATRIX], [station_zone()], now),
            AlarmEngine(RULES, [Watched("plc:1", STATION, "hydrogen-station", PERIOD_S, ALARM_SETS)], now),
            Actuator(self, lambda _device: STATION),
            self._keep,
        )

    def send(self, *_: Any) -> None:
        """Nothing is ever sent to a station."""
        raise AssertionError("a command left for a station that is only observed")

    def _keep(self, verdict: Verdict) -> None:
        self.stored.append(verdict)
        self.state |= {key: body for key, body in verdict.state.items() if body is not None}

    def until(self, seconds: float) -> None:
        while (due := self.watch.due()) is not None and due <= at(seconds).mono:
            self.watch.tick(Moment(WALL + due - MONO, due))

    def hear(self, *readings: Reading) -> None:
        for reading in readings:
            seconds = (reading.at - WALL) / 10**9
            self.until(seconds)
            self._keep(self.watch.observe(reading, at(seconds)))

    def quiet(self, begin: int, end: int) -> None:
        self.hear(*(told(seconds) for seconds in range(begin, end, 5)))

    def alarms(self, rule: str) -> dict[str, AlarmState]:
        """Those of a rule that are not normal, by point."""
        found = (one for one in self.watch.alarms.records() if _rule(one) == rule)
        return {
            one.alarm.removeprefix(f"plc:1~{rule}").removeprefix(":"): one.state
            for one in found
            if one.state is not AlarmState.NORMAL
        }

    def trips(self) -> list[tuple[str, str]]:
        events = [decode_event(entry.body) for one in self.stored for entry in one.entries if entry.kind == "trip"]
        return [(one.event, one.cause) for one in events if one.event != "effect"]


def _rule(record: AlarmRecord) -> str:
    return record.rule


POINTS = {
    "HS-1": {"fan_running"}, "HS-2": {"station_alarm"}, "HS-3": {"dispenser_stopped", "inlet_valve_closed"},
    "HS-4": {"esd"}, "HS-5": {"station_valves_closed"}, "HS-6a": {"compressor_running"},
    "HS-7": {"inlet_valve_closed"}, "HS-8": {"filling"},
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_after_many_ordinary_readings_a_cause_is_seen_and_its_missing_proof_is_an_alarm(row: str) -> None:
    scene, known = Scene(), ROWS[row]
    scene.quiet(0, 60)
    assert scene.trips() == [("armed", "")]
    scene.hear(told(60, **known.cause), told(61, **known.cause))
    due = 60 + known.delay + known.within
    scene.until(due - 0.1)
    assert scene.alarms(row) == {}
    if known.within > 5:
        scene.hear(told(68, **known.cause))
    scene.until(due)
    assert scene.alarms(row) == dict.fromkeys(POINTS[row], AlarmState.UNACKNOWLEDGED)
    scene.hear(told(due + 1, **{**known.cause, **known.proof}))
    assert scene.alarms(row) == dict.fromkeys(POINTS[row], AlarmState.LATCHED_UNACKNOWLEDGED)


@pytest.mark.parametrize(
    ("change", "is_judged"),
    [
        ({}, False),
        ({"filling": 1.0}, False),
        ({"filling": 1.0, "vehicle_data": 0.0}, True),
        ({"pressure_low_bank": 2.0}, True),
        ({"h2_room": 0.4}, True),
        ({"esd": 1.0}, True),
    ],
)
def test_only_what_may_change_something_is_judged(change: dict[str, float], is_judged: bool) -> None:
    scene = Scene()
    scene.quiet(0, 60)
    (membership,) = scene.watch.interlocks.memberships("plc:1", Origin.LIVE)
    assert (membership.passes(told(60, **change), at(60)) is None) == is_judged


def test_quiet_readings_are_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    scene.quiet(0, 20)
    judged: list[Reading] = []
    monkeypatch.setattr(InterlockEngine, "observe", lambda _engine, reading, _now: judged.append(reading))
    scene.quiet(20, 60)
    assert judged == []


def test_counter_that_stands_still_under_ordinary_readings_is_an_alarm() -> None:
    scene = Scene()
    scene.quiet(0, 60)
    scene.hear(*(told(seconds, plc_heartbeat=600.0) for seconds in (60, 62, 65, 69)))
    assert scene.alarms("HS-9") == {}
    scene.until(70)
    assert scene.alarms("HS-9") == {"": AlarmState.UNACKNOWLEDGED}


def test_low_bank_and_a_station_that_goes_silent_are_seen_after_ordinary_readings() -> None:
    scene = Scene()
    scene.quiet(0, 60)
    scene.hear(told(60, pressure_high_bank=5.0))
    scene.until(70)
    assert scene.trips()[1:] == [("tripped", "HS-6b"), ("tripped", "HS-9")]


@pytest.mark.parametrize("origin", [Origin.DRILL, Origin.SIMULATED])
def test_drill_raises_nothing(origin: Origin) -> None:
    scene = Scene()
    scene.quiet(0, 20)
    scene.hear(told(20, origin, h2_room=0.4), told(22))
    scene.until(31.9)
    assert ("tripped", "HS-1") in scene.trips()
    assert scene.alarms("HS-1") == {}


def test_alarm_of_a_missing_proof_is_found_again_after_a_restart() -> None:
    scene = Scene()
    scene.quiet(0, 20)
    scene.hear(told(20, h2_room=0.4))
    scene.until(30)
    again = Scene(31)
    again.watch.load(scene.state, at(31))
    again.hear(told(32, h2_room=0.4))
    assert again.alarms("HS-1") == {"fan_running": AlarmState.UNACKNOWLEDGED}
    again.hear(told(33, h2_room=0.4, fan_running=1.0))
    assert again.alarms("HS-1") == {"fan_running": AlarmState.LATCHED_UNACKNOWLEDGED}
