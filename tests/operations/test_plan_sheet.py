"""The printed sheet of a plan."""

import re

import pytest

from operations.plan_files import shipped_plans
from operations.sheet import sheet_html, sheet_text

PLANS = shipped_plans()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", sorted(PLANS))
def test_every_step_stands_on_both_sheets_in_order(name, language):
    plan = PLANS[name]
    text, page = sheet_text(plan, language), sheet_html(plan, language)
    assert re.findall(r"^\[ \] (\w+)  ", text, re.MULTILINE) == list(plan.steps)
    assert re.findall(r"<tr><td>(\w+)</td>", page) == list(plan.steps)
    for step in plan.step:
        assert getattr(step.title, language) in text


def test_the_sheet_says_what_is_unverified_and_who_releases():
    text = sheet_text(PLANS["mall-gas-leak-dongkeng"], "en")
    block = text[text.index("[ ] S09") : text.index("[ ] S10")]
    assert "below 20 %LEL for 10 min; released by the site lead* [released by: Gas company's site lead]" in block
    assert "      Mark: S\n" in block
    assert "      Mark: P*\n" in text
    assert "by word 30, in writing 60" in text
    assert "(written down outside the cordon)" in block
    assert "This is not a certified safety system." in text


def test_the_sheet_tells_whom_to_phone_how_wide_to_close_off_and_what_depends_on_an_answer():
    text = sheet_text(PLANS["household-co"], "en")
    assert "Phones: Ambulance 120  Fire brigade 119  Gas company, emergency ____________" in text
    assert "household-co · version 1 · never played as a drill" in text
    block = text[text.index("[ ] C05") : text.index("[ ] C06")]
    assert "      After: C02 (only if C02 Anybody still inside: Yes, Not known)\n" in block
    assert "Checked: □Burners and water heaters □Flue open, no back-draught" in text
    mall = sheet_html(PLANS["mall-gas-leak-dongkeng"], "zh")
    assert "<p>区域:警戒区(起始,以现场为准) 100米*</p>" in mall


def test_the_english_sheet_has_no_chinese_in_it():
    for plan in PLANS.values():
        assert [one for one in sheet_html(plan, "en") if "\u4e00" <= one <= "\u9fff"] == []


def test_markup_in_a_plan_is_text_on_the_page():
    plan = PLANS["restaurant-gas-leak"]
    bad = '<script>alert("1")</script>&'
    step = plan.step[0].model_copy(update={"title": plan.step[0].title.model_copy(update={"en": bad})})
    head = plan.plan.model_copy(update={"title": plan.plan.title.model_copy(update={"en": bad})})
    page = sheet_html(plan.model_copy(update={"step": (step, *plan.step[1:]), "plan": head}), "en")
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;") == 3
