"""Stories of GH-01 to GH-05: the gateway's own alarms, on the readings that it makes of itself."""

import pytest

from alarms.errors import ActionRefused
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile
from protocols.reading import Origin, Reading
from tests.fixtures.alarm_stories import RULES, SELDOM, Row, Story, do
from tests.fixtures.stories import at

GATEWAY, CONNECTION, SIGN = (
    shipped_profiles()[f"gengfu/{name}"] for name in ("gateway", "gateway-connection", "gateway-sign")
)


class OwnStory(Story):
    """Of one of the gateway's own devices, under all the rules that are shipped."""

    def __init__(self, profile: Profile, period_s: float = SELDOM) -> None:
        super().__init__(RULES, profile=profile, area="other", period_s=period_s)

    def says(self, seconds: float, *transitions: str, **values: float) -> Row:
        told = tuple(values.get(point.name) for point in self.watched.profile.points)
        profile, moment = self.watched.profile, at(seconds).wall
        made = Reading(self.device, profile.id, moment, moment, Origin.LIVE, told, profile.qualify(told))
        return seconds, made, transitions


@pytest.mark.parametrize(("points", "rule"), [(14.0, "GH-01a"), (0.0, "GH-01b")])
def test_gateway_that_gives_no_sign_for_a_minute_is_told_by_what_it_watches(points: float, rule: str) -> None:
    story = OwnStory(SIGN, SIGN.file.profile.period_s)
    story.tell(
        [
            story.says(0, alive=1.0, life_safety_points=points),
            story.says(20, alive=1.0, life_safety_points=points),
            (79, None, []),
            (80, None, [f"{rule} unacknowledged @80"]),
            story.says(100, alive=1.0, life_safety_points=points),
            story.says(150, alive=1.0, life_safety_points=points),
            (159, None, []),
            (160, None, [f"{rule} returned-unacknowledged @160"]),
            (170, do("acknowledge", rule), [f"{rule} normal @170"]),
        ]
    )


@pytest.mark.parametrize(
    ("blind", "rule", "priority"),
    [
        (4.0, "GH-02a", "critical"),
        (3.0, "GH-02b", "high"),
        (2.0, "GH-02c", "medium"),
        (1.0, "GH-02d", "low"),
    ],
)
def test_connection_that_is_down_for_half_a_minute_is_told_as_what_is_on_it(
    blind: float, rule: str, priority: str
) -> None:
    story = OwnStory(CONNECTION)
    story.tell(
        [
            story.says(0, blind=0.0),
            story.says(5, blind=blind),
            story.says(34, blind=blind),
            (35, None, [f"{rule} unacknowledged @35"]),
            (40, do("acknowledge", rule), [f"{rule} acknowledged @40"]),
            story.says(50, blind=0.0),
            story.says(80, blind=0.0),
            (110, None, [f"{rule} normal @110"]),
        ]
    )
    assert story.record(rule).priority == priority


def test_connection_that_comes_back_within_half_a_minute_is_not_told() -> None:
    story = OwnStory(CONNECTION)
    story.tell([story.says(0, blind=3.0), story.says(29, blind=0.0), story.says(60, blind=0.0), (90, None, [])])


def test_connection_on_which_a_more_pressing_device_stands_now_is_told_anew() -> None:
    story = OwnStory(CONNECTION)
    story.tell(
        [
            story.says(0, blind=2.0),
            (30, None, ["GH-02c unacknowledged @30"]),
            story.says(40, blind=3.0),
            (70, None, ["GH-02b unacknowledged @70"]),
            (100, None, ["GH-02c returned-unacknowledged @100"]),
        ]
    )


def test_journal_that_fills_up_is_told_after_a_minute_and_ends_ten_minutes_after_it_has_room() -> None:
    story = OwnStory(GATEWAY)
    story.tell(
        [
            story.says(0, journal_fill=79.9),
            story.says(10, journal_fill=80.0),
            (70, None, ["GH-03a unacknowledged @70"]),
            (71, do("acknowledge", "GH-03a"), ["GH-03a acknowledged @71"]),
            story.says(80, journal_fill=75.0),
            (700, None, []),
            story.says(710, journal_fill=74.9),
            story.says(1300, journal_fill=74.9),
            (1310, None, ["GH-03a normal @1310"]),
        ]
    )


@pytest.mark.parametrize(("point", "rule"), [("disk_refuses", "GH-03b"), ("mains_lost", "GH-03c")])
def test_disk_that_refuses_and_mains_that_are_lost_are_told_after_a_minute(point: str, rule: str) -> None:
    story = OwnStory(GATEWAY)
    story.tell(
        [
            story.says(0, **{point: 0.0}),
            story.says(10, **{point: 1.0}),
            (69, None, []),
            (70, None, [f"{rule} unacknowledged @70"]),
            (71, do("acknowledge", rule), [f"{rule} acknowledged @71"]),
            story.says(80, **{point: 0.0}),
            (679, None, []),
            (680, None, [f"{rule} normal @680"]),
        ]
    )


def test_supply_that_cannot_tell_is_no_news() -> None:
    story = OwnStory(GATEWAY)
    story.tell([story.says(0, journal_fill=1.0), (3600, None, [])])


@pytest.mark.parametrize(
    ("point", "below", "limit", "rule"),
    [
        ("canary_missing", 59.0, 60.0, "GH-04a"),
        ("desk_unattended", 119.0, 120.0, "GH-04b"),
        ("notifications_failed", 2.0, 3.0, "GH-04c"),
    ],
)
def test_nobody_is_told_is_itself_told_at_once_and_is_over_at_once(
    point: str, below: float, limit: float, rule: str
) -> None:
    story = OwnStory(GATEWAY)
    story.tell(
        [
            story.says(0, **{point: below}),
            story.says(5, f"{rule} unacknowledged @5", **{point: limit}),
            story.says(10, f"{rule} returned-unacknowledged @10", **{point: 0.0}),
        ]
    )
    assert story.record(rule).priority == "critical"


def test_desk_without_anybody_cannot_be_shelved() -> None:
    story = OwnStory(GATEWAY)
    story.play(0, story.says(0, desk_unattended=120.0)[1])
    with pytest.raises(ActionRefused, match="life"):
        story.play(1, do("shelve", "GH-04b", why="lunch", for_s=600.0))


@pytest.mark.parametrize(
    ("point", "value", "rules"),
    [
        ("changed_rules", 1.0, ["GH-05a"]),
        ("clock_offset", 2.0, ["GH-05b"]),
        ("clock_offset", 60.0, ["GH-05b", "GH-05c"]),
        ("bypasses", 1.0, ["GH-05d"]),
    ],
)
def test_what_disarms_silently_is_told_at_once_and_ends_five_minutes_after_it_is_over(
    point: str, value: float, rules: list[str]
) -> None:
    story = OwnStory(GATEWAY)
    story.tell(
        [
            story.says(0, **{point: value * 0.99 if point == "clock_offset" and value == 2.0 else 0.0}),
            story.says(5, *(f"{rule} unacknowledged @5" for rule in rules), **{point: value}),
            story.says(10, **{point: 0.0}),
            (309, None, []),
            (310, None, [f"{rule} returned-unacknowledged @310" for rule in rules]),
        ]
    )
