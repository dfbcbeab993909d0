"""Stories of SB-02 and ACT-1, and of alarms over a restart and under changed rules (S10, S11)."""

import pytest

from alarms.actions import Verb
from alarms.alarm import alarm_id
from alarms.errors import ActionRefused
from alarms.states import AlarmState
from protocols.reading import Origin
from tests.fixtures.alarm_stories import RULES, Happening, Story, do, only
from tests.fixtures.stories import BIN, at, bin_reading, gas_reading


def bin_story() -> Story:
    """A bin on its street."""
    return Story(only("SB-02"), profile=BIN, area="street")


def test_full_bin_is_told_at_the_second_report_in_a_row() -> None:
    bin_story().tell(
        [
            (0, {"fill": 90.0}, []),
            (5, {"fill": 89.0}, []),
            (10, {"fill": 90.0}, []),
            (15, {"fill": 91.0}, ["SB-02 unacknowledged @15"]),
            (20, {"fill": 80.0}, []),
            (25, {"fill": 79.0}, ["SB-02 returned-unacknowledged @25"]),
            (30, do("acknowledge", "SB-02", "bin:1"), ["SB-02 normal @30"]),
        ]
    )


def test_one_report_is_not_two_however_long_it_lasts() -> None:
    story = bin_story()
    story.tell([(0, {"fill": 95.0}, []), (3000, None, [])])


def test_what_a_bin_tells_of_its_own_board_is_no_second_report_of_its_level() -> None:
    story = bin_story()
    story.tell([(0, {"fill": 95.0}, []), (1, {"uptime": 60.0}, []), (61, {"uptime": 120.0}, [])])
    story.tell([(300, {"fill": 95.0}, ["SB-02 unacknowledged @300"])])


def test_alarm_keeps_the_time_of_its_value_when_the_board_tells_of_itself() -> None:
    story = bin_story()
    story.tell([(0, {"fill": 95.0}, []), (5, {"fill": 96.0}, ["SB-02 unacknowledged @5"])])
    story.play(60, {"uptime": 60.0})
    story.tell([(61, do("acknowledge", "SB-02", "bin:1"), ["SB-02 acknowledged @61"])])
    assert (story.transitions[-1].value, story.transitions[-1].sampled_at) == (96.0, at(5).wall)


def test_late_report_of_a_full_bin_is_no_alarm() -> None:
    story = bin_story()
    for second in (500, 501, 502):
        assert story.play(second, bin_reading(second - 100, fill=95.0)) == []


def test_broken_level_sensor_does_not_empty_a_bin() -> None:
    story = bin_story()
    story.tell([(0, {"fill": 95.0}, []), (5, {"fill": 95.0}, ["SB-02 unacknowledged @5"])])
    story.tell([(10, {"fill": 0.0, "fault": 1.0, "fill_fault": 1.0}, []), (15, {"fill": 0.0}, [])])
    story.tell([(20, {"fill": 0.0, "fault": 0.0, "fill_fault": 0.0}, ["SB-02 returned-unacknowledged @20"])])


def test_final_element_that_failed_to_act_is_told_for_itself_and_latches() -> None:
    story = Story(only("ACT-1"))
    story.play(0, {"valve": 1.0})
    story.engine.report("gas:1", "ACT-1", True, at(15), role="valve")
    assert story.news() == ["ACT-1 unacknowledged @15"]
    assert story.transitions[-1].alarm == "gas:1~ACT-1:valve"
    story.play(16, do("acknowledge", "ACT-1:valve"))
    with pytest.raises(ActionRefused, match="whose condition has gone"):
        story.play(17, do("reset", "ACT-1:valve"))
    story.engine.report("gas:1", "ACT-1", False, at(20), role="valve")
    story.tell(
        [
            (20, None, ["ACT-1 latched-acknowledged @20"]),
            (21, do("reset", "ACT-1:valve"), ["ACT-1 normal @21"]),
        ]
    )


# -- restart, in every state ---------------------------------------------------------------------------------------

ACK, RESET = do("acknowledge", "CK-04"), do("reset", "CK-04")
OUT = do("out-of-service", "CK-04", why="works", for_s=5000.0, measure="person with instrument")
SHELVE = do("shelve", "CK-01", why="works", for_s=5000.0)
PATHS: dict[str, tuple[str, list[tuple[float, Happening]]]] = {
    "normal": ("CK-04", [(0, {"methane": 0.0})]),
    "unacknowledged": ("CK-04", [(0, {"methane": 60.0})]),
    "acknowledged": ("CK-04", [(0, {"methane": 60.0}), (1, ACK)]),
    "returned-unacknowledged": ("CK-01", [(0, {"methane": 12.0}), (40, {"methane": 0.0}), (101, None)]),
    "latched-unacknowledged": ("CK-04", [(0, {"methane": 60.0}), (1, {"methane": 0.0}), (150, None)]),
    "latched-acknowledged": ("CK-04", [(0, {"methane": 60.0}), (1, {"methane": 0.0}), (150, ACK)]),
    "shelved": ("CK-01", [(0, {"methane": 12.0}), (40, SHELVE), (50, {"methane": 0.0})]),
    "suppressed-by-design": ("CK-01", [(0, {"methane": 12.0}), (40, do("suppress", "CK-01"))]),
    "out-of-service": ("CK-04", [(0, OUT), (1, {"methane": 60.0}), (40, {"methane": 0.0})]),
}
PEOPLE: tuple[Verb, ...] = ("acknowledge", "reset", "unshelve", "unsuppress", "in-service")
AFTERWARDS: dict[str, list[tuple[float, Happening]]] = {
    "the leak is there": [(1000, {"methane": 60.0}), (1100, None)],
    "the leak is gone": [(1000, {"methane": 0.0}), (1300, None), (6000, None)],
    "the detector is faulty": [(1000, {"methane": 0.0, "fault": 1.0}), (1300, None)],
}


