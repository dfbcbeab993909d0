"""What the loss of a device is worth in a group is what the most pressing of its rules says (S6)."""

import pytest

from alarms.blindness import Losses
from alarms.engine import AlarmEngine, Watched
from alarms.rule import AlarmRule
from protocols.reading import Origin
from tests.fixtures.alarm_stories import RULES, only
from tests.fixtures.stories import GAS, at

LOW = RULES["BL-02"].model_copy(update={"id": "XX-01", "priority": "low"})


@pytest.mark.parametrize(
    ("rules", "rank"),
    [({"XX-01": LOW, **only("BL-02", "CK-04", "BL-01")}, 3), ({"XX-01": LOW}, 1), (only("CK-04", "BL-01"), 1)],
)
def test_rank_is_that_of_the_most_pressing_rule_that_says_no_more_than_that_it_is_lost(
    rules: dict[str, AlarmRule], rank: int
) -> None:
    engine = AlarmEngine(rules, [Watched("gas:1", GAS, "commercial-kitchen", 60.0)], at(0))
    assert Losses().rank(engine.group_of("gas:1", Origin.LIVE), "commercial-kitchen") == rank
