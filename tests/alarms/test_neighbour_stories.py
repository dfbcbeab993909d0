"""Stories of wells that are neighbours (GW-02): gas in two of them within half an hour travels along the ducts."""

from collections.abc import Mapping

from alarms.engine import AlarmEngine, Watched
from protocols.moment import SECOND
from protocols.quality import Quality
from protocols.reading import Origin
from tests.fixtures.alarm_stories import only
from tests.fixtures.stories import GAS, at, gas_reading, marked

MINUTE = 60.0


class Wells:
    """Wells a, b and c: each is a neighbour of the next. A device that is far from reporting is not lost here."""

    def __init__(self, neighbours: Mapping[str, tuple[str, ...]] | None = None) -> None:
        beside = {"a": ("b",), "b": ("a", "c"), "c": ("b",)} if neighbours is None else neighbours
        self.engine = AlarmEngine(only("GW-02"), [well(name, *beside[name]) for name in beside], at(0))
        self.told: list[str] = []

    def hear(self, seconds: float, device: str, methane: float, origin: Origin = Origin.LIVE) -> None:
        """A reading, after all that time did before it."""
        self.wait(seconds)
        self.engine.observe(gas_reading(seconds, device=device, origin=origin, methane=methane), at(seconds))
        self._drain(seconds)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        while (due := self.engine.due()) is not None and due <= at(seconds).mono:
            then = (due - at(0).mono) / SECOND
            self.engine.tick(at(then))
            self._drain(then)

    def _drain(self, seconds: float) -> None:
        for one in self.engine.drain()[0]:
            self.told.append(f"{one.device} {one.after.name.lower().replace('_', '-')} @{seconds:g}")


def well(name: str, *neighbours: str) -> Watched:
    return Watched(name, GAS, "well", 100_000.0, neighbours=neighbours)


def test_gas_in_two_neighbouring_wells_within_half_an_hour_is_told_of_both() -> None:
    wells = Wells()
    wells.hear(0, "a", 20.0)
    wells.hear(29 * MINUTE, "b", 20.0)
    wells.wait(60 * MINUTE)
    assert wells.told == ["a unacknowledged @1770", "b unacknowledged @1770"]


def test_gas_in_one_well_alone_is_not_this_alarm() -> None:
    wells = Wells()
    wells.hear(0, "a", 34.9)
    wells.hear(10, "b", 19.9)
    wells.wait(60 * MINUTE)
    assert wells.told == []


def test_gas_in_the_second_well_after_more_than_half_an_hour_is_not_together() -> None:
    wells = Wells()
    wells.hear(0, "a", 25.0)
    wells.hear(1, "a", 1.0)
    wells.hear(30 * MINUTE + 1, "b", 25.0)
    wells.wait(90 * MINUTE)
    assert wells.told == []


def test_well_that_is_no_neighbour_makes_no_difference() -> None:
    wells = Wells()
    wells.hear(0, "a", 25.0)
    wells.hear(60, "c", 25.0)
    wells.wait(60 * MINUTE)
    assert wells.told == []


def test_much_gas_in_one_well_is_told_without_a_neighbour() -> None:
    wells = Wells()
    wells.hear(0, "a", 35.0)
    wells.wait(60)
    assert wells.told == ["a unacknowledged @30"]


def test_first_well_that_is_clean_again_is_told_all_the_same_and_returns_after_half_an_hour() -> None:
    wells = Wells()
    wells.hear(0, "a", 25.0)
    wells.hear(60, "a", 2.0)
    wells.hear(120, "b", 25.0)
    wells.wait(150)
    assert wells.told == ["a unacknowledged @150", "b unacknowledged @150"]
    wells.hear(1900, "a", 2.0)
    wells.hear(1901, "b", 2.0)
    wells.wait(1900 + 31 * MINUTE)
    wells.hear(1900 + 31 * MINUTE, "b", 2.0)
    wells.wait(1900 + 90 * MINUTE)
    assert [one.partition(" @")[0] for one in wells.told[2:]] == [
        "a latched-unacknowledged",
        "b latched-unacknowledged",
    ]


def test_drill_in_one_well_and_gas_in_another_are_not_together() -> None:
    wells = Wells()
    wells.hear(0, "a", 25.0, Origin.DRILL)
    wells.hear(10, "b", 25.0)
    wells.wait(60 * MINUTE)
    assert wells.told == []
    wells.hear(60 * MINUTE, "b", 25.0, Origin.DRILL)
    wells.wait(61 * MINUTE)
    assert wells.told == []
    wells.hear(62 * MINUTE, "a", 25.0, Origin.DRILL)
    wells.wait(63 * MINUTE)
    assert sorted(wells.told) == ["a unacknowledged @3750", "b unacknowledged @3750"]


def test_wells_that_are_neighbours_no_more_are_not_together() -> None:
    wells = Wells()
    wells.hear(0, "a", 25.0)
    wells.engine.rewatch([well("a"), well("b", "c"), well("c", "b")], at(1))
    wells.hear(10, "b", 25.0)
    wells.wait(20 * MINUTE)
    assert wells.told == []


def test_well_that_went_is_forgotten_by_its_neighbours() -> None:
    wells = Wells()
    wells.hear(0, "a", 25.0)
    wells.engine.rewatch([well("b", "c"), well("c", "b")], at(1))
    wells.hear(10, "b", 25.0)
    wells.wait(20 * MINUTE)
    assert [one for one in wells.told if one.startswith("b")] == []


def test_test_gas_in_a_well_counts_for_nothing() -> None:
    wells = Wells()
    tested = marked(gas_reading(0, device="a", methane=25.0), Quality.UNCERTAIN_UNDER_TEST)
    wells.engine.observe(tested, at(0))
    wells.hear(10, "b", 25.0)
    wells.wait(20 * MINUTE)
    assert wells.told == []


def test_only_the_same_rule_is_met_together() -> None:
    rule = only("GW-02")["GW-02"]
    gentle = rule.model_copy(
        update={
            "id": "XX-02",
            "any": tuple(
                one.model_copy(update={"limit": 5.0})
                if one.kind == "together"
                else one.model_copy(update={"limit": 90.0})
                for one in rule.any
            ),
        }
    )
    engine = AlarmEngine({"GW-02": rule, "XX-02": gentle}, [well("a", "b"), well("b", "a")], at(0))
    for device, methane in (("a", 20.0), ("b", 6.0)):
        engine.observe(gas_reading(0, device=device, methane=methane), at(0))
    engine.tick(at(0))
    while (due := engine.due()) is not None and due <= at(60).mono:
        engine.tick(at((due - at(0).mono) / SECOND))
    standing = {(one.device, one.rule) for one in engine.records() if one.state.stands}
    assert standing == {("a", "XX-02"), ("b", "XX-02")}  # 20 and 6: both wells reach 5, one alone reaches 20
