"""Two causes of the kitchen, one after the other, that ask for the same valve: which time counts."""

from tests.fixtures.kitchens import UP, Kitchen, member
from tests.fixtures.stories import gas_reading


def blind_while_rising() -> Kitchen:
    """RK-3 at 2 s: the upstream valve is to close at 7 s."""
    scene = Kitchen(member(), UP)
    scene.hear(0, gas_reading(0, methane=6.0), gas_reading(0, "up:1"))
    scene.hear(2, gas_reading(2, methane=6.0, fault=1.0), gas_reading(2, "up:1"))
    return scene


def test_what_another_cause_wants_only_after_a_failure_hastens_nothing() -> None:
    scene = blind_while_rising()
    scene.hear(4, gas_reading(4, methane=6.0, fault=1.0, alarm=1.0), gas_reading(4, "up:1"))
    scene.until(10)
    assert scene.record.causes[-1][0] == "RK-1"
    assert scene.sent() == [(2, "gas:1", "close-valve"), (7, "up:1", "close-valve")]


def test_what_another_cause_wants_at_once_is_hastened() -> None:
    scene = blind_while_rising()
    scene.hear(4, gas_reading(4, fault=1.0, over_range=1.0), gas_reading(4, "up:1"))
    scene.until(10)
    assert scene.sent() == [(2, "gas:1", "close-valve"), (4, "up:1", "close-valve")]
