"""Plan files: what is shipped, and what is refused."""

import json
from pathlib import Path

import pytest

from operations.checks import check_plan
from operations.errors import PlanError
from operations.plan import Plan
from operations.plan_files import load_plan, load_plans, shipped_plans

HERE = Path(__file__).parent
CASES = sorted(case.name for case in (HERE / "refused").iterdir())

# The plan table of the project's safety rules: id, actors, after, start, done, OUT, sensor condition, else, mark.
DONGKENG = [
    ("P00", "property-desk", "", None, 3, False, "", True, "P"),
    ("S01", "contractor", "", None, None, False, "advisory", False, "S"),
    ("P02", "contractor", "S01", None, 2, False, "", True, "P"),
    ("S02", "property-desk", "P00", None, 1, False, "", True, "S"),
    ("S3a1", "property-desk", "S02", None, 3, False, "", True, "S"),
    ("S3a2", "property-desk", "S02", None, 3, False, "", True, "S"),
    ("S3a3", "property-desk", "S02", None, 3, False, "", True, "S"),
    ("S3b", "wardens", "S02", 2, 15, False, "", True, "S"),
    ("P03", "property-desk", "S02", None, 3, False, "", True, "P"),
    ("P04", "property-desk", "S02", None, 5, True, "", True, "P"),
    ("S4a", "branch", "S3a1", None, 5, False, "", True, "S"),
    ("S4b", "brigade", "S3a2", None, 5, False, "", True, "S"),
    ("S4c", "gas-dispatcher", "S3a3", None, 5, False, "", True, "S"),
    ("P05", "branch", "S4a", 30, 60, False, "", True, "P"),
    ("S05", "crew", "S4c", None, 30, False, "", True, "S"),
    ("S06", "crew brigade", "S05", None, 5, True, "", True, "S"),
    ("S07", "crew property-desk", "S06", None, 10, True, "", True, "S"),
    ("P06", "crew", "S05", None, 20, False, "advisory", True, "P"),
    ("S08", "crew", "S3b S07 P06", 10, None, True, "advisory", True, "S"),
    ("P07", "crew", "S06", None, 30, False, "advisory", True, "P"),
    ("S09", "crew site-lead", "S08 P07", None, 30, False, "20.0 10.0", True, "S"),
    ("S10", "crew", "S09", None, 120, True, "20.0 10.0", True, "S"),
    ("P08", "crew", "S10", None, 30, False, "5.0 30.0", True, "P"),
    ("P09", "commander", "P08", None, 10, False, "5.0 30.0", False, "P"),
    ("P10", "crew tenants", "P09", None, 240, False, "advisory", True, "P"),
    ("S11", "official", "P09", None, 1440, False, "", False, "S"),
    ("S12", "branch official", "S11", None, 1440, False, "advisory", True, "S"),
    ("P11", "branch", "S11", None, 10080, False, "", True, "P"),
]


def condition(step):
    if step.sensor is None or step.permissive is None:
        return "" if step.sensor is None else "advisory"
    return f"{step.sensor.below} {step.sensor.for_min}"


def test_the_mall_plan_is_the_table_row_by_row():
    plan = shipped_plans()["mall-gas-leak-dongkeng"]
    rows = [
        (
            one.id, " ".join(one.by), " ".join(one.after), one.start_min, one.done_min,
            (one.id in {row[0] for row in DONGKENG if row[5]}) and one.evidence_after, condition(one),
            one.otherwise is not None, one.mark,
        )
        for one in plan.step
    ]  # fmt: skip
    assert rows == DONGKENG


def test_a_drill_says_what_live_does():
    plan = shipped_plans()["mall-gas-leak-dongkeng"]
    assert [one.id for one in plan.step if one.drill == "said"] == ["P03", "P06", "S08", "P10"]


@pytest.mark.parametrize("name", sorted(shipped_plans()))
def test_shipped_plans_say_what_nobody_verified(name):
    plan = shipped_plans()[name]
    assert [one.id for one in plan.step if one.mark == "P" and one.verified] == []
    assert [one for one in plan.permissives if one.verified] == []
    assert not all(source.verified for source in plan.source)


def test_the_restaurant_plan_goes_from_verifying_to_closing():
    plan = shipped_plans()["restaurant-gas-leak"]
    assert [(one.id, one.after) for one in plan.step] == [
        ("K01", ()),
        ("K02", ("K01",)),
        ("K03", ("K01",)),
        ("K04", ("K02",)),
        ("K05", ("K02",)),
        ("K06", ("K03", "K04", "K05")),
        ("K07", ("K06",)),
        ("K08", ("K07",)),
        ("K09", ("K08",)),
        ("K10", ("K09",)),
    ]
    assert {one.mark for one in plan.step} == {"P"}
    assert plan.steps["K01"].done_min == 3


