"""What the gateway asks of the alarms besides: is there news, is it about life, does it pass at a glance."""

from alarms.alarm import decode_transition, encode
from alarms.engine import AlarmEngine, Watched
from alarms.group import LATE_AFTER_NS
from protocols.moment import SECOND
from protocols.reading import Origin
from tests.fixtures.alarm_stories import RULES, Story, only
from tests.fixtures.stories import GAS, at, gas_reading, own_state


def test_there_is_news_until_it_was_taken() -> None:
    engine = AlarmEngine(only("CK-04"), [Watched("gas:1", GAS, "commercial-kitchen", 60.0)], at(0))
    assert not engine.has_news
    engine.observe(gas_reading(1, methane=55.0), at(1))
    assert engine.has_news
    transitions, _ = engine.drain()
    assert not engine.has_news
    assert [decode_transition(encode(one)) for one in transitions] == transitions


def test_what_a_board_says_of_itself_tells_nothing_of_life_safety() -> None:
    engine = AlarmEngine(RULES, [Watched("gas:1", GAS, "commercial-kitchen", 60.0)], at(0))
    assert engine.tells_of_life_safety(gas_reading(1))
    assert not engine.tells_of_life_safety(own_state(1))
    assert not engine.tells_of_life_safety(gas_reading(1, device="gas:unknown"))


def test_only_a_fresh_ordinary_reading_of_a_quiet_device_passes_at_a_glance() -> None:
    engine = AlarmEngine(RULES, [Watched("gas:1", GAS, "commercial-kitchen", 600.0)], at(0))
    for seconds in (2, 4):
        engine.observe(gas_reading(seconds), at(seconds))
    group = engine.group_of("gas:1", Origin.LIVE)
    assert group.passes(gas_reading(6), at(6)) is not None
    assert group.passes(gas_reading(6, methane=12.0), at(6)) is None
    assert group.passes(gas_reading(6), at(6 + LATE_AFTER_NS / SECOND + 1)) is None
    engine.observe(gas_reading(6, methane=12.0), at(6))
    assert group.passes(gas_reading(8), at(8)) is None


def test_a_figure_counts_as_verified_where_each_of_its_sources_is() -> None:
    rule = RULES["CK-07"]
    sure = tuple(one.model_copy(update={"verified": True}) for one in rule.source)
    assert rule.model_copy(update={"source": sure}).verified
    doubtful = (sure[0].model_copy(update={"verified": False}), *sure[1:])
    assert not rule.model_copy(update={"source": doubtful}).verified


def test_a_rule_that_is_reported_has_seen_all_there_is_when_it_is_reported_again() -> None:
    """S11: what reports it ends it, and a person settles what another rule raised, though this one does not latch."""
    story = Story(only("ACT-1"))
    story.engine.report("gas:1", "ACT-1", True, at(1), role="valve")
    assert story.news() == ["ACT-1 unacknowledged @1"]
    changed = RULES["ACT-1"].model_copy(update={"latch": False})
    story.restart(10, {"ACT-1": changed})
    story.engine.report("gas:1", "ACT-1", False, at(11), role="valve")
    assert story.news() == ["ACT-1 latched-unacknowledged @11"]
