"""`gengfu plan`: what is shipped, what is wrong with a file, and the sheet for the wall."""

import json
from pathlib import Path

import pytest

from operations.plan import Plan
from operations.plan_files import SHIPPED, shipped_plans
from operations.sheet import sheet_html, sheet_text

REFUSED = Path(__file__).parent.parent / "operations" / "refused"
KITCHEN = "restaurant-gas-leak"


def test_the_shipped_plans_are_listed_with_what_opens_them(gengfu):
    said = gengfu("plan", "list")
    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines() if line[0] != " "] == list(shipped_plans())
    assert "in gateway; opened by GH-01a GH-02a GH-02b" in said.out
    rows = {one["id"]: one for one in json.loads(gengfu("plan", "list", "--json").out)}
    assert rows["household-co"]["drill_allowed"] is False
    assert rows["bin-fire"]["triggers"][0] == {"rules": ["SB-04"], "stage": "verify", "count": 1}


def test_every_mistake_of_every_file_is_told(gengfu, tmp_path):
    good = SHIPPED / f"{KITCHEN}.toml"
    bad = REFUSED / "several-at-once" / "plan.toml"
    expected = (bad.parent / "expected.txt").read_text(encoding="utf-8")
    assert gengfu("plan", "check", good) == (0, f"{good}: ok\n", "")
    assert gengfu("plan", "check", good, bad) == (1, f"{good}: ok\n", expected)
    told = json.loads(gengfu("plan", "check", bad, tmp_path / "none.toml", "--json").out)
    assert [one["ok"] for one in told] == [False, False]
    assert told[0]["problems"] == expected.splitlines()
    assert told[1]["problems"][0].startswith("none.toml: file: No such file")


def test_a_plan_is_shown_as_text_or_as_a_whole_document(gengfu):
    plan = shipped_plans()[KITCHEN]
    assert gengfu("plan", "show", KITCHEN, "--language", "en") == (0, sheet_text(plan, "en"), "")
    assert gengfu("plan", "show", SHIPPED / f"{KITCHEN}.toml").out == sheet_text(plan, "zh")
    assert Plan.model_validate_json(gengfu("plan", "show", KITCHEN, "--json").out) == plan


def test_the_sheet_is_printed_into_a_file_that_is_not_there(gengfu, tmp_path):
    out, page = tmp_path / "sheet.html", sheet_html(shipped_plans()[KITCHEN], "zh")
    assert gengfu("plan", "print", KITCHEN).out == page
    assert gengfu("plan", "print", KITCHEN, "--out", out).code == 0
    assert out.read_text(encoding="utf-8") == page
    said = gengfu("plan", "print", "bin-fire", "--out", out)
    assert (said.code, said.err) == (
        1,
        f"gengfu plan: --out {out}: is there already; give another name, or --force\n",
    )
    assert out.read_text(encoding="utf-8") == page
    assert gengfu("plan", "print", "bin-fire", "--out", out, "--force").code == 0
    assert out.read_text(encoding="utf-8") == sheet_html(shipped_plans()["bin-fire"], "zh")
    assert gengfu("plan", "print", KITCHEN, "--out", tmp_path / "no" / "sheet.html").code == 3


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["show", "nothing"], 1, "no plan 'nothing'; one of bin-fire, gateway-failure"),
        (["show", "./nothing.toml"], 1, "nothing.toml: file: No such file"),
        (["show", REFUSED / "a-circle" / "plan.toml"], 1, "after: goes round"),
        ([], 2, "required: what"),
        (["run", KITCHEN, "--area", "a"], 2, "required: --why"),
        (["print", KITCHEN, "--language", "fr"], 2, "invalid choice: 'fr'"),
        (["run", KITCHEN, "--area", "a", "--why", "b", "--url", "ftp://x"], 1, "give http://HOST:PORT"),
    ],
)
def test_what_is_wrong_has_its_exit_code(gengfu, words, code, says):
    said = gengfu("plan", *words)
    assert (said.code, said.out) == (code, "")
    assert says in said.err
