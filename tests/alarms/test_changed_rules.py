"""A changed rule never clears (S11): what it finds standing stays until a person settles it, over restarts too."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms.alarm import decode_record, encode
from alarms.engine import Watched
from alarms.errors import ActionRefused
from alarms.orphans import UNKNOWN, mark_of
from alarms.rule import AlarmRule
from tests.fixtures.alarm_stories import RULES, SELDOM, Story, do, only
from tests.fixtures.condition_stories import rule
from tests.fixtures.stories import BIN, GAS, at, bin_reading, gas_reading, varied

FULL, LEAK = "bin:1~SB-02", "gas:1~CK-02"
TEXT = {"zh": "别的", "en": "another"}


def other(name: str, condition: dict[str, Any] | None = None, **keys: Any) -> dict[str, AlarmRule]:
    """The shipped rule with other keys, its first condition with other figures."""
    data = RULES[name].model_dump(mode="json", by_alias=True) | keys
    data["any"][0] |= condition or {}
    return {name: AlarmRule.model_validate(data, strict=False)}


def overflow(*, rules: dict[str, AlarmRule] | None = None) -> Story:
    """A bin at 92 %; its rule comes at 90 and goes below 80, and does not latch."""
    story = Story(rules or only("SB-02"), profile=BIN, area="street")
    story.tell([(0, {"fill": 92.0}, []), (1, {"fill": 92.0}, ["SB-02 unacknowledged @1"])])
    return story


def test_the_same_rule_goes_on_over_a_restart() -> None:
    story = overflow()
    story.restart(2)
    assert not story.engine.is_orphan(FULL)
    story.tell([(3, {"fill": 85.0}, []), (4, {"fill": 70.0}, ["SB-02 returned-unacknowledged @4"])])


def test_an_alarm_that_the_changed_rule_would_clear_waits_for_a_person() -> None:
    story = overflow()
    story.restart(2, other("SB-02", {"limit": 100.0, "deadband": 5.0}))
    assert story.engine.is_orphan(FULL)
    story.tell(
        [
            (3, {"fill": 92.0}, ["SB-02 latched-unacknowledged @3"]),
            (4, {"fill": 10.0}, []),
            (5, do("acknowledge", "SB-02", "bin:1"), ["SB-02 latched-acknowledged @5"]),
            (6, {"fill": 10.0}, []),
        ]
    )
    assert story.engine.is_orphan(FULL)
    story.tell([(7, do("reset", "SB-02", "bin:1"), ["SB-02 normal @7"])])
    assert not story.engine.is_orphan(FULL)
    story.tell([(8, {"fill": 101.0}, []), (9, {"fill": 101.0}, ["SB-02 unacknowledged @9"])])
    assert not story.engine.is_orphan(FULL), "the rule of today raised this one"
    story.tell([(10, {"fill": 10.0}, ["SB-02 returned-unacknowledged @10"])])


def test_an_acknowledged_alarm_waits_too_and_over_every_further_restart() -> None:
    story = overflow()
    story.tell([(2, do("acknowledge", "SB-02", "bin:1"), ["SB-02 acknowledged @2"])])
    raised = other("SB-02", {"limit": 100.0, "deadband": 5.0})
    story.restart(3, raised)
    story.tell([(4, {"fill": 10.0}, ["SB-02 latched-acknowledged @4"])])
    for second in (5, 6):
        story.restart(second, raised)
        assert story.engine.is_orphan(FULL)
        assert story.play(second + 0.5, {"fill": 10.0}) == []
    assert story.record("SB-02").state.word == "latched-acknowledged"


def test_the_changed_rule_warns_anew_beside_what_waits_for_a_person() -> None:
    story = overflow()
    story.tell([(2, do("acknowledge", "SB-02", "bin:1"), ["SB-02 acknowledged @2"])])
    story.restart(3, other("SB-02", {"limit": 95.0, "deadband": 1.0}))
    story.tell(
        [
            (4, {"fill": 92.0}, ["SB-02 latched-acknowledged @4"]),
            (5, {"fill": 97.0}, []),
            (6, {"fill": 97.0}, ["SB-02 unacknowledged @6"]),
        ]
    )
    assert story.engine.is_orphan(FULL)
    with pytest.raises(ActionRefused):
        story.play(7, do("reset", "SB-02", "bin:1"))


def test_a_rule_that_is_as_it_was_again_takes_its_alarm_up() -> None:
    story = overflow()
    story.restart(2, other("SB-02", {"limit": 100.0, "deadband": 5.0}))
    story.restart(3, only("SB-02"))
    assert not story.engine.is_orphan(FULL)
    story.tell([(4, {"fill": 92.0}, []), (5, {"fill": 70.0}, ["SB-02 returned-unacknowledged @5"])])


@pytest.mark.parametrize(
    ("condition", "keys", "is_another"),
    [
        ({"limit": 30.0}, {}, True),
        ({"deadband": 2.0}, {}, True),
        ({}, {"off_delay_s": 1.0}, True),
        ({}, {"latch": False}, True),
        ({}, {"reset": "on-site-calibration"}, True),
        ({}, {"on_delay_s": 1.0}, True),
        ({}, {"title": TEXT, "cause": TEXT, "response": ["R1"], "respond_within_s": 9.0}, False),
    ],
)
def test_what_makes_a_rule_another_one(condition: dict[str, Any], keys: dict[str, Any], is_another: bool) -> None:
    story = Story(only("CK-02"))
    story.tell([(0, {"methane": 30.0}, []), (5, {"methane": 30.0}, ["CK-02 unacknowledged @5"])])
    story.restart(6, other("CK-02", condition, **keys))
    assert story.engine.is_orphan(LEAK) is is_another


def test_a_leak_of_another_rule_is_settled_on_site_and_on_a_proof() -> None:
    story = Story(only("CK-02"))
    story.tell([(0, {"methane": 30.0}, []), (5, {"methane": 30.0}, ["CK-02 unacknowledged @5"])])
    story.restart(6, other("CK-02", {"limit": 40.0}, off_delay_s=0.0, latch=False))
    story.tell(
        [
            (7, {"methane": 32.0}, ["CK-02 latched-unacknowledged @7"]),
            (8, do("acknowledge", "CK-02"), ["CK-02 latched-acknowledged @8"]),
        ]
    )
    with pytest.raises(ActionRefused, match="on site"):
        story.play(9, do("reset", "CK-02"))
    story.play(10, {"methane": 37.0})
    with pytest.raises(ActionRefused, match="good, fresh value"):
        story.play(11, do("reset", "CK-02", on_site=True))
    story.tell([(12, {"methane": 0.0}, []), (13, do("reset", "CK-02", on_site=True), ["CK-02 normal @13"])])


def test_what_was_silenced_under_another_rule_comes_back_when_the_silence_ends() -> None:
    story = overflow()
    story.tell(
        [
            (2, do("acknowledge", "SB-02", "bin:1"), ["SB-02 acknowledged @2"]),
            (3, do("shelve", "SB-02", "bin:1", why="works", for_s=100.0), ["SB-02 shelved @3"]),
        ]
    )
    story.restart(4, other("SB-02", {"limit": 100.0}))
    assert story.engine.is_orphan(FULL)
    ended = ["SB-02 normal @103", "SB-02 unacknowledged @103", "SB-02 latched-unacknowledged @103"]
    story.tell([(5, {"fill": 10.0}, []), (200, None, ended)])
    assert story.engine.is_orphan(FULL)


def test_what_was_raised_out_of_service_under_another_rule_comes_back_too() -> None:
    story = Story(only("SB-02"), profile=BIN, area="street")
    outage = do("out-of-service", "SB-02", "bin:1", why="works", for_s=100.0)
    story.tell([(0, outage, ["SB-02 out-of-service @0"]), (1, {"fill": 92.0}, []), (2, {"fill": 92.0}, [])])
    story.restart(3, other("SB-02", {"limit": 100.0}))
    ended = ["SB-02 normal @100", "SB-02 unacknowledged @100", "SB-02 latched-unacknowledged @100"]
    story.tell([(4, {"fill": 10.0}, []), (200, None, ended)])


def test_what_only_waits_to_be_acknowledged_is_settled_by_that() -> None:
    story = overflow()
    story.tell([(2, {"fill": 10.0}, ["SB-02 returned-unacknowledged @2"])])
    story.restart(3, other("SB-02", {"limit": 100.0}))
    assert not story.engine.is_orphan(FULL)
    story.tell([(4, do("acknowledge", "SB-02", "bin:1"), ["SB-02 normal @4"])])


def without_marks(story: Story) -> None:
    """What is stored is of a release that kept no marks."""
    for key, body in story.stored.items():
        story.stored[key] = msgspec.msgpack.encode(msgspec.msgpack.decode(body)[:23])


def test_a_leak_that_a_release_without_marks_stored_waits_for_a_person() -> None:
    story = Story(only("CK-02"))
    story.tell([(0, {"methane": 30.0}, []), (5, {"methane": 30.0}, ["CK-02 unacknowledged @5"])])
    story.news()
    without_marks(story)
    story.restart(6)
    assert story.engine.is_orphan(LEAK)
    assert story.record("CK-02").mark == UNKNOWN
    story.restart(7)
    assert story.engine.is_orphan(LEAK)


def test_another_alarm_that_a_release_without_marks_stored_goes_on() -> None:
    story = overflow()
    without_marks(story)
    story.restart(2)
    assert not story.engine.is_orphan(FULL)
    story.tell([(3, {"fill": 70.0}, ["SB-02 returned-unacknowledged @3"])])


def test_a_record_keeps_its_mark_and_so_does_a_transition() -> None:
    story = overflow()
    mark = mark_of(RULES["SB-02"], BIN)
    assert [(one.mark, one.outlived) for one in story.transitions] == [(mark, False)]
    assert decode_record(encode(story.record("SB-02"))).mark == mark
    story.restart(2, other("SB-02", {"limit": 100.0}))
    story.news()
    kept = decode_record(story.stored[f"alarm/{FULL}"])
    assert (kept.mark, kept.outlived) == (mark, True), "whoever only reads what is kept knows it at once"
    story.tell([(3, {"fill": 10.0}, ["SB-02 latched-unacknowledged @3"])])
    assert [(one.mark, one.outlived) for one in story.transitions[1:]] == [(mark, True)]


def test_an_alarm_without_its_rule_is_settled_as_before() -> None:
    story = overflow()
    story.restart(2, only("SB-05"))
    assert story.engine.is_orphan(FULL)
    story.tell(
        [
            (3, {"fill": 10.0}, []),
            (4, do("acknowledge", "SB-02", "bin:1"), ["SB-02 acknowledged @4"]),
            (5, do("reset", "SB-02", "bin:1"), ["SB-02 latched-acknowledged @5", "SB-02 normal @5"]),
        ]
    )


# -- while it runs --------------------------------------------------------------------------------------------------


def test_another_device_type_has_to_be_heard_before_it_says_that_a_condition_has_gone() -> None:
    wide = varied({"methane": {"range": [0.0, 80.0]}})
    story = Story(only("CK-02"))
    story.tell(
        [
            (0, {"methane": 30.0}, []),
            (5, {"methane": 30.0}, ["CK-02 unacknowledged @5"]),
            (6, {"methane": 10.0}, []),
        ]
    )
    story.engine.rewatch([Watched("gas:1", wide, "commercial-kitchen", SELDOM)], at(7))
    assert story.engine.is_orphan(LEAK)
    assert story.play(8, gas_reading(8, methane=None)) == [], "what was heard before the change clears nothing"
    assert story.play(100) == []
    story.tell([(101, {"methane": 1.0}, []), (170, {"methane": 1.0}, ["CK-02 latched-unacknowledged @161"])])


def test_each_input_has_to_be_heard_and_not_one_of_them() -> None:
    wide = varied({"methane": {"range": [0.0, 80.0]}})
    story = Story(only("CK-02"))
    story.tell([(0, {"methane": 30.0}, []), (5, {"methane": 30.0}, ["CK-02 unacknowledged @5"])])
    story.engine.rewatch([Watched("gas:1", wide, "commercial-kitchen", SELDOM)], at(6))
    story.tell([(7, {"methane": 1.0, "alarm": None}, []), (100, None, [])])
    story.tell([(101, {"methane": 1.0}, []), (170, {"methane": 1.0}, ["CK-02 latched-unacknowledged @161"])])


def test_a_reset_waits_for_a_fresh_value_since_the_change() -> None:
    wide = varied({"methane": {"range": [0.0, 80.0]}})
    story = Story(only("CK-04"))
    story.tell(
        [
            (0, {"methane": 60.0}, ["CK-04 unacknowledged @0"]),
            (1, {"methane": 0.0}, []),
            (200, {"methane": 0.0}, ["CK-04 latched-unacknowledged @121"]),
            (201, do("acknowledge", "CK-04"), ["CK-04 latched-acknowledged @201"]),
        ]
    )
    story.engine.rewatch([Watched("gas:1", wide, "commercial-kitchen", SELDOM)], at(202))
    with pytest.raises(ActionRefused, match="has not seen a fresh value"):
        story.play(203, do("reset", "CK-04", on_site=True))
    story.tell([(204, {"methane": 0.0}, []), (205, do("reset", "CK-04", on_site=True), ["CK-04 normal @205"])])


def test_a_window_of_time_goes_on_where_only_the_period_changed() -> None:
    rising = rule({"kind": "rise", "role": "gas", "by": 5.0, "unit": "%{LEL}", "over_s": 60.0})
    story = Story({rising.id: rising})
    story.tell([(0, {"methane": 1.0}, []), (5, {"methane": 4.0}, [])])
    story.engine.rewatch([Watched("gas:1", GAS, "commercial-kitchen", 60.0)], at(10))
    story.tell([(20, {"methane": 7.0}, ["XX-01 unacknowledged @20"])])


# -- whatever changes -----------------------------------------------------------------------------------------------

LEVELS = st.floats(0.0, 100.0, width=32)


@given(
    limit=st.integers(20, 100),
    deadband=st.integers(0, 20),
    off_delay=st.sampled_from([0.0, 5.0]),
    fills=st.lists(LEVELS, max_size=8),
    acknowledged=st.booleans(),
)
def test_without_a_person_no_changed_rule_ends_what_stood(
    limit: int, deadband: int, off_delay: float, fills: list[float], acknowledged: bool
) -> None:
    changed = other("SB-02", {"limit": float(limit), "deadband": float(deadband)}, off_delay_s=off_delay)
    story = overflow()
    if acknowledged:
        story.play(2, do("acknowledge", "SB-02", "bin:1"))
    story.restart(3, changed)
    is_same = mark_of(changed["SB-02"], BIN) == mark_of(RULES["SB-02"], BIN)
    for second, fill in enumerate(fills, 4):
        story.play(second, bin_reading(second, fill=fill))
        assert is_same or (story.record("SB-02").state.stands and story.engine.is_orphan(FULL))
