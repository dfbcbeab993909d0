"""Steps with a sensor permissive: held, released by a person, withdrawn (S16)."""

import pytest

from alarms.states import AlarmState, Event
from protocols.moment import Moment
from protocols.quality import Quality
from tests.operations.story import (
    MALL,
    MALL_2,
    STATION,
    TO_S08,
    gas_reading,
    profile_of,
    reading_of,
    to_measuring,
    to_repair,
)


def test_ventilation_waits_for_evacuation_ignition_and_isolation(site):
    site.alarm(MALL, "CK-04")
    for step in TO_S08:
        assert site.states("S08") == ["waiting"]
        assert site.refused("S08").startswith("cannot finish step S08: the steps before it are not finished")
        site.act(step)
    assert site.states("S08") == ["open"]


def test_a_condition_that_holds_opens_nothing_before_the_site_lead_releases(site):
    to_measuring(site)
    assert site.states("S09") == ["held"]
    site.breathe(1)
    assert site.states("S09") == ["releasable"]
    assert site.refused("S09") == "cannot finish step S09: it has to be released first"
    assert site.refused("S09", "release", role="crew").startswith(
        "'crew' may not release step S09; only: Gas company's"
    )
    assert site.refused("S09", "release", role="control-room").startswith("'control-room' may not release step S09")
    assert site.refused("S09", "release", evidence={"points": "5"}).startswith("Portable points (at least 6): needs a")
    assert site.refused("S09", "release", evidence={"points": "6"}).startswith(
        "evidence is missing: Rounds (at least 2)"
    )
    site.act("S09", "release")
    assert site.states("S09", "S10") == ["open", "waiting"]
    site.act("S09")
    assert site.states("S09", "S10") == ["done", "held"]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ({"value": 21.0}, "mall:gas:1 reads 21 %{LEL}"),
        ({"value": 3.0, "quality": Quality.UNCERTAIN_WARM_UP}, "mall:gas:1 value is uncertain (warm-up)"),
        ({"value": 101.0, "quality": Quality.BAD_OVER_RANGE}, "mall:gas:1 over range until calibrated on site"),
    ],
)
def test_a_release_is_refused_while_one_detector_speaks_against_it(site, spoil, reason):
    to_measuring(site)
    site.breathe(1)
    site.watch.observe(gas_reading(MALL, now=site.now, **spoil), site.now)
    assert site.refused("S09", "release") == f"the sensor condition is not fulfilled: {reason}"
    assert [one.en for one in site.step("S09").sensor.reasons] == [reason]
    assert site.states("S09") == ["held"]


def test_a_detector_latched_over_range_blocks_until_it_was_reset_on_site(site):
    site.alarm(MALL, "CK-07")
    site.do(*TO_S08)
    site.breathe(11)
    site.do("S08", "P07")
    site.breathe(1)
    assert site.states("S09") == ["held"]
    site.alarm(MALL, "CK-07", Event.RETURN_LATCHED, after=AlarmState.LATCHED_ACKNOWLEDGED)
    site.breathe(1)
    assert site.states("S09") == ["held"]
    site.alarm(MALL, "CK-07", Event.RESET, after=AlarmState.NORMAL)
    site.breathe(1)
    assert site.states("S09") == ["releasable"]


def test_a_detector_out_of_service_is_left_out_and_the_last_one_is_not_nobody(site):
    to_measuring(site)
    site.breathe(12, devices=(MALL,))
    assert site.states("S09") == ["held"]
    site.alarm(MALL_2, "BL-02", Event.OUT_OF_SERVICE, after=AlarmState.OUT_OF_SERVICE, life_safety=False)
    site.breathe(1, devices=(MALL,))
    assert site.states("S09") == ["releasable"]
    site.alarm(MALL, "BL-02", Event.OUT_OF_SERVICE, after=AlarmState.OUT_OF_SERVICE, life_safety=False)
    site.breathe(1, devices=(MALL,))
    assert site.states("S09") == ["held"]
    assert site.step("S09").sensor.reasons[0].en == "no detector in service says so"


