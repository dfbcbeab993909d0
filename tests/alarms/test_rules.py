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
    # id: (limit, dead band, on s, off s, latch, priority, class), from the table of shipped rules; FW-01 is ours
    "CK-01": (10.0, 2.0, 30.0, 60.0, False, "high", "process"),
    "CK-02": (25.0, 5.0, 5.0, 60.0, True, "critical", "life-safety"),
    "CK-04": (50.0, 5.0, 0.0, 120.0, True, "critical", "life-safety"),
    "CK-05": (10.0, 2.0, 10.0, 60.0, True, "high", "process"),
    "CK-06": (25.0, 5.0, 0.0, 120.0, True, "critical", "life-safety"),
    "CK-07": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "BL-01": (5.0, 0.0, 10.0, 0.0, True, "critical", "life-safety"),
    "BL-02": (None, 0.0, 100.0, 60.0, False, "high", "diagnostic"),
    "ACT-1": (None, 0.0, 0.0, 0.0, True, "critical", "life-safety"),
    "FW-01": (None, 0.0, 60.0, 60.0, False, "low", "diagnostic"),
    "SB-02": (90.0, 10.0, 0.0, 0.0, False, "medium", "process"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_shipped_rule_has_the_figures_of_the_table(name: str) -> None:
    rule = RULES[name]
    first = rule.any[0]
    figures = (first.limit, first.deadband, rule.on_delay_s, rule.off_delay_s, rule.latch, rule.priority)
    assert (*figures, rule.alarm_class) == EXPECTED[name]
