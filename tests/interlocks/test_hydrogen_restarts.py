"""An observed hydrogen station over a restart, in the middle of it, and under a changed matrix (S10, S11)."""

from typing import Any

import pytest

from interlocks.errors import ResetRefused
from interlocks.matrix import Matrix
from interlocks.outbox import Failure
from interlocks.record import EXPECT, EffectRecord, decode_record
from interlocks.states import InterlockState
from interlocks.zone import Member
from tests.fixtures.stations import BUT_TIME, ID, MATRIX, PERIOD_S, STATION, Station, ready, station_zone, told
from tests.fixtures.stories import at

LEAK: dict[str, Any] = {"h2_room": 0.4}
FAN: dict[str, Any] = {"fan_running": 1.0}
MISSING, THERE = Failure("plc:1", "fan-proof", True, "HS-1"), Failure("plc:1", "fan-proof", False, "HS-1")


def leaking(**values: Any) -> Station:
    """A station that leaks since 10."""
    station = ready()
    station.hear(told(10, **LEAK, **values))
    return station


def changed(cause: str, **keys: Any) -> Matrix:
    """The matrix with other keys in one row."""
    data = BUT_TIME.model_dump(mode="json")
    data["cause"] = [row | keys if row["id"] == cause else row for row in data["cause"]]
    return Matrix.model_validate(data, strict=False)


def of_proof(station: Station) -> list[tuple[float, str]]:
    return [(when, one.status) for when, one in station.events if one.effect == "fan-proof"]


@pytest.mark.parametrize(("proof", "status"), [({}, "failed"), (FAN, "done")])
def test_what_was_due_during_a_restart_is_judged_on_the_first_fresh_reading(
    proof: dict[str, float], status: str
) -> None:
    station = leaking()
    station.restart(40)
    station.until(41)
    assert of_proof(station) == [(10, "waiting")]
    station.hear(told(42, **LEAK, **proof))
    assert of_proof(station) == [(10, "waiting"), (42, status)]
    assert [one for _, one in station.failures] == ([MISSING] if status == "failed" else [])


def test_what_was_due_during_a_restart_is_missing_when_the_station_stays_silent() -> None:
    station = leaking()
    station.restart(40)
    station.until(100)
    assert of_proof(station) == [(10, "waiting"), (70, "failed")]
    assert station.failures == [(70, MISSING)]


def test_what_is_not_due_yet_goes_on() -> None:
    station = leaking()
    station.restart(12)
    station.hear(told(13, **LEAK), told(18, **LEAK))
    station.until(21)
    assert of_proof(station) == [(10, "waiting"), (20, "failed")]


def test_clock_that_was_set_back_meanwhile_puts_nothing_off_for_longer_than_it_may_take() -> None:
    station = leaking()
    record = decode_record(station.stored[f"interlock/{ID}"])
    assert record.effects[0].due_at == at(20).wall
    early = at(12)._replace(wall=at(-3600).wall)
    station.engine = type(station.engine)(station.matrices, [station.zone], early)
    station.engine.load(station.stored, early)
    station.until(100)
    assert of_proof(station) == [(10, "waiting"), (42, "failed")]


def test_what_was_missing_before_a_restart_is_still_missing_after_it() -> None:
    station = leaking()
    station.until(20)
    station.restart(21)
    station.hear(told(22, **LEAK))
    assert [one.status for one in station.record.effects] == ["failed"]
    station.hear(told(23, **LEAK, **FAN))
    assert [one for _, one in station.failures] == [MISSING, THERE]


def test_proof_seen_before_a_restart_is_looked_for_again() -> None:
    station = leaking(**FAN)
    station.restart(12)
    station.hear(told(13, **LEAK), told(18, **LEAK))
    station.until(22)
    assert of_proof(station) == [(10, "waiting"), (10, "done"), (22, "failed")]


def test_counter_that_stood_still_before_a_restart_has_to_move_after_it() -> None:
    station = ready(MATRIX)
    station.hear(told(5, plc_heartbeat=0.0))
    station.until(10)
    station.restart(11)
    station.hear(told(12, plc_heartbeat=0.0))
    assert [one.status for one in station.record.effects] == ["failed"]
    station.hear(told(13, plc_heartbeat=1.0))
    assert station.failures[-1] == (13, Failure("plc:1", "plc-heartbeat", False, "HS-9"))


def test_stored_state_has_the_shape_that_is_read_back() -> None:
    record = decode_record(leaking().stored[f"interlock/{ID}"])
    assert (record.state, record.causes) == (InterlockState.TRIPPED, [("HS-1", at(10).wall)])
    assert record.effects == [EffectRecord("HS-1", "fan-proof", EXPECT, "plc:1", "waiting", at(20).wall)]


# -- S11 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [{"expect": []}, {"expect": [{"role": "fan-proof", "shows": 0.0, "within_s": 10.0}]}])
def test_missing_proof_of_another_matrix_stands_until_a_person_settles_it(keys: dict[str, Any]) -> None:
    station = leaking()
    station.until(20)
    station.restart(21, changed("HS-1", **keys))
    for seconds in range(22, 60, 5):
        station.hear(told(seconds, h2_room=0.0))
    assert station.record.state is InterlockState.TRIPPED
    assert [one for _, one in station.failures] == [MISSING]
    with pytest.raises(ResetRefused, match="a named person"):
        station.reset(60, "")
    station.reset(60)
    assert [one for _, one in station.failures] == [MISSING, THERE]
    station.hear(told(62))
    assert (station.record.state, station.record.effects) == (InterlockState.ARMED, [])


def test_what_another_matrix_waited_for_is_told_when_it_is_due_and_stands() -> None:
    station = leaking()
    station.restart(12, changed("HS-1", expect=[]))
    station.hear(told(13), told(15, **FAN), told(22))
    assert [one.status for one in station.record.effects] == ["failed"]
    assert station.record.state is InterlockState.TRIPPED


def test_row_of_a_changed_matrix_asks_for_its_own_proof_besides() -> None:
    station = leaking()
    station.until(20)
    fire = [{"role": "station-alarm", "shows": 1.0, "within_s": 5.0}]
    station.restart(21, changed("HS-1", expect=fire))
    station.hear(told(22, **LEAK))
    station.until(27)
    assert {one.effect: one.status for one in station.record.effects} == {
        "fan-proof": "failed",
        "station-alarm": "failed",
    }


def test_changed_site_keeps_what_runs_and_goes_on_with_it() -> None:
    station = leaking()
    other = station_zone(Member("plc:1", STATION, PERIOD_S), Member("plc:2", STATION, PERIOD_S))
    assert station.engine.tripped_by_change([other]) == [ID]
    station.engine.rezone([other], at(12))
    station.take(at(12).mono)
    station.hear(told(14, **LEAK), told(19, **LEAK))
    station.until(21)
    assert of_proof(station) == [(10, "waiting"), (20, "failed")]
