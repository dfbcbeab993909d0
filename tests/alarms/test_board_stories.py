"""Stories of FW-01: a board whose flash refuses its records tells it, and does not stop measuring."""

import pytest

from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile
from protocols.reading import Origin, Reading
from tests.fixtures.alarm_stories import RULES, Row, Story, do, only
from tests.fixtures.stories import at

OURS = {name: profile for name, profile in shipped_profiles().items() if "memory_fault" in profile.by_name}


def reading(profile: Profile, device: str, seconds: float, memory_fault: float | None) -> Reading:
    """A reading that says nothing but this; ``None``: not even this."""
    values = tuple(memory_fault if point.name == "memory_fault" else None for point in profile.points)
    moment = at(seconds).wall
    return Reading(device, profile.id, moment, moment, Origin.LIVE, values, profile.qualify(values))


@pytest.mark.parametrize("name", sorted(OURS))
def test_refused_record_of_every_board_is_told_after_a_minute_and_ends_a_minute_after_it(name: str) -> None:
    profile = OURS[name]
    story = Story(only("FW-01"), profile=profile, area="street")

    def told(seconds: float, memory_fault: float | None, *transitions: str) -> Row:
        return seconds, reading(profile, story.device, seconds, memory_fault), transitions

    story.tell(
        [
            told(0, 0.0),
            told(10, 1.0),
            told(60, 1.0),
            (70, None, ["FW-01 unacknowledged @70"]),
            told(80, None),
            (90, do("acknowledge", "FW-01", story.device), ["FW-01 acknowledged @90"]),
            told(100, 0.0),
            (160, None, ["FW-01 normal @160"]),
        ]
    )


def test_record_that_is_taken_within_the_minute_is_not_told() -> None:
    story = Story(only("FW-01"))
    story.tell([(0, {"memory_fault": 1.0}, []), (59, {"memory_fault": 0.0}, []), (600, None, [])])


def test_refused_record_of_a_gas_alarm_raises_no_other_alarm() -> None:
    story = Story(RULES)
    story.tell([(0, {"memory_fault": 1.0}, []), (60, None, ["FW-01 unacknowledged @60"]), (900, None, [])])
