"""The shipped rules say all they must, and rules that do not are refused (tests/alarms/refused/<case>)."""

from pathlib import Path

import pytest

from alarms.errors import RuleError
from alarms.rule import AlarmRule, load_responses, load_rules
from tests.fixtures.alarm_stories import RULE_FILES, RULES

REFUSED = Path(__file__).parent / "refused"
CASES = sorted(case.name for case in REFUSED.iterdir())
RESPONSES = load_responses(next(file for file in RULE_FILES if file.name == "responses.toml"))
ACCEPTED = (REFUSED / "unknown-key/rules.toml").read_text(encoding="utf-8").replace('color = "red"\n', "")


@pytest.mark.parametrize("name", CASES)
def test_wrong_rule_is_refused_with_every_wrong_key(name: str) -> None:
    case = REFUSED / name
    with pytest.raises(RuleError) as caught:
        load_rules(case / "rules.toml")
    assert str(caught.value) + "\n" == (case / "expected.txt").read_text(encoding="utf-8")


def test_the_file_that_the_refused_ones_are_made_of_is_right(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(ACCEPTED, encoding="utf-8")
    assert list(load_rules(tmp_path / "rules.toml")) == ["XX-01"]


def test_same_id_in_two_files_and_all_other_problems_come_as_one_error(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(ACCEPTED, encoding="utf-8")
    (tmp_path / "b.toml").write_text(ACCEPTED.replace("on_delay_s = 5.0", "on_delay_s = -1.0"), encoding="utf-8")
    (tmp_path / "c.toml").write_text(ACCEPTED, encoding="utf-8")
    with pytest.raises(RuleError) as caught:
        load_rules(*sorted(tmp_path.iterdir()))
    assert [problem.partition(": ")[0] for problem in caught.value.problems] == ["b.toml", "c.toml"]
    assert caught.value.problems[1] == "c.toml: rule XX-01: the id stands twice; rename one"


def test_response_in_one_language_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "responses.toml"
    file.write_text('[response.R1]\nen = "leave"\n', encoding="utf-8")
    with pytest.raises(RuleError, match=r"responses.toml: response.R1.zh: Field required"):
        load_responses(file)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_shipped_rule_tells_cause_consequence_and_a_known_response_in_both_languages(rule: AlarmRule) -> None:
    texts = [rule.title, rule.cause, rule.consequence, *(RESPONSES[name] for name in rule.response)]
    assert len(texts) > 3
    for text in texts:
        assert any("一" <= sign <= "鿿" for sign in text.zh)
        assert text.en.isprintable()
        assert not any("一" <= sign <= "鿿" for sign in text.en)


EXPECTED = {
    # id: (limit, dead band, on s, off s, latch, priority, class), from the table of shipped rules.
    # Ours, not of the table: BV-01, CO-05, FS-01, FW-01, OD-01, PT-01, PT-02, TEST-1, WD-01.
    "HM-01": (10.0, 2.0, 0.0, 60.0, True, "critical", "life-safety"),
    "HM-02": (10.0, 2.0, 0.0, 60.0, True, "critical", "life-safety"),
    "HM-03": (None, 0.0, 900.0, 300.0, False, "medium", "diagnostic"),
    "CO-01": (50.0, 10.0, 4500.0, 600.0, True, "high", "life-safety"),
    "CO-02": (100.0, 20.0, 900.0, 600.0, True, "critical", "life-safety"),
    "CO-03": (300.0, 30.0, 60.0, 600.0, True, "critical", "life-safety"),
    "CO-04a": (24.0, 4.0, 0.0, 300.0, True, "medium", "process"),
    "CO-04b": (160.0, 20.0, 15.0, 300.0, True, "critical", "life-safety"),
    "CO-05": (None, 0.0, 0.0, 600.0, True, "critical", "life-safety"),
    "CK-01": (10.0, 2.0, 30.0, 60.0, False, "high", "process"),
    "CK-02": (25.0, 5.0, 5.0, 60.0, True, "critical", "life-safety"),
    "CK-03": (5.0, 2.0, 0.0, 120.0, False, "high", "process"),
    "CK-04": (50.0, 5.0, 0.0, 120.0, True, "critical", "life-safety"),
    "CK-05": (10.0, 2.0, 10.0, 60.0, True, "high", "process"),
    "CK-06": (25.0, 5.0, 0.0, 120.0, True, "critical", "life-safety"),
    "CK-07": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "CK-08": (10.0, 2.0, 5.0, 600.0, True, "critical", "life-safety"),
    "CK-07b": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "CK-07c": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "BL-01b": (5.0, 0.0, 10.0, 0.0, True, "critical", "life-safety"),
    "BL-01c": (5.0, 0.0, 10.0, 0.0, True, "critical", "life-safety"),
    "BL-02b": (None, 0.0, 100.0, 60.0, False, "high", "diagnostic"),
    "BL-02c": (None, 0.0, 100.0, 60.0, False, "high", "diagnostic"),
    "BL-01": (5.0, 0.0, 10.0, 0.0, True, "critical", "life-safety"),
    "BL-02": (None, 0.0, 100.0, 60.0, False, "high", "diagnostic"),
    "BV-01": (25.0, 20.0, 120.0, 60.0, False, "medium", "diagnostic"),
    "ACT-1": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "FW-01": (None, 0.0, 60.0, 60.0, False, "low", "diagnostic"),
    "PT-01": (None, 0.0, 0.0, 0.0, False, "medium", "diagnostic"),
    "PT-02": (None, 0.0, 0.0, 0.0, False, "high", "process"),
    "TEST-1": (None, 0.0, 0.0, 0.0, False, "low", "diagnostic"),
    "GH-01a": (None, 0.0, 0.0, 60.0, False, "critical", "diagnostic"),
    "GH-01b": (None, 0.0, 0.0, 60.0, False, "high", "diagnostic"),
    "GH-02a": (None, 0.0, 30.0, 60.0, False, "critical", "diagnostic"),
    "GH-02b": (None, 0.0, 30.0, 60.0, False, "high", "diagnostic"),
    "GH-02c": (None, 0.0, 30.0, 60.0, False, "medium", "diagnostic"),
    "GH-02d": (None, 0.0, 30.0, 60.0, False, "low", "diagnostic"),
    "GH-03a": (80.0, 5.0, 60.0, 600.0, False, "high", "diagnostic"),
    "GH-03b": (None, 0.0, 60.0, 600.0, False, "high", "diagnostic"),
    "GH-03c": (None, 0.0, 60.0, 600.0, False, "high", "diagnostic"),
    "GH-04a": (60.0, 0.0, 0.0, 0.0, False, "critical", "diagnostic"),
    "GH-04b": (120.0, 0.0, 0.0, 0.0, False, "critical", "life-safety"),
    "GH-04c": (3.0, 0.0, 0.0, 0.0, False, "critical", "diagnostic"),
    "GH-05a": (1.0, 0.0, 0.0, 300.0, False, "high", "diagnostic"),
    "GH-05b": (2.0, 0.0, 0.0, 300.0, False, "medium", "diagnostic"),
    "GH-05c": (60.0, 0.0, 0.0, 300.0, False, "high", "diagnostic"),
    "GH-05d": (1.0, 0.0, 0.0, 300.0, False, "medium", "diagnostic"),
    "OD-01": (None, 0.0, 0.0, 0.0, False, "high", "life-safety"),
    "WD-01": (None, 0.0, 0.0, 0.0, False, "critical", "life-safety"),
    "FS-01": (None, 0.0, 0.0, 0.0, False, "critical", "life-safety"),
    "GW-01": (20.0, 4.0, 60.0, 600.0, True, "high", "life-safety"),
    "GW-02": (35.0, 5.0, 30.0, 1800.0, True, "critical", "life-safety"),
    "GW-03": (15.0, 0.0, 60.0, 600.0, False, "high", "process"),
    "H2-01": (0.4, 0.08, 2.0, 60.0, True, "critical", "life-safety"),
    "H2-02": (1.0, 0.1, 0.0, 120.0, True, "critical", "life-safety"),
    "H2-03": (0.4, 0.08, 2.0, 60.0, True, "critical", "life-safety"),
    "H2-04": (1.0, 0.1, 0.0, 120.0, True, "critical", "life-safety"),
    "H2-05": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "H2-06": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "H2-07": (None, 2.0, 5.0, 30.0, True, "critical", "process"),
    "H2-08a": (None, 2.0, 15.0, 60.0, False, "medium", "process"),
    "H2-08b": (None, 0.0, 15.0, 60.0, False, "high", "process"),
    "H2-09a": (87.5, 1.0, 0.0, 30.0, True, "critical", "process"),
    "H2-09b": (43.75, 1.0, 0.0, 30.0, True, "critical", "process"),
    "H2-09c": (7.0, 1.0, 5.0, 30.0, True, "critical", "process"),
    "H2-10a": (85.0, 3.0, 2.0, 30.0, True, "critical", "process"),
    "H2-10b": (-40.0, 3.0, 2.0, 30.0, True, "high", "process"),
    "H2-11a": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "H2-11b": (None, 0.0, 2.0, 0.0, True, "high", "process"),
    "HS-1": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "HS-2": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "HS-3": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "HS-4": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "HS-5": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "HS-6a": (None, 0.0, 0.0, 0.0, True, "high", "process"),
    "HS-7": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "HS-8": (None, 0.0, 0.0, 0.0, True, "high", "process"),
    "HS-9": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "SB-01": (75.0, 10.0, 0.0, 0.0, False, "low", "process"),
    "SB-02": (90.0, 10.0, 0.0, 0.0, False, "medium", "process"),
    "SB-03": (70.0, 10.0, 0.0, 1800.0, True, "critical", "life-safety"),
    "SB-04": (55.0, 0.0, 120.0, 0.0, True, "high", "life-safety"),
    "SB-05": (30.0, 5.0, 60.0, 60.0, False, "medium", "process"),
    "SB-06": (None, 0.0, 900.0, 60.0, False, "low", "process"),
    "SB-07a": (20.0, 5.0, 86400.0, 0.0, False, "low", "diagnostic"),
    "SB-07b": (10.0, 5.0, 86400.0, 0.0, False, "medium", "diagnostic"),
    "SB-08a": (None, 0.0, 0.0, 0.0, False, "medium", "diagnostic"),
    "SB-08b": (None, 0.0, 0.0, 0.0, False, "low", "diagnostic"),
    "SB-08c": (None, 0.0, 0.0, 0.0, False, "low", "diagnostic"),
}


def test_no_rule_is_shipped_whose_figures_nobody_compared() -> None:
    assert set(RULES) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_shipped_rule_has_the_figures_of_the_table(name: str) -> None:
    rule = RULES[name]
    first = rule.any[0]
    figures = (first.limit, first.deadband, rule.on_delay_s, rule.off_delay_s, rule.latch, rule.priority)
    assert (*figures, rule.alarm_class) == EXPECTED[name]
