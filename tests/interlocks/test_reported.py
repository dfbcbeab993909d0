"""Reports of people as a cause of the mall's interlock (ML-4), beside what its detectors say."""

from dataclasses import replace

from interlocks.reported import Reported
from interlocks.states import InterlockState
from protocols.reading import Origin
from tests.fixtures.malls import ALL_TRUE, BUILDING, Mall, quiet_mall
from tests.fixtures.stories import at

DAMAGE = Reported("works-damage", "market")


def heed(mall: Mall, seconds: float, *reports: Reported) -> None:
    mall.engine.heed(reports, Origin.LIVE, at(seconds))
    mall.take(seconds)


def test_after_a_report_no_kitchen_of_the_mall_starts_its_fan_and_every_valve_closes_as_ever() -> None:
    mall = quiet_mall({"hotpot": {"fan": ALL_TRUE}})
    heed(mall, 10, DAMAGE)
    assert (mall.causes(BUILDING), mall.sent()) == (["ML-4"], [])
    mall.run(12, 16, {"hotpot": {"methane": 30.0}})
    assert mall.sent() == [(12.0, "hotpot", "close-valve")]


def test_a_report_comes_on_top_of_a_leak_and_is_not_tripped_twice() -> None:
    mall = quiet_mall()
    mall.run(10, 16, {"noodles": {"methane": 55.0}})
    heed(mall, 16, DAMAGE)
    heed(mall, 17, DAMAGE, Reported("works-damage", "mall"))
    assert mall.causes(BUILDING) == ["ML-2", "ML-4"]


def test_withdrawing_ends_the_cause_and_not_the_latch_and_reporting_again_does_not_trip_again() -> None:
    mall = quiet_mall()
    heed(mall, 10, DAMAGE)
    heed(mall, 12)
    assert (mall.record(BUILDING).state, mall.causes(BUILDING)) == (InterlockState.TRIPPED, ["ML-4"])
    heed(mall, 14, DAMAGE)
    assert [cause for _, cause, _ in mall.stages()] == ["ML-4"]


def test_a_report_counts_before_any_detector_was_heard_after_a_start() -> None:
    mall = Mall()
    heed(mall, 1, DAMAGE)
    assert (mall.record(BUILDING).state, mall.causes(BUILDING)) == (InterlockState.TRIPPED, ["ML-4"])


def test_a_report_counts_at_once_where_a_changed_site_brings_it_near() -> None:
    mall = quiet_mall()
    heed(mall, 10, Reported("works-damage", "elsewhere"))
    assert mall.causes(BUILDING) == []
    zones = [replace(one, near=(*one.near, "elsewhere")) if one.id == "mall" else one for one in mall.zones]
    mall.engine.rezone(zones, at(12))
    assert mall.causes(BUILDING) == ["ML-4"]
