"""Sensor permissives (S16): when a condition is fulfilled, and what each kind of trust makes of it."""

import pytest

from operations.conditions import Fact, judge
from protocols.moment import SECOND, Moment
from protocols.quality import Quality
from protocols.reading import Origin
from tests.operations.story import DUCT, KITCHEN, MALL, MALL_2, PERIOD_S, START, gas_reading, plans, watch

S09 = plans()["mall-gas-leak-dongkeng"].steps["S09"].permissive
TEN_MIN_S = 600.0
FRESH_S = 2.5 * PERIOD_S


def fact(device="a", value=3.0, quality=Quality.GOOD, fresh=True, below=True, held_s=TEN_MIN_S):
    return Fact(device, "methane", value, "%{LEL}", quality, START, fresh, below, held_s)


GOOD = fact("good")
TRUTH = [
    ("no detector", [], (), (), False),
    ("one good for the whole time", [fact()], (), (), True),
    ("two good for the whole time", [GOOD, fact("b")], (), (), True),
    ("a second too short", [GOOD, fact(held_s=599.0)], (), (), False),
    ("never spoke", [GOOD, fact(value=None, quality=Quality.BAD_MISSING, fresh=False, below=False)], (), (), False),
    ("silent", [GOOD, fact(fresh=False)], (), (), False),
    ("at the limit", [GOOD, fact(value=20.0, below=False, held_s=0.0)], (), (), False),
    ("latched over range", [GOOD, fact("a")], ("a",), (), False),
    ("the only one is out of service", [fact("a")], (), (("a", "methane"),), False),
    ("another is out of service", [GOOD, fact("a", fresh=False)], (), (("a", "methane"),), True),
    ("another point is out of service", [GOOD, fact("a", fresh=False)], (), (("a", "co"),), False),
    *((quality.name, [GOOD, fact(quality=quality)], (), (), quality is Quality.GOOD) for quality in Quality),
]


@pytest.mark.parametrize(("facts", "latched", "out", "expected"), [row[1:] for row in TRUTH], ids=[r[0] for r in TRUTH])
def test_the_condition_is_fulfilled_only_when_every_detector_says_so(facts, latched, out, expected):
    verdict = judge(facts, TEN_MIN_S, latched, out)
    assert verdict.fulfilled is expected
    assert bool(verdict.reasons) is not expected


def test_all_of_no_detectors_is_false_even_for_no_time():
    assert not judge([], 0.0).fulfilled


def test_what_is_left_is_the_shortest_time():
    assert judge([GOOD, fact(held_s=540.0)], TEN_MIN_S).left_s == 60.0


class Clock:
    def __init__(self, devices=(MALL, MALL_2)):
        self.now = Moment(START, 0)
        self.watch = watch(self.now, devices)

    def move(self, seconds):
        self.now = Moment(self.now.wall + int(seconds * SECOND), self.now.mono + int(seconds * SECOND))

    def say(self, device=MALL, value=3.0, **more):
        self.watch.observe(gas_reading(device, value, self.now, **more), self.now)

    def minutes(self, count, device=MALL, **more):
        for _ in range(count):
            self.say(device, **more)
            self.move(60)

    def held_s(self, device=MALL, sensor=S09, origin=Origin.LIVE):
        facts = self.watch.facts("mall", sensor, origin, self.now)
        return next(one.held_s for one in facts if one.device == device)


BREAKS = [
    ("high", {"value": 20.0}, 0.0),
    ("not a number", {"value": float("nan")}, 0.0),
    ("uncertain", {"quality": Quality.UNCERTAIN_WARM_UP}, 0.0),
    ("over range", {"value": 101.0, "quality": Quality.BAD_OVER_RANGE}, 0.0),
    ("without a value", {"value": None, "quality": Quality.BAD_SENSOR_FAULT}, 0.0),
    ("late and high", {"value": 30.0, "at": START}, 0.0),
    ("late and low", {"value": 1.0, "at": START}, 600.0),
    ("of a drill and high", {"value": 90.0, "origin": Origin.DRILL}, 600.0),
    ("simulated and high", {"value": 90.0, "origin": Origin.SIMULATED}, 600.0),
    ("good and low", {"value": 19.9}, 600.0),
]


@pytest.mark.parametrize(("reading", "held_s"), [row[1:] for row in BREAKS], ids=[row[0] for row in BREAKS])
def test_one_reading_between_two_looks_breaks_what_held(reading, held_s):
    clock = Clock()
    clock.minutes(10)
    clock.say(**reading)
    assert clock.held_s() == held_s


def test_a_gap_in_the_readings_breaks_what_held():
    clock = Clock()
    clock.minutes(10)
    clock.move(FRESH_S)
    clock.say()
    assert clock.held_s() == 0.0


def test_an_older_low_value_starts_nothing_after_a_high_one():
    clock = Clock()
    clock.say(value=50.0)
    clock.say(value=1.0, at=clock.now.wall - SECOND)
    clock.move(60)
    clock.say()
    assert clock.held_s() == 0.0


def test_a_silent_detector_holds_nothing():
    clock = Clock()
    clock.minutes(10)
    clock.move(FRESH_S)
    assert clock.held_s() == 0.0
    assert not judge(clock.watch.facts("mall", S09, Origin.LIVE, clock.now), 0.0).fulfilled


def test_a_device_known_to_be_lost_holds_nothing():
    clock = Clock()
    clock.minutes(10)
    clock.watch.lost(MALL)
    assert clock.held_s() == 0.0
    clock.say()
    assert clock.held_s() == 0.0


def test_a_drill_fulfils_no_live_condition():
    clock = Clock()
    clock.minutes(11, origin=Origin.DRILL)
    assert clock.held_s() == 0.0
    assert clock.held_s(origin=Origin.DRILL) == 660.0


def test_only_the_area_and_the_gas_are_asked():
    clock = Clock((MALL, MALL_2, DUCT, KITCHEN))
    facts = clock.watch.facts("mall", S09, Origin.LIVE, clock.now)
    assert [(one.device, one.point) for one in facts] == [(MALL, "methane"), (MALL_2, "methane")]


def test_the_limit_is_told_in_the_unit_of_the_point():
    in_percent = S09.model_copy(update={"below": 0.88, "unit": "%{vol}"})  # 20 %LEL of methane on 4.4 vol%
    clock = Clock()
    for value, below in ((19.9, True), (20.1, False)):
        clock.say(value=value)
        assert clock.watch.facts("mall", in_percent, Origin.LIVE, clock.now)[0].below is below


def test_a_limit_that_cannot_be_compared_is_never_met():
    in_degrees = S09.model_copy(update={"unit": "Cel"})
    clock = Clock()
    clock.minutes(10)
    facts = clock.watch.facts("mall", in_degrees, Origin.LIVE, clock.now)
    assert not judge(facts, 0.0).fulfilled
    assert len(facts) == 2


def test_two_limits_hold_each_for_itself():
    p08 = plans()["mall-gas-leak-dongkeng"].steps["P08"].permissive
    clock = Clock()
    clock.minutes(5, value=10.0)
    clock.minutes(5, value=1.0)
    assert (clock.held_s(), clock.held_s(sensor=p08)) == (600.0, 300.0)


def test_an_unknown_device_is_left_out():
    clock = Clock((MALL,))
    clock.say(MALL_2)
    assert [one.device for one in clock.watch.facts("mall", S09, Origin.LIVE, clock.now)] == [MALL]