def test_a_condition_lost_at_work_is_a_call_to_withdraw(site):
    to_repair(site)
    assert site.states("S08", "S09", "S10") == ["done", "done", "started"]
    site.breathe(1, value=20.0, devices=(MALL,))
    assert site.states("S08", "S09", "S10") == ["open", "waiting", "suspended"]
    told = [one for one in site.run.events if one.event == "withdraw"]
    assert [(one.step, one.step_state, one.en) for one in told] == [
        ("S10", "suspended", "Suspend, withdraw, back to S08")
    ]
    assert site.refused("S10") == "cannot finish step S10: it is suspended: withdraw; its sensor condition was lost"
    site.breathe(11)
    assert site.states("S10") == ["suspended"]
    site.do("S08")
    site.breathe(1)
    site.act("S09", "release")
    site.act("S09")
    site.breathe(1)
    assert site.refused("S10").endswith("it has to be released first")
    assert site.refused("S10", "release", evidence={}).startswith("evidence is missing: Permit; Portable readings")
    site.act("S10", "release")
    assert site.states("S10") == ["open"]


def test_detectors_of_rooms_and_of_dispensers_both_speak_against_entering_a_station(site):
    site.alarm(STATION, "H2-04")
    points = [one for one in profile_of(STATION).points if one.role in ("h2-room", "h2-cabinet")]
    low = dict.fromkeys((one.name for one in points), 0.05)
    for step in ("HL02", "HL03", "HL04", "HL05", "HL06"):
        site.act(step)
    assert site.states("HL07", "HL09") == ["skipped", "held"]
    for _ in range(11):
        site.pass_time(1)
        site.watch.observe(reading_of(STATION, low, site.now), site.now)
        site.operations.tick(site.now)
    assert site.states("HL09") == ["releasable"]
    for high in points:
        site.pass_time(0.1)
        site.watch.observe(reading_of(STATION, low | {high.name: 0.3}, site.now), site.now)
        assert site.refused("HL09", "release").startswith(
            "the sensor condition is not fulfilled: station:plc reads 0.3"
        )


def test_a_rise_between_two_looks_withdraws_too(site):
    to_repair(site)
    site.watch.observe(gas_reading(MALL, 25.0, site.now), site.now)
    site.watch.observe(gas_reading(MALL, 1.0, Moment(site.now.wall + 1, site.now.mono + 1)), site.now)
    site.pass_time(0.05)
    site.operations.tick(site.now)
    assert site.states("S10") == ["suspended"]


def test_after_a_restart_people_at_work_stay_when_fresh_readings_say_so(site):
    to_repair(site)
    site.restart()
    for _ in range(12):
        site.pass_time(1 / 6)
        for device in (MALL, MALL_2):
            site.watch.observe(gas_reading(device, 1.0, site.now), site.now)
        site.operations.tick(site.now)
        assert site.states("S10") == ["started"]


def test_after_a_restart_people_at_work_withdraw_when_a_detector_stays_silent(site):
    to_repair(site)
    site.restart()
    for seconds, expected in ((29, "started"), (2, "suspended")):
        site.pass_time(seconds / 60)
        site.watch.observe(gas_reading(MALL, 1.0, site.now), site.now)
        site.operations.tick(site.now)
        assert site.states("S10") == [expected]


def test_after_a_restart_the_whole_time_begins_anew_for_a_release(site):
    to_measuring(site)
    site.breathe(1)
    assert site.states("S09") == ["releasable"]
    site.restart()
    site.breathe(9)
    assert site.states("S09") == ["held"]
    site.breathe(2)
    assert site.states("S09") == ["releasable"]


def test_a_step_sent_back_has_to_be_done_again(site):
    to_repair(site)
    site.act("S10", evidence={"photos": "12 photos"})
    site.breathe(30)
    site.act("P08", "release")
    assert site.refused("P08", "back", why="").startswith("back needs a reason")
    site.act("P08", "back", why="the pressure falls")
    assert site.states("S10", "P08") == ["held", "waiting"]
    assert site.told("step-reopened") == ["S10"]
