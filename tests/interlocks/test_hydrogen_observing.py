"""Stories of an observed hydrogen station: what it must do by itself, and whether its proof was seen in time (S15)."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from alarms.rule import AlarmRule
from interlocks.errors import ResetRefused
from interlocks.outbox import Failure
from interlocks.states import InterlockState
from interlocks.zone import Member
from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Origin, Reading
from tests.fixtures.alarm_stories import RULES
from tests.fixtures.stations import MATRIX, PERIOD_S, ROWS, SETS, STATION, Station, ready, station_zone, told

LEAK: dict[str, Any] = {"h2_room": 0.4}
FAN: dict[str, Any] = {"fan_running": 1.0}
FLAME: dict[str, Any] = {"flame": 1.0, "station_valves_closed": 1.0}
NOT_PROVEN, PROVEN = Failure("plc:1", "fan-proof", True, "HS-1"), Failure("plc:1", "fan-proof", False, "HS-1")


def begun(row: str) -> tuple[Station, float, dict[str, Any]]:
    """A station whose cause has stood for its delay, when, and with what."""
    cause = {**QUIET_PROOFS[row], **ROWS[row].cause}
    station = ready()
    station.hear(told(10, **cause))
    station.until(10 + ROWS[row].delay)
    return station, 10 + ROWS[row].delay, cause


QUIET_PROOFS: dict[str, dict[str, Any]] = {row: {"filling": 1.0} if row == "HS-8" else {} for row in ROWS}


@pytest.mark.parametrize("row", ROWS)
def test_proof_in_time_is_written_down_and_raises_nothing(row: str) -> None:
    station, began, cause = begun(row)
    within, roles = ROWS[row].within, ROWS[row].roles
    seen = began + within - 0.5
    station.hear(told(seen, **{**cause, **ROWS[row].proof}))
    station.until(began + within)
    waiting, done = [(began, row, "waiting")] * len(roles), [(seen, row, "done")] * len(roles)
    of_row = [one for one in station.story() if one[1] == row]
    assert of_row == [(began, row, "tripped"), *waiting, *done]
    assert [one for _, one in station.failures if one.rule == row] == []


@pytest.mark.parametrize("row", ROWS)
def test_missing_proof_is_told_at_its_time_and_taken_back_when_it_comes(row: str) -> None:
    station, began, cause = begun(row)
    within, roles = ROWS[row].within, ROWS[row].roles
    if within > PERIOD_S:
        station.hear(told(began + 4.5, **cause))
    station.until(began + within - 0.1)
    assert station.failures == []
    station.until(began + within)
    of_row = [(when, one) for when, one in station.failures if one.rule == row]
    assert of_row == [(began + within, Failure("plc:1", role, True, row)) for role in roles]
    late = began + within + 1
    station.hear(told(late, **{**cause, **ROWS[row].proof}))
    of_row = [(when, one) for when, one in station.failures if one.rule == row]
    assert of_row[len(roles) :] == [(late, Failure("plc:1", role, False, row)) for role in roles]


@pytest.mark.parametrize("row", ROWS)
def test_each_row_asks_for_its_stage_of_the_plan(row: str) -> None:
    station, _, _ = begun(row)
    stages = {one.cause: one.stage for _, one in station.events if one.event == "tripped"}
    wanted = {"HS-1": "verify", "HS-2": "verify", "HS-6a": "", "HS-8": ""}
    assert stages[row] == wanted.get(row, "full")


def _reported_roles(rule: AlarmRule) -> set[str | None]:
    return {one.role for one in rule.any if one.kind == "reported"}


@pytest.mark.parametrize("cause", [one for one in MATRIX.cause if one.expect], ids=lambda one: str(one.id))
def test_each_row_has_an_alarm_at_its_proof_and_at_its_cause(cause: Any) -> None:
    rule = RULES[cause.id]
    assert {one.role for one in cause.expect} | {one.role for one in cause.when} <= _reported_roles(rule)
    assert rule.latch
    assert rule.priority == ("high" if cause.id in ("HS-6a", "HS-8") else "critical")


def test_over_range_and_a_bad_high_value_are_causes() -> None:
    for marks in ({"h2_storage": Quality.BAD_OVER_RANGE}, {"h2_storage": Quality.UNCERTAIN_STALE}):
        station = ready()
        station.hear(told(10, marks=marks, h2_storage=0.9))
        assert [one.cause for _, one in station.events if one.event == "tripped"] == ["HS-1"]


def test_over_range_in_a_cabinet_counts_as_level_2() -> None:
    station = ready()
    station.hear(told(10, marks={"h2_cabinet": Quality.BAD_OVER_RANGE}, h2_cabinet=4.4))
    assert [one.cause for _, one in station.events if one.event == "tripped"] == ["HS-2", "HS-3"]


def test_just_below_every_limit_nothing_is_expected() -> None:
    station = ready()
    station.hear(
        told(10, h2_room=0.399, h2_cabinet=0.399, pressure_high_bank=89.9, pressure_low_bank=2.1, vehicle_data=0.0)
    )
    assert station.story() == []


def test_low_pressure_is_written_down_and_expects_nothing() -> None:
    station = ready()
    station.hear(told(10, pressure_low_bank=2.0), told(15))
    assert station.story() == [(10, "HS-6b", "tripped"), (15, "armed", "armed")]
    assert station.failures == []


def test_bank_without_a_set_value_is_not_looked_at() -> None:
    station = ready(zone=station_zone(Member("plc:1", STATION, PERIOD_S, sets=SETS[:1])))
    station.hear(told(10, pressure_high_bank=109.0))
    assert station.story() == []


def test_vehicle_data_for_a_moment_are_not_lost() -> None:
    station = ready()
    station.hear(told(10, filling=1.0, vehicle_data=0.0), told(11.9, filling=1.0))
    station.until(14)
    assert station.story() == []


def test_vehicle_data_of_bad_quality_are_lost() -> None:
    station = ready()
    station.hear(told(10, marks={"vehicle_data": Quality.BAD_SENSOR_FAULT}, filling=1.0, vehicle_data=1.0))
    station.until(13)
    assert station.story() == [(12, "HS-8", "tripped"), (12, "HS-8", "waiting")]


def test_cause_that_went_again_still_needs_its_proof() -> None:
    station = ready()
    station.hear(told(10, **FLAME), told(11))
    station.until(12)
    assert station.story()[1:] == [(10, "HS-4", "waiting"), (12, "HS-4", "failed")]
    station.hear(told(13))
    assert (station.record.state, station.record.effects) == (InterlockState.ARMED, [])
    assert station.failures[-1] == (13, Failure("plc:1", "esd", False, "HS-4"))


def test_missing_proof_is_not_over_on_a_bad_value() -> None:
    station = ready()
    station.hear(told(10, **FLAME))
    station.until(12)
    station.hear(told(13, marks={"h2_room": Quality.BAD_SENSOR_FAULT}))
    assert station.record.state is InterlockState.TRIPPED


def test_a_second_flame_needs_a_second_proof() -> None:
    station = ready()
    station.hear(told(10, **LEAK, **FLAME, **FAN), told(11, **LEAK, **FAN, **FLAME, esd=1.0))
    station.hear(told(14, **LEAK, **FAN), told(16, **LEAK, **FAN, **FLAME))
    station.until(18)
    of_flame = [(when, status) for when, cause, status in station.story() if cause == "HS-4"]
    assert of_flame == [(10, "tripped"), (10, "waiting"), (11, "done"), (16, "waiting"), (18, "failed")]


def test_proof_that_goes_while_the_cause_stands_is_waited_for_again() -> None:
    station = ready()
    station.hear(told(10, **LEAK, **FAN), told(15, **LEAK), told(20, **LEAK))
    station.until(25)
    statuses = [(when, status) for when, _, status in station.story()]
    assert statuses == [(10, "tripped"), (10, "waiting"), (10, "done"), (15, "waiting"), (25, "failed")]


def test_station_that_is_lost_before_its_proof_has_not_proven_it() -> None:
    station = ready()
    station.hear(told(10, **LEAK))
    station.lost(12)
    station.until(20)
    assert (20, NOT_PROVEN) in station.failures


def test_proof_is_gone_as_soon_as_the_transport_gives_the_station_up() -> None:
    station = ready()
    station.hear(told(10, **LEAK, **FAN))
    station.lost(11)
    assert station.story()[-1] == (11, "HS-1", "waiting")


def test_proof_that_is_told_no_more_is_none_any_more() -> None:
    station = ready()
    station.hear(told(10, **LEAK, **FAN), *(told(10 + more, fan_running=None, **LEAK) for more in (5, 10, 15)))
    statuses = [(when, status) for when, cause, status in station.story() if cause == "HS-1"]
    assert statuses[2:] == [(10, "done"), (25, "waiting")]


def test_late_reading_opens_and_proves_nothing() -> None:
    station = ready()
    station.hear(*(told(seconds) for seconds in range(5, 71, 5)))
    station.hear(told(5, **FLAME), heard=70)
    assert station.story() == []
    station.hear(told(71, **LEAK))
    station.hear(told(8, **LEAK, **FAN), heard=74)
    station.hear(told(76, **LEAK))
    station.until(81)
    assert [status for _, _, status in station.story()] == ["tripped", "waiting", "failed"]


@pytest.mark.parametrize("able", [True, False])
def test_who_cannot_show_it_is_shown_by_all_that_can(able: bool) -> None:
    """A second PLC; its cause is proven by it alone. A node without the role is proven by everybody else."""
    node = Member("node:1", STATION if able else _without_fan(), PERIOD_S)
    station = ready(zone=station_zone(Member("plc:1", STATION, PERIOD_S, sets=SETS), node))
    station.hear(replace_device(told(10, **LEAK), "node:1"))
    assert [(one.device, one.effect) for one in station.record.effects] == [
        ("node:1" if able else "plc:1", "fan-proof")
    ]


def test_proof_of_a_device_that_was_not_heard_since_is_none() -> None:
    node = Member("node:1", _without_fan(), PERIOD_S)
    station = ready(zone=station_zone(Member("plc:1", STATION, PERIOD_S, sets=SETS), node))
    station.hear(told(9, **FAN), replace_device(told(10, **LEAK), "node:1"))
    assert [one.status for one in station.record.effects] == ["waiting"]
    station.hear(told(12, **FAN))
    assert [one.status for one in station.record.effects] == ["done"]


def replace_device(reading: Reading, device: str) -> Reading:
    return msgspec.structs.replace(reading, device=device)


def _without_fan() -> Profile:
    points = tuple(replace(one, role="other") if one.role == "fan-proof" else one for one in STATION.points)
    return replace(STATION, points=points)


def test_drill_neither_proves_nor_ends_what_is_live() -> None:
    station = ready()
    station.hear(told(10, **FLAME), told(11, Origin.DRILL, esd=1.0, **FLAME), told(11.5, Origin.SIMULATED, esd=1.0))
    station.until(12)
    assert [one for _, one in station.failures] == [Failure("plc:1", "esd", True, "HS-4")]


def test_silence_of_a_drill_is_no_lost_station() -> None:
    station = ready()
    station.hear(told(10, Origin.DRILL, **LEAK, **FAN))
    station.hear(*(told(seconds) for seconds in range(15, 60, 5)))
    assert {one.status for _, one in station.events if one.origin is Origin.DRILL} == {"", "waiting", "done"}


def test_nobody_resets_a_station_from_here() -> None:
    station = ready()
    station.hear(told(10, esd=1.0))
    with pytest.raises(ResetRefused, match="only observes: it follows the station"):
        station.reset(11)
    assert station.record.state is InterlockState.TRIPPED


# -- HS-9 ---------------------------------------------------------------------------------------------------------


def test_counter_that_stands_still_for_10_s_is_told_and_taken_back_when_it_moves() -> None:
    station = ready(MATRIX)
    station.hear(*(told(seconds, plc_heartbeat=7.0) for seconds in (5, 9, 14)))
    station.until(15)
    assert station.story() == [(15, "HS-9", "tripped"), (15, "HS-9", "waiting"), (15, "HS-9", "failed")]
    assert station.failures == [(15, Failure("plc:1", "plc-heartbeat", True, "HS-9"))]
    station.hear(told(17, plc_heartbeat=7.0))
    assert len(station.failures) == 1
    station.hear(told(18, plc_heartbeat=8.0))
    assert station.failures[1:] == [(18, Failure("plc:1", "plc-heartbeat", False, "HS-9"))]
    assert station.record.state is InterlockState.ARMED


def test_counter_that_moves_on_bad_values_stands_still() -> None:
    station = ready(MATRIX)
    for seconds in (2, 5, 9):
        station.hear(told(seconds, marks={"plc_heartbeat": Quality.UNCERTAIN_STALE}))
    station.until(10)
    assert [cause for _, cause, _ in station.story()] == ["HS-9"] * 3


def test_station_that_is_silent_from_the_start_is_unobserved_after_its_grace() -> None:
    station = Station()
    station.until(29.9)
    assert station.events == []
    station.until(30)
    assert station.failures == [(30, Failure("plc:1", "plc-heartbeat", True, "HS-9"))]


def test_counter_that_moves_keeps_the_station_observed() -> None:
    station = ready(MATRIX)
    station.hear(*(told(seconds) for seconds in range(5, 100, 5)))
    assert station.story() == []


def test_counter_that_was_never_told_is_waited_for_as_long_as_any_input() -> None:
    station = ready(MATRIX)
    station.restart(1)
    station.hear(*(told(seconds, plc_heartbeat=None) for seconds in range(5, 31, 5)))
    assert station.failures == []
    station.until(31)
    assert station.failures == [(31, Failure("plc:1", "plc-heartbeat", True, "HS-9"))]


def test_counter_of_a_drill_is_not_waited_for() -> None:
    station = ready(MATRIX)
    for seconds in range(5, 41, 5):
        station.hear(told(seconds), told(seconds, Origin.DRILL, plc_heartbeat=7.0))
    assert {one.cause for _, one in station.events} == {""}