def test_the_paths_lead_to_every_state() -> None:
    assert list(PATHS) == [state.word for state in AlarmState]


@pytest.mark.parametrize("state", PATHS)
@pytest.mark.parametrize("afterwards", AFTERWARDS.values(), ids=AFTERWARDS)
def test_restart_changes_no_answer_in_any_state(state: str, afterwards: list[tuple[float, Happening]]) -> None:
    rule, path = PATHS[state]
    stories = [Story(only(rule)), Story(only(rule))]
    for story in stories:
        for seconds, happening in path:
            story.play(seconds, happening)
        assert story.record(rule).state.word == state
        story.play(900)
    stories[1].restart(900)
    rows = [*afterwards, *((7000.0 + number, do(verb, rule)) for number, verb in enumerate(PEOPLE))]
    answers = [[_answer(story, *row) for row in rows] for story in stories]
    assert answers[0] == answers[1]


def _answer(story: Story, seconds: float, happening: Happening) -> object:
    try:
        return story.play(seconds, happening)
    except ActionRefused as error:
        return [*story.news(), str(error)]


def test_nothing_is_reset_on_silence_after_a_start() -> None:
    story = Story(only("CK-04"))
    for seconds, happening in PATHS["latched-acknowledged"][1]:
        story.play(seconds, happening)
    story.restart(200)
    with pytest.raises(ActionRefused, match="good, fresh value"):
        story.play(201, RESET)
    story.tell([(202, {"methane": 0.0}, []), (203, RESET, ["CK-04 normal @203"])])


def test_leak_that_was_stored_before_a_start_counts_when_the_detector_does_not_come_back() -> None:
    story = Story(only("BL-01"), period_s=2.0)
    story.play(0, {"methane": 8.0})
    story.restart(2)
    story.engine.recall(bin_reading(0, "gas:unknown"))
    story.engine.recall(gas_reading(0, methane=8.0))
    story.tell([(41, None, []), (42, None, ["BL-01 unacknowledged @42"])])


def test_delay_starts_anew_after_a_start() -> None:
    story = Story(only("CK-01"))
    story.play(0, {"methane": 12.0})
    story.restart(20)
    story.tell([(21, {"methane": 12.0}, []), (50, None, []), (51, None, ["CK-01 unacknowledged @51"])])


# -- rules that change (S11) ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [state for state in PATHS if state != "normal"])
def test_standing_alarm_without_its_rule_stays_until_a_person_settles_it(state: str) -> None:
    rule, path = PATHS[state]
    story = Story(only(rule))
    for seconds, happening in path:
        story.play(seconds, happening)
    story.restart(200, rules={})
    assert story.engine.is_orphan(alarm_id("gas:1", rule, Origin.LIVE))
    for second in range(201, 900, 50):
        story.play(second, {"methane": 0.0})
    assert story.record(rule).state.word == state
    _end_silence(story, rule)
    if story.record(rule).state in (AlarmState.UNACKNOWLEDGED, AlarmState.LATCHED_UNACKNOWLEDGED):
        story.play(1001, do("acknowledge", rule))
    if story.record(rule).state is AlarmState.RETURNED_UNACKNOWLEDGED:
        story.play(1001, do("acknowledge", rule))
    else:
        story.play(1002, do("reset", rule, on_site=True))
    assert story.record(rule).state is AlarmState.NORMAL


ENDS: dict[AlarmState, Verb] = {
    AlarmState.SHELVED: "unshelve",
    AlarmState.SUPPRESSED_BY_DESIGN: "unsuppress",
    AlarmState.OUT_OF_SERVICE: "in-service",
}


def _end_silence(story: Story, rule: str) -> None:
    verb = ENDS.get(story.record(rule).state)
    if verb:
        story.play(1000, do(verb, rule))


def test_orphan_of_a_life_safety_rule_is_settled_on_site() -> None:
    story = Story(only("CK-07"))
    story.play(0, {"methane": 103.0})
    story.restart(10, rules={})
    story.play(11, do("acknowledge", "CK-07"))
    with pytest.raises(ActionRefused, match="confirmed on site"):
        story.play(12, do("reset", "CK-07"))


def test_normal_alarm_without_its_rule_is_forgotten() -> None:
    story = Story(only("CK-04", "CK-01"))
    story.play(0, {"methane": 60.0})
    story.play(1, {"methane": 0.0})
    story.play(200, do("acknowledge", "CK-04"))
    story.play(201, do("reset", "CK-04"))
    story.restart(300, rules=only("CK-01"))
    assert [one.rule for one in story.engine.records()] == ["CK-01"]


def test_rule_that_became_more_urgent_is_followed_by_its_next_alarm() -> None:
    story = Story(only("CK-01"))
    for seconds, happening in ((0, {"methane": 12.0}), (40, do("acknowledge", "CK-01")), (41, {"methane": 0.0})):
        story.play(seconds, happening)
    story.play(200)
    urgent = RULES["CK-01"].model_copy(update={"priority": "critical"})
    story.restart(300, rules={"CK-01": urgent})
    story.play(301, {"methane": 12.0})
    story.play(400)
    assert story.transitions[-1].priority == "critical"
