"""What people may have done by the gateway, as the interlocks see it: fans, intakes, sounders, proofs, bypasses."""

from pathlib import Path

import pytest

import interlocks
from interlocks.engine import InterlockEngine
from interlocks.matrix import load_matrix
from interlocks.zone import FanPermissives, Member, Zone
from protocols.reading import Origin
from tests.fixtures import stations
from tests.fixtures.kitchens import EX_FAN, ID, Kitchen, clean_for, member, tripped
from tests.fixtures.stories import at, gas_reading

PROOF_TEST = "proof-test"


def station() -> InterlockEngine:
    engine = InterlockEngine([stations.MATRIX], [stations.station_zone()], at(0))
    for seconds in (0, 5):
        engine.observe(stations.told(seconds), at(seconds))
    return engine


def home() -> InterlockEngine:
    matrix = load_matrix(Path(interlocks.__file__).parent / "matrices/household.toml")
    return InterlockEngine([matrix], [Zone("home", "home-kitchen", True, (member(),))], at(0))


def armed(*members: Member) -> Kitchen:
    """A kitchen at rest, its valve seen open."""
    scene = Kitchen(*members)
    for seconds in (0, 2):
        scene.hear(seconds, gas_reading(seconds))
    return scene


@pytest.mark.parametrize("effect", ["close-valve", "start-fan", "stop-intake", PROOF_TEST])
def test_nothing_is_commanded_at_a_station_that_is_only_observed(effect: str) -> None:
    assert "(S15)" in station().refusal("plc:1", effect)
    assert station().refusal("plc:1", "self-test") == ""


@pytest.mark.parametrize("effect", ["mute", "self-test", PROOF_TEST])
def test_sounder_and_detector_are_left_alone_while_a_cause_or_a_latch_stands(effect: str) -> None:
    assert armed().engine.refusal("gas:1", effect) == ""
    assert "(S8)" in tripped().engine.refusal("gas:1", effect)
    scene = clean_for(700)
    assert "(S8)" in scene.engine.refusal("gas:1", effect), "the latch stands though the gas has gone"
    scene.reset(701)
    assert "(S8)" not in scene.engine.refusal("gas:1", effect)


def test_no_valve_is_proved_before_it_was_read_back() -> None:
    assert "(S10)" in Kitchen().engine.refusal("gas:1", PROOF_TEST)
    assert Kitchen().engine.refusal("gas:1", "close-valve") == "", "closing is the safe side"


def test_a_fan_starts_only_where_everything_is_known_and_nothing_stands() -> None:
    assert "no interlock" in InterlockEngine([], [], at(0)).refusal("gas:1", "start-fan")
    assert "(S10)" in Kitchen(EX_FAN).engine.refusal("gas:1", "start-fan")
    assert armed(EX_FAN).engine.refusal("gas:1", "start-fan") == ""
    doubtful = member(fan=FanPermissives(True, True, True, None, True))
    assert "starter_outside_zone" in armed(doubtful).engine.refusal("gas:1", "start-fan")
    scene = armed(EX_FAN)
    scene.hear(4, gas_reading(4, methane=55.0))  # level 2: held for a person (RK-2)
    assert "leaves the fans" in scene.engine.refusal("gas:1", "start-fan")


def test_an_intake_is_stopped_only_by_a_starter_outside_the_zone() -> None:
    assert "no interlock" in InterlockEngine([], [], at(0)).refusal("gas:1", "stop-intake")
    assert "permissives" in armed().engine.refusal("gas:1", "stop-intake")
    assert armed(EX_FAN).engine.refusal("gas:1", "stop-intake") == ""


def test_what_can_never_be_bypassed() -> None:
    scene = armed()
    refusal = scene.engine.bypass_refusal
    assert "only observes" in station().bypass_refusal(stations.ID, "HS-1", ["plc:1"], None)
    assert "has no cause 'RK-99'" in refusal(ID, "RK-99", ["gas:1"], None)
    assert "over-range" in home().bypass_refusal("home~household", "HH-3", ["gas:1"], None)
    assert "name some of gas:1" in refusal(ID, "RK-1", [], None)
    assert "gas:7" in refusal(ID, "RK-1", ["gas:7"], None)


@pytest.mark.parametrize(("origin", "closes"), [(Origin.LIVE, True), (Origin.DRILL, False)])
def test_only_a_live_reading_of_before_counts_after_a_start(origin: Origin, closes: bool) -> None:
    scene = Kitchen()
    scene.engine.recall(gas_reading(0, origin=origin, methane=55.0), at(1))
    scene.until(100)
    assert bool(scene.commands) is closes


def test_to_end_a_bypass_that_is_none_does_nothing() -> None:
    scene = armed()
    scene.engine.end_bypass(ID, at(3))
    scene.engine.end_bypass("nowhere~restaurant-kitchen", at(3))
    assert (scene.engine.bypasses, scene.engine.has_news) == ({}, False)
