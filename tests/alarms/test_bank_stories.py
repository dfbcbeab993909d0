"""Stories of a hydrogen station's banks (H2-07, H2-08): whose limits are set values of the site."""

from pathlib import Path

import pytest

import alarms
from alarms.engine import AlarmEngine, Watched
from alarms.errors import RuleError
from alarms.rule import load_rules
from alarms.set_values import SetValues
from tests.fixtures.alarm_stories import only
from tests.fixtures.product_stories import SHIPPED, ProductStory, made_up
from tests.fixtures.stories import at

NODE = SHIPPED["gengfu/hydrogen-node"]
HYDROGEN = Path(alarms.__file__).parent / "rules" / "hydrogen.toml"
SETS = (SetValues("pressure_high_bank", 90.0, 5.0), SetValues("pressure_low_bank", 45.0, 2.0))
FULL = {"pressure_low_bank": 40.0, "pressure_high_bank": 80.0}
BANK = made_up(
    """
    [[point]]
    name = "bank"
    title = { zh = "储氢", en = "Bank" }
    unit = "MPa"
    range = [0.0, 110.0]
    role = "bank-pressure"

    [[point]]
    name = "compressor"
    title = { zh = "压缩机", en = "Compressor" }
    type = "flag"
    role = "compressor-proof"

    [[point]]
    name = "filling"
    title = { zh = "加注", en = "Filling" }
    type = "flag"
    role = "filling"
    """
)
IDLE = {"bank": 80.0, "compressor": 0.0, "filling": 0.0}


def banks(*rules: str) -> ProductStory:
    return ProductStory(rules, NODE, "hydrogen-station", FULL, sets=SETS)


def idle() -> ProductStory:
    return ProductStory(("H2-08b",), BANK, "hydrogen-station", IDLE, sets=(SetValues("bank", 90.0, 5.0),))


def test_each_bank_has_its_own_set_value_and_a_dead_band_of_two_percent_of_it() -> None:
    story = banks("H2-07")
    story.tell(
        [
            (0, {"pressure_low_bank": 44.99, "pressure_high_bank": 89.99}, []),
            (10, {"pressure_low_bank": 45.0}, []),
            (15, None, ["H2-07 unacknowledged @15"]),
            (20, {"pressure_low_bank": 45.0, "pressure_high_bank": 90.0}, []),
            (25, None, ["H2-07 unacknowledged @25"]),
            (30, {"pressure_low_bank": 44.1, "pressure_high_bank": 88.2}, []),
            (100, {"pressure_low_bank": 44.0, "pressure_high_bank": 88.2}, []),
            (130, None, ["H2-07 latched-unacknowledged @130"]),
            (200, {"pressure_low_bank": 44.0, "pressure_high_bank": 88.1}, []),
            (230, None, ["H2-07 latched-unacknowledged @230"]),
        ]
    )
    assert [one.alarm for one in story.transitions[:2]] == [
        "gas:1~H2-07:pressure_low_bank",
        "gas:1~H2-07:pressure_high_bank",
    ]


def test_low_bank_is_told_after_a_quarter_of_a_minute() -> None:
    banks("H2-08a").tell(
        [
            (0, {"pressure_high_bank": 5.01}, []),
            (10, {"pressure_high_bank": 5.0}, []),
            (25, None, ["H2-08a unacknowledged @25"]),
            (30, {"pressure_high_bank": 5.1}, []),
            (40, {"pressure_high_bank": 5.11}, []),
            (100, None, ["H2-08a returned-unacknowledged @100"]),
        ]
    )


def test_bank_that_falls_by_two_percent_of_its_set_value_in_a_minute_while_idle_leaks() -> None:
    idle().tell(
        [
            (0, {"bank": 80.0}, []),
            (30, {"bank": 79.0}, []),
            (50, {"bank": 78.1}, []),
            (65, None, ["H2-08b unacknowledged @65"]),
        ]
    )


@pytest.mark.parametrize("busy", [{"compressor": 1.0}, {"filling": 1.0}])
def test_bank_that_is_used_may_fall(busy: dict[str, float]) -> None:
    idle().tell([(0, {"bank": 80.0, **busy}, []), (30, {"bank": 70.0, **busy}, []), (60, {"bank": 60.0, **busy}, [])])


def test_slow_fall_is_no_leak() -> None:
    idle().tell([(60.0 * minute, {"bank": 80.0 - 1.5 * minute}, []) for minute in range(20)])


def test_bank_without_set_values_is_not_watched_by_these_rules() -> None:
    watched = Watched("gas:1", NODE, "hydrogen-station", 5.0)
    assert AlarmEngine(only("H2-07", "H2-08a"), [watched], at(0)).records() == []


def test_changed_set_value_is_another_rule_and_what_stands_stays() -> None:
    story = banks("H2-07")
    story.tell([(0, {"pressure_low_bank": 45.0}, []), (5, None, ["H2-07 unacknowledged @5"])])
    raised = Watched("gas:1", NODE, "hydrogen-station", 5.0, (SetValues("pressure_low_bank", 55.0, 2.0),))
    story.engine.rewatch([raised], at(6))
    story.tell([(10, {"pressure_low_bank": 46.0}, []), (100, {"pressure_low_bank": 46.0}, [])])
    (record,) = [one for one in story.engine.records() if one.state.stands]
    assert record.alarm == "gas:1~H2-07:pressure_low_bank"


def test_rule_with_a_set_value_takes_no_limit_and_only_percent(tmp_path: Path) -> None:
    text = HYDROGEN.read_text(encoding="utf-8")
    one = next(part for part in text.split("[[rule]]") if 'id = "H2-07"' in part)
    wrong = "[[rule]]" + one.replace('unit = "%"', 'unit = "MPa", limit = 45.0')
    (tmp_path / "wrong.toml").write_text(wrong, encoding="utf-8")
    with pytest.raises(RuleError, match="high takes no limit") as caught:
        load_rules(tmp_path / "wrong.toml")
    assert "with set, deadband and by are in" in str(caught.value)
