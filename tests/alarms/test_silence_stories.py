"""What is silenced: shelved, suppressed, out of service; and what comes back when the silence ends (S8)."""

import pytest

from alarms.actions import Verb
from alarms.errors import ActionRefused
from alarms.states import AlarmState
from tests.fixtures.alarm_stories import RULES, SELDOM, Story, do, only
from tests.fixtures.stories import BIN

WORKS = {"why": "welding next door", "for_s": 600.0}
OUT = WORKS | {"measure": "person with instrument"}


@pytest.mark.parametrize("rule", [rule.id for rule in RULES.values() if rule.life_safety])
@pytest.mark.parametrize("verb", ["shelve", "suppress"])
def test_life_safety_is_never_shelved_or_suppressed(rule: str, verb: Verb) -> None:
    story = Story(only(rule))
    names = [record.alarm.partition("~")[2] for record in story.engine.records()]
    story.play(0, {"methane": 103.0})
    story.play(1, "lost")
    story.play(20)
    for name in names:
        with pytest.raises(ActionRefused, match="life-safety alarm: it can never be shelved or suppressed"):
            story.play(21, do(verb, name, **WORKS))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"who": ""}, "needs the name of the person"),
        ({"why": ""}, "needs a reason"),
        ({"for_s": None}, "needs an end"),
        ({"for_s": 0.0}, "needs an end"),
        ({"for_s": 8 * 86400.0}, "between 1 s and 604800 s"),
        ({"measure": ""}, "needs a compensating measure"),
    ],
    ids=["person", "reason", "no end", "end now", "end too late", "measure"],
)
def test_out_of_service_needs_person_reason_end_and_measure(wrong: dict[str, object], message: str) -> None:
    story = Story(only("CK-02"))
    with pytest.raises(ActionRefused, match=message):
        story.play(0, do("out-of-service", "CK-02", **(OUT | wrong)))
    assert story.record("CK-02").state is AlarmState.NORMAL
    story.tell([(1, do("out-of-service", "CK-02", **OUT), ["CK-02 out-of-service @1"])])


def test_shelving_ends_after_eight_hours_at_the_latest() -> None:
    story = Story(only("CK-01"))
    story.play(0, {"methane": 12.0})
    with pytest.raises(ActionRefused, match="between 1 s and 28800 s"):
        story.play(31, do("shelve", "CK-01", why="works", for_s=28801.0))


def test_shelved_alarm_comes_back_by_itself_while_its_condition_stands() -> None:
    story = Story(only("CK-01"))
    story.tell(
        [
            (0, {"methane": 12.0}, []),
            (40, do("shelve", "CK-01", **WORKS), ["CK-01 unacknowledged @30", "CK-01 shelved @40"]),
            (639, None, []),
            (640, None, ["CK-01 normal @640", "CK-01 unacknowledged @640"]),
        ]
    )
    assert [one.why for one in story.transitions[-2:]] == ["the time was over", "the silence is over"]


def test_shelved_alarm_whose_condition_went_comes_back_returned() -> None:
    Story(only("CK-01")).tell(
        [
            (0, {"methane": 12.0}, []),
            (40, do("shelve", "CK-01", **WORKS), ["CK-01 unacknowledged @30", "CK-01 shelved @40"]),
            (50, {"methane": 0.0}, []),
            (
                300,
                do("unshelve", "CK-01"),
                ["CK-01 normal @300", "CK-01 unacknowledged @300", "CK-01 returned-unacknowledged @300"],
            ),
        ]
    )


@pytest.mark.parametrize("acknowledged", [False, True])
def test_latch_comes_back_from_out_of_service(acknowledged: bool) -> None:
    story = Story(only("CK-04"))
    story.play(0, {"methane": 60.0})
    story.play(10, {"methane": 0.0})
    story.play(200)
    if acknowledged:
        story.play(201, do("acknowledge", "CK-04"))
    story.tell(
        [
            (210, do("out-of-service", "CK-04", **OUT), ["CK-04 out-of-service @210"]),
            (
                300,
                do("in-service", "CK-04"),
                ["CK-04 normal @300", "CK-04 unacknowledged @300", "CK-04 latched-unacknowledged @300"],
            ),
        ]
    )


def test_leak_that_came_and_went_while_out_of_service_is_latched_afterwards() -> None:
    Story(only("CK-04")).tell(
        [
            (0, do("out-of-service", "CK-04", **OUT), ["CK-04 out-of-service @0"]),
            (100, {"methane": 60.0}, []),
            (110, {"methane": 0.0}, []),
            (
                600,
                None,
                ["CK-04 normal @600", "CK-04 unacknowledged @600", "CK-04 latched-unacknowledged @600"],
            ),
        ]
    )


def test_unlatched_condition_that_came_and_went_while_out_of_service_leaves_nothing() -> None:
    Story(only("CK-01")).tell(
        [
            (0, do("out-of-service", "CK-01", **OUT), ["CK-01 out-of-service @0"]),
            (100, {"methane": 12.0}, []),
            (200, {"methane": 0.0}, []),
            (600, None, ["CK-01 normal @600"]),
        ]
    )


def test_silence_that_was_replaced_by_another_does_not_end_it() -> None:
    story = Story(only("CK-01"))
    story.play(0, {"methane": 12.0})
    story.play(40, do("shelve", "CK-01", **WORKS))
    story.tell(
        [
            (100, do("suppress", "CK-01"), ["CK-01 suppressed-by-design @100"]),
            (1000, None, []),
            (1001, do("unsuppress", "CK-01"), ["CK-01 normal @1001", "CK-01 unacknowledged @1001"]),
            (1010, do("shelve", "CK-01", **WORKS), ["CK-01 shelved @1010"]),
            (1020, do("out-of-service", "CK-01", **(OUT | {"for_s": 5000.0})), ["CK-01 out-of-service @1020"]),
            (6019, None, []),
            (6020, None, ["CK-01 normal @6020", "CK-01 unacknowledged @6020"]),
        ]
    )


def test_delay_that_ends_while_shelved_does_not_hide_the_alarm_later() -> None:
    Story(only("SB-02"), profile=BIN, area="street", period_s=SELDOM).tell(
        [
            (0, {"fill": 95.0}, []),
            (5, {"fill": 95.0}, ["SB-02 unacknowledged @5"]),
            (6, do("shelve", "SB-02", "bin:1", **WORKS), ["SB-02 shelved @6"]),
            (10, {"fill": 10.0}, []),
            (20, {"fill": 95.0}, []),
            (30, {"fill": 95.0}, []),
            (606, None, ["SB-02 normal @606", "SB-02 unacknowledged @606"]),
        ]
    )
