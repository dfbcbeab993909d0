"""The alarms of some devices are those of all, whatever became of the site meanwhile."""

from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.engine import AlarmEngine, Watched
from protocols.reading import Origin
from tests.fixtures.alarm_stories import RULES, SELDOM
from tests.fixtures.stories import GAS, at, gas_reading

DEVICES = ("gas:1", "gas:2", "gas:3")
KITCHENS = [Watched(one, GAS, "commercial-kitchen", SELDOM) for one in DEVICES]
STREETS = [Watched(one, GAS, "street", SELDOM) for one in DEVICES]
SITES = st.lists(st.sampled_from(range(3)), unique=True)
READINGS = st.tuples(st.sampled_from(DEVICES), st.sampled_from([0.0, 60.0]), st.sampled_from(list(Origin)))
STEPS = st.lists(
    st.one_of(READINGS, READINGS, st.tuples(st.just("site"), st.booleans(), SITES), st.just(("restart",))), max_size=12
)


def _alarms(engine: AlarmEngine, *devices: str) -> list[str]:
    return sorted(one.alarm for one in engine.records_of(devices))


@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_the_alarms_of_devices_are_those_among_all(steps):
    engine, here, state = AlarmEngine(RULES, KITCHENS, at(0)), KITCHENS, {}
    for second, (what, *rest) in enumerate(steps, 1):
        if what == "site":
            is_street, chosen = rest
            here = [(STREETS if is_street else KITCHENS)[one] for one in chosen]
            engine.rewatch(here, at(second))
        elif what == "restart":
            engine = AlarmEngine(RULES, here, at(second))
            engine.load(state)
        elif any(one.device == what for one in here):
            methane, origin = rest
            engine.observe(gas_reading(second, what, origin, methane=methane), at(second))
        state |= engine.drain()[1]
        everything = {id(one) for one in engine.records()}
        of_each = [one for device in DEVICES for one in engine.records_of([device])]
        assert {id(one) for one in of_each} == everything
        assert len(of_each) == len(everything)
        assert _alarms(engine, "gas:1", "gas:3") == sorted(
            one.alarm for one in engine.records() if one.device in ("gas:1", "gas:3")
        )
    assert engine.records_of(["nobody"]) == []


def test_what_the_last_reading_said_stands_in_them():
    engine = AlarmEngine(RULES, KITCHENS, at(0))
    engine.observe(gas_reading(1, "gas:2", methane=3.0), at(1))
    engine.observe(gas_reading(2, "gas:2", methane=4.0), at(2))
    assert {one.value for one in engine.records_of(["gas:2"]) if one.rule == "CK-04"} == {4.0}
