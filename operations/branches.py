"""Branches of a plan: which step is left out for what people answered in a step before it. Data, no expressions."""

from collections.abc import Mapping

from operations.plan import Plan, Step
from protocols.document import Text


def left_out(plan: Plan, step: Step, given: Mapping[str, str]) -> Text | None:
    """Why the step is left out, or ``None`` where it is to be done. ``given``: the evidence of the step that asked; a
    question that nobody answered leaves nothing out."""
    branch = step.only_if
    answer = given.get(branch.evidence, "") if branch else ""
    if branch is None or not answer or answer in branch.one_of:
        return None
    item = next(one for one in plan.steps[branch.step].evidence if one.id == branch.evidence)
    chosen = next((one.title for one in item.options if one.id == answer), Text(zh=answer, en=answer))
    return Text(
        zh=f"{branch.step} {item.title.zh}:{chosen.zh},不适用",
        en=f"{branch.step} {item.title.en}: {chosen.en}; not needed",
    )