@pytest.mark.parametrize(
    ("name", "step", "before"),
    [
        ("household-co", "C07", "C01 C02 C03 C05 C06"),
        ("household-co", "C10", "C07 C08 C09"),
        ("hydrogen-leak", "HL09", "HL01 HL02 HL03 HL04 HL05 HL06 HL07"),
        ("hydrogen-leak", "HL12", "HL09 HL10 HL11"),
        ("hydrogen-flame", "HF08", "HF01 HF02 HF03 HF04 HF05 HF06 HF07"),
        ("hydrogen-flame", "HF11", "HF08 HF09 HF10"),
        ("bin-fire", "B07", "B01 B02 B03 B04 B05 B06"),
        ("gateway-failure", "G08", "G01 G02 G03 G04 G05 G06 G07"),
    ],
)
def test_nobody_enters_or_restores_before_all_that_keeps_people_safe(name, step, before):
    assert set(before.split()) <= shipped_plans()[name].ancestors[step]


def test_where_the_station_acts_and_where_flue_gas_may_be_drawn_back_nobody_ventilates():
    """S15, S20; bins and gateways have nothing to ventilate."""
    ventilating = {name for name, plan in shipped_plans().items() if "ventilate" in {one.does for one in plan.step}}
    assert ventilating == {"mall-gas-leak-dongkeng"}


@pytest.mark.parametrize("name", sorted(shipped_plans()))
def test_a_stored_plan_reads_back_equal(name):
    plan = shipped_plans()[name]
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_plan_is_refused_with_everything_that_is_wrong(name):
    case = HERE / "refused" / name
    with pytest.raises(PlanError) as caught:
        load_plan(case / "plan.toml")
    assert str(caught.value) + "\n" == (case / "expected.txt").read_text(encoding="utf-8")


def test_the_plan_that_the_refused_ones_are_made_of_is_right():
    assert list(load_plan(HERE / "accepted.toml").steps) == ["V01", "E01", "C01", "I01", "F01", "M01", "R01"]


def test_problems_of_all_files_are_told_at_once(tmp_path):
    files = [HERE / "refused" / name / "plan.toml" for name in ("a-circle", "unknown-actor")]
    with pytest.raises(PlanError) as caught:
        load_plans(*files, tmp_path / "none.toml")
    assert len(caught.value.problems) == 3
    assert caught.value.problems[-1].startswith("none.toml: file: No such file")


def test_two_files_of_one_id_are_refused(tmp_path):
    (tmp_path / "other.toml").write_text((HERE / "accepted.toml").read_text())
    with pytest.raises(PlanError, match=r"other\.toml: plan\.id: 'small' is taken by another file; rename one"):
        load_plans(HERE / "accepted.toml", tmp_path / "other.toml")


def altered(plan, **changes):
    """The shipped mall plan with some steps' keys changed."""
    data = json.loads(plan.model_dump_json(by_alias=True))
    for step in data["step"]:
        step.update(changes.get(step["id"], {}))
    return data


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"S08": {"after": ["S3b", "S07"]}}, 'step S08: does = "ventilate" opens without a step that does "isolate"'),
        ({"S08": {"after": ["S3b", "P06"]}}, 'opens without a step that does "control-ignition"'),
        ({"S08": {"after": ["S07", "P06"]}}, 'step S08: does = "ventilate" opens without a step that does "evacuate"'),
        ({"S10": {"after": ["S08"]}}, 'step S10: does = "repair" opens without a step that does "measure"'),
        ({"P06": {"may_skip": True}}, 'step P06: may_skip: S08 does "ventilate" and needs it done'),
        ({"S06": {"after": ["S05", "P09"]}, "S3b": {"after": ["S02"]}}, "goes round"),
        ({"S4c": {"after": ["S02"]}, "S3a3": {"after": ["S4c"]}}, "step S3a3: after: comes after S4c, against"),
    ],
)
def test_the_mall_plan_in_a_dangerous_order_is_refused(changes, problem):
    plan = Plan.model_validate_json(json.dumps(altered(shipped_plans()["mall-gas-leak-dongkeng"], **changes)))
    assert problem in "\n".join(check_plan(plan))
