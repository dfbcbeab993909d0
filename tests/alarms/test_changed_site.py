"""The site changes while the alarms are watched (S11): nothing that warns is lost, nothing unchanged is disturbed."""

from alarms.engine import AlarmEngine, Watched
from protocols.quality import Quality
from protocols.reading import Origin
from tests.fixtures.alarm_stories import RULES, SELDOM, Story, do, only
from tests.fixtures.stories import GAS, at, gas_reading, varied

KITCHEN = "commercial-kitchen"
OTHER = Watched("gas:2", GAS, KITCHEN, SELDOM)


def changed(story, seconds, *devices):
    """The site has these devices from now on; what that led to."""
    story.pass_time(seconds)
    story.engine.rewatch(devices, at(seconds))
    return story.news()


def states(story):
    return {one.alarm: one.state.word for one in story.engine.records() if one.state.word != "normal"}


def test_a_running_delay_goes_on_for_devices_that_stay():
    story = Story(only("CK-02"))
    assert story.play(0, {"methane": 30.0}) == []
    assert changed(story, 3, Watched("gas:1", GAS, KITCHEN, SELDOM), OTHER) == []
    assert story.play(20, None) == ["CK-02 unacknowledged @5"]


def test_a_standing_alarm_is_not_touched_when_another_device_comes_or_goes():
    story = Story(only("CK-04"))
    story.tell([(0, {"methane": 60.0}, ["CK-04 unacknowledged @0"])])
    before = story.record("CK-04")
    assert changed(story, 1, story.watched, OTHER) == []
    assert changed(story, 2, story.watched) == []
    assert story.record("CK-04") is before
    story.tell([(3, do("acknowledge", "CK-04"), ["CK-04 acknowledged @3"])])


def test_a_new_device_is_watched_and_missed():
    story = Story(only("CK-04", "BL-02"))
    changed(story, 10, story.watched, Watched("gas:2", GAS, KITCHEN, 2.0))
    story.engine.observe(gas_reading(11, "gas:2", methane=60.0), at(11))
    assert story.news() == ["CK-04 unacknowledged @11"]
    assert [one.split(" @")[0] for one in story.play(200)] == ["BL-02 unacknowledged"]


def test_a_new_device_that_never_speaks_is_missed_after_the_grace():
    story = Story(only("BL-02"))
    changed(story, 10, story.watched, Watched("gas:2", GAS, KITCHEN, 2.0))
    assert story.play(300) == ["BL-02 unacknowledged @140"]
    assert [one.device for one in story.transitions] == ["gas:2"]


def test_the_alarm_of_a_removed_device_stays_until_a_person_settles_it():
    story = Story(only("CK-04", "CK-02"))
    story.tell([(0, {"methane": 60.0}, ["CK-04 unacknowledged @0"])])
    assert changed(story, 1, OTHER) == []
    assert states(story) == {"gas:1~CK-04": "unacknowledged"}
    assert story.engine.is_orphan("gas:1~CK-04")
    story.tell(
        [
            (2, do("acknowledge", "CK-04"), ["CK-04 acknowledged @2"]),
            (3, do("reset", "CK-04", on_site=True), ["CK-04 latched-acknowledged @3", "CK-04 normal @3"]),
        ]
    )


def test_normal_alarms_of_a_removed_device_are_forgotten():
    story = Story(RULES)
    story.play(0, {"methane": 0.0})
    changed(story, 1, OTHER)
    assert {one.device for one in story.engine.records()} == {"gas:2"}
    assert story.play(5 * SELDOM) != []
    assert {one.device for one in story.transitions} == {"gas:2"}


def test_a_device_that_comes_back_takes_up_the_alarm_it_left():
    story = Story(only("CK-04"))
    story.tell([(0, {"methane": 60.0}, ["CK-04 unacknowledged @0"])])
    changed(story, 1, OTHER)
    changed(story, 2, story.watched, OTHER)
    assert not story.engine.is_orphan("gas:1~CK-04")
    assert len([one for one in story.engine.records() if one.alarm == "gas:1~CK-04"]) == 1
    story.tell([(3, {"methane": 0.0}, []), (200, {"methane": 0.0}, ["CK-04 latched-unacknowledged @123"])])


def test_a_rule_that_is_gone_with_the_kind_of_area_leaves_its_alarm_standing():
    story = Story(only("CK-04"))
    story.tell([(0, {"methane": 60.0}, ["CK-04 unacknowledged @0"])])
    assert changed(story, 1, Watched("gas:1", GAS, "street", SELDOM)) == []
    assert story.engine.is_orphan("gas:1~CK-04")
    story.tell([(2, {"methane": 0.0}, []), (300, {"methane": 0.0}, [])])
    assert states(story) == {"gas:1~CK-04": "unacknowledged"}


def test_what_was_known_before_the_profile_changed_still_makes_a_blind_detector_dangerous():
    other = varied({"temperature": {"title": {"zh": "室温", "en": "Warmth"}}})
    story = Story(only("BL-01"), period_s=2.0)
    story.play(0, {"methane": 8.0})
    changed(story, 1, Watched("gas:1", other, KITCHEN, 2.0))
    assert story.play(60) == ["BL-01 unacknowledged @15"]


def test_a_flag_that_stood_before_the_profile_changed_still_tells_of_its_points():
    other = varied({"temperature": {"title": {"zh": "室温", "en": "Warmth"}}})
    story = Story(only("BL-02"))
    story.play(0, {"fault": 1.0})
    changed(story, 1, Watched("gas:1", other, KITCHEN, SELDOM))
    alone = gas_reading(2, methane=1.0, **dict.fromkeys(("fault", "warm_up", "over_range", "alarm")))
    assert story.play(2, alone) == []
    assert story.play(150) == ["BL-02 unacknowledged @100"]
    assert Quality(story.record("BL-02").quality).is_bad


def test_a_shorter_period_is_held_to_at_once():
    story = Story(only("BL-02"), period_s=SELDOM)
    story.play(0, {"methane": 0.0})
    changed(story, 10, Watched("gas:1", GAS, KITCHEN, 2.0))
    assert story.play(300) == ["BL-02 unacknowledged @110"]


def test_drill_alarms_of_a_changed_device_are_kept_apart():
    story = Story(only("CK-04"))
    story.engine.observe(gas_reading(0, methane=60.0, origin=Origin.DRILL), at(0))
    assert story.news() == ["CK-04 unacknowledged @0"]
    changed(story, 1, Watched("gas:1", GAS, "mall", SELDOM))
    assert states(story) == {"gas:1~CK-04~drill": "unacknowledged"}
    assert not story.engine.is_orphan("gas:1~CK-04~drill")


def test_what_stood_at_the_change_stands_after_a_restart():
    story = Story(only("CK-04"))
    story.tell([(0, {"methane": 60.0}, ["CK-04 unacknowledged @0"])])
    changed(story, 1, OTHER)
    again = AlarmEngine(only("CK-04"), [OTHER], at(2))
    again.load(story.stored)
    assert {one.alarm: one.state.word for one in again.records()}["gas:1~CK-04"] == "unacknowledged"
    assert again.is_orphan("gas:1~CK-04")
